"""What a target must be, one class for each row: targets of other tasks are refused with the way to make classes."""

from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.errors import DataError

MAX_SMALL, MAX_LARGE = 20, 100
"""Numbers of classes that a small and a large table may have in any case."""
FILL = (
    "fill or drop these rows; if pandas.read_csv took a class such as None or NA for a missing value, read the file "
    "with pandas.read_csv(..., keep_default_na=False, na_values=[''])"
)
"""The remedy for missing labels."""
_CONTAINERS = (list, tuple, set, frozenset, dict, np.ndarray)
_CUT = "pandas.cut({}, 3, labels=['low', 'middle', 'high'])"
_JOINED = "'-'.join(map(str, labels))"


def check_classes(labels: Any, name: str = "y", *, one_hot: bool = False, distinct: bool = True) -> None:
    """Raise `DataError` if labels are those of another task: several for a row, or quantities.

    Whole numbers are quantities if three quarters of them differ, or a third in a large table. Without `distinct` this
    is not tested, for labels that are a part of all. `one_hot` allows labels (n, n_classes) with a single 1 in each
    row.
    """
    if hasattr(labels, "toarray"):
        raise DataError(f"{name} must be dense, but is a sparse matrix: convert it with .toarray().")
    try:
        array = np.asarray(labels)
    except ValueError:  # rows of different lengths
        array = np.empty(len(labels), dtype=object)
        array[:] = [*labels]
    several = array.dtype == object and any(isinstance(label, _CONTAINERS) for label in array.flat)
    is_wide = array.ndim == 2 and array.shape[1] > 1
    if several or (is_wide and not (one_hot and _is_one_hot(array))):
        found = "holds lists or records" if several else f"has the shape {array.shape}"
        raise DataError(
            f"{name} must hold one class for each row, but {found}; Multilabel and multioutput targets are not "
            f"supported: {_one_label(labels, array)} for example."
        )
    numbers = np.zeros(0) if is_wide else _numbers(array)
    if fractions := numbers[numbers != np.rint(numbers)].tolist():
        found = f"numbers such as {fractions[0]:g}"
    elif distinct and len(different := np.unique(numbers)) > _most_classes(len(numbers)):
        found = f"{len(different):,} different numbers in {len(numbers):,} rows"
    else:
        return
    raise DataError(
        f"{name} must hold classes, but holds {found}: a continuous target cannot be balanced; cut it into classes, "
        f"with {_CUT.format('numpy.asarray(y, float)' if array.dtype == object else 'y')} for example."
    )


def check_known(labels: Any) -> None:
    """Raise `DataError` if a label is missing."""
    import pandas as pd

    if missing := int(np.sum(pd.isna(np.asarray(labels, dtype=object)))):
        raise DataError(f"Every row must have a label, but {missing:,} have none: {FILL}.")


def _one_label(labels: Any, array: NDArray[Any]) -> str:
    """Return the remedy for several labels in a row."""
    import pandas as pd

    numbers = _numbers(array)
    if (numbers != np.rint(numbers)).any():
        return f"choose one column and cut it into classes, with {_CUT.format('numpy.asarray(y)[:, 0]')}"
    remedy = f"[{_JOINED} for labels in y]"
    if isinstance(labels, pd.Series):
        remedy = f".map(lambda labels: {_JOINED})"
    elif isinstance(labels, pd.DataFrame):
        remedy = ".astype(str).agg('-'.join, axis=1)"
    return f"join the labels of each row into one class, with {remedy}"


def _most_classes(rows: int) -> int:
    return min(max(MAX_SMALL, rows * 3 // 4), max(MAX_LARGE, rows // 3))


def _is_one_hot(array: NDArray[Any]) -> bool:
    return array.dtype.kind in "biuf" and bool(np.isin(array, (0, 1)).all() and (array.sum(axis=1) == 1).all())


def _numbers(array: NDArray[Any]) -> NDArray[np.float64]:
    """Return the finite numbers of an array, (n,); none if it holds other values too."""
    import pandas as pd

    known = array.ravel()
    if array.dtype == object:
        known = known[~pd.isna(known)]
    is_number = all(isinstance(label, Real | Decimal) and not isinstance(label, bool) for label in known.tolist())
    if array.dtype.kind not in "iufO" or not is_number:
        return np.zeros(0)
    numbers = known.astype(np.float64)
    return numbers[np.isfinite(numbers)]
