"""The kernel distance."""

import numpy as np
import pytest

from ganaug.evaluation.metrics.kernel import kernel_distance
from tests.unit.evaluation.judging import FlatImages, random_images


def test_the_kernel_distance_agrees_with_torchmetrics() -> None:
    pytest.importorskip("torchmetrics")
    import torch
    from torchmetrics.image.kid import KernelInceptionDistance

    one, other = random_images()
    kernel = KernelInceptionDistance(feature=FlatImages(), subsets=1, subset_size=40)
    kernel.update(torch.from_numpy(one), real=True)
    kernel.update(torch.from_numpy(other), real=False)
    flat = [side.reshape(40, -1) / 255.0 for side in (one, other)]
    assert kernel_distance(*flat) == pytest.approx(float(kernel.compute()[0]), rel=1e-3)


def test_the_kernel_distance_of_one_distribution_is_nearly_zero() -> None:
    rng = np.random.default_rng(0)
    near, far = rng.normal(size=(2, 200, 4)), rng.normal(2, 1, size=(200, 4))
    assert abs(kernel_distance(*near)) < 0.1 < kernel_distance(near[0], far)
