"""Columns of numbers that are learned by their distance from others, which they are never less, or greater, than."""

from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

from ganaug.codecs.numeric import NumericColumn
from ganaug.codecs.order import lag

__all__ = ["NOISE", "Gap", "gaps", "measured"]

Array = NDArray[np.float64]

NOISE = 1e-12
"""How far off, as a share of themselves, what should be whole numbers may be computed."""
BLUR = 0.01
"""What a trained network leaves out of a correlation: of what follows from something else, it misses that much."""
CLEARLY = 0.8
"""A value is learned as it is where that leaves this part of the error of a difference or ratio, or less."""
ROWS_COMPARED, DRAWS, DIRECTIONS = 500, 8, 8


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
    otherwise : float
        Stands for the bases where all are missing.
    column : NumericColumn
        What is learned.
    """

    place: int
    falls: bool
    measure: str
    bases: tuple[tuple[int, float], ...]
    limits: tuple[tuple[int, float], ...]
    otherwise: float
    column: NumericColumn


def gaps(
    columns: Sequence[NumericColumn], values: Array, pairs: Sequence[tuple[int, int]], fixed: Container[int] = ()
) -> tuple[Gap, ...]:
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

    Returns
    -------
    tuple of Gap
        Each after those of its bases. Of columns that hang together, the least ones are learned as they are, or the
        greatest, whichever leaves less error; and a distance does not show the spikes of a column, or those of its rows
        in which the bases are missing.

    Examples
    --------
    >>> least = np.arange(30.0) % 7
    >>> values = np.stack([20 * least + np.arange(30) % 13, 20 * least], axis=1)
    >>> columns = [NumericColumn.fit(name, "numeric", "float64", one, decimals=0) for name, one in zip("ab", values.T)]
    >>> [gap] = gaps(columns, values, [(1, 0)], fixed={1})
    >>> gap.place, gap.measure, gap.bases, measured(gap, columns[0], values)[:3].tolist()
    (0, 'difference', ((1, 0.0),), [0.0, 1.0, 2.0])
    """
    free = [(low, high) for low, high in pairs if low not in fixed or high not in fixed]
    found: list[Gap] = []
    for group in _groups(free):
        held = [place for place in group if place in fixed]
        rising = [place for place in group if place not in fixed]
        orders = (held + rising, held + rising[::-1])
        both = [_chained(columns, values, order, pairs, len(held), order is orders[1]) for order in orders]
        errors = [sum(error for _, error in chain) for chain in both]
        found += [gap for gap, _ in both[errors[1] < errors[0] - NOISE]]
    return tuple(found)


def measured(gap: Gap, column: NumericColumn, values: Array) -> Array:
    """Return what is learned of a column (n,), given all values (n, N)."""
    own = values[:, gap.place]
    if gap.measure == "value":
        return own
    base = _base(gap, values)
    base = np.where(np.isnan(base), gap.otherwise, base)
    if gap.measure == "ratio":
        return own / base
    if column.decimals is None:
        return base - own if gap.falls else own - base
    apart = column.to_steps(own) - _beside(base, column, down=gap.falls)
    return column.from_steps(-apart if gap.falls else apart)


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


def _chained(
    columns: Sequence[NumericColumn],
    values: Array,
    order: Sequence[int],
    pairs: Sequence[tuple[int, int]],
    known: int,
    falls: bool,
) -> list[tuple[Gap, float]]:
    """Return how to learn columns, in this order, by those before them, and the errors; so many are known at first."""
    kept = set(pairs)
    chain: list[tuple[Gap, float]] = []
    for number, place in enumerate(order[known:], known):
        lows = [one for one in order[:number] if (one, place) in kept]
        highs = [one for one in order[:number] if (place, one) in kept]
        below = bool(highs and (falls or not lows))
        bases, limits = (highs, lows) if below else (lows, highs)
        # What one base is measured from says nothing more, where that is always there.
        near = [
            one
            for one in bases
            if not any(((two, one) if below else (one, two)) in kept and not columns[two].missing for two in bases)
        ]
        if near:
            own = columns[place]
            from_here, to_there = (tuple((one, lag(columns[one], own)) for one in some) for some in (near, limits))
            gap = Gap(place, below, "value", from_here, to_there, 0.0, own)
            chain.append(min(_ways(gap, columns, values), key=lambda way: way[1]))
    return chain


def _ways(gap: Gap, columns: Sequence[NumericColumn], values: Array) -> Iterator[tuple[Gap, float]]:
    """Yield how a column may be learned, and the error of each way."""
    own, column, base = values[:, gap.place], columns[gap.place], _base(gap, values)
    there = ~(np.isnan(base) | np.isnan(own))
    gap = gap._replace(otherwise=float(np.median(base[there])))
    yield gap, _error(gap, base[there], own[there], own[there]) / CLEARLY
    alone = float((np.isnan(base) & ~np.isnan(own)).mean())
    spikes = float(np.isin(own, column.atoms).mean())
    for measure in ("difference", "ratio"):
        if measure == "ratio" and (column.kind == "datetime" or np.nanmin(base) <= 0 or np.nanmin(own) < 0):
            continue
        way = gap._replace(measure=measure)
        learned = measured(way, column, values)
        if not np.isfinite(np.nanmax(learned) - np.nanmin(learned)):
            continue
        decimals, unit = (column.decimals, column.unit) if measure == "difference" else (None, 1)
        way = way._replace(
            column=NumericColumn.fit(column.name, "numeric", "float64", learned, decimals=decimals, unit=unit)
        )
        lost = alone + spikes - float(np.isin(learned, way.column.atoms).mean())
        yield way, lost + _error(way, base[there], own[there], learned[there])


def _error(gap: Gap, base: Array, own: Array, learned: Array) -> float:
    """Return how far from the rows a column and its base would be drawn.

    They would if all that is known of what is learned of the column is how its ranks go with those of the base. The
    distance is the sliced Wasserstein distance (Rabin et al., Wasserstein Barycenter and Its Application to Texture
    Mixing, 2011), of normal scores.
    """
    step = -(-len(own) // ROWS_COMPARED)
    base, own, learned = base[::step], own[::step], learned[::step]
    of_base, of_own, scores = (_scores(one) for one in (base, own, learned))
    known = (1 - BLUR) * float(scores @ of_base) / max(float(of_base @ of_base), float(scores @ scores), 1e-9)
    free = np.random.default_rng(0).permuted(np.tile(_scores(np.arange(float(len(own)))), (DRAWS, 1)), axis=1)
    drawn = np.quantile(learned, ndtr(known * of_base + np.sqrt(1 - known**2) * free))
    if gap.measure == "ratio":
        drawn = base * drawn
    elif gap.measure == "difference":
        drawn = base - drawn if gap.falls else base + drawn
    places, first = np.unique(own, return_index=True)
    of_drawn = np.interp(drawn, places, of_own[first])
    error = 0.0
    for angle in np.arange(DIRECTIONS) * np.pi / DIRECTIONS:
        real, made = (np.cos(angle) * of_base + np.sin(angle) * one for one in (of_own, of_drawn))
        error += float(np.mean((np.sort(real) - np.sort(made, axis=None).reshape(len(own), DRAWS).mean(axis=1)) ** 2))
    return float(np.sqrt(error / DIRECTIONS))


def _scores(values: Array) -> Array:
    scores: Array = ndtri((rankdata(values) - 0.5) / len(values))
    return scores
