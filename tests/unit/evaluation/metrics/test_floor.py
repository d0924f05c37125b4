"""Distances with their floor."""

import numpy as np

from ganaug.evaluation.metrics.floor import floored
from ganaug.evaluation.metrics.kernel import kernel_distance


def test_few_rows_have_no_distance() -> None:
    assert np.isnan(floored(kernel_distance, np.zeros((3, 2)), np.zeros((9, 2))).value)
