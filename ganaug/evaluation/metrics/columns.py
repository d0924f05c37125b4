"""The columns of a table: how each is distributed, how pairs go together, and what the codec promises of them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ganaug.data.tables.category import CategoryColumn
from ganaug.data.tables.codec import TableCodec
from ganaug.data.tables.numeric import NumericColumn
from ganaug.data.tables.series import category_codes, numeric_values

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["MOST_PAIRED", "ColumnDistance", "association_distance", "broken_promises", "column_distances"]

HALVINGS = 10
MOST_PAIRED = 40
"""Columns whose pairs are looked at: the first so many."""

Values = NDArray[Any]


@dataclass(frozen=True)
class ColumnDistance:
    """How far a column's distribution is from the real one, 0 to 1, and what two halves of the real rows are apart."""

    name: str
    kind: str
    distance: float
    floor: float


def column_values(frame: "DataFrame", codec: TableCodec) -> list[Values]:
    """Return each column's numbers, NaN where missing, or codes of its categories, -1 where missing."""
    return [
        numeric_values(frame.iloc[:, position], column)
        if isinstance(column, NumericColumn)
        else category_codes(frame.iloc[:, position], column)
        for position, column in enumerate(codec.columns)
    ]


def column_distances(
    real: "DataFrame", synthetic: "DataFrame", codec: TableCodec, *, seed: int = 0
) -> list[ColumnDistance]:
    """Compare each column by itself.

    Numbers by the largest difference of the distribution functions (Kolmogorov and Smirnov), a missing value counting
    as smaller than all; categories by half the sum of the shares' differences (total variation).

    Parameters
    ----------
    real, synthetic : DataFrame
        With the columns of `codec`.
    codec : TableCodec
        Knows the columns.
    seed : int
        Halves the real rows.

    Examples
    --------
    >>> import pandas as pd
    >>> real = pd.DataFrame({"height": np.arange(40.0), "smokes": [True, False] * 20})
    >>> made = pd.DataFrame({"height": np.arange(40.0), "smokes": [True] * 40})
    >>> [(one.name, one.distance) for one in column_distances(real, made, TableCodec.fit(real))]
    [('height', 0.0), ('smokes', 0.5)]
    """
    rng, found = np.random.default_rng(seed), []
    sides = (column_values(real, codec), column_values(synthetic, codec))
    for column, own, made in zip(codec.columns, *sides, strict=True):
        halves = [np.array_split(rng.permutation(own), 2) for _ in range(HALVINGS)]
        floor = float(np.quantile([_distance(column, *pair) for pair in halves], 0.95))
        found.append(ColumnDistance(str(column.name), column.kind, _distance(column, own, made), floor))
    return found


def _distance(column: NumericColumn | CategoryColumn, left: Values, right: Values) -> float:
    if isinstance(column, NumericColumn):
        one, other = (np.nan_to_num(side, nan=-np.inf) for side in (left, right))
        places = np.concatenate([one, other])
        shares = [np.searchsorted(np.sort(side), places, "right") / max(len(side), 1) for side in (one, other)]
    else:
        codes = np.unique(np.concatenate([left, right]))
        shares = [np.array([(side == code).mean() for code in codes]) for side in (left, right)]
        return float(np.abs(shares[0] - shares[1]).sum() / 2)
    return float(np.abs(shares[0] - shares[1]).max())


def association_distance(
    real: "DataFrame", synthetic: "DataFrame", codec: TableCodec, *, seed: int = 0
) -> tuple[float, float] | None:
    """Return the mean absolute difference of all pairwise associations, and its floor; None for a single column.

    Two columns of numbers are associated by Spearman's correlation, categories by Cramer's V, and one of each by the
    correlation ratio of the ranks; each is 0 to 1 in size.

    Examples
    --------
    >>> import pandas as pd
    >>> x = np.random.default_rng(0).normal(size=200)
    >>> real, made = pd.DataFrame({"a": x, "b": x}), pd.DataFrame({"a": x, "b": x[::-1]})
    >>> distance, floor = association_distance(real, made, TableCodec.fit(real))
    >>> distance > 0.8, floor
    (True, 0.0)
    """
    kinds = codec.columns[:MOST_PAIRED]
    if len(kinds) < 2:
        return None
    rng = np.random.default_rng(seed)
    own, made = (column_values(frame, codec)[:MOST_PAIRED] for frame in (real, synthetic))
    floors = []
    for _ in range(HALVINGS):
        order = np.array_split(rng.permutation(len(real)), 2)
        one, other = ([values[rows] for values in own] for rows in order)
        floors.append(_difference(_associations(one, kinds), _associations(other, kinds)))
    return _difference(_associations(own, kinds), _associations(made, kinds)), float(np.quantile(floors, 0.95))


def _difference(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    return float(np.abs(left - right).mean())


def _associations(values: list[Values], kinds: tuple[NumericColumn | CategoryColumn, ...]) -> NDArray[np.float64]:
    """Return the association of every pair, shape (n_pairs,)."""
    ranks = [
        stats.rankdata(np.where(np.isnan(one), np.nanmedian(one) if np.isfinite(one).any() else 0.0, one))
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
                number, category = (ranks[i], ranks[j]) if numeric[0] else (ranks[j], ranks[i])
                found.append(_correlation_ratio(number, category))
            else:
                found.append(_cramers_v(ranks[i], ranks[j]))
    return np.array(found)


def _correlation(left: Values, right: Values) -> float:
    spread = float(left.std() * right.std())
    return float(((left - left.mean()) * (right - right.mean())).mean()) / spread if spread > 0 else 0.0


def _correlation_ratio(number: Values, category: Values) -> float:
    _, codes, counts = np.unique(category, return_inverse=True, return_counts=True)
    means = np.bincount(codes, weights=number) / counts
    between, total = float((counts * (means - number.mean()) ** 2).sum()), float(((number - number.mean()) ** 2).sum())
    return float(np.sqrt(between / total)) if total > 0 else 0.0


def _cramers_v(left: Values, right: Values) -> float:
    rows, columns = (np.unique(side, return_inverse=True)[1] for side in (left, right))
    shape = (int(rows.max(initial=0)) + 1, int(columns.max(initial=0)) + 1)
    table = np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1]).reshape(shape)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / max(len(left), 1)
    squared = float(((table - expected) ** 2 / np.where(expected > 0, expected, 1)).sum())
    freedom = min(shape) - 1
    return float(np.sqrt(squared / (len(left) * freedom))) if freedom > 0 and len(left) else 0.0


def broken_promises(synthetic: "DataFrame", codec: TableCodec) -> tuple[int, int]:
    """Count what the codec promises of the values of synthetic rows, and how often they break it.

    Numbers stay within the bounds of the real ones and on their decimals, categories are known ones, and only columns
    that miss values miss some.

    Returns
    -------
    checked, violated : int

    Examples
    --------
    >>> import pandas as pd
    >>> real = pd.DataFrame({"rooms": [1, 2, 3, 4]})
    >>> broken_promises(pd.DataFrame({"rooms": [2, 9]}), TableCodec.fit(real))
    (6, 1)
    """
    checked = violated = 0
    for column, values in zip(codec.columns, column_values(synthetic, codec), strict=True):
        if isinstance(column, NumericColumn):
            present = values[~np.isnan(values)]
            low, high = column.bounds
            room = 1e-9 * max(abs(low), abs(high), 1.0)
            rules = [np.isnan(values) & (not column.missing), (present < low - room) | (present > high + room)]
            if column.decimals is not None:
                rules.append(np.abs(present - column.from_steps(column.to_steps(present))) > room)
        else:
            rules = [(values == -1) & (not column.missing), values == -2]
        checked += sum(map(len, rules))
        violated += sum(int(rule.sum()) for rule in rules)
    return checked, violated
