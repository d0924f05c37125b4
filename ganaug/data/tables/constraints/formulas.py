"""Formulas: columns of numbers computed from several others, such as totals, products, ratios and durations.

`Formula` encodes and decodes what is detected here. `formula_fits` finds the numbers of a formula for given columns.
"""

import math
from collections.abc import Collection, Container, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ganaug.data.tables.constraints.formula import Formula, in_order
from ganaug.data.tables.constraints.formula_fits import FLOAT_TOLERANCE, MIN_ROWS, fit_formula
from ganaug.data.tables.constraints.orders import origin_shift
from ganaug.data.tables.constraints.ranks import normal_quantiles
from ganaug.data.tables.numeric import NumericColumn

Array = NDArray[np.float64]

MAX_COMPARED = 300
"""Columns that are compared: the time grows with the square of their number."""
ROWS_COMPARED = 1_000  # rows of the first look, and of the estimate of an error
MAX_MISSING = 0.2
"""Largest share of missing values of a column in a formula."""
MAX_ZERO = 0.5
"""Largest share of zeros of a column in a product."""
MAX_TRIED = 100
"""Candidates for a target that are tried in vain before the search ends."""
MAX_SOURCES = 12  # of a formula
FIRST_TOLERANCE = 0.1
"""Largest distance from a linear combination of other columns, in standard deviations, at the first look."""
MIN_PARTS = (0.01, 1e-4)
"""Smallest coefficient of a source, as a share of the largest coefficient: of a clear source, and of any source."""
DRAWN_ERROR = 0.14
"""Error of a column that a network draws beside others, in standard deviations."""
MAX_TARGET_ERROR = 0.35
"""Largest error of a target computed from columns with `DRAWN_ERROR`, in standard deviations."""


def detect_formulas(
    columns: Sequence[NumericColumn],
    values: Array,
    taken: Collection[int] = (),
    pairs: Collection[tuple[int, int]] = (),
    declared: Sequence[Formula] = (),
    barred: Collection[frozenset[int]] = (),
    spared: Container[int] = (),
) -> tuple[Formula, ...]:
    """Find the columns that are computed from several others. A formula comes after the formulas of its sources.

    `columns` and `values` are as in `detect_orders`. Taken columns follow from another one already, and are left out.
    Formulas that would break the order of one of the pairs are left out, those of barred sets of columns, and those
    that would compute a spared column. Declared formulas are among those that are returned.
    """
    found = list(declared)
    for multiplied in (False, True):
        # The search starts again after each formula: other columns may turn out to depend on the new target.
        left_out = set(taken)
        while True:
            targets = {formula.target for formula in found}
            ways = (
                _next(columns, values, one, found, multiplied, barred, spared) for one in (left_out | targets, left_out)
            )
            formula = next(filter(None, ways), None)
            if not formula:
                break
            found.append(formula)
            left_out.add(formula.target)
    return _without_broken_orders(columns, values, in_order(found), pairs, declared)


def _next(
    columns: Sequence[NumericColumn],
    values: Array,
    taken: Collection[int],
    found: Sequence[Formula],
    multiplied: bool,
    barred: Collection[frozenset[int]],
    spared: Container[int],
) -> Formula | None:
    """Return one more formula, a sum or a product of columns that are not taken; None if there is none."""
    known = np.isfinite(values)
    there = values > 0 if multiplied else known
    often = (known.mean(axis=0) >= 1 - MAX_MISSING) & (there.mean(axis=0) >= 1 - MAX_MISSING - MAX_ZERO * multiplied)
    places = [place for place in _comparable(columns, values, multiplied) if place not in taken and often[place]]
    places = places[:MAX_COMPARED]
    rows = np.flatnonzero(there[:, places].all(axis=1))
    if len(places) < 2 or len(rows) < MIN_ROWS:
        return None
    seen = values[:, places][rows[:: -(-len(rows) // ROWS_COMPARED)]]
    seen = np.log(seen) if multiplied else seen
    spread = seen.std(axis=0)
    varies = np.flatnonzero(spread > 0)
    seen = (seen[:, varies] - seen[:, varies].mean(axis=0)) / spread[varies]

    # Each column is compared with two spans: of all columns before it, and of those that are no combination themselves.
    independent, every, tried = _Span(seen), _Span(seen), 0
    for number in range(len(varies)):
        distances = [span.distance(number) for span in (independent, every)]
        both = zip((independent, every), distances, strict=True)
        for span in (one for one, distance in both if distance < FIRST_TOLERANCE):  # NaN is not near.
            for parts in span.parts(number):
                members = [places[varies[one]] for one in (*parts, number)]
                ways = _ways(columns, values, members, found, multiplied)
                ways = (
                    (key, one)
                    for key, one in ways
                    if one.target not in spared and frozenset((one.target, *one.sources)) not in barred
                )
                if best := min(ways, key=lambda way: way[0], default=None):
                    return best[1]
            tried += 1
        if distances[0] >= FIRST_TOLERANCE:
            independent.add(number)
        if distances[1] > FLOAT_TOLERANCE:
            every.add(number)
        if len(every.own) >= len(seen) - MIN_ROWS or tried > MAX_TRIED:
            return None
    return None


class _Span:
    """The span of some of the columns (n, N), with an orthonormal basis (n, K)."""

    def __init__(self, columns: Array) -> None:
        self.columns, self.own = columns, list[int]()
        self.basis = np.zeros((len(columns), 0))

    def add(self, number: int) -> None:
        """Add a column to the span."""
        rest = self._rest(number)
        self.own.append(number)
        self.basis = np.column_stack([self.basis, rest / np.linalg.norm(rest)])

    def distance(self, number: int) -> float:
        """Return the distance of a column from the span, per row; infinite from an empty span."""
        return float(np.sqrt(np.mean(self._rest(number) ** 2))) if self.own else math.inf

    def parts(self, number: int) -> list[list[int]]:
        """Return the columns of the span that a column is combined from: those with clear coefficients, then any."""
        part = np.abs(np.linalg.lstsq(self.columns[:, self.own], self.columns[:, number], rcond=None)[0])
        both = [np.flatnonzero(part >= least * part.max()).tolist() for least in MIN_PARTS]
        return [[self.own[place] for place in some] for some in both[: 1 + (both[0] != both[1])]]

    def _rest(self, number: int) -> Array:
        rest = self.columns[:, number]
        for _ in range(2):  # The second round removes the rounding errors of the first.
            rest = rest - self.basis @ (self.basis.T @ rest)
        return rest


def _comparable(columns: Sequence[NumericColumn], values: Array, multiplied: bool) -> list[int]:
    """Return the columns that may be in a formula: all in a sum, non-negative numbers in a product."""
    if not multiplied:
        return list(range(len(columns)))
    least = np.fmin.reduce(values, axis=0, initial=np.inf)
    return [place for place, column in enumerate(columns) if column.origin is None and least[place] >= 0]


def _ways(
    columns: Sequence[NumericColumn],
    values: Array,
    members: Sequence[int],
    found: Sequence[Formula],
    multiplied: bool,
) -> Iterator[tuple[tuple[float, bool, bool, int], Formula]]:
    """Yield each formula of one member in terms of the others, with a sort key: the formula of the least key is best.

    Small errors of two large numbers make a large error of their difference. Such a difference is learned, and one of
    the two numbers is computed. Otherwise, a total is computed rather than one of its parts.
    """
    known = {formula.target for formula in found}
    known.update(source for formula in found if formula.multiplied == multiplied for source in formula.sources)
    for target in members:
        others = [one for one in members if one != target]
        if not columns[target].has_quantile or target in known or len(others) > MAX_SOURCES:
            continue
        if target in origins(others, found):
            continue
        formula = fit_formula(columns, values, others, target, multiplied)
        if formula:
            for one in others:
                fewer = [source for source in formula.sources if source != one]
                formula = fit_formula(columns, values, fewer, target, multiplied) or formula
            error = _error(columns, formula, values)
            if error < MAX_TARGET_ERROR:
                negative = any(factor < 0 for factor in formula.factors)
                yield (round(error, 1), negative, columns[target].kind == "datetime", -target), formula


def _error(columns: Sequence[NumericColumn], formula: Formula, values: Array) -> float:
    """Return the error of a target computed from sources as a network draws them, in standard deviations of ranks."""
    rows = np.flatnonzero(np.isfinite(values[:, [*formula.sources, formula.target]]).all(axis=1))
    rows = rows[:: -(-len(rows) // ROWS_COMPARED)]
    rng = np.random.default_rng(0)
    places, first = np.unique(target := values[rows, formula.target], return_index=True)
    drawn = [_as_drawn(columns[place], values[rows, place], rng) for place in formula.sources]
    with np.errstate(all="ignore"):
        made = np.clip(formula.compute(drawn), places[0], places[-1])
    own = normal_quantiles(target)
    return float(np.sqrt(np.mean((np.interp(made, places, own[first]) - own) ** 2)))


def _as_drawn(column: NumericColumn, values: Array, rng: np.random.Generator) -> Array:
    """Return the values (n,) of a column with the error of a network that draws it beside others, NaN where missing."""
    there = ~np.isnan(values)
    drawn = np.full(len(values), np.nan)
    quantiles = normal_quantiles(values[there]) + DRAWN_ERROR * rng.standard_normal(int(there.sum()))
    drawn[there] = np.quantile(values[there], ndtr(quantiles)) if there.any() else np.nan
    return column.from_steps(column.to_steps(drawn))


def _without_broken_orders(
    columns: Sequence[NumericColumn],
    values: Array,
    found: Sequence[Formula],
    pairs: Collection[tuple[int, int]],
    declared: Collection[Formula],
) -> tuple[Formula, ...]:
    """Leave out formulas, the last first, until their targets, computed from drawn columns, keep all orders.

    Declared formulas stay.
    """
    if not found or not pairs:
        return tuple(found)
    rng, kept, known = np.random.default_rng(0), list(found), set(pairs)
    some = values[:: -(-len(values) // ROWS_COMPARED)]
    drawn = np.stack([_as_drawn(*one, rng) for one in zip(columns, some.T, strict=True)], axis=1)
    while kept:
        made = drawn.copy()
        for formula in kept:
            with np.errstate(all="ignore"):
                own = formula.compute([made[:, place] for place in formula.sources])
            own = np.where(np.isfinite(own), own, np.nan)
            made[:, formula.target] = np.clip(own, *columns[formula.target].bounds)
        targets = {formula.target for formula in kept}
        broken: set[int] = set()
        for low, high in pairs:
            # A formula implies the order of its own columns, and of a third column that is in order with one of them.
            of_low, of_high = origins([low], kept), origins([high], kept)
            if low in of_high or high in of_low:
                continue
            if any((low, one) in known for one in of_high - {high}):
                continue
            if any((one, high) in known for one in of_low - {low}):
                continue
            room = max(columns[low].step, columns[high].step)  # because nothing was rounded
            if (made[:, low] + origin_shift(columns[low], columns[high]) > made[:, high] + room).any():
                broken |= targets & {low, high}
        loose = [formula for formula in kept if formula.target in broken and formula not in declared]
        if not loose:
            break
        kept.remove(loose[-1])
    return tuple(kept)


def origins(places: Sequence[int], found: Sequence[Formula]) -> set[int]:
    """Return these columns, and all columns that they are computed from."""
    made = {formula.target: formula.sources for formula in found}
    known, waiting = set(), list(places)
    while waiting:
        known.add(place := waiting.pop())
        waiting += [source for source in made.get(place, ()) if source not in known]
    return known
