"""The distribution of each column of a table, real against synthetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.codec import Column
from ganaug.data.tables.numeric import NumericColumn
from ganaug.data.tables.series import category_codes, numeric_values
from ganaug.evaluation.metrics.base import FoldData, Metric, mean

if TYPE_CHECKING:
    from pandas import DataFrame

HALVINGS = 10
"""Random splits of the real rows into halves. The floor is the `QUANTILE` of the distances between the halves."""
QUANTILE = 0.95  # that the distances of equal distributions seldom exceed

Values = NDArray[Any]  # (n,)


@dataclass(frozen=True)
class ColumnDistance:
    """How far the distribution of a column is from the real one, 0 to 1, and the same for two halves of real rows."""

    name: str
    kind: str
    distance: float
    floor: float


def column_values(frame: "DataFrame", columns: Sequence[Column]) -> list[Values]:
    """Return the numbers of each column, NaN where missing, or the codes of its categories, -1 where missing."""
    return [
        numeric_values(frame.iloc[:, position], column)
        if isinstance(column, NumericColumn)
        else category_codes(frame.iloc[:, position], column)
        for position, column in enumerate(columns)
    ]


def column_distances(
    real: "DataFrame", synthetic: "DataFrame", columns: Sequence[Column], *, seed: int = 0
) -> list[ColumnDistance]:
    """Compare each column by itself.

    The distance of numbers is the Kolmogorov-Smirnov statistic, the largest difference between the two distribution
    functions; a missing value counts as smaller than every number. The distance of categories is the total variation,
    half the sum of the absolute differences of the shares.

    Both tables have these columns, in their order. The floor is that of random halves of the real rows.
    """
    rng, found = np.random.default_rng(seed), []
    sides = (column_values(real, columns), column_values(synthetic, columns))
    for column, own, made in zip(columns, *sides, strict=True):
        distance = _kolmogorov_smirnov if isinstance(column, NumericColumn) else _total_variation
        halves = [np.array_split(rng.permutation(own), 2) for _ in range(HALVINGS)]
        floor = float(np.quantile([distance(one, other) for one, other in halves], QUANTILE))
        found.append(ColumnDistance(str(column.name), column.kind, distance(own, made), floor))
    return found


def _kolmogorov_smirnov(left: Values, right: Values) -> float:
    sides = [np.nan_to_num(side, nan=-np.inf) for side in (left, right)]
    places = np.concatenate(sides)
    shares = [np.searchsorted(np.sort(side), places, "right") / max(len(side), 1) for side in sides]
    return float(np.abs(shares[0] - shares[1]).max())


def _total_variation(left: Values, right: Values) -> float:
    codes = np.unique(np.concatenate([left, right]))
    shares = [np.array([(side == code).mean() for code in codes]) for side in (left, right)]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def _measure(fold: FoldData) -> list[ColumnDistance] | None:
    columns = fold.synthetic.columns
    return column_distances(fold.real.content, fold.synthetic.content, columns, seed=fold.seed) if columns else None


def _pool(results: Sequence[list[ColumnDistance]]) -> dict[str, Any]:
    return {
        "columns": [
            {
                "name": folds[0].name,
                "kind": folds[0].kind,
                "distance": mean([one.distance for one in folds]),
                "floor": mean([one.floor for one in folds]),
            }
            for folds in zip(*results, strict=True)
        ]
    }


METRIC = Metric(_pool, _measure)  # the page shows the distances below the charts of the columns
