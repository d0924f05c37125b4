"""Estimates and their intervals."""

import numpy as np
import pytest

from ganaug.evaluation.statistics import (
    area,
    corrected_error,
    corrected_estimate,
    known,
    largest_t,
    row_errors,
    share_estimate,
    simultaneous_intervals,
)


def test_splits_that_agree_to_the_last_digit_are_still_not_certain() -> None:
    """Three splits, each better by the same one row of ten: no variance, and no certainty either."""
    estimate = corrected_estimate([0.05, 0.05, 0.05], 0.5, chosen_low=4, resolution=1 / 20)
    assert estimate.low is not None
    assert estimate.low < 0 < estimate.high  # type: ignore[operator]


def test_an_interval_is_wider_after_a_choice_among_many() -> None:
    values = [0.02, 0.05, 0.03, 0.04, 0.05]
    one, chosen = corrected_estimate(values, 0.25), corrected_estimate(values, 0.25, chosen_low=40)
    assert one.mean == pytest.approx(0.038)
    assert chosen.low < 0 < one.low  # type: ignore[operator]
    assert chosen.high == one.high


def test_the_largest_of_independent_t_statistics_is_larger_than_that_of_equal_ones() -> None:
    one, other = np.random.default_rng(0).normal(size=(2, 10, 1))
    alone, twice, two = (largest_t(np.hstack(many), 9, 0.1) for many in ([one], [one, one], [one, other]))
    assert (round(alone, 1), round(twice, 1)) == (1.4, 1.4)
    assert two > 1.2 * alone


def test_errors_and_shares_are_those_of_the_papers() -> None:
    assert round(corrected_error(np.array([0.0, 0.1, 0.2, 0.1]), 0.25), 4) == 0.0577
    errors = row_errors(np.array([1.0, 0.0, 1.0, 0.0, 1.0]), np.array([0, 0, 0, 0, 1]), 2)
    assert errors.round(3).tolist() == [0.289, 0.0]
    assert area(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])).value == 0.75
    share = share_estimate(0, 100)
    assert (share.mean, share.low, round(share.high or 0.0, 3)) == (0.0, 0.0, 0.037)


def test_json_gets_no_nan() -> None:
    assert (known(float("nan")), known(0.12345678)) == (None, 0.123457)


def test_the_best_of_several_candidates_is_no_more_certain_for_being_the_best() -> None:
    """Candidates that are all worthless, on images of two common and two rare classes."""
    labels, above = np.repeat([0, 1, 2, 3], [40, 30, 6, 3]), 0
    for seed in range(100):
        values = np.random.default_rng(seed).normal(size=(len(labels), 6))
        found = simultaneous_intervals(values, labels, np.zeros(6), 8)
        above += max(one.low for one in found) > 0
        assert all(one.low < one.mean < one.high for one in found)
    assert above <= 5
    better = simultaneous_intervals(values + 1.5, labels, np.zeros(6), 8)
    assert min(one.low for one in better) > 0
    assert simultaneous_intervals(values + 1.5, labels, np.full(6, 4.0), 8)[0].low < 0  # other causes count too
