"""Lines: a column of numbers that follows from one other column along a straight line.

Examples are copies, other units, and dates a fixed time later. `Formula` encodes and decodes what is detected here.
"""

import math
from collections.abc import Container, Sequence

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.constraints.formula import MAX_TOLERANCE, Formula, float_error
from ganaug.data.tables.numeric import NumericColumn

Array = NDArray[np.float64]

MAX_COMPARED = 1_000
"""Columns that are compared: the time grows with the square of their number."""
ROWS_COMPARED = 256
"""Rows for a first look at all pairs."""
MAX_PAIRS = 10_000
"""Pairs that are looked at in all rows."""
MIN_VALUES = 10
"""Distinct values of a source: fewer may lie on a line by chance."""
FIRST_TOLERANCE = 1e-2
"""How far the correlation of a pair may be from 1 at the first look."""
FLOAT_TOLERANCE = 1e-9
"""Largest distance from a line, in standard deviations, that the rounding of floating point numbers leaves."""


def detect_lines(columns: Sequence[NumericColumn], values: Array, sources: Container[int] = ()) -> tuple[Formula, ...]:
    """Find the columns that follow from one other column, sorted by target. No source is a target too.

    `columns` and `values` are as in `detect_orders`. Columns in `sources` are preferred as sources if either of a pair
    could be one.
    """
    places = [place for place, column in enumerate(columns) if column.has_quantile][:MAX_COMPARED]
    if len(places) < 2:
        return ()
    places = [place for place in places if np.nanstd(values[:, place]) > 0]
    collinear = _collinear(values[:: max(1, len(values) // ROWS_COMPARED), places])
    one_way: list[Formula] = []
    both_ways: list[Formula] = []
    for first, later in np.argwhere(np.triu(collinear, 1))[:MAX_PAIRS].tolist():
        pair = places[first], places[later]
        if (columns[pair[0]].kind == "datetime") == (columns[pair[1]].kind == "datetime"):
            found = [line for line in (_line(*way, columns, values) for way in (pair, pair[::-1])) if line]
            if len(found) < 2:
                one_way += found
                continue
            # Either could be the source. It must be the one with the wider steps, for not every multiple of the finer
            # step has a counterpart. Between equal steps, a source must not be missing, and `sources` are preferred.
            across, back = found
            steps = [columns[place].step for place in pair]
            ratio = abs(across.factors[0]) * steps[0] / steps[1] if steps[1] else math.inf if steps[0] else 1.0
            preference = [(columns[place].missing, place not in sources) for place in pair]
            first_is_source = ratio > 1 if abs(ratio - 1) > 1e-6 else preference[0] <= preference[1]
            both_ways += [across, back] if first_is_source else [back, across]
    kept: dict[int, Formula] = {}
    for line in one_way + both_ways:
        starts = {one.sources[0] for one in kept.values()}
        if line.sources[0] not in kept and line.target not in kept and line.target not in starts:
            kept[line.target] = line
    return tuple(kept[target] for target in sorted(kept))


def _collinear(values: Array) -> NDArray[np.bool_]:
    """Tell which pairs of columns may lie on a line, by their correlation in some rows, (N, N)."""
    there = np.isfinite(values)
    count = np.maximum(there.sum(axis=0), 1)
    centred = np.where(there, values - np.where(there, values, 0).sum(axis=0) / count, 0)
    squares = (centred**2).T @ there  # over the rows in which the other column is not missing
    collinear: NDArray[np.bool_] = np.abs(centred.T @ centred) > (1 - FIRST_TOLERANCE) * np.sqrt(squares * squares.T)
    return collinear


def _line(source: int, target: int, columns: Sequence[NumericColumn], values: Array) -> Formula | None:
    """Return the line that gives the target from the source, but for rounding; None if there is none."""
    both = np.isfinite(values[:, source]) & np.isfinite(values[:, target])
    x, y = values[both, source], values[both, target]
    if len(np.unique(x)) < MIN_VALUES:
        return None
    middle, spread, step = x.mean(), y.std(), columns[target].step
    slope = float(((x - middle) * (y - y.mean())).sum() / ((x - middle) ** 2).sum())
    intercept = float(y.mean() - slope * middle)
    floats = abs(slope) * float_error(columns[source], x) + float_error(columns[target], y) + FLOAT_TOLERANCE * spread
    off, room = np.abs(slope * x + intercept - y).max(), step / 2 + floats
    if off > min(2 * step + floats, MAX_TOLERANCE * spread):
        return None
    if step:
        slope, intercept = _simplest(x, y, slope, room) or (slope, intercept)
        off = np.abs(slope * x + intercept - y).max()
    return Formula(target, (source,), (slope,), intercept) if off <= room else None


def _simplest(x: Array, y: Array, near: float, room: float) -> tuple[float, float] | None:
    """Return slope and intercept with the fewest digits of a line within `room` of all points; None if there is none.

    Rounding hides the exact numbers of a line, and people write short ones.
    """
    for digits in range(1, 10):
        slope = float(f"{near:.{digits}g}")
        above, below = (y - slope * x).max(), (y - slope * x).min()
        if above - below <= 2 * room:
            middle = (above + below) / 2
            shorter = (round(middle, decimals) for decimals in range(-9, 10))
            return slope, float(next((one for one in shorter if above - room <= one <= below + room), middle))
    return None
