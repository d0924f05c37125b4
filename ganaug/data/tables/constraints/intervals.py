"""Intervals: the range of what a formula computes, from the bounds of its sources."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ganaug.data.tables.constraints.formula import Formula
from ganaug.data.tables.constraints.orders import origin_shift
from ganaug.data.tables.numeric import NumericColumn
from ganaug.data.tables.numeric_fit import LARGEST_INTEGER, LIMIT
from ganaug.errors import DataError, FormatError

Interval = tuple[float, float]

STEP_TOLERANCE = 1e-9
"""Largest distance of a multiple of a step from a whole number of steps, in steps."""


def range_of(formula: Formula, bounds: Sequence[Interval]) -> Interval:
    """Return the least and the greatest result of a formula whose sources lie within bounds.

    Examples
    --------
    >>> range_of(Formula(0, (1, 2), (1, -2), 5), [(0, 1), (0, 3)])
    (-1.0, 6.0)
    """
    low = high = float(formula.constant)
    for (least, most), factor in zip(bounds, formula.factors, strict=True):
        if not formula.multiplied:
            ends = sorted((factor * least, factor * most))
            low, high = low + ends[0], high + ends[1]
            continue
        powers = [least**factor, most**factor] + [0.0] * (least < 0 < most)
        corners = [one * power for one in (low, high) for power in powers]
        low, high = min(corners), max(corners)
    return low, high


def implies(formula: Formula, pair: tuple[int, int], margin: float, columns: Sequence[NumericColumn]) -> bool:
    """Tell whether a formula, whose target is one of a pair, leaves the first never above the second, less a margin.

    That is so if the difference of the two is never negative, no value can be missing, and rounding to the steps of the
    target cannot change the order.
    """
    low, high = pair
    target, other = columns[formula.target], columns[low if formula.target == high else high]
    place = low if formula.target == high else high
    if any(columns[one].missing for one in formula.sources if one != place):
        return False
    shift = origin_shift(columns[low], columns[high])
    on_grid = other.step > 0 and _are_whole(target.step, other.step, shift) if target.step else True
    if not on_grid and not _is_exact(formula, columns):
        return False
    bounds = [columns[one].bounds for one in formula.sources]
    if formula.multiplied:
        return formula.target == high and margin <= 0 and _grows(formula, place, bounds, columns)
    # The difference as one sum.
    sign = 1.0 if formula.target == high else -1.0
    factors = dict(zip(formula.sources, (sign * factor for factor in formula.factors), strict=True))
    factors[place] = factors.get(place, 0.0) - sign
    constant = sign * formula.constant - shift - margin
    difference = Formula(formula.target, tuple(factors), tuple(factors.values()), constant)
    return range_of(difference, [columns[one].bounds for one in factors])[0] >= 0


def _is_exact(formula: Formula, columns: Sequence[NumericColumn]) -> bool:
    """Tell whether all results of a formula are whole steps of its target, so that none is rounded."""
    parts = [columns[one].step * factor for one, factor in zip(formula.sources, formula.factors, strict=True)]
    return all(parts) and not formula.multiplied and _are_whole(columns[formula.target].step, *parts, formula.constant)


def _are_whole(step: float, *sizes: float) -> bool:
    """Tell whether sizes are multiples of a step."""
    return all(abs(math.remainder(size, step)) <= STEP_TOLERANCE * step for size in sizes)


def _grows(formula: Formula, place: int, bounds: Sequence[Interval], columns: Sequence[NumericColumn]) -> bool:
    """Tell whether a product is never below one of its sources, whose power is 1, because the rest is 1 or more."""
    if dict(zip(formula.sources, formula.factors, strict=True)).get(place) != 1 or columns[place].bounds[0] < 0:
        return False
    rest = tuple(1.0 if one == place else power for one, power in zip(formula.sources, formula.factors, strict=True))
    others = [(1.0, 1.0) if one == place else own for one, own in zip(formula.sources, bounds, strict=True)]
    return range_of(Formula(formula.target, formula.sources, rest, formula.constant, True), others)[0] >= 1


def widened(column: NumericColumn, interval: Interval) -> NumericColumn:
    """Return a column whose bounds include an interval, so that no computed value is moved to a bound.

    Only the bounds are meant for use: the quantiles of the ends change with them. `DataError` if the dtype of the
    column cannot hold the interval.
    """
    low, high = min(interval[0], column.bounds[0]), max(interval[1], column.bounds[1])
    if (low, high) == column.bounds:
        return column
    if not _can_hold(column, (low, high)):
        raise DataError(
            f"A column that a declared rule computes must be able to hold all results, but {column.dtype} of column "
            f"{column.name!r:.80} cannot hold {interval[0]:g} to {interval[1]:g}: convert it, or leave the rule out."
        )
    if column.step:
        whole = np.array([math.floor(low / column.step), math.ceil(high / column.step)], np.float64)
        low, high = column.from_steps(whole).tolist()
    if column.values:
        return replace(column, values=(low, *column.values[1:-1], high))
    return replace(column, values=(low, high), scores=(-LIMIT, LIMIT))


def _can_hold(column: NumericColumn, interval: Interval) -> bool:
    """Tell whether the dtype and the decimals of a column allow all numbers of an interval."""
    largest = max(map(abs, interval))
    if not math.isfinite(largest) or not math.isfinite(interval[1] - interval[0]):
        return False
    if column.decimals is not None and (largest + column.step) * 10**column.decimals > LARGEST_INTEGER:
        return False
    try:
        column.check_range(*interval)
    except FormatError:
        return False
    return True
