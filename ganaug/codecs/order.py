"""Columns of numbers of which one is never greater than another: least and greatest, admission and discharge."""

import math
from collections.abc import Container, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganaug.codecs.clock import Clock
from ganaug.codecs.joint import surprise_needed
from ganaug.codecs.numeric import NumericColumn

__all__ = ["Order", "ordered", "orders"]

Array = NDArray[np.float64]

MOST_COMPARED, ROWS_COMPARED = 1_000, 256
"""Columns of one kind that are compared, and rows for a first look at all pairs of them."""
LEAST_CORRELATION = 0.3
"""Of ranks, for two columns to speak of one thing: what is merely smaller may have any unit, and be no part of it."""
MOST_PARTNERS, MOST_PAIRS = 12, 200
"""A column in order with more others, as in a table of rising curves, is left alone: it would take too long."""


class Order(NamedTuple):
    """Two columns of numbers, by position: ``low + shift`` is at most ``high`` in every row that has both.

    `fixed` is the one of them that has to stay as it is, if any: its values are few, and each may mean something.
    """

    low: int
    high: int
    shift: float
    fixed: int | None = None


def orders(columns: Sequence[NumericColumn], values: Array, fixed: Container[int] = ()) -> tuple[Order, ...]:
    """Find the order between columns that rise together, where chance would not make it.

    Parameters
    ----------
    columns : sequence of NumericColumn, N of them
        What is known of them.
    values : ndarray of float64, shape (n, N)
        Their values, datetimes as seconds since each column's own origin, NaN where missing.
    fixed : container of int
        Columns of which no value may become another one.

    Returns
    -------
    tuple of Order
        Of three columns in order all three pairs; none of two fixed ones. Putting one pair after the other right, by
        exchanging its two values, or beside a fixed one by raising or lowering the other, puts all right: a later
        change undoes no earlier one. It may where columns are rounded differently, for what is exchanged is rounded
        anew, and where the middle one of three has values missing: then all pairs come twice.

    Examples
    --------
    >>> least = np.arange(30.0) % 7
    >>> columns = [NumericColumn.fit(name, "numeric", "float64", least, decimals=0) for name in ("most", "least")]
    >>> orders(columns, np.stack([least + np.arange(30) % 3, least], axis=1))
    (Order(low=1, high=0, shift=0.0, fixed=None),)
    """
    found: list[Order] = []
    enough = surprise_needed(len(columns))
    clocks = [_clock(column) for column in columns]
    for clock in sorted(set(clocks)):
        own = [place for place, other in enumerate(clocks) if other == clock][:MOST_COMPARED]
        origins = np.array([_origin(columns[place]) for place in own])
        known = values[:, own] + (origins - origins.min())
        kept = ordered(known, enough)
        rank = np.argsort(kept.sum(axis=0), kind="stable").tolist()  # what is greater than more comes later
        steps = [columns[place].step for place in own]
        pairs = []
        for a, b in product(rank, rank) if kept.any() else ():
            stay = [own[side] for side in (a, b) if own[side] in fixed]
            if kept[a, b] and len(stay) < 2 and _nested(steps[a], steps[b], origins[a] - origins[b]):
                pairs.append(Order(own[a], own[b], float(origins[a] - origins[b]), stay[0] if stay else None))
        alike = len({columns[place].step for order in pairs for place in (order.low, order.high)}) < 2
        involved = np.flatnonzero(kept.any(axis=0) | kept.any(axis=1))
        whole = kept[np.ix_(involved, involved)]
        found += pairs if alike and (_followed(whole) == whole).all() else pairs * 2
    return tuple(found)


def _clock(column: NumericColumn) -> str:
    """Return what two columns share if one can be less than the other: that both are numbers, or dates of one zone."""
    return f"dates {Clock.of(column.dtype).zone or ''}" if column.kind == "datetime" else "numbers"


def _nested(one: float, other: float, shift: float) -> bool:
    """Tell whether multiples of the greater step, and the shift, are multiples of the lesser, or may be anything."""
    less, greater = sorted((one, other))
    return less == 0 or all(abs(size / less - round(size / less)) < 1e-6 for size in (greater, shift))


def _origin(column: NumericColumn) -> float:
    clock = Clock.of(column.dtype) if column.kind == "datetime" else None
    return clock.count(column.origin) / clock.per_second if clock else 0.0


def ordered(values: Array, enough: float) -> NDArray[np.bool_]:
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
