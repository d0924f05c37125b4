"""Fitting a column of numbers: its decimals, the unit of its values, its atoms, and the knots of its quantiles."""

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

STEPS = 32
"""Grid points for one unit of the quantile. All knots lie on this grid, so that decoding needs no search."""
LIMIT = 112
"""The largest quantile, 3.5, in grid points."""
LARGEST_INTEGER = 2**53
"""Up to this, float64 holds every integer."""
MIN_ATOM_SHARE = 0.1
"""Smallest share of the rows that an atom among many values has."""
MIN_ATOM_ROWS = 5  # of an atom among many values, however few rows there are
MIN_ATOM_RATIO = 3
"""Smallest ratio of the rows of an atom to those of the most frequent value that is too rare for an atom."""
MAX_FEW = 10
"""Up to this many distinct values are all atoms, if each has ten rows on average."""
MAX_DECIMALS = 6  # of a rounded number; with more, numbers are not rounded
SUM_ERROR = 1e-12
"""Largest error that sums leave beyond the decimals of a number, as a share of the number."""
MAX_ERROR_OF_STEP = 1e-3
"""Largest such error in steps of the last decimal."""
MAX_ERROR_OF_RANGE = 1e-6
"""Largest such error as a share of the range of all numbers."""
MIN_MULTIPLES = 5
"""Distinct multiples of a factor: one set of five random integers in thirty has a common factor."""

# Probabilities of the grid points, and halfway between them.
_POINTS = np.array([NormalDist().cdf(point / STEPS) for point in range(-LIMIT, LIMIT + 1)])
_EDGES = np.array([NormalDist().cdf((point + 0.5) / STEPS) for point in range(-LIMIT, LIMIT)])


def count_decimals(numbers: NDArray[np.float64], dtype: str = "float64") -> int | None:
    """Return the number of decimals, up to 6, that all numbers have but for the errors of a few sums; None if more."""
    finite = numbers[np.isfinite(numbers)]
    own = finite.astype(dtype)
    largest = np.abs(finite).max(initial=0.0)
    for decimals in range(MAX_DECIMALS + 1):
        scale = 10.0**decimals
        if largest * scale >= 2**51:  # Float64 has no halves here, so that nothing could be rounded.
            return None
        steps = finite * scale
        whole = np.rint(steps)
        most = min(MAX_ERROR_OF_STEP, MAX_ERROR_OF_RANGE * (np.ptp(steps) if steps.size else 0.0))
        close = np.abs(steps - whole) <= np.minimum(SUM_ERROR * np.abs(steps), most)
        if close.all() or np.array_equal((whole / scale).astype(dtype), own):
            return decimals
    return None


def common_factor(steps: NDArray[np.float64]) -> int:
    """Return the greatest common factor of whole numbers; 1 if they are too few to tell."""
    sizes = np.unique(np.abs(steps[steps != 0]))
    if len(sizes) < MIN_MULTIPLES or sizes[-1] > LARGEST_INTEGER:
        return 1
    return int(np.gcd.reduce(sizes.astype(np.int64)))


def find_atoms(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which distinct values are atoms, by their numbers of rows: all of few values, else spikes among many.

    The mode of a count or a rating is no spike: a spike stands out from the other values.
    """
    rows, distinct = counts.sum(), len(counts)
    if distinct <= 2 or (distinct <= MAX_FEW and rows >= 10 * distinct):
        return np.ones(distinct, dtype=np.bool_)
    heavy: NDArray[np.bool_] = counts >= max(MIN_ATOM_SHARE * rows, MIN_ATOM_ROWS)
    if np.count_nonzero(~heavy) <= MAX_FEW:
        return np.zeros(distinct, dtype=np.bool_)
    spikes: NDArray[np.bool_] = heavy & (counts >= MIN_ATOM_RATIO * counts[~heavy].max())
    return spikes


def find_knots(values: NDArray[np.float64], counts: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the values and the quantiles of the knots: for each grid point with rows, the middle one of their values.

    The row of rank r among n has the probability (r + 1/2) / n. A value has the grid points between its first and its
    last row, or, if there are none, the one nearest to its middle. `values` (K,) are distinct and sorted, `counts` (K,)
    are their numbers of rows.
    """
    if not len(values):
        return values, np.zeros(0, dtype=np.int64)
    rows, ends = counts.sum(), np.cumsum(counts)
    first = np.searchsorted(_POINTS, (ends - counts + 0.5) / rows, side="left")
    last = np.searchsorted(_POINTS, (ends - 0.5) / rows, side="right") - 1
    nearest = np.searchsorted(_EDGES, (ends - counts / 2) / rows)
    points = np.concatenate([np.where(first <= last, end, nearest) for end in (first, last)]) - LIMIT

    repeated = np.concatenate([values, values])
    order = np.lexsort((repeated, points))
    quantiles, starts = np.unique(points[order], return_index=True)
    middles = (starts + np.append(starts[1:], len(order)) - 1) // 2
    knots = repeated[order][middles]
    knots[0], knots[-1] = values[0], values[-1]
    return knots, quantiles
