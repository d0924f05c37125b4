"""Columns of numbers of which one is never greater than another: least and greatest, admission and discharge."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.constraints.joint import surprise_needed
from ganaug.data.tables.datetimes import Clock
from ganaug.data.tables.numeric import NumericColumn

__all__ = ["lag", "orders", "since_1970"]

Array = NDArray[np.float64]

MOST_COMPARED, ROWS_COMPARED = 1_000, 256
"""Columns of one kind that are compared, and rows for a first look at all pairs of them."""
LEAST_CORRELATION = 0.3
"""Of ranks, for two columns to speak of one thing: what is merely smaller may have any unit, and be no part of it."""
MOST_PARTNERS, MOST_PAIRS = 40, 1_000
"""A column in order with more others, as in a table of rising curves, is left alone: it would take too long."""


def orders(columns: Sequence[NumericColumn], values: Array) -> tuple[tuple[int, int], ...]:
    """Find the columns that rise together of which one is never greater than the other, where chance would not do it.

    Parameters
    ----------
    columns : sequence of NumericColumn, N of them
        What is known of them.
    values : ndarray of float64, shape (n, N)
        Their values, datetimes as seconds since each column's own origin, NaN where missing.

    Returns
    -------
    tuple of (int, int)
        Lesser and greater, by position; of three columns in order all three pairs, the lesser greater ones first.

    Examples
    --------
    >>> least = np.arange(30.0) % 7
    >>> columns = [NumericColumn.fit(name, "numeric", "float64", least, decimals=0) for name in ("most", "least")]
    >>> orders(columns, np.stack([least + np.arange(30) % 3, least], axis=1))
    ((1, 0),)
    """
    found: list[tuple[int, int]] = []
    enough = surprise_needed(len(columns))
    clocks = [_clock(column) for column in columns]
    for clock in sorted(set(clocks)):
        own = [place for place, other in enumerate(clocks) if other == clock][:MOST_COMPARED]
        kept = _ordered(values[:, own] + [lag(columns[place], columns[own[0]]) for place in own], enough)
        rank = np.argsort(kept.sum(axis=0), kind="stable").tolist()  # what is greater than more comes later
        found += [(own[low], own[high]) for high in rank for low in rank if kept[low, high]]
    return tuple(found)


def _clock(column: NumericColumn) -> str:
    """Return what two columns share if one can be less than the other: that both are numbers, or dates of one zone."""
    return f"dates {Clock.of(column.dtype).zone or ''}" if column.kind == "datetime" else "numbers"


def lag(column: NumericColumn, other: NumericColumn) -> float:
    """Return what a column's values are less than if they were counted from the other's origin."""
    return float(_origin(column) - _origin(other))


def since_1970(column: NumericColumn) -> float:
    """Return what a column's values are less than if they were counted from 1970, where they are dates."""
    return float(_origin(column))


def _origin(column: NumericColumn) -> Fraction:
    if column.kind != "datetime":
        return Fraction(0)
    clock = Clock.of(column.dtype)
    return Fraction(clock.count(column.origin), clock.per_second)


def _ordered(values: Array, enough: float) -> NDArray[np.bool_]:
    """Return which columns (n, N) are in order, (lesser, greater), and overlap; as sure as `enough` says."""
    # Look at a few rows first: most pairs are in no order even there.
    n, width = values.shape
    some = values[:: max(1, n // ROWS_COMPARED)]
    least, greatest = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
    overlap = greatest[:, None] > least
    maybe = overlap & ~np.eye(width, dtype=np.bool_)
    for low in range(width):
        maybe[low] &= ~(some[:, [low]] > some).any(axis=0)
    lonely = maybe.sum(axis=0) + maybe.sum(axis=1) <= MOST_PARTNERS
    kept: NDArray[np.bool_] = np.zeros((width, width), np.bool_)
    for low, high in np.argwhere(maybe & lonely & lonely[:, None]).tolist():
        kept[low, high] = _surprise(values[:, low], values[:, high]) >= enough
    if kept.sum() > MOST_PAIRS:
        return np.zeros_like(kept)

    # What follows from two of them holds too, but for rows in which the middle one is missing.
    involved = np.flatnonzero(kept.any(axis=0) | kept.any(axis=1))
    follows = np.zeros_like(kept)
    follows[np.ix_(involved, involved)] = _followed(kept[np.ix_(involved, involved)])
    for low, high in np.argwhere(follows & ~kept & overlap).tolist():
        kept[low, high] = not (values[:, low] > values[:, high]).any()
    return kept & ~kept.T  # columns that are always equal are in no order


def _followed(kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return these pairs and all that follow from them."""
    followed = kept.copy()
    for middle in range(len(kept)):
        followed |= followed[:, [middle]] & followed[[middle]]
    return followed


def _rise_together(one: Array, other: Array) -> bool:
    ranks = [np.searchsorted(np.sort(x), x) + np.searchsorted(np.sort(x), x, side="right") for x in (one, other)]
    first, second = (rank - rank.mean() for rank in ranks)
    return float(first @ second) >= LEAST_CORRELATION * math.sqrt(float(first @ first) * float(second @ second)) > 0


def _surprise(low: Array, high: Array) -> float:
    """Return minus the logarithm of the chance that one is nowhere greater than the other, were they independent."""
    both = ~(np.isnan(low) | np.isnan(high))
    low, high = low[both], high[both]
    if not len(low) or (low > high).any() or not _rise_together(low, high):
        return 0.0
    greater = 1 - np.searchsorted(np.sort(low), high, side="right").mean() / len(low)
    return float(-len(low) * math.log(max(1 - greater, 1e-9)))
