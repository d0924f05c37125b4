"""The Frechet distance."""

import numpy as np
import pytest

from ganaug.evaluation.metrics.frechet import frechet_distance
from tests.unit.evaluation.judging import FlatImages, random_images


def test_the_frechet_distance_has_closed_forms_to_agree_with() -> None:
    wide, narrow = np.random.default_rng(0).normal(size=(2, 4000, 3))
    assert frechet_distance(2 * wide, narrow) == pytest.approx(3.0, rel=0.1)  # d * (2 - 1) ** 2
    many = np.random.default_rng(0).normal(size=(20, 50))  # fewer rows than columns
    assert frechet_distance(many, many + 1) == pytest.approx(50.0)


def test_the_frechet_distance_agrees_with_torchmetrics() -> None:
    pytest.importorskip("torchmetrics")
    import torch
    from torchmetrics.image.fid import FrechetInceptionDistance

    one, other = random_images()
    frechet = FrechetInceptionDistance(feature=FlatImages(), normalize=False, input_img_size=(3, 2, 2))
    frechet.set_dtype(torch.float64)
    frechet.update(torch.from_numpy(one), real=True)
    frechet.update(torch.from_numpy(other), real=False)
    flat = [side.reshape(40, -1) / 255.0 for side in (one, other)]
    assert frechet_distance(*flat) == pytest.approx(float(frechet.compute()), rel=1e-3)


def test_the_frechet_distance_of_a_set_to_itself_is_zero() -> None:
    points = np.random.default_rng(0).normal(size=(50, 4))
    assert abs(frechet_distance(points, points)) < 1e-9
    assert frechet_distance(points, points + 1) == pytest.approx(4.0, abs=1e-6)
