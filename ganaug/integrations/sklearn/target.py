"""Containers of labels: checked, converted to one plain array, and extended with synthetic labels."""

from typing import Any

import numpy as np
import pandas as pd
from imblearn.utils import check_target_type
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from ganaug.data.containers.frames import as_pandas, form_of
from ganaug.data.targets import FILL, check_classes
from ganaug.errors import DataError


class Target:
    """A user's `y` in any container: labels (n,) or (n, 1), or one-hot labels (n, n_classes); `values` has shape (n,).

    `ValueError`, with the messages of scikit-learn and imbalanced-learn, if a label is missing, or text is mixed with
    numbers. `DataError` if labels are continuous, or a row has several. `one_hot` allows one-hot labels.
    """

    def __init__(self, y: Any, *, one_hot: bool = True) -> None:
        self._form = form_of(y)
        self._y = y = as_pandas(y)
        try:
            check_classes(y, one_hot=one_hot)
        except DataError as error:
            raise DataError(f"Unknown label type: {error}") from error
        plain = _plain_array(y)
        if plain.dtype.kind in "Of" and pd.isna(plain).any():
            raise ValueError(f"Input y contains NaN: {FILL}.")
        _check_one_kind(plain)
        _check_kind(plain, y)
        values, one_vs_all = check_target_type(plain, indicate_one_vs_all=True)
        self.values: NDArray[Any] = np.asarray(values)
        self._marks = np.eye(plain.shape[1], dtype=plain.dtype) if one_vs_all else None

    def extend(self, labels: NDArray[Any]) -> Any:
        """Return the user's labels, followed by other labels, in the user's container and dtype."""
        joined = np.concatenate([self.values, labels.astype(self.values.dtype)])
        if self._marks is not None:
            joined = self._marks[joined]
        if isinstance(self._y, list | tuple):
            return [*self._y, *joined[len(self.values) :].tolist()]
        if isinstance(self._y, pd.api.extensions.ExtensionArray):
            return pd.array(joined, dtype=self._y.dtype)
        if isinstance(self._y, pd.Series):
            joined = pd.Series(joined, name=self._y.name).astype(self._y.dtype)
        elif isinstance(self._y, pd.DataFrame):
            joined = pd.DataFrame(joined.reshape(len(joined), -1), columns=self._y.columns).astype(self._y.dtypes)
        return joined if self._form is None else self._form.restored(pd.DataFrame(joined))


def _check_one_kind(labels: NDArray[Any]) -> None:
    """Refuse text among other labels, because such labels cannot be sorted."""
    if labels.dtype == object and len({isinstance(label, str) for label in labels.flat}) > 1:
        found = ", ".join(sorted({type(label).__name__ for label in labels.flat}))
        raise ValueError(
            f"The labels in y must be uniformly strings or numbers, but there are {found}: convert "
            "them to text, with [str(label) for label in y] for example."
        )


def _check_kind(labels: NDArray[Any], y: Any) -> None:
    """Refuse labels that scikit-learn takes for no classes."""
    if labels.dtype == object and type_of_target(labels) == "unknown":
        found = ", ".join(sorted({type(label).__name__ for label in labels.flat}))
        remedy = ".astype(str)" if hasattr(y, "astype") else "[str(label) for label in y]"
        raise DataError(
            f"Unknown label type: y must hold text, whole numbers, or true and false, but holds {found}: convert it to "
            f"text, with {remedy} for example."
        )
    check_classification_targets(labels)


def _plain_array(y: Any) -> NDArray[Any]:
    y = pd.Series(y) if isinstance(y, pd.api.extensions.ExtensionArray) else y
    dtypes = [y.dtype] if isinstance(y, pd.Series) else list(y.dtypes) if isinstance(y, pd.DataFrame) else []
    if not any(pd.api.types.is_extension_array_dtype(dtype) for dtype in dtypes):
        plain = np.asarray(y)
        if isinstance(y, list | tuple) and plain.dtype.kind == "U":
            # NumPy turns all values of a list that holds text into text, NaN too.
            listed = np.array(y, dtype=object)
            return plain if all(isinstance(label, str) for label in listed.flat) else listed
        return plain
    columns = [y] if isinstance(y, pd.Series) else [y.iloc[:, position] for position in range(y.shape[1])]
    lists = [column.tolist() for column in columns]
    if any(pd.isna(value) for values in lists for value in values):
        raise ValueError(f"Input y contains NaN: {FILL}.")
    return np.array(lists[0]) if isinstance(y, pd.Series) else np.array(lists).T
