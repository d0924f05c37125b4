"""Ordered differences: a column that never exceeds, or never falls below, another column is learned relative to it.

`OrderedDifference` describes, encodes and decodes one such column. `detect_ordered_differences` decides which columns
of a group in order are learned relative to which others, and whether the difference, the ratio or the value is learned.
"""

from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ganaug.data.tables.constraints.column_constraint import (
    ColumnConstraint,
    to_dtype,
    to_nearest_step,
    to_step_beyond,
)
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
FLOAT32_STEP = 2.0**-23
"""Distance from one number of single precision to the next, as a share of the number."""
MIN_IMPROVEMENT = 1e-12
"""Columns are learned downwards only if the error is smaller by more than this: rounding errors must not decide."""


@dataclass(frozen=True, kw_only=True)
class OrderedDifference(ColumnConstraint):
    """A column that is learned relative to its bases, which it never falls below, or never exceeds.

    If a network drew a day of admission and a day of discharge independently, their order would be left to chance, and
    the length of the stay would carry the errors of both. A difference that is drawn has a distribution of its own. It
    can begin at zero, and be zero in many rows.

    If `below`, the column never exceeds its bases, and the least base of a row counts; else the greatest. `bases` are
    pairs of a column and a shift, which is added to its values so that they count from the target's origin. `limits`,
    in the same form, are on the other side: the target must not pass them.
    """

    sources_in_dtype: ClassVar[bool] = True

    below: bool
    learned_as: str  # "difference" from the base, "ratio" to the base, or the "value" itself
    bases: tuple[tuple[int, float], ...]
    limits: tuple[tuple[int, float], ...]

    @property
    def depends_on(self) -> tuple[int, ...]:
        """The bases and the limits."""
        return (*dict(self.bases), *dict(self.limits))

    def base(self, values: Array) -> Array:
        """Return the base of each row of values (n, N), NaN where all bases are missing, (n,)."""
        base: Array = self._nearest(self.bases, dict(enumerate(values.T)), None, np, least=self.below)
        return base

    def lacks_base(self, values: Array) -> NDArray[np.bool_]:
        """Tell in which rows all bases are missing and the target is not."""
        return np.isnan(self.base(values)) & ~np.isnan(values[:, self.target])

    def encode(self, values: Array, columns: Sequence[NumericColumn]) -> Array:
        """Return differences, ratios or values; NaN where the target or its base is missing."""
        own, column = values[:, self.target], columns[self.target]
        if self.learned_as == "value":
            return own
        base = self.base(values)
        if self.learned_as == "ratio":
            ratio = np.divide(own, base, out=np.ones(len(own)), where=base != 0)
            # Any ratio to a base of zero decodes to zero. Such rows repeat the ratios of the other rows.
            usual = ratio[(base > 0) & ~np.isnan(own)]
            return np.where(base == 0, np.resize(usual if len(usual) else 1.0, len(own)), ratio)
        if column.decimals is None:
            return base - own if self.below else own - base
        apart = column.to_steps(own) - to_step_beyond(base, column, np, down=self.below)
        return column.from_steps(-apart if self.below else apart)

    def decode(self, known: Mapping[int, Any], unpaired: Any, columns: Sequence[NumericColumn], xp: Any) -> Any:
        """Return values on the right side of the bases, short of the limits, and within the bounds of the column.

        A value is missing where even the base lies beyond the bounds or the limits: in the training rows that happens
        only where the value is missing.
        """
        column, learned = columns[self.target], known[self.target]
        base = self._nearest(self.bases, known, columns, xp, least=self.below)
        impossible = self._beyond(base, column.bounds[not self.below])
        start = to_step_beyond(base, column, xp, down=self.below)
        if self.learned_as == "difference":
            apart = to_nearest_step(learned, column, xp)
            steps = start - apart if self.below else start + apart
        else:
            steps = to_nearest_step(base * learned if self.learned_as == "ratio" else learned, column, xp)
        steps = xp.where(self._beyond(start, steps), start, steps)
        if unpaired is not None:
            steps = xp.where(xp.isnan(base) & ~xp.isnan(learned), to_nearest_step(unpaired, column, xp), steps)
        if self.limits:
            limit = self._nearest(self.limits, known, columns, xp, least=not self.below)
            impossible = impossible | self._beyond(base, limit)
            limit = to_step_beyond(limit, column, xp, down=not self.below)
            steps = xp.where(self._beyond(steps, limit), limit, steps)
        values = column.from_steps(steps).clip(*column.bounds)
        rounded = to_dtype(values, column, xp)
        if rounded is not values:  # Rounding to float32 may cross the base: then the next number of float32 is taken.
            further = abs(values) * FLOAT32_STEP
            further = to_dtype(values - further if self.below else values + further, column, xp)
            values = xp.where(self._beyond(base, rounded), further, rounded)
        return xp.where(impossible, xp.nan, values) if column.missing else values

    def _beyond(self, values: Any, end: Any) -> Any:
        """Tell which values lie further from the bases than an end; False where either is missing."""
        return values < end if self.below else values > end

    def _nearest(
        self,
        places: Sequence[tuple[int, float]],
        known: Mapping[int, Any],
        columns: Sequence[NumericColumn] | None,
        xp: Any,
        *,
        least: bool,
    ) -> Any:
        """Return the least or the greatest of some columns in each row, NaN where all are missing, (n,).

        Columns, if given, tell that no value can be missing, which shortens the graph.
        """
        shifted = [known[place] + shift if shift else known[place] for place, shift in places]
        nearest = shifted[0]
        for one in shifted[1:]:
            best = xp.minimum(nearest, one) if least else xp.maximum(nearest, one)
            if columns is None or any(columns[place].missing for place, _ in places):
                best = xp.where(xp.isnan(nearest), one, xp.where(xp.isnan(one), nearest, best))
            nearest = best
        return nearest


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
