"""Rows as the user holds them <-> the plain frame that a table generator learns from."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from ganaug.data.containers.dtype_promotion import cast, numpy_dtype, wide_dtype
from ganaug.errors import DataError

__all__ = ["Form", "as_rows", "check_frame", "check_kinds", "check_not_empty", "form_of", "kinds_of", "named_columns"]


class Form(ABC):
    """What a user's rows are: of this form new ones are made, and joined to those that there are."""

    @abstractmethod
    def encode(self, X: Any) -> Any:
        """Return rows of this form as a generator learns from them."""

    @abstractmethod
    def widened(self, X: Any, samples: Any) -> Self:
        """Return this form with dtypes that hold both rows of this form and a generator's samples exactly."""

    @abstractmethod
    def decode(self, samples: Any) -> Any:
        """Return a generator's samples in this form."""

    @abstractmethod
    def stack(self, X: Any, new: Any) -> Any:
        """Return `X` followed by new rows, both of this form."""


@dataclass(frozen=True)
class ArrayForm(Form):
    """A two-dimensional array of one dtype."""

    dtype: np.dtype[Any]

    def encode(self, X: Any) -> pd.DataFrame:
        """Return a frame with columns x0, x1, ..., where Python objects become the type that they all share."""
        frame = pd.DataFrame(X, columns=_numbered(X.shape[1]))
        if self.dtype != object:
            return frame
        frame = frame.infer_objects()
        check_frame(frame)
        return frame

    def widened(self, X: Any, samples: pd.DataFrame) -> Self:
        """Return the form of the array that holds all columns, longer text where that is what was drawn."""
        if self.dtype.kind in "SU":
            kind = object if samples.isna().any(axis=None) else self.dtype.kind
            return replace(self, dtype=np.result_type(self.dtype, samples.to_numpy(dtype=object).astype(kind)))
        dtypes = [numpy_dtype(wide_dtype(real, drawn), drawn) for real, drawn in _pairs(self.encode(X), samples)]
        return replace(self, dtype=np.result_type(self.dtype, *dtypes))

    def decode(self, samples: pd.DataFrame) -> NDArray[Any]:
        """Return an array of this dtype."""
        if self.dtype.kind == "f":
            samples = samples.astype(self.dtype)  # Where pandas' missing values become numpy's.
        values: NDArray[Any] = samples.to_numpy(dtype=object if self.dtype.kind in "OSU" else None)
        return values.astype(self.dtype)

    def stack(self, X: Any, new: NDArray[Any]) -> NDArray[Any]:
        """Return one array."""
        X = np.asarray(X)
        return np.concatenate([X, _missing_as_in(X, new) if X.dtype == object else new])


@dataclass(frozen=True)
class ListForm(Form):
    """A list of lists; numbers are seen as the array that they make, so that their rows are that array's rows."""

    inner: Form

    def encode(self, X: Any) -> pd.DataFrame:
        """Return the frame of the array or of the mixed rows."""
        frame: pd.DataFrame = self.inner.encode(X)
        return frame

    def widened(self, X: Any, samples: pd.DataFrame) -> Self:
        """Return a list of rows that are wide enough."""
        return replace(self, inner=self.inner.widened(X, samples))

    def decode(self, samples: pd.DataFrame) -> list[list[Any]]:
        """Return a list of lists of Python values."""
        if isinstance(self.inner, ArrayForm):
            rows: list[list[Any]] = self.inner.decode(samples).tolist()
            return rows
        return [list(row) for row in zip(*(samples[name].tolist() for name in samples.columns), strict=True)]

    def stack(self, X: Any, new: list[list[Any]]) -> list[Any]:
        """Return one list, with the very rows of `X`."""
        if isinstance(self.inner, ArrayForm) or not new:
            return [*X, *new]
        return [*X, *_missing_as_in(*(np.array(rows, dtype=object) for rows in (X, new))).tolist()]


@dataclass(frozen=True)
class SparseForm(Form):
    """A scipy sparse matrix or array of any format."""

    dtype: np.dtype[Any]
    kind: type

    def encode(self, X: Any) -> pd.DataFrame:
        """Return a dense frame."""
        return ArrayForm(self.dtype).encode(X.toarray())

    def widened(self, X: Any, samples: pd.DataFrame) -> Self:
        """Return the form of a matrix that holds all columns."""
        return replace(self, dtype=ArrayForm(self.dtype).widened(X.toarray(), samples).dtype)

    def decode(self, samples: pd.DataFrame) -> Any:
        """Return the same kind of matrix."""
        return self.kind(ArrayForm(self.dtype).decode(samples))

    def stack(self, X: Any, new: Any) -> Any:
        """Return one matrix of the format of `X`."""
        return sparse.vstack([X, new], format=X.format, dtype=self.dtype)


@dataclass(frozen=True)
class FrameForm(Form):
    """A DataFrame: its columns and their dtypes."""

    columns: pd.Index = field(compare=False)
    dtypes: tuple[Any, ...]

    def encode(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return a frame with text for column names and without sparse columns."""
        frame = X.set_axis(named_columns(X.columns), axis=1).reset_index(drop=True)
        thin = [name for name, dtype in frame.dtypes.items() if isinstance(dtype, pd.SparseDtype)]
        return frame.assign(**{name: frame[name].sparse.to_dense() for name in thin})

    def widened(self, X: pd.DataFrame, samples: pd.DataFrame) -> Self:
        """Return the form of the frame whose every column holds both."""
        found = [wide_dtype(real, drawn) for real, drawn in _pairs(self.encode(X), samples)]
        return replace(self, dtypes=tuple(map(_thinned, found, self.dtypes)))

    def decode(self, samples: pd.DataFrame) -> pd.DataFrame:
        """Return a frame with these columns and dtypes."""
        return self._cast(samples.reset_index(drop=True)).set_axis(self.columns, axis=1)

    def stack(self, X: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
        """Return one frame with a fresh index, as imbalanced-learn does."""
        return pd.concat([self._cast(X), new], ignore_index=True)

    def _cast(self, frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.copy(deep=False)
        for name, dtype in zip(frame.columns, self.dtypes, strict=True):
            if frame[name].dtype != dtype:
                frame[name] = cast(frame[name], dtype)
        return frame


def as_rows(X: Any) -> Any:
    """Return `X` as it is, except that a list becomes an array or, where it mixes kinds of values, a frame."""
    if not isinstance(X, list | tuple):
        return X
    try:
        array = np.asarray(X)
    except ValueError:  # rows of several lengths: scikit-learn's own check says it better
        return X
    if array.dtype.kind in "USO" and array.ndim == 2:
        return pd.DataFrame(list(X), columns=_numbered(array.shape[1]))
    return array


def form_of(X: Any, rows: Any) -> Form:
    """Return the form of the user's `X`, which `as_rows` and validation made into `rows`."""
    if isinstance(rows, pd.DataFrame):
        form: Form = FrameForm(rows.columns, tuple(rows.dtypes))
    elif sparse.issparse(rows):
        form = SparseForm(rows.dtype, type(rows))
    else:
        form = ArrayForm(rows.dtype)
    return ListForm(form) if isinstance(X, list | tuple) else form


def named_columns(columns: Iterable[Any]) -> list[str]:
    """Return text names for columns: their own where these stay distinct, x0, x1, ... otherwise.

    Examples
    --------
    >>> named_columns(["age", 3]), named_columns(["3", 3])
    (['age', '3'], ['x0', 'x1'])
    """
    names = [str(column) for column in columns]
    return names if len(set(names)) == len(names) else _numbered(len(names))


def check_frame(frame: pd.DataFrame) -> None:
    """Raise, in scikit-learn's words where it has some, unless every cell is a value that a table can hold."""
    check_not_empty(frame.shape)
    if not frame.columns.is_unique:
        twice = sorted({repr(name) for name in frame.columns[frame.columns.duplicated()]})
        raise DataError(f"Expected unique column names, but there are several of {', '.join(twice)}.")
    for name, column in frame.items():
        kind = getattr(column.dtype, "kind", "O")
        if kind == "c":
            raise ValueError(f"Complex data not supported\nin column {name!r}")
        if kind == "f":
            values = column.to_numpy(dtype=np.float64, na_value=np.nan)
            if np.isinf(values).any():
                raise ValueError(f"Input X contains infinity or a value too large for {values.dtype!r}.")
        if column.dtype == object:
            _check_cells(column)


def check_not_empty(shape: tuple[int, ...]) -> None:
    """Raise, in scikit-learn's words, where there is no row or no column."""
    for size, what in zip(shape, ("sample", "feature"), strict=False):
        if size < 1:
            raise ValueError(f"Found array with 0 {what}(s) (shape={shape}) while a minimum of 1 is required.")


def kinds_of(frame: pd.DataFrame) -> list[str]:
    """Return what each column holds: numbers (and truth values), times, text, or nothing where all is missing.

    Examples
    --------
    >>> kinds_of(pd.DataFrame({"a": [1, None], "b": pd.Categorical(["x", "y"]), "c": [None, None]}))
    ['numbers', 'text', 'nothing']
    """
    return [_kind(column) for _, column in frame.items()]


def _kind(column: pd.Series) -> str:
    if column.isna().all():
        return "nothing"
    values = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else column.dropna().infer_objects()
    if pd.api.types.is_numeric_dtype(values.dtype):
        return "numbers"
    times = pd.api.types.is_datetime64_any_dtype(values.dtype) or pd.api.types.is_timedelta64_dtype(values.dtype)
    return "times" if times else "text"


def check_kinds(frame: pd.DataFrame, expected: Sequence[str]) -> None:
    """Raise if a column holds another kind of values than it did in fit; nothing at all goes with every kind."""
    for name, now, before in zip(frame.columns, kinds_of(frame), expected, strict=True):
        if now != before and "nothing" not in (now, before):
            raise DataError(
                f"Every column must hold the kind of values that it held in fit, but column {name!r} held {before} and "
                f"now holds {now}: convert it, or fit again."
            )


def _check_cells(column: pd.Series) -> None:
    nested = {
        type(cell).__name__ for cell in column if isinstance(cell, Iterable) and not isinstance(cell, str | bytes)
    }
    if nested:
        found = ", ".join(sorted(nested))
        raise TypeError(
            f"Every cell's argument must be a string or a number, not {found} as in column {column.name!r}."
        )


def _pairs(real: pd.DataFrame, drawn: pd.DataFrame) -> list[tuple[pd.Series, pd.Series]]:
    return [(real.iloc[:, position], drawn.iloc[:, position]) for position in range(real.shape[1])]


def _thinned(dtype: Any, own: Any) -> Any:
    """Return a dtype as a sparse one where a column's own is that."""
    if not isinstance(own, pd.SparseDtype):
        return dtype
    return own if dtype == own.subtype else pd.SparseDtype(dtype, dtype.type(own.fill_value))


def _missing_as_in(X: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
    """Return new rows of objects whose missing values are what they are in the same column of `X`: None, say."""
    new = new.copy()
    for known, drawn in zip(X.T, new.T, strict=True):
        if (missing := pd.isna(known)).any():
            drawn[pd.isna(drawn)] = known[missing][0]
    return new


def _numbered(count: int) -> list[str]:
    return [f"x{index}" for index in range(count)]


def positions_of(features: Sequence[Any], columns: Sequence[Any]) -> list[int]:
    """Return the positions of columns that are given by name, by position or as a mask.

    Examples
    --------
    >>> positions_of(["b"], ["a", "b"]), positions_of([-1], ["a", "b"]), positions_of([True, False], ["a", "b"])
    ([1], [1], [0])
    """
    features, columns = list(features), list(columns)
    if len(features) == len(columns) and all(isinstance(feature, bool | np.bool_) for feature in features):
        return [position for position, chosen in enumerate(features) if chosen]
    found = []
    for feature in features:
        whole = isinstance(feature, int | np.integer) and not isinstance(feature, bool)
        if whole and -len(columns) <= feature < len(columns):
            found.append(int(feature) % len(columns))
        elif feature in columns:
            found.append(columns.index(feature))
        else:
            raise DataError(
                f"categorical_features must name columns, or give their positions or one bool for each of the "
                f"{len(columns)}, but holds {feature!r}."
            )
    return found
