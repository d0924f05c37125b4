"""The detection of ordered differences: which columns in order are learned relative to which others, and how.

`detect_ordered_differences` decides for each group of columns in order. Whether the difference, the ratio or the value
is learned follows from an estimate of the error that each of them would leave.
"""

from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ganaug.data.tables.constraints.ordered_differences import OrderedDifference
from ganaug.data.tables.constraints.orders import origin_shift
from ganaug.data.tables.constraints.ranks import normal_quantiles
from ganaug.data.tables.numeric import NumericColumn

Array = NDArray[np.float64]

CORRELATION_LOST = 0.01
"""Share of a rank correlation that a trained network does not reproduce."""
VALUE_ADVANTAGE = 0.6
"""Factor on the error of learning the value itself: a difference or a ratio must leave a still smaller error."""
COARSE_PENALTY = 0.05
"""Error added if a base has finer steps than the target: what the base does within one step is not learned."""
ROWS_COMPARED = 500  # rows from which an error is estimated: bounds the time
DRAWS = 8
"""Simulated rows for each row that is compared."""
DIRECTIONS = 6
"""Projections of each pair of axes, for the sliced distance."""
MIN_VALUES_WITHOUT_BASE = 10
"""Distinct values that rows without a base must have for the target to be fitted to these rows alone."""
MIN_IMPROVEMENT = 1e-12
"""Columns are learned downwards only if the error is smaller by more than this: rounding errors must not decide."""


def detect_ordered_differences(
    columns: Sequence[NumericColumn],
    values: Array,
    pairs: Sequence[tuple[int, int]],
    fixed: Container[int] = (),
    unmoved: Container[int] = (),
    *,
    margins: Mapping[tuple[int, int], float] = MappingProxyType({}),
    declared: Collection[tuple[int, int]] = (),
) -> tuple[tuple[OrderedDifference, ...], tuple[tuple[int, int], ...]]:
    """Choose how columns in order are learned, and return these constraints and the pairs in order that they enforce.

    Pairs connect columns to groups. A group is learned upwards (the least columns as they are, the others relative to
    columns below them) or downwards (the greatest as they are, the others relative to columns above them), whichever
    leaves less error. Each constraint comes after those that determine its sources.

    `columns`, `values` and `pairs` are as in `detect_orders`. Fixed columns are learned as they are, and pairs of two
    fixed columns are left out. Unmoved columns are not constrained where they are learned as values. `margins` has the
    least difference of the columns of a pair, if it is not 0. Declared pairs are enforced before all others.
    """
    found: list[OrderedDifference] = []
    enforced: set[tuple[int, int]] = set()
    for group in _groups([pair for pair in pairs if not all(place in fixed for place in pair)]):
        held = [place for place in group if place in fixed]
        free = [place for place in group if place not in fixed]
        upwards, downwards = (
            _chain(columns, values, pairs, unmoved, held, free, margins, declared, downwards=way)
            for way in (False, True)
        )
        own = {pair for pair in declared if set(pair) <= set(group)}
        lost_up, lost_down = (len(own - way.enforced) for way in (upwards, downwards))
        is_better = downwards.error < upwards.error - MIN_IMPROVEMENT
        best = downwards if lost_down < lost_up or (lost_down == lost_up and is_better) else upwards
        found += best.differences
        enforced |= best.enforced
    return tuple(found), tuple(pair for pair in pairs if pair in enforced)


def _groups(pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Return the columns that pairs connect, each group with the lesser columns first."""
    groups: list[set[int]] = []
    for pair in pairs:
        touched = [group for group in groups if group & set(pair)]
        groups = [group for group in groups if not group & set(pair)] + [set(pair).union(*touched)]
    above = dict.fromkeys((place for pair in pairs for place in pair), 0)
    for _ in above:  # The longest chain needs at most as many rounds as there are columns.
        for low, high in pairs:
            above[high] = max(above[high], min(above[low] + 1, len(above)))
    return [sorted(group, key=lambda place: (above[place], place)) for group in groups]


class _Chain(NamedTuple):
    """One way to learn a group: its error, its constraints, and the pairs that they enforce."""

    error: float
    differences: list[OrderedDifference]
    enforced: set[tuple[int, int]]


def _chain(
    columns: Sequence[NumericColumn],
    values: Array,
    pairs: Sequence[tuple[int, int]],
    unmoved: Container[int],
    fixed: Sequence[int],
    free: Sequence[int],
    margins: Mapping[tuple[int, int], float],
    declared: Collection[tuple[int, int]],
    *,
    downwards: bool,
) -> _Chain:
    """Constrain each free column by those before it: upwards from the least, or downwards from the greatest."""
    kept, total, found, enforced = set(pairs), 0.0, list[OrderedDifference](), set[tuple[int, int]]()
    before = list(fixed)
    for place in free[::-1] if downwards else free:
        lows = [one for one in before if (one, place) in kept]
        highs = [one for one in before if (place, one) in kept]
        before.append(place)
        below = bool(highs and (downwards or not lows))
        bases, limits = (highs, lows) if below else (lows, highs)
        if not (bases := _nearest_bases(columns, bases, kept, below, place, margins)):
            continue
        shifted = [[(one, _shift(columns, one, place, margins)) for one in some] for some in (bases, limits)]
        value = OrderedDifference(
            target=place,
            below=below,
            learned_as="value",
            bases=tuple(shifted[0]),
            limits=tuple(shifted[1]),
            learned=columns[place],
        )
        own_pairs = {(low, place) for low in lows} | {(place, high) for high in highs}
        ways = list(_ways_to_learn(value, columns, values))
        if place in unmoved and own_pairs.intersection(declared):
            ways = [way for way in ways if way[1].learned_as != "value"] or ways
        error, best = min(ways, key=lambda way: way[0])
        total += error
        if place in unmoved and best.learned_as == "value":
            kept -= own_pairs
        else:
            found.append(best)
            enforced |= own_pairs
    return _Chain(total, found, enforced)


def _shift(columns: Sequence[NumericColumn], one: int, place: int, margins: Mapping[tuple[int, int], float]) -> float:
    """Return what is added to a column's values to make them the first, or the last, that another may have."""
    return origin_shift(columns[one], columns[place]) + margins.get((one, place), 0.0) - margins.get((place, one), 0.0)


def _nearest_bases(
    columns: Sequence[NumericColumn],
    bases: Sequence[int],
    kept: set[tuple[int, int]],
    below: bool,
    place: int,
    margins: Mapping[tuple[int, int], float],
) -> list[int]:
    """Leave out each base that lies beyond another base and so never counts, unless the other base can be missing."""
    sure = [one for one in bases if not columns[one].missing]

    def margin(one: int, other: int) -> float:
        return margins.get((other, one) if below else (one, other), 0.0)

    return [
        one
        for one in bases
        if not any(
            ((near, one) if below else (one, near)) in kept
            and margin(one, place) <= margin(one, near) + margin(near, place)
            for near in sure
        )
    ]


def _ways_to_learn(
    constraint: OrderedDifference, columns: Sequence[NumericColumn], values: Array
) -> Iterator[tuple[float, OrderedDifference]]:
    """Yield each way in which the target may be learned, with the estimated error first.

    If two columns lie along a curve, as a length and a weight do, a network learns their ranks best. If one column is
    the other plus something, or a part of it, a network learns the difference or the ratio best.
    """
    own, column, base = values[:, constraint.target], columns[constraint.target], constraint.base(values)
    there, unpaired = ~(np.isnan(base) | np.isnan(own)), constraint.lacks_base(values)
    if np.nanmin(base) == 0 and (base[there] > 0).any():
        there &= base > 0  # A base of zero has no ratio.
    yield _error(constraint, base[there], own[there], own[there]) * VALUE_ADVANTAGE, constraint
    lost = float(np.isin(own[there], column.atoms).mean())
    lost += COARSE_PENALTY * any(column.step > columns[place].step for place, _ in constraint.bases)
    for learned_as in ("difference", "ratio"):
        positive = column.origin is None and np.nanmin(base) >= 0 and np.nanmin(own) >= 0
        if learned_as == "ratio" and (not positive or (own[base == 0] > 0).any()):
            continue
        way = replace(constraint, learned_as=learned_as)
        learned = way.encode(values, columns)
        if not np.isfinite(np.nanmax(learned) - np.nanmin(learned)):
            continue
        decimals, unit = (column.decimals, column.unit) if learned_as == "difference" else (None, 1)
        fitted = NumericColumn.fit(column.name, "numeric", "float64", learned[~unpaired], decimals=decimals, unit=unit)
        may_lack_base = all(columns[place].missing for place, _ in constraint.bases)
        without_base = _without_base(column, own, unpaired) if may_lack_base else None
        if fitted.has_quantile or not may_lack_base:
            spikes = float(np.isin(learned[there], fitted.atoms).mean())
            error = lost - spikes + _error(way, base[there], own[there], learned[there])
            yield error, replace(way, learned=fitted, without_base=without_base)


def _without_base(column: NumericColumn, own: Array, unpaired: NDArray[np.bool_]) -> NumericColumn:
    """Fit the target in rows without a base; in all rows if those have few different values."""
    enough = len(np.unique(own[unpaired])) >= MIN_VALUES_WITHOUT_BASE
    some = own[unpaired] if enough else own[~np.isnan(own)]
    name, kind, dtype, decimals = column.name, column.kind, column.dtype, column.decimals
    origin, unit = column.origin, column.unit
    return NumericColumn.fit(name, kind, dtype, some, decimals=decimals, unit=unit, origin=origin, spikes=False)


def _error(constraint: OrderedDifference, base: Array, own: Array, learned: Array) -> float:
    """Estimate how far from the real rows a base and a target would be drawn.

    The simulated generator reproduces the correlation of ranks between the base and what is learned, less
    `CORRELATION_LOST`, and nothing else. The distance is the sliced Wasserstein distance (Rabin et al., Wasserstein
    Barycenter and Its Application to Texture Mixing, 2011) between normal quantiles of up to four axes: base, target,
    difference, and ratio where it is defined.
    """
    step = -(-len(own) // ROWS_COMPARED)
    base, own, learned = base[::step], own[::step], learned[::step]
    of_base, of_own, quantiles = (normal_quantiles(one) for one in (base, own, learned))
    ranks = normal_quantiles(np.arange(float(len(own))))
    known = (
        (1 - CORRELATION_LOST)
        * float(quantiles @ of_base)
        / max(float(of_base @ of_base), float(quantiles @ quantiles), 1e-9)
    )
    free = np.random.default_rng(0).permuted(np.tile(ranks, (DRAWS, 1)), axis=1)  # (DRAWS, n)
    drawn = np.quantile(learned, ndtr(known * of_base + np.sqrt(1 - known**2) * free))
    if constraint.learned_as == "ratio":
        drawn = base * drawn
    elif constraint.learned_as == "difference":
        drawn = base - drawn if constraint.below else base + drawn
    places, first = np.unique(own, return_index=True)
    axes = [
        (of_base, np.broadcast_to(of_base, drawn.shape)),
        (of_own, np.interp(drawn, places, of_own[first])),
        (normal_quantiles(own - base), np.interp(drawn - base, np.sort(own - base), ranks)),
    ]
    if base.min() > 0:
        axes.append((normal_quantiles(own / base), np.interp(drawn / base, np.sort(own / base), ranks)))
    errors = []
    for (real, made), (more_real, more_made) in combinations(axes, 2):
        for angle in np.arange(DIRECTIONS) * np.pi / DIRECTIONS:
            one, other = np.cos(angle), np.sin(angle)
            sorted_made = np.sort(one * made + other * more_made, axis=None).reshape(len(own), DRAWS)
            errors.append(np.mean((np.sort(one * real + other * more_real) - sorted_made.mean(axis=1)) ** 2))
    return float(np.sqrt(np.mean(errors)))
