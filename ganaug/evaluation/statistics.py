"""Estimates with their intervals: of differences over splits, of areas under a curve, of shares."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

CONFIDENCE = 0.95
"""Confidence level of every interval."""
DRAWS = 20_000
"""Random draws from which `largest_t` takes its quantile."""


@dataclass(frozen=True)
class Estimate:
    """A mean and the limits of its 95 % interval; None stands for an unknown value."""

    mean: float | None = None
    low: float | None = None
    high: float | None = None

    def to_dict(self) -> dict[str, float | None]:
        """Return the estimate as plain JSON."""
        return {"mean": known(self.mean), "low": known(self.low), "high": known(self.high)}


def known(value: float | None, digits: int = 6) -> float | None:
    """Return a finite number, rounded; None for any other value, because JSON has no NaN."""
    return None if value is None or not math.isfinite(value) else round(float(value), digits)


def corrected_error(differences: NDArray[np.float64], test_per_train: float) -> float:
    """Return the standard error of a mean of differences (n_splits,) over splits whose training rows overlap.

    `test_per_train` is the number of test rows per training row. The correction is that of C. Nadeau, Y. Bengio:
    Inference for the generalization error. Machine Learning 52, 2003.
    """
    return float(np.sqrt((1 / len(differences) + test_per_train) * np.var(differences, ddof=1)))


def largest_t(differences: NDArray[np.float64], freedom: int, significance: float) -> float:
    """Return the value that the largest of several correlated t statistics exceeds with probability `significance`.

    They have `freedom` degrees of freedom, and are correlated as the columns of `differences` (n_splits, n_arms) are.
    """
    random = np.random.default_rng(0)
    centred = differences - differences.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    directions = centred / np.where(length > 0, length, 1)  # (n_splits, n_arms)
    normal = random.standard_normal((DRAWS, len(differences))) @ directions  # (draws, n_arms)
    student = normal / np.sqrt(random.chisquare(freedom, (DRAWS, 1)) / freedom)
    return float(np.quantile(student.max(axis=1), 1 - significance))


def corrected_estimate(
    values: Sequence[float] | NDArray[np.float64],
    test_per_train: float,
    *,
    chosen_low: int = 1,
    chosen_high: int = 1,
    resolution: float = 0.0,
    row_error: float = 0.0,
) -> Estimate:
    """Return the mean over cross-validation splits with the interval of Nadeau and Bengio; see `corrected_error`.

    NaN is left out, and fewer than two values give no limits.

    The minuend was chosen among `chosen_low` candidates for its largest mean, and the subtrahend among `chosen_high`.
    The choice alone moves the mean, so the lower limit is corrected by Bonferroni for the first number, and the upper
    limit for the second.

    One test row moves the mean by `resolution`. The standard error is at least half of it: values that agree exactly
    come from few or coarse splits, and still contain noise. `row_error` is a further part of the standard error, for
    splits that are all tested on the same rows: the values do not show that part.
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
    """Return for each class the standard error of the mean over its rows, (n_classes,); 0 for fewer than two rows."""
    rows = [values[labels == value] for value in range(n_classes)]
    return np.array([one.std(ddof=1) / math.sqrt(len(one)) if len(one) > 1 else 0.0 for one in rows])


class Interval(NamedTuple):
    """A mean and the limits of its 95 % interval."""

    mean: float
    low: float
    high: float

    def times(self, factor: float) -> "Interval":
        """Return the interval in another unit."""
        return Interval(*(factor * value for value in self))


def simultaneous_intervals(
    values: NDArray[np.float64], labels: NDArray[np.int64], variance: NDArray[np.float64], freedom: int
) -> list[Interval]:
    """Return for each candidate the mean over classes of the mean over rows, with intervals that hold for all at once.

    So the interval of the best candidate allows for the choice. `values` (n, n_candidates) are paired differences by
    row, and `labels` (n,) the classes of the rows. A class of one row is left out. `variance` (n_candidates,) is that
    of other causes than the choice of rows, estimated with `freedom` degrees of freedom.
    """
    tested = [values[labels == value] for value in np.unique(labels)]
    tested = [rows for rows in tested if len(rows) > 1]
    n_classes, means = len(tested), np.mean([rows.mean(axis=0) for rows in tested], axis=0)
    parts = [rows.var(axis=0, ddof=1) / len(rows) / n_classes**2 for rows in tested]
    total = np.maximum(sum(parts) + variance, 1e-300)
    # Satterthwaite's degrees of freedom of a sum of variances, the fewest of all candidates.
    squares = sum(part**2 / (len(rows) - 1) for part, rows in zip(parts, tested, strict=True)) + variance**2 / freedom
    effective = max(1, int(np.min(total**2 / np.maximum(squares, 1e-300))))
    # The share of each row in the deviation of the mean: candidates are correlated as these are.
    shares = [(rows - rows.mean(axis=0)) / math.sqrt(len(rows) * (len(rows) - 1)) for rows in tested]
    critical = largest_t(np.concatenate(shares), effective, (1 - CONFIDENCE) / 2)
    errors = critical * np.sqrt(total)
    return [Interval(float(m), float(m - e), float(m + e)) for m, e in zip(means, errors, strict=True)]


@dataclass(frozen=True)
class Auc:
    """An area under the ROC curve and its standard error."""

    value: float
    error: float

    def estimate(self) -> Estimate:
        """Return the area with its normal interval, cut off at 0 and 1."""
        half = float(stats.norm.ppf((1 + CONFIDENCE) / 2)) * self.error
        return Estimate(self.value, max(0.0, self.value - half), min(1.0, self.value + half))


def area(scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> Auc:
    """Return the area under the ROC curve of scores (n,), larger for positive items, with DeLong's standard error.

    E. DeLong, D. DeLong, D. Clarke-Pearson: Comparing the areas under two or more correlated receiver operating
    characteristic curves. Biometrics 44, 1988.
    """
    ours, others = np.sort(scores[positive]), np.sort(scores[~positive])
    if not len(ours) or not len(others):
        return Auc(math.nan, math.nan)
    won = (np.searchsorted(others, ours, "left") + np.searchsorted(others, ours, "right")) / (2 * len(others))
    lost = (np.searchsorted(ours, others, "left") + np.searchsorted(ours, others, "right")) / (2 * len(ours))
    variance = sum(float(part.var(ddof=1)) / len(part) for part in (won, lost) if len(part) > 1)
    # An area of exactly 0 or 1 has no variance, although one more pair could change it.
    return Auc(float(won.mean()), math.sqrt(max(variance, 0.25 / (len(ours) * len(others)))))


def pooled_areas(areas: Sequence[Auc]) -> Auc:
    """Return the mean of areas over different rows.

    Its error is the larger of two: that which follows from the errors of the areas, and that which follows from their
    spread.
    """
    known_areas = [auc for auc in areas if math.isfinite(auc.value)]
    if not known_areas:
        return Auc(math.nan, math.nan)
    values = np.array([auc.value for auc in known_areas])
    own = math.sqrt(sum(auc.error**2 for auc in known_areas)) / len(values)
    between = float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return Auc(float(values.mean()), max(own, between))


def share_estimate(count: int, total: int) -> Estimate:
    """Return the share of `count` in `total` with Wilson's interval."""
    if not total:
        return Estimate()
    interval = stats.binomtest(count, total).proportion_ci(CONFIDENCE, "wilson")
    return Estimate(count / total, float(interval.low), float(interval.high))
