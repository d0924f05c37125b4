"""Which of a difference, a ratio and the value itself is learned of a column that is in order with others."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ganaug.data.tables.constraints.ranks import normal_scores
from ganaug.data.tables.numeric import NumericColumn

if TYPE_CHECKING:
    from ganaug.data.tables.constraints.ordered_differences import OrderedDifference

Array = NDArray[np.float64]

CORRELATION_LOST = 0.01
"""Share of a correlation of ranks that a trained network does not reproduce."""
VALUE_ADVANTAGE = 0.6
"""Factor on the error of the value itself: a difference or a ratio must leave less error than that."""
COARSE_PENALTY = 0.05
"""Error added if a base has finer steps than the target: what the base does within one step is not learned."""
ROWS_COMPARED = 500
DRAWS = 8
"""Simulated rows for each row that is compared."""
DIRECTIONS = 6
"""Projections of each pair of axes, for the sliced distance."""
MIN_VALUES_WITHOUT_BASE = 10
"""Distinct values in rows without a base that make a distribution of their own; below that all rows are taken."""


def ways_to_learn(
    constraint: "OrderedDifference", columns: Sequence[NumericColumn], values: Array
) -> "Iterator[tuple[float, OrderedDifference]]":
    """Yield each way in which the target may be learned, after its estimated error.

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
        positive = column.kind != "datetime" and np.nanmin(base) >= 0 and np.nanmin(own) >= 0
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
        if fitted.has_score or not may_lack_base:
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


def _error(constraint: "OrderedDifference", base: Array, own: Array, learned: Array) -> float:
    """Estimate how far from the real rows a base and a target would be drawn.

    The simulated generator reproduces the correlation of ranks between the base and what is learned, less
    `CORRELATION_LOST`, and nothing else. The distance is the sliced Wasserstein distance (Rabin et al., Wasserstein
    Barycenter and Its Application to Texture Mixing, 2011) between normal scores of up to four axes: base, target,
    difference, and ratio where it is defined.
    """
    step = -(-len(own) // ROWS_COMPARED)
    base, own, learned = base[::step], own[::step], learned[::step]
    of_base, of_own, scores = (normal_scores(one) for one in (base, own, learned))
    ranks = normal_scores(np.arange(float(len(own))))
    known = (
        (1 - CORRELATION_LOST) * float(scores @ of_base) / max(float(of_base @ of_base), float(scores @ scores), 1e-9)
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
