"""Orders: pairs of columns of numbers of which one never exceeds the other, such as admission and discharge.

`ordered_differences` encodes and decodes what is detected here.
"""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.constraints.surprisal import min_surprisal
from ganaug.data.tables.datetimes import DatetimeDtype, period_ordinal
from ganaug.data.tables.numeric import NumericColumn

Array = NDArray[np.float64]

MAX_COMPARED = 1_000
"""Columns of one kind that are compared."""
ROWS_COMPARED = 256
"""Rows for a first look at all pairs."""
MIN_CORRELATION = 0.3
"""Rank correlation of a pair: columns of unrelated quantities may be in order by their units alone."""
MAX_PARTNERS = 40
"""A column in order with more others, as in a table of rising curves, is left out: decoding would take too long."""
MAX_PAIRS = 1_000
"""In a table with more pairs in order, none is enforced, for the same reason."""


def detect_orders(columns: Sequence[NumericColumn], values: Array) -> tuple[tuple[int, int], ...]:
    """Find pairs of positively correlated columns of which the first never exceeds the second, beyond chance.

    `values` (n, N) are those of the columns: datetimes as seconds since each column's own origin, NaN where missing.
    Three columns in order make three pairs. Pairs with a lesser second column come first.
    """
    found: list[tuple[int, int]] = []
    enough = min_surprisal(len(columns))
    scales = [scale_of(column) for column in columns]
    for scale in sorted(set(scales)):
        own = [place for place, other in enumerate(scales) if other == scale][:MAX_COMPARED]
        shifts = [origin_shift(columns[place], columns[own[0]]) for place in own]
        ordered = _ordered(values[:, own] + shifts, enough)
        rank = np.argsort(ordered.sum(axis=0), kind="stable").tolist()  # by the number of lesser columns
        found += [(own[low], own[high]) for high in rank for low in rank if ordered[low, high]]
    return tuple(found)


def scale_of(column: NumericColumn) -> str:
    """Return the same text for columns that can be compared, such as numbers, or datetimes of one time zone."""
    if column.kind == "datetime":
        return f"dates {DatetimeDtype.parse(column.dtype).zone or ''}"
    return {"duration": "durations", "period": column.dtype}.get(column.kind, "numbers")


def origin_shift(column: NumericColumn, other: NumericColumn) -> float:
    """Return what must be added to a column's values for them to count from another column's origin."""
    return float(origin_of(column) - origin_of(other))


def seconds_since_1970(column: NumericColumn) -> float:
    """Return what must be added to a column's values for datetimes and periods to count from 1970; 0 for numbers."""
    return float(origin_of(column))


def origin_of(column: NumericColumn) -> Fraction:
    """Return the seconds, or periods, from 1970 to the origin of a column; 0 for numbers."""
    if column.kind == "period":
        return Fraction(period_ordinal(column.origin))
    if column.kind != "datetime":
        return Fraction(0)
    dtype = DatetimeDtype.parse(column.dtype)
    return Fraction(dtype.count(column.origin), dtype.per_second)


def _ordered(values: Array, enough: float) -> NDArray[np.bool_]:
    """Return a matrix (lesser, greater) of the columns (n, N) that are in order and whose ranges overlap.

    The surprisal of each order, or of two orders that it follows from, is at least `enough`.
    """
    n, width = values.shape
    some = values[:: max(1, n // ROWS_COMPARED)]  # Most pairs are in no order even in a few rows.
    least, greatest = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
    overlap = greatest[:, None] > least
    maybe = overlap & ~np.eye(width, dtype=np.bool_)
    for low in range(width):
        maybe[low] &= ~(some[:, [low]] > some).any(axis=0)
    few_partners = maybe.sum(axis=0) + maybe.sum(axis=1) <= MAX_PARTNERS
    kept: NDArray[np.bool_] = np.zeros((width, width), np.bool_)
    for low, high in np.argwhere(maybe & few_partners & few_partners[:, None]).tolist():
        kept[low, high] = _surprisal(values[:, low], values[:, high]) >= enough
    if kept.sum() > MAX_PAIRS:
        return np.zeros_like(kept)

    # An order that follows from two others holds too, unless a row without a value of the middle column breaks it.
    involved = np.flatnonzero(kept.any(axis=0) | kept.any(axis=1))
    follows = np.zeros_like(kept)
    follows[np.ix_(involved, involved)] = _transitive_closure(kept[np.ix_(involved, involved)])
    for low, high in np.argwhere(follows & ~kept & overlap).tolist():
        kept[low, high] = not (values[:, low] > values[:, high]).any()
    return kept & ~kept.T  # Columns that are always equal are in no order.


def _transitive_closure(kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    closure = kept.copy()
    for middle in range(len(kept)):
        closure |= closure[:, [middle]] & closure[[middle]]
    return closure


def _are_correlated(one: Array, other: Array) -> bool:
    """Tell whether Spearman's rank correlation is `MIN_CORRELATION` or more."""
    ranks = [np.searchsorted(np.sort(x), x) + np.searchsorted(np.sort(x), x, side="right") for x in (one, other)]
    first, second = (rank - rank.mean() for rank in ranks)
    return float(first @ second) >= MIN_CORRELATION * math.sqrt(float(first @ first) * float(second @ second)) > 0


def _surprisal(low: Array, high: Array) -> float:
    """Return minus the log probability that independent columns would be in this order; 0 if these are not in order."""
    both = ~(np.isnan(low) | np.isnan(high))
    low, high = low[both], high[both]
    if not len(low) or (low > high).any() or not _are_correlated(low, high):
        return 0.0
    greater = 1 - np.searchsorted(np.sort(low), high, side="right").mean() / len(low)
    return float(-len(low) * math.log(max(1 - greater, 1e-9)))
