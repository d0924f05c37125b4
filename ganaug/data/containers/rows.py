"""Containers of rows: arrays, lists, sparse matrices and frames <-> the plain DataFrame that a generator learns."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from ganaug.data.containers.container import Container
from ganaug.data.containers.dtype_promotion import cast, numpy_dtype, promoted_dtypes
from ganaug.data.containers.frames import ArrowForm, FrameForm, as_pandas, form_of
from ganaug.data.labels import Label
from ganaug.data.tables.dataset import LabelledTable, from_frame
from ganaug.data.tables.left_out import FLAG, holds_flags
from ganaug.errors import DataError, warn


class TableContainer(Container):
    """A container of rows. `unwrap` returns a DataFrame whose columns have distinct texts for names."""

    modality = "table"
    described = "a table"

    def kinds(self, X: Any) -> dict[str, str]:
        """Return what each column holds: numbers (also truth values), times, text, or nothing if all are missing."""
        return {name: _kind(column) for name, column in self.unwrap(X).items()}

    def dataset(
        self,
        X: Any,
        codes: NDArray[np.int64],
        classes: Sequence[Label],
        categorical_features: Any = "auto",
        rules: Any = "auto",
    ) -> LabelledTable:
        """Return the rows and their labels as a table to train on."""
        frame, features = self.unwrap(X), categorical_features
        if FLAG in frame and holds_flags(frame[FLAG]):
            warn(
                f"the column {FLAG!r} tells synthetic rows from real ones, as in a table that ganaug balance wrote, "
                "and is learned as a feature: keep the rows in which it is false, and drop the column, with "
                f"X.drop(columns={FLAG!r})"
            )
        if not isinstance(features, str):
            features = [frame.columns[position] for position in positions_of(features, getattr(X, "columns", frame))]
        return from_frame(frame, np.array(classes)[codes], categorical_features=features, rules=rules)


@dataclass(frozen=True)
class _ArrayContainer(TableContainer):
    """A two-dimensional array of one dtype."""

    dtype: np.dtype[Any]

    def unwrap(self, X: Any) -> pd.DataFrame:
        """Return a DataFrame with columns x0, x1, ...; Python objects get the dtype that a whole column shares."""
        frame = pd.DataFrame(X, columns=_numbered(X.shape[1]))
        return frame.infer_objects() if self.dtype == object else frame

    def promoted(self, X: Any, samples: pd.DataFrame) -> Self:
        if self.dtype.kind in "SU":  # the dtype of the longest text
            kind = object if samples.isna().any(axis=None) else self.dtype.kind
            return replace(self, dtype=np.result_type(self.dtype, samples.to_numpy(dtype=object).astype(kind)))
        found = promoted_dtypes(self.unwrap(X), samples)
        dtypes = [numpy_dtype(dtype, samples[name]) for dtype, name in zip(found, samples, strict=True)]
        return replace(self, dtype=np.result_type(self.dtype, *dtypes))

    def wrap(self, samples: pd.DataFrame) -> NDArray[Any]:
        if self.dtype.kind == "f":
            samples = samples.astype(self.dtype)  # pandas' missing values become NaN
        values: NDArray[Any] = samples.to_numpy(dtype=object if self.dtype.kind in "OSU" else None)
        return values.astype(self.dtype)

    def append(self, X: Any, new: NDArray[Any]) -> NDArray[Any]:
        X = np.asarray(X)
        return np.concatenate([X, _with_missing_of(X, new) if X.dtype == object else new])

    def copied(self, X: Any) -> NDArray[Any]:
        return np.array(X)


@dataclass(frozen=True)
class _ListContainer(TableContainer):
    """A list of rows, which `as_rows` turned into an array or a DataFrame. Results hold the same row objects."""

    inner: TableContainer

    def unwrap(self, X: Any) -> pd.DataFrame:
        return self.inner.unwrap(X)

    def promoted(self, X: Any, samples: pd.DataFrame) -> Self:
        return replace(self, inner=self.inner.promoted(X, samples))

    def wrap(self, samples: pd.DataFrame) -> list[list[Any]]:
        if isinstance(self.inner, _ArrayContainer):
            rows: list[list[Any]] = self.inner.wrap(samples).tolist()
            return rows
        return [list(row) for row in zip(*(samples[name].tolist() for name in samples.columns), strict=True)]

    def append(self, X: Any, new: list[list[Any]]) -> list[Any]:
        if isinstance(self.inner, _ArrayContainer) or not new:
            return [*X, *new]
        return [*X, *_with_missing_of(*(np.array(rows, dtype=object) for rows in (X, new))).tolist()]

    def copied(self, X: Any) -> list[Any]:
        return list(X)


@dataclass(frozen=True)
class _SparseContainer(TableContainer):
    """A scipy sparse matrix or array of any format."""

    inner: _ArrayContainer
    kind: type

    def unwrap(self, X: Any) -> pd.DataFrame:
        return self.inner.unwrap(X.toarray())

    def promoted(self, X: Any, samples: pd.DataFrame) -> Self:
        return replace(self, inner=self.inner.promoted(X.toarray(), samples))

    def wrap(self, samples: pd.DataFrame) -> Any:
        return self.kind(self.inner.wrap(samples))

    def append(self, X: Any, new: Any) -> Any:
        return sparse.vstack([X, new], format=X.format, dtype=self.inner.dtype)

    def copied(self, X: Any) -> Any:
        return X.copy()


@dataclass(frozen=True)
class _FrameContainer(TableContainer):
    """A DataFrame with these columns and dtypes. Results have a fresh index, as in imbalanced-learn."""

    columns: pd.Index = field(compare=False)
    dtypes: tuple[Any, ...]

    def unwrap(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return a DataFrame with text for column names and without sparse columns."""
        frame = X.set_axis(named_columns(X.columns), axis=1).reset_index(drop=True)
        thin = [name for name, dtype in frame.dtypes.items() if isinstance(dtype, pd.SparseDtype)]
        return frame.assign(**{name: frame[name].sparse.to_dense() for name in thin})

    def promoted(self, X: pd.DataFrame, samples: pd.DataFrame) -> Self:
        return replace(self, dtypes=tuple(map(_sparse_as, promoted_dtypes(self.unwrap(X), samples), self.dtypes)))

    def wrap(self, samples: pd.DataFrame) -> pd.DataFrame:
        return self._cast(samples.reset_index(drop=True)).set_axis(self.columns, axis=1)

    def append(self, X: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
        return pd.concat([self._cast(X), new], ignore_index=True)

    def copied(self, X: pd.DataFrame) -> pd.DataFrame:
        return X.reset_index(drop=True)

    def _cast(self, frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.copy(deep=False)
        for name, dtype in zip(frame.columns, self.dtypes, strict=True):
            if frame[name].dtype != dtype:
                frame[name] = cast(frame[name], dtype)
        return frame


@dataclass(frozen=True)
class _ForeignContainer(TableContainer):
    """A frame of another library, or with types of Arrow, which `as_rows` turned into a plain one of pandas."""

    inner: _FrameContainer
    form: FrameForm | ArrowForm

    def unwrap(self, X: pd.DataFrame) -> pd.DataFrame:
        return self.inner.unwrap(X)

    def promoted(self, X: pd.DataFrame, samples: pd.DataFrame) -> Self:
        inner = self.inner.promoted(X, samples)
        promoted = {name for name, *pair in zip(X, inner.dtypes, self.inner.dtypes, strict=True) if pair[0] != pair[1]}
        return replace(self, inner=inner, form=self.form.holding(inner.wrap(samples), promoted))

    def wrap(self, samples: pd.DataFrame) -> Any:
        return self.form.restored(self.inner.wrap(samples))

    def append(self, X: Any, new: Any) -> Any:
        return self.form.appended(X, new)

    def copied(self, X: Any) -> Any:
        return self.form.copied(X)


def table_container(X: Any, rows: Any) -> TableContainer:
    """Return the container of a user's `X`, which `as_rows` and validation turned into `rows`."""
    container: TableContainer
    if isinstance(rows, pd.DataFrame):
        container, form = _FrameContainer(rows.columns, tuple(rows.dtypes)), form_of(X)
        container = container if form is None else _ForeignContainer(container, form)
    elif sparse.issparse(rows):
        container = _SparseContainer(_ArrayContainer(rows.dtype), type(rows))
    else:
        container = _ArrayContainer(rows.dtype)
    return _ListContainer(container) if isinstance(X, list | tuple) else container


def as_rows(X: Any) -> Any:
    """Return `X` itself, but a frame of another library as one of pandas, and a list as an array or a DataFrame.

    A list becomes a DataFrame if its columns hold different kinds of values.
    """
    if not isinstance(X, list | tuple):
        return as_pandas(X)
    try:
        array = np.asarray(X)
    except ValueError:  # the rows have different lengths, which scikit-learn's own check reports
        return X
    if array.dtype.kind in "USO" and array.ndim == 2:
        return pd.DataFrame(list(X), columns=_numbered(array.shape[1]))
    return array


def named_columns(columns: Iterable[Any]) -> list[str]:
    """Return the names of columns as texts; x0, x1, ... if the texts are not distinct."""
    names = [str(column) for column in columns]
    return names if len(set(names)) == len(names) else _numbered(len(names))


def _kind(column: pd.Series) -> str:
    if column.isna().all():
        return "nothing"
    values = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else column.dropna().infer_objects()
    if pd.api.types.is_numeric_dtype(values.dtype):
        return "numbers"
    times = pd.api.types.is_datetime64_any_dtype(values.dtype) or pd.api.types.is_timedelta64_dtype(values.dtype)
    return "times" if times else "text"


def _sparse_as(dtype: Any, own: Any) -> Any:
    """Return a dtype as a sparse one if the column's own is sparse."""
    if not isinstance(own, pd.SparseDtype):
        return dtype
    return own if dtype == own.subtype else pd.SparseDtype(dtype, dtype.type(own.fill_value))


def _with_missing_of(X: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
    """Return new rows of objects with the missing value of `X`, such as None, in each column where `X` has one."""
    new = new.copy()
    for known, drawn in zip(X.T, new.T, strict=True):
        if (missing := pd.isna(known)).any():
            drawn[pd.isna(drawn)] = known[missing][0]
    return new


def _numbered(count: int) -> list[str]:
    return [f"x{index}" for index in range(count)]


def positions_of(features: Sequence[Any], columns: Sequence[Any]) -> list[int]:
    """Return the positions of columns that are given by name, by position or as a mask of one bool a column."""
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
