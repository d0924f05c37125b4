"""The real and the synthetic values of a column as histograms, or as shares of its categories."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MIN_BINS = 6  # of a histogram: fewer hide its shape
MAX_BINS = 24  # more do not fit the chart
MAX_CATEGORIES = 8
"""Categories with a bar of their own; the others share one."""
MAX_DISTINCT = 10
"""Distinct numbers of a column that are shown as categories; of more, a histogram is shown."""
TAILS = (0.5, 99.5)
"""Percentiles that a histogram reaches to; values beyond them count in its outermost bins."""


@dataclass(frozen=True)
class Histogram:
    """Shares of the real and the synthetic values between the edges; the unit of times is days since 1970."""

    edges: NDArray[np.float64]
    real: NDArray[np.float64]
    synthetic: NDArray[np.float64]
    is_time: bool


@dataclass(frozen=True)
class Bars:
    """Shares of the real and the synthetic values by category; the last label may stand for several categories."""

    labels: Sequence[str]
    real: Sequence[float]
    synthetic: Sequence[float]


def missing(column: Mapping[str, Any]) -> tuple[float, float]:
    """Return the shares of missing values, real and synthetic."""
    import pandas as pd

    real, synthetic = (pd.isna(np.asarray(column[side])) for side in ("real", "synthetic"))
    return (float(real.mean()) if len(real) else 0.0), (float(synthetic.mean()) if len(synthetic) else 0.0)


def counted(column: Mapping[str, Any]) -> Histogram | Bars | None:
    """Count the values of a column, one of `Exhibits.distributions`; None where one side has no values."""
    real, synthetic = (_present(column[side]) for side in ("real", "synthetic"))
    if not len(real) or not len(synthetic):
        return None
    kinds = {side.dtype.kind for side in (real, synthetic)}
    if kinds <= {"M"}:
        days = [side.astype("datetime64[s]").astype(np.float64) / 86400 for side in (real, synthetic)]
        return _histogram(*days, is_time=True)
    if not kinds <= {"i", "u", "f"}:
        return _bars(real, synthetic, ordered=False)
    if len(np.union1d(real, synthetic)) <= MAX_DISTINCT:
        return _bars(real, synthetic, ordered=True)
    return _histogram(real.astype(np.float64), synthetic.astype(np.float64), is_time=False)


def _present(values: Any) -> NDArray[Any]:
    """Return the values that are not missing, as numbers, times in UTC, or text."""
    import pandas as pd

    if isinstance(getattr(values, "dtype", None), pd.DatetimeTZDtype):
        values = pd.Series(values).dt.tz_convert("UTC").dt.tz_localize(None)
    array: NDArray[Any] = np.asarray(values)
    array = array[~np.asarray(pd.isna(array))]
    if array.dtype.kind != "O":
        return array
    kinds = {bool if isinstance(value, bool) else float if isinstance(value, int | float) else str for value in array}
    return array.astype(np.float64) if kinds == {float} else np.array([str(value) for value in array], dtype=object)


def _histogram(real: NDArray[np.float64], synthetic: NDArray[np.float64], *, is_time: bool) -> Histogram | None:
    sides = [values[np.isfinite(values)] for values in (real, synthetic)]
    if not all(map(len, sides)):
        return None
    bounds = np.array([np.percentile(values, TAILS) for values in sides])
    low, high = float(bounds[:, 0].min()), float(bounds[:, 1].max())
    bins = int(np.clip(2 * min(map(len, sides)) ** (1 / 3), MIN_BINS, MAX_BINS))  # Rice's rule
    edges = np.linspace(low, high if high > low else low + max(1.0, abs(low)) * 1e-6, bins + 1)
    shares = [np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] / len(values) for values in sides]
    return Histogram(edges, shares[0], shares[1], is_time)


def _bars(real: NDArray[Any], synthetic: NDArray[Any], *, ordered: bool) -> Bars:
    counts = [Counter(side.tolist()) for side in (real, synthetic)]
    shares = {
        label: (counts[0][label] / len(real), counts[1][label] / len(synthetic)) for label in counts[0] | counts[1]
    }
    labels = sorted(shares, key=None if ordered else lambda label: (-shares[label][0], -shares[label][1], label))
    rest = labels[MAX_CATEGORIES:] if len(labels) > MAX_CATEGORIES + 1 and not ordered else []
    labels = labels[: len(labels) - len(rest)]
    columns = [[shares[label][side] for label in labels] for side in (0, 1)]
    names = [f"{label:g}" if isinstance(label, float) else str(label) for label in labels]
    if rest:
        names.append(f"{len(rest):,} others")
        for side, column in enumerate(columns):
            column.append(sum(shares[label][side] for label in rest))
    return Bars(names, columns[0], columns[1])
