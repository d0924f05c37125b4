"""Columns of numbers that are learned as their distance from others, which they are never less, or greater, than."""

from collections.abc import Container, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganaug.codecs.numeric import NumericColumn
from ganaug.codecs.order import lag

__all__ = ["NOISE", "Gap", "distances", "gaps"]

Array = NDArray[np.float64]

NOISE = 1e-12
"""How far off, as a share of themselves, what should be whole numbers may be computed."""


class Gap(NamedTuple):
    """A column whose values are those of others and some more, or some less.

    Two columns of numbers that a network draws each for itself, a day of admission and one of discharge, are in order
    by chance, and as far apart as its errors are large. A distance that is drawn has a distribution of its own, which
    can begin at zero, and be zero for many a row.

    Attributes
    ----------
    place : int
        Which column.
    falls : bool
        Whether it is never greater than its bases, and their least one counts; else it is never less than the greatest.
    bases, limits : tuple of (int, float)
        The columns that it is measured from, and others that it must not go beyond; and what has to be added to the
        values of each for both to have one origin.
    otherwise : float
        Stands for the bases where all are missing.
    column : NumericColumn
        The distances.
    """

    place: int
    falls: bool
    bases: tuple[tuple[int, float], ...]
    limits: tuple[tuple[int, float], ...]
    otherwise: float
    column: NumericColumn


def gaps(
    columns: Sequence[NumericColumn], values: Array, pairs: Sequence[tuple[int, int]], fixed: Container[int] = ()
) -> tuple[Gap, ...]:
    """Choose which columns to learn as distances.

    Parameters
    ----------
    columns : sequence of NumericColumn, N of them
        What is known of them.
    values : ndarray of float64, shape (n, N)
        Their values, NaN where missing.
    pairs : sequence of (int, int)
        Which are in order, as `orders` finds them.
    fixed : container of int
        Columns that have to be learned as they are; pairs of them are in order whatever is drawn.

    Returns
    -------
    tuple of Gap
        Each after those of its bases. Of columns that hang together, the least ones are learned as they are, or the
        greatest: those that have fewer values missing, and less spikes, which a distance does not show.

    Examples
    --------
    >>> least = np.arange(30.0) % 7
    >>> values = np.stack([least + np.arange(30) % 13, least], axis=1)
    >>> columns = [NumericColumn.fit(name, "numeric", "float64", one, decimals=0) for name, one in zip("ab", values.T)]
    >>> [gap] = gaps(columns, values, [(1, 0)])
    >>> gap.place, gap.bases, distances(gap, columns[0], values)[:3].tolist()
    (0, ((1, 0.0),), [0.0, 1.0, 2.0])
    """
    free = [(low, high) for low, high in pairs if low not in fixed or high not in fixed]
    found: list[Gap] = []
    for group in _groups(free):
        held = [place for place in group if place in fixed]
        rising = [place for place in group if place not in fixed]
        orders = (held + rising, held + rising[::-1])
        both = [_chained(columns, values, order, pairs, len(held), order is orders[1]) for order in orders]
        losses = [sum(_lost(gap, columns[gap.place], values) for gap in chain) for chain in both]
        found += both[losses[1] < losses[0] - NOISE]
    return tuple(found)


def distances(gap: Gap, column: NumericColumn, values: Array) -> Array:
    """Return how far a column is from its bases in values (n, N): (n,), negative where it is on their wrong side."""
    base = _base(gap, values)
    own = values[:, gap.place]
    base = np.where(np.isnan(base), gap.otherwise, base)
    if column.decimals is None:
        return base - own if gap.falls else own - base
    steps = base * 10.0**column.decimals / column.unit
    whole = np.rint(steps)
    rounded = np.floor(steps) if gap.falls else np.ceil(steps)
    whole = np.where(np.abs(steps - whole) <= NOISE * np.abs(steps), whole, rounded)
    back = column.from_steps(whole)  # may lie on the wrong side by what floats leave out
    whole = whole - (back > base) if gap.falls else whole + (back < base)
    apart = column.to_steps(own) - whole
    return column.from_steps(-apart if gap.falls else apart)


def _base(gap: Gap, values: Array) -> Array:
    known = np.stack([values[:, place] + shift for place, shift in gap.bases])
    base: Array = (np.fmin if gap.falls else np.fmax).reduce(known)
    return base


def _groups(pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Return the columns that hang together, each group with the lesser ones first."""
    groups: list[set[int]] = []
    for pair in pairs:
        touched = [group for group in groups if group & set(pair)]
        groups = [group for group in groups if not group & set(pair)] + [set(pair).union(*touched)]
    above = dict.fromkeys((place for pair in pairs for place in pair), 0)
    for _ in above:  # as often as the longest chain is long, at most
        for low, high in pairs:
            above[high] = max(above[high], min(above[low] + 1, len(above)))
    return [sorted(group, key=lambda place: (above[place], place)) for group in groups]


def _chained(
    columns: Sequence[NumericColumn],
    values: Array,
    order: Sequence[int],
    pairs: Sequence[tuple[int, int]],
    known: int,
    falls: bool,
) -> list[Gap]:
    """Return the distances of columns, in this order, from those before them; so many are known from the beginning."""
    kept = set(pairs)
    chain: list[Gap] = []
    for number, place in enumerate(order[known:], known):
        lows = [one for one in order[:number] if (one, place) in kept]
        highs = [one for one in order[:number] if (place, one) in kept]
        below = highs and (falls or not lows)
        bases, limits = (highs, lows) if below else (lows, highs)
        # What one base is measured from says nothing more, where that is always there.
        near = [
            one
            for one in bases
            if not any(((two, one) if below else (one, two)) in kept and not columns[two].missing for two in bases)
        ]
        if near:
            gap = _gap(columns, values, place, bool(below), near, limits)
            chain += [gap] if gap else []
    return chain


def _gap(
    columns: Sequence[NumericColumn],
    values: Array,
    place: int,
    falls: bool,
    bases: Sequence[int],
    limits: Sequence[int],
) -> Gap | None:
    """Return the distances of a column; None where they are too large for a number."""
    column = columns[place]
    shifted = [tuple((one, lag(columns[one], column)) for one in some) for some in (bases, limits)]
    gap = Gap(place, falls, shifted[0], shifted[1], 0.0, column)
    base = _base(gap, values)
    there = ~(np.isnan(base) | np.isnan(values[:, place]))
    gap = gap._replace(otherwise=float(np.median(base[there])))
    apart = distances(gap, column, values)
    if not np.isfinite(np.nanmax(apart) - np.nanmin(apart)):
        return None
    return gap._replace(
        column=NumericColumn.fit(column.name, "numeric", "float64", apart, decimals=column.decimals, unit=column.unit)
    )


def _lost(gap: Gap, column: NumericColumn, values: Array) -> float:
    """Return the share of rows of which the distance says less than the column: no base, or a spike that it has not."""
    own = values[:, gap.place]
    alone = np.isnan(_base(gap, values)) & ~np.isnan(own)
    apart = distances(gap, column, values)
    spikes = np.isin(own, column.atoms).mean() - np.isin(apart, gap.column.atoms).mean()
    return float(alone.mean() + spikes)
