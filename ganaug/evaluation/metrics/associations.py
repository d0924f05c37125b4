"""The associations between pairs of columns of a table, real against synthetic."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.codec import Column
from ganaug.data.tables.numeric import NumericColumn
from ganaug.evaluation.metrics.base import FoldData, pair_metric
from ganaug.evaluation.metrics.columns import HALVINGS, QUANTILE, Values, column_values

if TYPE_CHECKING:
    from pandas import DataFrame

MAX_COLUMNS = 40
"""Columns whose pairs are compared, the first ones: bounds the time."""


def association_distance(
    real: "DataFrame", synthetic: "DataFrame", columns: Sequence[Column], *, seed: int = 0
) -> tuple[float, float] | None:
    """Return the mean absolute difference of all pairwise associations, and its floor; None for a single column.

    The association of two columns of numbers is Spearman's correlation, of two columns of categories Cramer's V, and
    of one of each the correlation ratio of the ranks. The absolute value of each is from 0 to 1.

    Both tables have these columns, in their order. The floor is that of random halves of the real rows.
    """
    kinds = columns[:MAX_COLUMNS]
    if len(kinds) < 2:
        return None
    rng = np.random.default_rng(seed)
    own, made = (column_values(frame, kinds) for frame in (real, synthetic))

    def distance(left: list[Values], right: list[Values]) -> float:
        return float(np.abs(_associations(left, kinds) - _associations(right, kinds)).mean())

    floors = []
    for _ in range(HALVINGS):
        halves = np.array_split(rng.permutation(len(real)), 2)
        floors.append(distance(*([values[rows] for values in own] for rows in halves)))
    return distance(own, made), float(np.quantile(floors, QUANTILE))


def _associations(values: list[Values], kinds: Sequence[Column]) -> NDArray[np.float64]:
    """Return the association of every pair, shape (n_pairs,)."""
    from scipy.stats import rankdata

    ranks = [
        rankdata(np.where(np.isnan(one), np.nanmedian(one) if np.isfinite(one).any() else 0.0, one))
        if isinstance(kind, NumericColumn)
        else one
        for one, kind in zip(values, kinds, strict=True)
    ]
    found = []
    for i in range(len(kinds)):
        for j in range(i):
            numeric = [isinstance(kinds[k], NumericColumn) for k in (i, j)]
            if all(numeric):
                found.append(_correlation(ranks[i], ranks[j]))
            elif any(numeric):
                numbers, category = (ranks[i], ranks[j]) if numeric[0] else (ranks[j], ranks[i])
                found.append(_correlation_ratio(numbers, category))
            else:
                found.append(_cramers_v(ranks[i], ranks[j]))
    return np.array(found)


def _correlation(left: Values, right: Values) -> float:
    spread = float(left.std() * right.std())
    return float(((left - left.mean()) * (right - right.mean())).mean()) / spread if spread > 0 else 0.0


def _correlation_ratio(numbers: Values, category: Values) -> float:
    _, codes, counts = np.unique(category, return_inverse=True, return_counts=True)
    means, centre = np.bincount(codes, weights=numbers) / counts, numbers.mean()
    between, total = float((counts * (means - centre) ** 2).sum()), float(((numbers - centre) ** 2).sum())
    return float(np.sqrt(between / total)) if total > 0 else 0.0


def _cramers_v(left: Values, right: Values) -> float:
    rows, columns = (np.unique(side, return_inverse=True)[1] for side in (left, right))
    shape = (int(rows.max(initial=0)) + 1, int(columns.max(initial=0)) + 1)
    table = np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1]).reshape(shape)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / max(len(left), 1)
    squared = float(((table - expected) ** 2 / np.where(expected > 0, expected, 1)).sum())
    freedom = min(shape) - 1
    return float(np.sqrt(squared / (len(left) * freedom))) if freedom > 0 and len(left) else 0.0


def _measure(fold: FoldData) -> tuple[float, float] | None:
    return association_distance(fold.real.content, fold.synthetic.content, fold.synthetic.columns, seed=fold.seed)


METRIC = pair_metric(
    "associations",
    ("distance", "floor"),
    _measure,
    title="Associations of columns",
    meaning="How much pairs of columns depend on each other, real against synthetic: mean absolute difference.",
)
