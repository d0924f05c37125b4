"""Estimates and their intervals."""

from ganaug.evaluation.statistics import corrected_estimate


def test_splits_that_agree_to_the_last_digit_are_still_not_certain() -> None:
    """Three splits, each better by the same one row of ten: no variance, and no certainty either."""
    estimate = corrected_estimate([0.05, 0.05, 0.05], 0.5, chosen_low=4, resolution=1 / 20)
    assert estimate.low is not None
    assert estimate.low < 0 < estimate.high  # type: ignore[operator]
