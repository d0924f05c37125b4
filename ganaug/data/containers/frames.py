"""Frames of other libraries, opened by narwhals, and those of pandas with types of Arrow <-> plain frames of pandas."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from narwhals.exceptions import DuplicateError

from ganaug.data.containers.dtype_promotion import cast
from ganaug.errors import DataError

_MASKED = {
    pa.from_numpy_dtype(dtype.numpy_dtype): dtype
    for dtype in (
        *(pd.Int8Dtype(), pd.Int16Dtype(), pd.Int32Dtype(), pd.Int64Dtype(), pd.BooleanDtype()),
        *(pd.UInt8Dtype(), pd.UInt16Dtype(), pd.UInt32Dtype(), pd.UInt64Dtype()),
    )
}
"""For each Arrow type that NumPy cannot hold with missing values, the dtype of pandas that can."""
_KINDS = (
    *("boolean", "integer", "floating", "decimal", "date", "timestamp", "duration"),
    *("string", "large_string", "string_view", "dictionary", "null"),
)
"""The kinds of Arrow types that pandas can represent, as `pyarrow.types` names them."""
_PARTS = "make a column of each part, or drop it"
_REMEDIES: Mapping[Any, str] = {
    nw.Time: "cast it to integers, the time since midnight, or drop it",
    nw.Binary: "cast it to text, or drop it",
    nw.List: _PARTS,
    nw.Array: _PARTS,
    nw.Struct: _PARTS,
    nw.Int128: "cast it to floating point, or drop it",
    nw.UInt128: "cast it to floating point, or drop it",
}


@dataclass(frozen=True)
class FrameForm:
    """The library, the columns and the types of a frame or a series that is not one of pandas."""

    library: Any  # of narwhals' `Implementation`
    kind: type
    """The type of the frame or series itself."""
    schema: pa.Schema
    nan: frozenset[str] = field(compare=False)
    """The columns whose missing values are NaN: they hold NaN and no null."""

    def restored(self, frame: pd.DataFrame) -> Any:
        """Return a DataFrame of pandas in this form; `DataError` if a type cannot hold the values of a column."""
        columns = [_array(frame[one.name], one.type, has_nan=one.name in self.nan) for one in self.schema]
        return self._native(self._from_arrow(pa.Table.from_arrays(columns, schema=self.schema)))

    def appended(self, X: Any, new: Any) -> Any:
        """Return the rows of `X`, a frame whose types are these or narrower, followed by new ones in this form."""
        frame, table = _opened(X), _arrow(X)
        if table.schema != self.schema:
            frame = self._from_arrow(table.cast(self.schema))
        return self._native(nw.concat([frame, nw.from_native(new)]))

    def copied(self, X: Any) -> Any:
        """Return a copy of a frame in this form."""
        return self._native(_opened(X).clone())

    def holding(self, frame: pd.DataFrame, promoted: Collection[str]) -> Self:
        """Return this form with types that hold the values of a DataFrame, some of whose dtypes are `promoted`."""
        fields = []
        for one in self.schema:
            kind = _holding(one.type, frame[one.name], one.name in promoted)
            fields.append(one if kind == one.type else pa.field(one.name, kind))
        return replace(self, schema=pa.schema(fields, metadata=self.schema.metadata))

    def _from_arrow(self, table: pa.Table) -> Any:
        frame = nw.from_arrow(table, backend=self.library)
        # polars gives a name to a column whose name is empty.
        return frame.rename(dict(zip(frame.columns, table.column_names, strict=True)))

    def _native(self, frame: Any) -> Any:
        native = frame.to_native()
        if issubclass(self.kind, type(native)):
            return native
        series = frame[frame.columns[0]].to_native()
        return series.combine_chunks() if issubclass(self.kind, pa.Array) else series


@dataclass(frozen=True)
class ArrowForm:
    """The Arrow types in a frame or a series of pandas."""

    is_series: bool
    types: tuple[pa.DataType | None, ...]
    """The Arrow type of each column; None where the column has another dtype, or one that the plain frame keeps."""
    nan: tuple[bool, ...] = field(compare=False)
    """Whether the missing values of each column are NaN."""

    def restored(self, frame: pd.DataFrame) -> Any:
        """Return a plain DataFrame in this form; `DataError` if a type cannot hold the values of a column."""
        frame = frame.copy(deep=False)
        for position, (kind, has_nan) in enumerate(zip(self.types, self.nan, strict=True)):
            if kind is not None:
                values = _array(frame.iloc[:, position], kind, has_nan=has_nan)
                frame.isetitem(position, pd.arrays.ArrowExtensionArray(values))
        return frame.iloc[:, 0] if self.is_series else frame

    def appended(self, X: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of `X`, a frame whose types are these or narrower, followed by new ones in this form."""
        X = X.copy(deep=False)
        for position, dtype in enumerate(new.dtypes):
            if X.dtypes.iloc[position] != dtype:
                X.isetitem(position, cast(X.iloc[:, position], dtype))
        return pd.concat([X, new], ignore_index=True)

    def copied(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return a copy of a frame in this form, with a fresh index."""
        return X.reset_index(drop=True)

    def holding(self, frame: pd.DataFrame, promoted: Collection[Any]) -> Self:
        """Return this form with types that hold the values of a DataFrame, some of whose dtypes are `promoted`."""
        types = zip(self.types, frame.items(), strict=True)
        return replace(
            self,
            types=tuple(kind and _holding(kind, column, name in promoted) for kind, (name, column) in types),
        )


def _array(column: pd.Series, kind: pa.DataType, *, has_nan: bool) -> pa.Array:
    """Return a column as an array of Arrow; with `has_nan`, its missing values are NaN and not null."""
    try:
        if has_nan:
            return pa.array(column.to_numpy(), type=kind, from_pandas=False)
        return pa.Array.from_pandas(column, type=kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(
            f"Every column must hold the kind of values that it held in fit, but the {column.dtype} values of "
            f"column {column.name!r} cannot be converted to {kind}: convert the column, or fit again."
        ) from error


def _holding(kind: pa.DataType, column: pd.Series, promoted: bool) -> pa.DataType:
    """Return an Arrow type, or another one if it cannot hold a column, whose dtype is perhaps `promoted`."""
    found = pa.Array.from_pandas(column).type
    return kind if found in (kind, pa.null()) or _is_right(kind, column, promoted) else found


def _is_right(kind: pa.DataType, column: pd.Series, promoted: bool) -> bool:
    """Tell whether an Arrow type suits a column, whose dtype is perhaps `promoted` to one that holds more."""
    if pa.types.is_date(kind):
        return bool((column.dropna() == column.dropna().dt.normalize()).all())
    if pa.types.is_dictionary(kind) and not kind.ordered:
        return len(column.cat.categories) <= np.iinfo(kind.index_type.to_pandas_dtype()).max
    return not promoted and not pa.types.is_null(kind)


def is_foreign(X: Any) -> bool:
    """Tell whether `X` is a frame or a series of another library than pandas; `DataError` if it is a lazy one."""
    return _opened(X) is not None


def form_of(X: Any) -> FrameForm | ArrowForm | None:
    """Return the form of a frame or a series that is not a plain one of pandas; None for all else."""
    if isinstance(X, pd.DataFrame | pd.Series):
        columns = [_chunks(column) for column in _columns(X)]
        types = tuple(None if one is None else one.type for one in columns)
        nan = tuple(one is not None and _has_nan(one) for one in columns)
        return ArrowForm(isinstance(X, pd.Series), types, nan) if any(types) else None
    frame = _opened(X)
    if frame is None:
        return None
    table = _arrow(X)
    with_nan = frozenset(name for name in table.column_names if _has_nan(table[name]))
    return FrameForm(frame.implementation, type(nw.to_native(X, pass_through=True)), table.schema, with_nan)


def as_pandas(X: Any) -> Any:
    """Return a frame or a series of another library as a plain one of pandas, and all else as it is.

    Columns of pandas with types of Arrow become plain too, except decimals and types without a plain dtype. Whole
    numbers and truth values with missing ones become masked arrays of pandas; dates become datetimes. `DataError` for a
    lazy frame, for repeated names, and for columns of other libraries that pandas cannot represent.
    """
    if isinstance(X, pd.DataFrame | pd.Series):
        return _plain(X)
    if not is_foreign(X):
        return X
    table = _arrow(X)
    frame = pd.DataFrame({name: _series(table[name]) for name in table.column_names})
    return frame if nw.dependencies.is_into_dataframe(X) else frame.iloc[:, 0]


def _plain(X: Any) -> Any:
    """Return a frame or a series of pandas without types of Arrow; itself if it has none."""
    found = [(position, chunks) for position, one in enumerate(_columns(X)) if (chunks := _chunks(one)) is not None]
    if not found:
        return X
    frame = X.to_frame() if isinstance(X, pd.Series) else X.copy(deep=False)
    for position, chunks in found:
        frame.isetitem(position, _series(chunks).set_axis(X.index))
    return frame.iloc[:, 0].rename(X.name) if isinstance(X, pd.Series) else frame


def _columns(X: pd.DataFrame | pd.Series) -> list[pd.Series]:
    return [X] if isinstance(X, pd.Series) else [X.iloc[:, position] for position in range(X.shape[1])]


def _chunks(column: pd.Series) -> pa.ChunkedArray | None:
    """Return the Arrow array of a column of pandas that has a plain dtype too; None for other columns."""
    kind = getattr(column.dtype, "pyarrow_dtype", None)
    if not isinstance(column.dtype, pd.ArrowDtype) or pa.types.is_decimal(kind) or not _is_known(kind):
        return None
    return pa.chunked_array(column.array.__arrow_array__())


def _has_nan(column: pa.ChunkedArray) -> bool:
    """Tell whether the missing values of a column are NaN: it holds NaN and no null."""
    return pa.types.is_floating(column.type) and not column.null_count and bool(pc.any(pc.is_nan(column)).as_py())


def _is_known(kind: pa.DataType) -> bool:
    return any(getattr(pa.types, f"is_{name}")(kind) for name in _KINDS)


def _opened(X: Any) -> Any:
    """Return a frame, or a series as a frame of one column, as narwhals has it; None if it is neither, or of pandas."""
    if isinstance(X, pd.DataFrame | pd.Series | np.ndarray | list | tuple):
        return None
    if isinstance(X, pa.RecordBatch):
        raise DataError("A table must not be a RecordBatch: convert it, with pyarrow.Table.from_batches([batch]).")
    X = pa.chunked_array([X]) if isinstance(X, pa.Array) else X
    try:
        frame = nw.from_native(X, pass_through=True, allow_series=True)
    except DuplicateError as error:
        raise DataError("Expected unique column names, but some are repeated: rename them.") from error
    if isinstance(frame, nw.LazyFrame):
        polars = frame.implementation.is_polars()
        remedy = "call its .collect()" if polars else "collect it, with narwhals.from_native(X).collect().to_native()"
        raise DataError(f"A table must be in memory, but this is a {type(X).__name__}, which is lazy: {remedy}.")
    frame = frame.to_frame() if isinstance(frame, nw.Series) else frame
    return frame if isinstance(frame, nw.DataFrame) and not frame.implementation.is_pandas() else None


def _arrow(X: Any) -> pa.Table:
    """Return a frame or series as an Arrow table whose columns pandas can represent."""
    frame = _opened(X)
    schema = frame.schema
    exact = [name for name, dtype in schema.items() if dtype not in (nw.Object, nw.Int128, nw.UInt128)]
    table = frame.select(*exact).to_arrow()
    for position, one in enumerate(table.schema):
        # Older polars, such as 1.34, does not say that an enumeration is ordered.
        if schema[one.name] == nw.Enum and pa.types.is_dictionary(one.type) and not one.type.ordered:
            column = _ordered(table[one.name], one.type.index_type)
            table = table.set_column(position, one.with_type(column.type), column)
    good = {one.name for one in table.schema if _is_known(one.type)}
    if bad := [(name, dtype) for name, dtype in schema.items() if name not in good]:
        name, dtype = bad[0]
        raise DataError(
            f"Columns must hold numbers, dates, text, truth values or categories, but column {name!r} is of type "
            f"{table.schema.field(name).type if name in exact else dtype}: "
            f"{_REMEDIES.get(type(dtype), 'cast it to one of these types, or drop it')}."
        )
    return table


def _ordered(column: pa.ChunkedArray, index: pa.DataType) -> pa.ChunkedArray:
    """Return a dictionary column as an ordered one with another type of indices."""
    chunks = [
        pa.DictionaryArray.from_arrays(one.indices.cast(index), one.dictionary, ordered=True) for one in column.chunks
    ]
    return pa.chunked_array(chunks, pa.dictionary(index, column.type.value_type, ordered=True))


def _series(column: pa.ChunkedArray) -> pd.Series:
    """Return a column as a Series of pandas."""
    if pa.types.is_decimal(column.type):
        return column.to_pandas(types_mapper=pd.ArrowDtype)
    if pa.types.is_dictionary(column.type):
        if not column.type.ordered:  # It is an encoding, and may hold values that no row has, null, or one value twice.
            column = column.cast(column.type.value_type).dictionary_encode()
            return column.unify_dictionaries().to_pandas()
        return _ordered(column.unify_dictionaries(), pa.int32()).to_pandas()  # Older pyarrow takes signed indices only.
    return column.to_pandas(types_mapper=_MASKED.get if column.null_count else None, date_as_object=False)
