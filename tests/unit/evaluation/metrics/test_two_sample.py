"""The classifier two-sample test."""

import numpy as np
import pytest

from ganaug.evaluation.metrics.two_sample import two_sample_auc


@pytest.mark.slow
def test_the_two_sample_interval_holds_its_promise() -> None:
    """Of tests on two samples of one distribution, nearly all intervals hold one half."""
    hits = 0
    for seed in range(6):
        one, other = np.random.default_rng(seed).normal(size=(2, 60, 4))
        estimate = two_sample_auc(one, other, seed=seed).estimate()
        hits += estimate.low <= 0.5 <= estimate.high  # type: ignore[operator]
    assert hits >= 5


def test_few_rows_have_no_area() -> None:
    assert np.isnan(two_sample_auc(np.zeros((3, 2)), np.zeros((9, 2))).value)


def test_two_distributions_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    assert two_sample_auc(rng.normal(size=(100, 3)), rng.normal(3, 1, size=(100, 3))).value > 0.95
