"""Columns of numbers that follow from another one along a straight line: copies, other units, dates a week later."""

import math
from collections.abc import Container, Sequence

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.constraints.formula import NARROW, Formula, float_error
from ganaug.data.tables.numeric import NumericColumn

__all__ = ["lines"]

Array = NDArray[np.float64]

MOST_COMPARED, ROWS_COMPARED, MOST_PAIRS = 1_000, 256, 10_000
"""Columns that are compared, rows for a first look at all pairs of them, and pairs that are looked at again."""
FEWEST_VALUES = 10
"""Points that lie on a line by more than chance."""
FIRST_LOOK, FLOATS_LEAVE = 1e-2, 1e-9
"""How far, in standard deviations, points lie from a line: at a first look, and by the rounding of floats."""


def lines(columns: Sequence[NumericColumn], values: Array, sources: Container[int] = ()) -> tuple[Formula, ...]:
    """Find the columns that follow from another one.

    Parameters
    ----------
    columns : sequence of NumericColumn, N of them
        What is known of them.
    values : ndarray of float64, shape (n, N)
        Their values, datetimes as seconds since each column's own origin, NaN where missing.
    sources : container of int
        Columns that others had better follow from than the other way round, where it is all the same.

    Returns
    -------
    tuple of Formula
        No source is a target too.

    Examples
    --------
    >>> feet = np.sqrt(np.arange(2, 22))
    >>> sizes = {"feet": feet, "metres": (0.3048 * feet).round(2)}
    >>> columns = [NumericColumn.fit("feet", "numeric", "float64", sizes["feet"], decimals=None)]
    >>> columns += [NumericColumn.fit("metres", "numeric", "float64", sizes["metres"], decimals=2)]
    >>> [line] = lines(columns, np.stack(list(sizes.values()), axis=1))
    >>> line.sources, line.target, round(line.factors[0], 2)
    ((0,), 1, 0.3)
    """
    places = [place for place, column in enumerate(columns) if column.has_score][:MOST_COMPARED]
    if len(places) < 2:
        return ()
    places = [place for place in places if np.nanstd(values[:, place]) > 0]
    alike = _alike(values[:: max(1, len(values) // ROWS_COMPARED), places])
    one_way: list[Formula] = []
    both_ways: list[Formula] = []
    for first, later in np.argwhere(np.triu(alike, 1))[:MOST_PAIRS].tolist():
        pair = places[first], places[later]
        if (columns[pair[0]].kind == "datetime") == (columns[pair[1]].kind == "datetime"):
            found = [line for line in (_line(*way, columns, values) for way in (pair, pair[::-1])) if line]
            if len(found) < 2:
                one_way += found
                continue
            # Each follows from the other. The one whose values are further apart has to be the source: not all that
            # lies between them is a value of it.
            across, back = found
            steps = [columns[place].step for place in pair]
            ratio = abs(across.factors[0]) * steps[0] / steps[1] if steps[1] else math.inf if steps[0] else 1.0
            same = [(columns[place].missing, place not in sources) for place in pair]
            first_is_source = ratio > 1 if abs(ratio - 1) > 1e-6 else same[0] <= same[1]
            both_ways += [across, back] if first_is_source else [back, across]
    kept: dict[int, Formula] = {}
    for line in one_way + both_ways:
        starts = {one.sources[0] for one in kept.values()}
        if line.sources[0] not in kept and line.target not in kept and line.target not in starts:
            kept[line.target] = line
    return tuple(kept[target] for target in sorted(kept))


def _alike(values: Array) -> NDArray[np.bool_]:
    """Return which columns may lie on a line with which, (N, N), as far as can be seen in some of the rows."""
    there = np.isfinite(values)
    count = np.maximum(there.sum(axis=0), 1)
    centred = np.where(there, values - np.where(there, values, 0).sum(axis=0) / count, 0)
    squares = (centred**2).T @ there  # of the rows that have the other one too
    alike: NDArray[np.bool_] = np.abs(centred.T @ centred) > (1 - FIRST_LOOK) * np.sqrt(squares * squares.T)
    return alike


def _line(source: int, target: int, columns: Sequence[NumericColumn], values: Array) -> Formula | None:
    """Return the line that two columns lie on, but for rounding; None if they do not."""
    both = np.isfinite(values[:, source]) & np.isfinite(values[:, target])
    x, y = values[both, source], values[both, target]
    if len(np.unique(x)) < FEWEST_VALUES:
        return None
    middle, spread, step = x.mean(), y.std(), columns[target].step
    slope = float(((x - middle) * (y - y.mean())).sum() / ((x - middle) ** 2).sum())
    intercept = float(y.mean() - slope * middle)
    floats = abs(slope) * float_error(columns[source], x) + float_error(columns[target], y) + FLOATS_LEAVE * spread
    off, room = np.abs(slope * x + intercept - y).max(), step / 2 + floats
    if off > min(2 * step + floats, NARROW * spread):
        return None
    if step:
        slope, intercept = _simplest(x, y, slope, room) or (slope, intercept)
        off = np.abs(slope * x + intercept - y).max()
    return Formula(target, (source,), (slope,), intercept) if off <= room else None


def _simplest(x: Array, y: Array, near: float, room: float) -> tuple[float, float] | None:
    """Return slope and intercept of fewest digits of a line that no point is further from than this; None if on none.

    Rounding hides what the numbers of a line are, by a little; people write short ones.
    """
    for digits in range(1, 10):
        slope = float(f"{near:.{digits}g}")
        above, below = (y - slope * x).max(), (y - slope * x).min()
        if above - below <= 2 * room:
            middle = (above + below) / 2
            shorter = (round(middle, decimals) for decimals in range(-9, 10))
            return slope, float(next((one for one in shorter if above - room <= one <= below + room), middle))
    return None
