"""Columns of numbers that others make up: totals, products, ratios, durations."""

import math
from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ganaug.data.tables.constraints.formula import NARROW, Formula, float_error
from ganaug.data.tables.constraints.joint import surprise_needed
from ganaug.data.tables.constraints.order import lag
from ganaug.data.tables.constraints.ranks import normal_scores
from ganaug.data.tables.numeric import NumericColumn

__all__ = ["formulas"]

Array = NDArray[np.float64]

MOST_COMPARED, ROWS_COMPARED, MOST_MISSING, MOST_ZERO, MOST_TRIED = 300, 1_000, 0.2, 0.5, 100
MOST_SOURCES, MOST_POWER, MOST_SHARES = 12, 3.0, 12
FIRST_LOOK, LEAST_PARTS = 0.1, (0.01, 1e-4)
"""How far from a formula rows may lie at a first look, in standard deviations, and what part in it makes a source."""
FLOATS_LEAVE = 1e-5
"""Of a standard deviation, what single precision and six digits leave of an exact formula, at most."""
BLUR, MOST_ERROR = 0.14, 0.35
"""In standard deviations: how far off a network draws a column beside others, and what follows from them may be."""
FEWEST_ROWS = 10
"""More than there are factors."""
NOISE = 1e-9
"""Of the room that rounding leaves, what the sum of it and a float is off by, at most."""


def formulas(
    columns: Sequence[NumericColumn],
    values: Array,
    taken: Collection[int] = (),
    pairs: Collection[tuple[int, int]] = (),
) -> tuple[Formula, ...]:
    """Find the columns that several others make up.

    Parameters
    ----------
    columns : sequence of NumericColumn, N of them
        What is known of them.
    values : ndarray of float64, shape (n, N)
        Their values, datetimes as seconds since each column's own origin, NaN where missing.
    taken : collection of int
        Columns that follow from another one already: they are not looked at.
    pairs : collection of (int, int)
        Columns in order: what would break one is left out.

    Returns
    -------
    tuple of Formula
        Each after those that its sources follow from.

    Examples
    --------
    >>> width, height = np.arange(1.0, 61), np.arange(60.0) % 7 + 1
    >>> table = np.stack([width, height, width * height, 2 * width + 2 * height], axis=1)
    >>> columns = [NumericColumn.fit(n, "numeric", "float64", v, decimals=0) for n, v in zip("whap", table.T)]
    >>> [formula.text("whap") for formula in formulas(columns, table)]
    ['p = 2 * w + 2 * h', 'a = w * h']
    """
    found: list[Formula] = []
    for multiplied in (False, True):
        # Each is looked for anew, for what a column is made of can come to light when another is known to be made up.
        alike = set(taken)
        while True:
            targets = {formula.target for formula in found}
            formula = next(
                filter(None, (_next(columns, values, one, found, multiplied) for one in (alike | targets, alike))),
                None,
            )
            if not formula:
                break
            found.append(formula)
            alike.add(formula.target)
    ordered: list[Formula] = []
    while found:
        targets = {formula.target for formula in found}
        ordered += (ready := [formula for formula in found if not targets.intersection(formula.sources)])
        found = [formula for formula in found if formula not in ready]
    return _in_order(columns, values, ordered, pairs)


def _next(
    columns: Sequence[NumericColumn],
    values: Array,
    taken: Collection[int],
    found: Sequence[Formula],
    multiplied: bool,
) -> Formula | None:
    """Return another formula of one kind, with none of those that are taken, if there is one."""
    known = np.isfinite(values)
    there = values > 0 if multiplied else known
    often = (known.mean(axis=0) >= 1 - MOST_MISSING) & (there.mean(axis=0) >= 1 - MOST_MISSING - MOST_ZERO * multiplied)
    places = [place for place in _comparable(columns, values, multiplied) if place not in taken and often[place]]
    places = places[:MOST_COMPARED]
    rows = np.flatnonzero(there[:, places].all(axis=1))
    if len(places) < 2 or len(rows) < FEWEST_ROWS:
        return None
    seen = values[:, places][rows[:: -(-len(rows) // ROWS_COMPARED)]]
    seen = np.log(seen) if multiplied else seen
    spread = seen.std(axis=0)
    varies = np.flatnonzero(spread > 0)
    seen = (seen[:, varies] - seen[:, varies].mean(axis=0)) / spread[varies]

    # One column after the other may be made up of those before it, or of those that are not all but made up themselves.
    clear, every, tried = _Basis(seen), _Basis(seen), 0
    for number in range(len(varies)):
        far = [basis.far(number) for basis in (clear, every)]
        for basis in (one for one, distance in zip((clear, every), far, strict=True) if distance < FIRST_LOOK):
            for parts in basis.parts(number):
                members = [places[varies[one]] for one in (*parts, number)]
                ways = _ways(columns, values, members, found, multiplied)
                if best := min(ways, key=lambda way: way[0], default=None):
                    return best[1]
            tried += 1
        if far[0] >= FIRST_LOOK:
            clear.add(number)
        if far[1] > FLOATS_LEAVE:
            every.add(number)
        if len(every.own) >= len(seen) - FEWEST_ROWS or tried > MOST_TRIED:
            return None
    return None


class _Basis:
    """Some columns of (n, N), and axes (n, K) at right angles that span them."""

    def __init__(self, columns: Array) -> None:
        self.columns, self.own = columns, list[int]()
        self.axes = np.zeros((len(columns), 0))

    def add(self, number: int) -> None:
        """Take a column in."""
        rest = self._rest(number)
        self.own.append(number)
        self.axes = np.column_stack([self.axes, rest / np.linalg.norm(rest)])

    def far(self, number: int) -> float:
        """Return how far another column is from what these span; all columns are infinitely far from none."""
        return float(np.sqrt(np.mean(self._rest(number) ** 2))) if self.own else math.inf

    def parts(self, number: int) -> list[list[int]]:
        """Return which of them have a part in another column: a clear one, or else any."""
        part = np.abs(np.linalg.lstsq(self.columns[:, self.own], self.columns[:, number], rcond=None)[0])
        both = [np.flatnonzero(part >= least * part.max()).tolist() for least in LEAST_PARTS]
        return [[self.own[place] for place in some] for some in both[: 1 + (both[0] != both[1])]]

    def _rest(self, number: int) -> Array:
        rest = self.columns[:, number]
        for _ in range(2):  # once would leave what floats do
            rest = rest - self.axes @ (self.axes.T @ rest)
        return rest


def _comparable(columns: Sequence[NumericColumn], values: Array, multiplied: bool) -> list[int]:
    """Return the columns that may be in a formula: all, or of products those of numbers that are not negative."""
    if not multiplied:
        return list(range(len(columns)))
    least = np.fmin.reduce(values, axis=0, initial=np.inf)
    return [place for place, column in enumerate(columns) if column.kind != "datetime" and least[place] >= 0]


def _ways(
    columns: Sequence[NumericColumn],
    values: Array,
    members: Sequence[int],
    found: Sequence[Formula],
    multiplied: bool,
) -> Iterator[tuple[tuple[float, bool, bool, int], Formula]]:
    """Yield each way in which one of some columns is made by others of them, and how little is to be said for it.

    A difference of two large numbers would be far off if these were a little: it is learned, and one of them follows.
    Otherwise a total is what follows, rather than a part of it.
    """
    known = {formula.target for formula in found}
    known.update(source for formula in found if formula.multiplied == multiplied for source in formula.sources)
    for target in members:
        others = [one for one in members if one != target]
        if not columns[target].has_score or target in known or len(others) > MOST_SOURCES:
            continue
        if target in _origins(others, found):
            continue
        formula = _made(columns, values, others, target, multiplied)
        if formula:
            for one in others:
                fewer = [source for source in formula.sources if source != one]
                formula = _made(columns, values, fewer, target, multiplied) or formula
            error = _error(columns, formula, values)
            if error < MOST_ERROR:
                negative = any(factor < 0 for factor in formula.factors)
                yield (round(error, 1), negative, columns[target].kind == "datetime", -target), formula


def _error(columns: Sequence[NumericColumn], formula: Formula, values: Array) -> float:
    """Return how far off a column is, in standard deviations of its ranks, if what it is made of is a little."""
    rows = np.flatnonzero(np.isfinite(values[:, [*formula.sources, formula.target]]).all(axis=1))
    rows = rows[:: -(-len(rows) // ROWS_COMPARED)]
    rng = np.random.default_rng(0)
    places, first = np.unique(target := values[rows, formula.target], return_index=True)
    blurred = [_blurred(columns[place], values[rows, place], rng) for place in formula.sources]
    with np.errstate(all="ignore"):
        made = np.clip(formula.of(blurred), places[0], places[-1])
    own = normal_scores(target)
    return float(np.sqrt(np.mean((np.interp(made, places, own[first]) - own) ** 2)))


def _blurred(column: NumericColumn, values: Array, rng: np.random.Generator) -> Array:
    """Return the values (n,) of a column as a network would draw them beside those of others, NaN where missing."""
    there = ~np.isnan(values)
    blurred = np.full(len(values), np.nan)
    scores = normal_scores(values[there]) + BLUR * rng.standard_normal(int(there.sum()))
    blurred[there] = np.quantile(values[there], ndtr(scores)) if there.any() else np.nan
    return column.from_steps(column.to_steps(blurred))


def _in_order(
    columns: Sequence[NumericColumn],
    values: Array,
    found: Sequence[Formula],
    pairs: Collection[tuple[int, int]],
) -> tuple[Formula, ...]:
    """Leave out formulas, the last ones first, until what follows from what is drawn is in order with all others."""
    rng, kept, known = np.random.default_rng(0), list(found), set(pairs)
    some = values[:: -(-len(values) // ROWS_COMPARED)]
    drawn = (
        np.stack([_blurred(*one, rng) for one in zip(columns, some.T, strict=True)], axis=1) if kept and pairs else some
    )
    while kept and pairs:
        made = drawn.copy()
        for formula in kept:
            with np.errstate(all="ignore"):
                own = formula.of([made[:, place] for place in formula.sources])
            own = np.where(np.isfinite(own), own, np.nan)
            made[:, formula.target] = np.clip(own, *columns[formula.target].bounds)
        targets = {formula.target for formula in kept}
        broken: set[int] = set()
        for low, high in pairs:
            # A formula says more than an order of two that it is about, and of what is in order with one of them.
            of_low, of_high = _origins([low], kept), _origins([high], kept)
            if any((low, one) in known for one in of_high - {high}) or any(
                (one, high) in known for one in of_low - {low}
            ):
                continue
            if low in of_high or high in of_low:
                continue
            room = max(columns[low].step, columns[high].step)  # nothing was rounded
            if (made[:, low] + lag(columns[low], columns[high]) > made[:, high] + room).any():
                broken |= targets & {low, high}
        if not broken:
            break
        kept.remove([formula for formula in kept if formula.target in broken][-1])
    return tuple(kept)


def _origins(places: Sequence[int], found: Sequence[Formula]) -> set[int]:
    """Return what columns follow from, one formula after the other."""
    made = {formula.target: formula.sources for formula in found}
    origins, waiting = set(), list(places)
    while waiting:
        origins.add(place := waiting.pop())
        waiting += [source for source in made.get(place, ()) if source not in origins]
    return origins


def _made(
    columns: Sequence[NumericColumn], values: Array, sources: Sequence[int], target: int, multiplied: bool
) -> Formula | None:
    """Return the formula by which these sources, all of them, make a column; None if they do not."""
    some = values[:, [*sources, target]]
    some = some[np.isfinite(some).all(axis=1)]
    if len(sources) < (1 if multiplied else 2) or len(some) < len(sources) + 1 + FEWEST_ROWS:
        return None
    x, y = some[:, :-1], some[:, -1]
    if not (y.std() > 0 and (x.std(axis=0) > 0).all()):
        return None
    errors = [float_error(columns[one], own) for one, own in zip((*sources, target), some.T, strict=True)]
    found = (_product if multiplied else _sum)(columns[target], x, y, errors)
    # What rows that are alike say counts once: of columns that are mostly zero few rows tell anything.
    free = len(np.unique(some, axis=0)) - len(sources) - 1 if found else 0
    nats = (
        min(-math.log(NARROW), math.log(y.std() / (columns[target].step / 2)))
        if columns[target].step
        else -math.log(NARROW)
    )
    enough = surprise_needed(len(columns)) + (len(sources) + 1) * math.log(len(columns))
    return (
        Formula(target, tuple(sources), *found, multiplied)
        if found and free >= FEWEST_ROWS and free * nats >= enough
        else None
    )


def _sum(column: NumericColumn, x: Array, y: Array, errors: Sequence[float]) -> tuple[tuple[float, ...], float] | None:
    """Return factors and constant of a sum of x (n, K) that y (n,) is, but for rounding; None if it is not."""
    middle, spread = x.mean(axis=0), x.std(axis=0)
    part = np.linalg.lstsq((x - middle) / spread, y - y.mean(), rcond=None)[0] / spread
    floats = float(np.abs(part) @ errors[:-1]) + errors[-1] + FLOATS_LEAVE * float(y.std())
    rest = y - x @ part
    # Of what is not rounded the factors are known better than to half a step.
    room = min(column.step / 2, float(np.ptp(rest))) + floats
    exact, coarse = np.ptp(rest) <= 2 * floats, column.step > 2 * NARROW * y.std()
    if not np.isfinite(part).all() or np.ptp(rest) > 2 * (column.step + floats) or (coarse and not exact):
        return None
    shares = [np.rint(part * count) / count for count in range(1, MOST_SHARES + 1)]
    shorter = [np.array([float(f"{one:.{digits}g}") for one in part]) for digits in range(1, 13)]
    for factors in (shares[0], *shorter[:2], *shares[1:], *shorter[2:]):
        rest = y - x @ factors
        least, most = float(rest.max() - room), float(rest.min() + room)
        if least <= most and factors.all():
            return tuple(factors.tolist()), _shortest(least, most)
    return None


def _product(
    column: NumericColumn, x: Array, y: Array, errors: Sequence[float]
) -> tuple[tuple[float, ...], float] | None:
    """Return powers and constant of a product of x (n, K) that y (n,) is, but for rounding; None if it is not."""
    positive = (x > 0).all(axis=1) & (y > 0)
    if positive.sum() < len(errors) + FEWEST_ROWS:
        return None
    logs, weight = np.log(x[positive]), y[positive] / y.max()  # where rounding leaves little of y, that says little
    design = np.column_stack([logs, np.ones(len(logs))])
    part = np.linalg.lstsq(design * weight[:, None], np.log(y[positive]) * weight, rcond=None)[0][:-1]
    powers = np.rint(2 * part) / 2
    if not powers.all() or np.abs(powers).max() > MOST_POWER:
        return None
    with np.errstate(all="ignore"):
        once = np.prod(x**powers, axis=1)
        relative = np.abs(powers) @ (np.array(errors[:-1]) / x.max(axis=0))
        room = column.step / 2 + errors[-1] + (relative + FLOATS_LEAVE) * y
        least, most = float(((y - room) / once)[positive].max()), float(((y + room) / once)[positive].min())
        constant = _shortest(least, most) if most > 0 and least <= most else 0.0
        holds = (np.abs(constant * once - y) <= (1 + NOISE) * room).all()
    return (tuple(powers.tolist()), constant) if holds and room.mean() <= NARROW * y.std() else None


def _shortest(least: float, most: float) -> float:
    """Return the number of fewest digits between two."""
    if least <= 0 <= most:
        return 0.0
    middle = (least + most) / 2
    shorter = (float(f"{middle:.{digits}g}") for digits in range(1, 16))
    return next((one for one in shorter if least <= one <= most), middle)
