"""Distances with their floor."""

import numpy as np

from ganaug.evaluation.metrics.floor import floored
from ganaug.evaluation.metrics.kernel import kernel_distance


def test_few_rows_have_no_distance() -> None:
    assert np.isnan(floored(kernel_distance, np.zeros((3, 2)), np.zeros((9, 2))).value)


def test_the_floor_lies_between_the_same_and_another_distribution() -> None:
    real, fake = np.random.default_rng(0).normal(size=(2, 100, 3))
    same = floored(kernel_distance, real, fake)
    assert same.value < same.floor < floored(kernel_distance, real, fake + 2).value
