"""Columns of numbers that follow from another one along a straight line: copies, other units, dates a week later."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganaug.codecs.numeric import NumericColumn

__all__ = ["Line", "lines"]

Array = NDArray[np.float64]

MOST_COMPARED, ROWS_COMPARED, MOST_PAIRS = 1_000, 256, 10_000
"""Columns that are compared, rows for a first look at all pairs of them, and pairs that are looked at again."""
FEWEST_VALUES = 10
"""Points that lie on a line by more than chance."""
FIRST_LOOK, FLOATS_LEAVE, NARROW = 1e-3, 1e-9, 0.05
"""How far, in standard deviations, points lie from a line: at a first look, by the rounding of floats, at most."""
ROUNDING_LEAVES = 0.55
"""The same in steps of the target: a half, and what rounding does to the line that is laid through the points."""


class Line(NamedTuple):
    """Two columns of numbers, by position: ``slope * source + intercept`` is `target` in every row, once rounded."""

    source: int
    target: int
    slope: float
    intercept: float


def lines(columns: Sequence[NumericColumn], values: Array) -> tuple[Line, ...]:
    """Find the columns that follow from another one.

    Parameters
    ----------
    columns : sequence of NumericColumn, N of them
        What is known of them.
    values : ndarray of float64, shape (n, N)
        Their values, datetimes as seconds since each column's own origin, NaN where missing: in both at once, or there
        is no line.

    Returns
    -------
    tuple of Line
        No source is a target too.

    Examples
    --------
    >>> feet = np.sqrt(np.arange(2, 22))
    >>> sizes = {"feet": feet, "metres": (0.3048 * feet).round(2)}
    >>> columns = [NumericColumn.fit("feet", "numeric", "float64", sizes["feet"], decimals=None)]
    >>> columns += [NumericColumn.fit("metres", "numeric", "float64", sizes["metres"], decimals=2)]
    >>> [line] = lines(columns, np.stack(list(sizes.values()), axis=1))
    >>> line.source, line.target, round(line.slope, 2)
    (0, 1, 0.3)
    """
    places = [place for place, column in enumerate(columns) if column.has_score][:MOST_COMPARED]
    if len(places) < 2:
        return ()
    # The finest column comes first, for what is rounded more follows from what is rounded less.
    spread = {place: float(np.nanstd(values[:, place])) for place in places}
    fineness = {place: round(columns[place].step / spread[place], 9) for place in places if spread[place] > 0}
    order = sorted(fineness, key=lambda place: (fineness[place], place))
    alike = _alike(values[:: max(1, len(values) // ROWS_COMPARED), order])
    found: dict[int, Line] = {}
    for first, later in np.argwhere(np.triu(alike, 1))[:MOST_PAIRS].tolist():
        source, target = order[first], order[later]
        clocks = [columns[place].kind == "datetime" for place in (source, target)]
        if source not in found and target not in found and clocks[0] == clocks[1]:
            line = _line(values[:, source], values[:, target], columns[target].step)
            if line:
                found[target] = Line(source, target, *line)
    return tuple(found[target] for target in sorted(found))


def _alike(values: Array) -> NDArray[np.bool_]:
    """Return which columns may lie on a line with which, (N, N), as far as can be seen in some of the rows."""
    there = np.isfinite(values)
    count = np.maximum(there.sum(axis=0), 1)
    centred = np.where(there, values - np.where(there, values, 0).sum(axis=0) / count, 0)
    unit = centred / np.maximum(np.sqrt((centred**2).sum(axis=0)), 1e-300)
    alike: NDArray[np.bool_] = np.abs(unit.T @ unit) > 1 - FIRST_LOOK
    return alike


def _line(source: Array, target: Array, step: float) -> tuple[float, float] | None:
    """Return slope and intercept of the line that two columns lie on, but for rounding; None if they do not."""
    there = np.isfinite(source)
    if (there != np.isfinite(target)).any() or len(np.unique(source[there])) < FEWEST_VALUES:
        return None
    x, y = source[there], target[there]
    middle, spread = x.mean(), y.std()
    slope = float(((x - middle) * (y - y.mean())).sum() / ((x - middle) ** 2).sum())
    intercept = float(y.mean() - slope * middle)
    room = min(ROUNDING_LEAVES * step + FLOATS_LEAVE * spread, NARROW * spread)
    return (slope, intercept) if (np.abs(slope * x + intercept - y) <= room).all() else None
