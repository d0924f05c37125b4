"""Columns of numbers of which one is never greater than another: least and greatest, admission and discharge."""

import math
from collections.abc import Container, Sequence
from itertools import groupby, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganaug.codecs.clock import Clock
from ganaug.codecs.joint import SURE
from ganaug.codecs.numeric import NumericColumn

__all__ = ["Order", "orders"]

Array = NDArray[np.float64]

MOST_COMPARED, ROWS_COMPARED = 1_000, 256
"""Columns of one kind that are compared, and rows for a first look at all pairs of them."""
LEAST_CORRELATION = 0.3
"""Of ranks, for two columns to speak of one thing: what is merely smaller may have any unit, and be no part of it."""
MOST_PAIRS = 100
"""Where more columns are in order, as in a table of rising curves, they are left alone: it would take too long."""


class Order(NamedTuple):
    """Two columns of numbers, by position: ``low + shift`` is at most ``high`` in every row that has both."""

    low: int
    high: int
    shift: float


def orders(columns: Sequence[NumericColumn], values: Array, but: Container[int] = ()) -> tuple[Order, ...]:
    """Find the order between columns that are of one kind and rise together, where chance would not make it.

    Parameters
    ----------
    columns : sequence of NumericColumn, N of them
        What is known of them.
    values : ndarray of float64, shape (n, N)
        Their values, datetimes as seconds since each column's own origin, NaN where missing.
    but : container of int
        Columns that are not to be looked at.

    Returns
    -------
    tuple of Order
        Of three columns in order all three pairs. Putting one pair after the other right, by exchanging its two values,
        puts all right: a later exchange undoes no earlier one. It may where columns are rounded differently, for what
        is exchanged is rounded anew, and where the middle one of three has values missing: then all pairs come twice.

    Examples
    --------
    >>> least = np.arange(30.0) % 7
    >>> columns = [NumericColumn.fit(name, "numeric", "float64", least, decimals=0) for name in ("most", "least")]
    >>> orders(columns, np.stack([least + np.arange(30) % 3, least], axis=1))
    (Order(low=1, high=0, shift=0.0),)
    """
    found: list[Order] = []
    enough = SURE + 2 * math.log(max(1, len(columns)))
    places = [
        place
        for place, column in enumerate(columns)
        if (column.has_score or len(column.atoms) > 2) and place not in but
    ]
    for _, same in groupby(
        sorted(places, key=lambda place: _unit(columns[place])), lambda place: _unit(columns[place])
    ):
        own = sorted(same)[:MOST_COMPARED]
        origins = np.array([_origin(columns[place]) for place in own])
        known = values[:, own] + (origins - origins.min())
        kept = _ordered(known, enough)
        rank = np.argsort(kept.sum(axis=0), kind="stable").tolist()  # what is greater than more comes later
        least, greatest = (extreme(known, axis=0) for extreme in (np.nanmin, np.nanmax))
        pairs = [
            Order(own[a], own[b], float(origins[a] - origins[b]))
            for a, b in product(rank, rank)
            if kept[a, b] and greatest[a] > least[b] and _nested(columns[own[a]].step, columns[own[b]].step)
        ]
        alike = len({columns[place].step for order in pairs for place in (order.low, order.high)}) < 2
        found += pairs if alike and (_followed(kept) == kept).all() else pairs * 2
    return tuple(found)


def _unit(column: NumericColumn) -> tuple[str, str, float, float]:
    """Return what two columns share if a value of one, rounded, can be one of the other."""
    if column.kind != "datetime":
        return column.kind, "", 0.0, 0.0
    return column.kind, column.dtype, column.step, _origin(column) % column.step


def _nested(one: float, other: float) -> bool:
    """Tell whether multiples of the greater step are multiples of the lesser, or may be anything."""
    less, greater = sorted((one, other))
    return less == 0 or abs(greater / less - round(greater / less)) < 1e-6


def _origin(column: NumericColumn) -> float:
    clock = Clock.of(column.dtype) if column.kind == "datetime" else None
    return clock.count(column.origin) / clock.per_second if clock else 0.0


def _ordered(values: Array, enough: float) -> NDArray[np.bool_]:
    """Return which columns are in order, (lesser, greater)."""
    # Look at a few rows first: most pairs are in no order even there.
    n, width = values.shape
    some = values[:: max(1, n // ROWS_COMPARED)]
    kept: NDArray[np.bool_] = np.zeros((width, width), np.bool_)
    for low in range(width):
        ordered = np.logical_not((some[:, [low]] > some).any(axis=0))
        ordered[low] = False
        for high in np.flatnonzero(ordered).tolist():
            kept[low, high] = _surprise(values[:, low], values[:, high]) >= enough
        if kept.sum() > MOST_PAIRS:
            return np.zeros_like(kept)

    # What follows from two of them holds too, but for rows in which the middle one is missing.
    for low, high in np.argwhere(_followed(kept) & ~kept).tolist():
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
