"""The Inception Score."""

import numpy as np
import pytest

from ganaug.evaluation.metrics.inception import inception_score
from tests.unit.evaluation.judging import random_images


def test_the_inception_score_agrees_with_torchmetrics() -> None:
    pytest.importorskip("torchmetrics")
    import torch
    from torchmetrics.image.inception import InceptionScore

    class Softened(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.flatten(1).float() / 32

    one, _ = random_images()
    score = InceptionScore(feature=Softened(), splits=1)
    score.update(torch.from_numpy(one))
    probabilities = torch.from_numpy(one).flatten(1).float().div(32).softmax(dim=1).numpy()
    assert inception_score(probabilities) == pytest.approx(float(score.compute()[0]), rel=1e-4)


def test_the_inception_score_is_from_one_to_the_number_of_classes() -> None:
    assert inception_score(np.eye(4)) == pytest.approx(4.0, abs=1e-3)
    assert inception_score(np.full((9, 4), 0.25)) == pytest.approx(1.0, abs=1e-3)
