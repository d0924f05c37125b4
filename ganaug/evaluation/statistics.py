"""Estimates with their intervals: of differences over splits, of areas under a curve, of shares."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ganaug.evaluation.selection import corrected_error

__all__ = ["Auc", "Estimate", "area", "corrected_estimate", "pooled_areas", "row_errors", "share_estimate"]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval; None where there is none.

    Attributes
    ----------
    mean, low, high : float or None
    """

    mean: float | None = None
    low: float | None = None
    high: float | None = None

    def to_dict(self) -> dict[str, float | None]:
        """Return it as plain JSON."""
        return {"mean": known(self.mean), "low": known(self.low), "high": known(self.high)}


def known(value: float | None, digits: int = 6) -> float | None:
    """Return a finite number, rounded, or None: JSON has no NaN.

    Examples
    --------
    >>> known(float("nan")), known(0.12345678)
    (None, 0.123457)
    """
    return None if value is None or not math.isfinite(value) else round(float(value), digits)


def corrected_estimate(
    values: Sequence[float] | NDArray[np.float64],
    test_per_train: float,
    *,
    chosen_low: int = 1,
    chosen_high: int = 1,
    resolution: float = 0.0,
    row_error: float = 0.0,
) -> Estimate:
    """Return the mean over cross-validation splits with Nadeau and Bengio's interval.

    Parameters
    ----------
    values : sequence of float
        One for each split; those that are NaN are left out.
    test_per_train : float
        Number of test rows for each training row: training sets overlap, and the interval allows for it.
    chosen_low, chosen_high : int
        Of how many candidates the one with the largest mean was chosen, which raises what luck alone reaches: the lower
        limit is Bonferroni's for so many. `chosen_high` is the same for the upper limit, where what is subtracted was
        chosen among several.
    resolution : float
        How much one test row moves the mean. The standard error is never less than half of it: splits that agree to the
        last digit are too few or too coarse, and not free of noise.
    row_error : float
        The part of the standard error that the values cannot show, all splits being tested on the same rows.

    Returns
    -------
    Estimate
        Without limits where there are fewer than two values.

    References
    ----------
    C. Nadeau, Y. Bengio: Inference for the generalization error. Machine Learning 52, 2003.

    Examples
    --------
    >>> one = corrected_estimate([0.02, 0.05, 0.03, 0.04, 0.05], 0.25)
    >>> round(one.mean, 3), one.low > 0
    (0.038, True)
    >>> corrected_estimate([0.02, 0.05, 0.03, 0.04, 0.05], 0.25, chosen_low=40).low < 0
    True
    """
    array = np.asarray(values, dtype=np.float64)
    array = array[~np.isnan(array)]
    if not len(array):
        return Estimate()
    mean = float(array.mean())
    if len(array) < 2:
        return Estimate(mean)
    error = max(math.hypot(corrected_error(array, test_per_train), row_error), resolution / 2)
    low, high = (
        error * float(stats.t.ppf(1 - (1 - CONFIDENCE) / (2 * chosen), len(array) - 1))
        for chosen in (chosen_low, chosen_high)
    )
    return Estimate(mean, mean - low, mean + high)


def row_errors(values: NDArray[np.float64], labels: NDArray[np.int64], n_classes: int) -> NDArray[np.float64]:
    """Return by class the standard error of the mean over its rows, (n_classes,): 0 where it has no two of them.

    Examples
    --------
    >>> row_errors(np.array([1.0, 0.0, 1.0, 0.0, 1.0]), np.array([0, 0, 0, 0, 1]), 2).round(3).tolist()
    [0.289, 0.0]
    """
    rows = [values[labels == value] for value in range(n_classes)]
    return np.array([one.std(ddof=1) / math.sqrt(len(one)) if len(one) > 1 else 0.0 for one in rows])


@dataclass(frozen=True)
class Auc:
    """An area under the ROC curve and its standard error."""

    value: float
    error: float

    def estimate(self) -> Estimate:
        """Return it with its normal interval, within 0 and 1."""
        half = float(stats.norm.ppf((1 + CONFIDENCE) / 2)) * self.error
        return Estimate(self.value, max(0.0, self.value - half), min(1.0, self.value + half))


def area(scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> Auc:
    """Return the area under the ROC curve with DeLong's standard error.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Larger for what should be positive.
    positive : ndarray of bool, shape (n,)
        What is.

    References
    ----------
    E. DeLong, D. DeLong, D. Clarke-Pearson: Comparing the areas under two or more correlated receiver operating
    characteristic curves. Biometrics 44, 1988.

    Examples
    --------
    >>> auc = area(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
    >>> auc.value
    0.75
    """
    ours, others = np.sort(scores[positive]), np.sort(scores[~positive])
    if not len(ours) or not len(others):
        return Auc(math.nan, math.nan)
    won = (np.searchsorted(others, ours, "left") + np.searchsorted(others, ours, "right")) / (2 * len(others))
    lost = (np.searchsorted(ours, others, "left") + np.searchsorted(ours, others, "right")) / (2 * len(ours))
    variance = sum(float(part.var(ddof=1)) / len(part) for part in (won, lost) if len(part) > 1)
    # Areas of exactly 0 or 1 have no variance of their own; one more pair could still have changed them.
    return Auc(float(won.mean()), math.sqrt(max(variance, 0.25 / (len(ours) * len(others)))))


def pooled_areas(areas: Sequence[Auc]) -> Auc:
    """Return the mean of areas over different rows; its error is the larger of what they say and how they differ."""
    known_areas = [auc for auc in areas if math.isfinite(auc.value)]
    if not known_areas:
        return Auc(math.nan, math.nan)
    values = np.array([auc.value for auc in known_areas])
    own = math.sqrt(sum(auc.error**2 for auc in known_areas)) / len(values)
    between = float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return Auc(float(values.mean()), max(own, between))


def share_estimate(count: int, total: int) -> Estimate:
    """Return a share with Wilson's interval.

    Examples
    --------
    >>> one = share_estimate(0, 100)
    >>> one.mean, one.low, round(one.high, 3)
    (0.0, 0.0, 0.037)
    """
    if not total:
        return Estimate()
    interval = stats.binomtest(count, total).proportion_ci(CONFIDENCE, "wilson")
    return Estimate(count / total, float(interval.low), float(interval.high))
