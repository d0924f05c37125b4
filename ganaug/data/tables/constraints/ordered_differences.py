"""Columns of numbers that are learned by their distance from others, which they are never less, or greater, than."""

from collections.abc import Container, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ganaug.data.tables.constraints.order import lag
from ganaug.data.tables.constraints.ranks import normal_scores
from ganaug.data.tables.numeric import NumericColumn

__all__ = ["NOISE", "Gap", "gaps", "measured", "without_base"]

Array = NDArray[np.float64]

NOISE = 1e-12
"""How far off, as a share of themselves, what should be whole numbers may be computed."""
BLUR = 0.01
"""What a trained network leaves out of a correlation: of what follows from something else, it misses that much."""
CLEARLY = 0.6
"""A difference or ratio is learned where it leaves this part of the error that the value itself does, or less."""
COARSER = 0.05
"""Error of a column whose base has finer steps than its own: of what that does within one nothing is learned."""
ROWS_COMPARED, DRAWS, DIRECTIONS = 500, 8, 6
FEWEST_ALONE = 10
"""Different values that have no base and are a distribution."""


class Gap(NamedTuple):
    """A column that is drawn with regard to others, because it is never less, or never greater, than they are.

    Two columns of numbers that a network draws each for itself, a day of admission and one of discharge, are in order
    by chance, and as far apart as its errors are large. A distance that is drawn has a distribution of its own, which
    can begin at zero, and be zero for many a row.

    Attributes
    ----------
    place : int
        Which column.
    falls : bool
        Whether it is never greater than its bases, and their least one counts; else it is never less than the greatest.
    measure : {"difference", "ratio", "value"}
        What is learned of it: how far it is from its base, what part or multiple of that it is, or the value itself.
    bases, limits : tuple of (int, float)
        The columns that it is measured from, and others that it must not go beyond; and what has to be added to the
        values of each for both to have one origin.
    column : NumericColumn
        What is learned, where there is a base.
    alone : NumericColumn, optional
        The values where all bases are missing: such rows have the scores of these instead. None if one never is.
    """

    place: int
    falls: bool
    measure: str
    bases: tuple[tuple[int, float], ...]
    limits: tuple[tuple[int, float], ...]
    column: NumericColumn
    alone: NumericColumn | None = None


def gaps(
    columns: Sequence[NumericColumn],
    values: Array,
    pairs: Sequence[tuple[int, int]],
    fixed: Container[int] = (),
    bound: Container[int] = (),
) -> tuple[tuple[Gap, ...], tuple[tuple[int, int], ...]]:
    """Choose how to learn columns that are in order.

    Where the values of both vary together along some curve, as a length and a weight do, a network sees that best in
    their ranks; where one is the other and something more, or a part of it, in the difference or the ratio. What is
    chosen is what leaves the least error if all that a network learns of two things is how their ranks go together, and
    that not exactly.

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
    bound : container of int
        Columns that must not be moved if they are learned as they are: they are left alone where that is best.

    Returns
    -------
    tuple of Gap
        Each after those of its bases. Of columns that hang together, the least ones are learned as they are, or the
        greatest, whichever leaves less error; and a distance does not show the spikes of a column.
    tuple of (int, int)
        The pairs that are in order then, less those of fixed columns.

    Examples
    --------
    >>> least = np.arange(30.0) % 7
    >>> values = np.stack([20 * least + np.arange(30) % 13, 20 * least], axis=1)
    >>> columns = [NumericColumn.fit(name, "numeric", "float64", one, decimals=0) for name, one in zip("ab", values.T)]
    >>> [gap], _ = gaps(columns, values, [(1, 0)], fixed={1})
    >>> gap.place, gap.measure, gap.bases, measured(gap, columns[0], values)[:3].tolist()
    (0, 'difference', ((1, 0.0),), [0.0, 1.0, 2.0])
    """
    found: list[Gap] = []
    ordered: set[tuple[int, int]] = set()
    for group in _groups([pair for pair in pairs if not all(place in fixed for place in pair)]):
        held = [place for place in group if place in fixed]
        free = [place for place in group if place not in fixed]
        ways = [_Chain(columns, values, pairs, bound, held, free, falls=falls) for falls in (False, True)]
        best = ways[ways[1].error < ways[0].error - NOISE]
        found += best.gaps
        ordered |= best.ordered
    return tuple(found), tuple(pair for pair in pairs if pair in ordered)


def measured(gap: Gap, column: NumericColumn, values: Array) -> Array:
    """Return what is learned of a column (n,), given all values (n, N); NaN where it or its base is missing."""
    own = values[:, gap.place]
    if gap.measure == "value":
        return own
    base = _base(gap, values)
    if gap.measure == "ratio":
        part = np.divide(own, base, out=np.ones(len(own)), where=base != 0)
        # Any part of nothing is nothing: what such rows have says what the others do.
        usual = part[(base > 0) & ~np.isnan(own)]
        return np.where(base == 0, np.resize(usual if len(usual) else 1.0, len(own)), part)
    if column.decimals is None:
        return base - own if gap.falls else own - base
    apart = column.to_steps(own) - _beside(base, column, down=gap.falls)
    return column.from_steps(-apart if gap.falls else apart)


def without_base(gap: Gap, values: Array) -> NDArray[np.bool_]:
    """Tell in which rows, of values (n, N), there is nothing that a column could be measured from, (n,)."""
    return np.isnan(_base(gap, values)) & ~np.isnan(values[:, gap.place])


def _beside(base: Array, column: NumericColumn, *, down: bool) -> Array:
    """Express numbers in steps of a column, rounded up or down to whole ones."""
    steps = base * 10.0 ** (column.decimals or 0) / column.unit
    whole = np.rint(steps)
    whole = np.where(np.abs(steps - whole) <= NOISE * np.abs(steps), whole, np.floor(steps) if down else np.ceil(steps))
    back = column.from_steps(whole)  # may lie on the wrong side by what floats leave out
    return whole - (back > base) if down else whole + (back < base)


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


class _Chain:
    """How to learn columns that hang together, each by those before it: some known ones, and the lesser or greater."""

    def __init__(
        self,
        columns: Sequence[NumericColumn],
        values: Array,
        pairs: Sequence[tuple[int, int]],
        bound: Container[int],
        known: Sequence[int],
        free: Sequence[int],
        *,
        falls: bool,
    ) -> None:
        self.columns, self.values = columns, values
        self.kept, self.error = set(pairs), 0.0
        self.gaps: list[Gap] = []
        self.ordered: set[tuple[int, int]] = set()
        before = list(known)
        for place in free[::-1] if falls else free:
            self._take(place, before, falls, place in bound)
            before.append(place)

    def _take(self, place: int, before: Sequence[int], falls: bool, bound: bool) -> None:
        lows = [one for one in before if (one, place) in self.kept]
        highs = [one for one in before if (place, one) in self.kept]
        below = bool(highs and (falls or not lows))
        bases, limits = (highs, lows) if below else (lows, highs)
        # What one base is measured from says nothing more, where that is always there.
        near = [one for one in bases if not any(self._covers(two, one, below) for two in bases)]
        pairs = {(low, place) for low in lows} | {(place, high) for high in highs}
        if not near:
            return
        own = self.columns[place]
        from_here, to_there = (tuple((one, lag(self.columns[one], own)) for one in some) for some in (near, limits))
        gap = Gap(place, below, "value", from_here, to_there, own)
        error, gap = min(_ways(gap, self.columns, self.values), key=lambda way: way[0])
        self.error += error
        if bound and gap.measure == "value":
            self.kept -= pairs
        else:
            self.gaps.append(gap)
            self.ordered |= pairs

    def _covers(self, nearer: int, further: int, below: bool) -> bool:
        pair = (nearer, further) if below else (further, nearer)
        return pair in self.kept and not self.columns[nearer].missing


def _ways(gap: Gap, columns: Sequence[NumericColumn], values: Array) -> Iterator[tuple[float, Gap]]:
    """Yield how a column may be learned, after the error of each way."""
    own, column, base = values[:, gap.place], columns[gap.place], _base(gap, values)
    there, alone = ~(np.isnan(base) | np.isnan(own)), without_base(gap, values)
    if np.nanmin(base) == 0 and (base[there] > 0).any():
        there &= base > 0  # of nothing there is no part
    yield _error(gap, base[there], own[there], own[there]) * CLEARLY, gap
    lost = float(np.isin(own[there], column.atoms).mean())
    lost += COARSER * any(column.step > columns[place].step for place, _ in gap.bases)
    for measure in ("difference", "ratio"):
        positive = column.kind != "datetime" and np.nanmin(base) >= 0 and np.nanmin(own) >= 0
        if measure == "ratio" and (not positive or (own[base == 0] > 0).any()):
            continue
        way = gap._replace(measure=measure)
        learned = measured(way, column, values)
        if not np.isfinite(np.nanmax(learned) - np.nanmin(learned)):
            continue
        decimals, unit = (column.decimals, column.unit) if measure == "difference" else (None, 1)
        distance = NumericColumn.fit(column.name, "numeric", "float64", learned[~alone], decimals=decimals, unit=unit)
        may_be_alone = all(columns[place].missing for place, _ in gap.bases)
        way = way._replace(column=distance, alone=_alone(column, own, alone) if may_be_alone else None)
        if distance.has_score or not may_be_alone:
            spikes = float(np.isin(learned[there], distance.atoms).mean())
            yield lost - spikes + _error(way, base[there], own[there], learned[there]), way


def _alone(column: NumericColumn, own: Array, alone: NDArray[np.bool_]) -> NumericColumn:
    """Return what a column is where it has no base, or if such rows are few, anywhere."""
    some = own[alone] if len(np.unique(own[alone])) >= FEWEST_ALONE else own[~np.isnan(own)]
    return NumericColumn.fit(
        column.name,
        column.kind,
        column.dtype,
        some,
        decimals=column.decimals,
        unit=column.unit,
        origin=column.origin,
        spikes=False,
    )


def _error(gap: Gap, base: Array, own: Array, learned: Array) -> float:
    """Return how far from the rows a column and its base would be drawn.

    They would if all that is known of what is learned of the column is how its ranks go with those of the base. The
    distance is the sliced Wasserstein distance (Rabin et al., Wasserstein Barycenter and Its Application to Texture
    Mixing, 2011) of normal scores: of the column, its base, their difference, and their ratio where there is one.
    """
    step = -(-len(own) // ROWS_COMPARED)
    base, own, learned = base[::step], own[::step], learned[::step]
    of_base, of_own, scores = (normal_scores(one) for one in (base, own, learned))
    known = (1 - BLUR) * float(scores @ of_base) / max(float(of_base @ of_base), float(scores @ scores), 1e-9)
    free = np.random.default_rng(0).permuted(np.tile(normal_scores(np.arange(float(len(own)))), (DRAWS, 1)), axis=1)
    drawn = np.quantile(learned, ndtr(known * of_base + np.sqrt(1 - known**2) * free))
    if gap.measure == "ratio":
        drawn = base * drawn
    elif gap.measure == "difference":
        drawn = base - drawn if gap.falls else base + drawn
    places, first = np.unique(own, return_index=True)
    ranks = normal_scores(np.arange(float(len(own))))
    axes = [
        (of_base, np.broadcast_to(of_base, drawn.shape)),
        (of_own, np.interp(drawn, places, of_own[first])),
        (normal_scores(own - base), np.interp(drawn - base, np.sort(own - base), ranks)),
    ]
    if base.min() > 0:
        axes.append((normal_scores(own / base), np.interp(drawn / base, np.sort(own / base), ranks)))
    errors = []
    for (real, made), (more_real, more_made) in combinations(axes, 2):
        for angle in np.arange(DIRECTIONS) * np.pi / DIRECTIONS:
            one, other = np.cos(angle), np.sin(angle)
            sorted_made = np.sort(one * made + other * more_made, axis=None).reshape(len(own), DRAWS)
            errors.append(np.mean((np.sort(one * real + other * more_real) - sorted_made.mean(axis=1)) ** 2))
    return float(np.sqrt(np.mean(errors)))
