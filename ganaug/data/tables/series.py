"""Conversion between columns of pandas and plain arrays: the one module that depends on the dtypes of pandas."""

from datetime import datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.json_checks import BOOLEANS, FLOATS, INTEGERS
from ganaug.data.tables.category import MAX_CATEGORIES, MISSING, UNSEEN, Category, CategoryColumn
from ganaug.data.tables.decimals import DecimalDtype, arrow_decimals, numbers_of_decimals, used_decimals
from ganaug.data.tables.numeric import NumericColumn
from ganaug.data.tables.numeric_fit import LARGEST_INTEGER, count_decimals
from ganaug.data.tables.times import fit_times, is_time, numbers_of_times, times_of_numbers, with_zone
from ganaug.errors import DataError, FormatError

if TYPE_CHECKING:
    from pandas import DataFrame, Series

_ARROW_TWINS = {
    "f": "Float64",
    "i": "Int64",
    "u": "UInt64",
    "b": "boolean",
    "M": "datetime64[us]",
    "m": "timedelta64[us]",
}
"""For each kind of pyarrow's dtypes, the dtype of pandas that holds the same values and missing ones."""


def standard_series(series: "Series[Any]") -> "Series[Any]":
    """Return a column in the dtype in which it is learned.

    Objects that are decimals or datetimes, and times in a zone without a name, get a dtype of their own. `DataError` if
    there is none.
    """
    import pandas as pd

    if isinstance(series.dtype, pd.DatetimeTZDtype):
        return with_zone(series)
    if series.dtype != object or not isinstance(_first(series), Decimal | datetime):
        return series
    types = {_type_name(value) for value in series.dropna()}
    if types == {"Decimal"}:
        return arrow_decimals(series)
    if not types <= {"datetime", "Timestamp"}:
        return series
    if len({one.utcoffset() is None for one in series.dropna()}) > 1:
        raise DataError(
            f"All times of a column must have an offset from UTC, or none, but some of column {series.name!r} have "
            "one: convert it with pandas.to_datetime(..., utc=True)."
        )
    inferred = series.infer_objects()
    zoned = inferred.dtype == object or isinstance(inferred.dtype, pd.DatetimeTZDtype)
    return with_zone(inferred) if zoned else inferred


def standard_frame(frame: "DataFrame") -> "DataFrame":
    """Return a table with every column as `standard_series` returns it."""
    old = [frame.iloc[:, position] for position in range(frame.shape[1])]
    new = {position: one for position, series in enumerate(old) if (one := standard_series(series)) is not series}
    if new:
        frame = frame.copy(deep=False)
        for position, series in new.items():
            frame.isetitem(position, series)
    return frame


def _first(series: "Series[Any]") -> Any:
    """Return the first value that is not missing; None if there is none."""
    known = series.notna().to_numpy()
    return series.iloc[int(known.argmax())] if known.any() else None


def holds_categories(series: "Series[Any]") -> bool:
    """Tell whether the dtype of a column makes it one of categories: booleans, text, objects, pandas categoricals."""
    import pandas as pd

    dtype, kinds = series.dtype, pd.api.types
    has_own_dtype = isinstance(dtype, pd.CategoricalDtype | pd.StringDtype)
    return has_own_dtype or kinds.is_bool_dtype(dtype) or kinds.is_object_dtype(dtype)


def fit_numeric(series: "Series[Any]") -> NumericColumn:
    """Fit a column of numbers, decimals, datetimes, durations or periods.

    Raise `DataError` for another dtype, infinities, integers beyond 2**53, and dates out of range.
    """
    name, dtype = series.name, str(series.dtype)
    if is_time(dtype):
        return fit_times(series)
    if DecimalDtype.parse(dtype):
        return NumericColumn.fit(name, "numeric", dtype, numbers_of_decimals(series), decimals=used_decimals(series))
    _check_number_dtype(series)
    numbers = numeric_values(series)
    if series.dtype.kind in "iu":
        return NumericColumn.fit(name, "integer", dtype, numbers, decimals=0)
    decimals = count_decimals(numbers, dtype.lower())
    if decimals is not None:
        numbers = np.rint(numbers * 10.0**decimals) / 10.0**decimals  # 0.1 as float32 stands for 0.1.
    return NumericColumn.fit(name, "numeric", dtype, numbers, decimals=decimals)


def numeric_values(series: "Series[Any]", column: NumericColumn | None = None) -> NDArray[np.float64]:
    """Return a column as numbers, (n,), NaN where missing; times count as those of the fitted column do.

    Raise `DataError` if the values are no such numbers. Only times need the fitted column.
    """
    series = standard_series(series)
    if column is not None and is_time(column.dtype):
        return numbers_of_times(series, column)
    if column is not None and series.isna().all():  # of whatever dtype
        return np.full(len(series), np.nan)
    if DecimalDtype.parse(str(series.dtype)):
        return numbers_of_decimals(series)
    _check_number_dtype(series, fitted=column is not None)
    numbers: NDArray[np.float64] = series.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(numbers).any():
        signs = {np.inf: "inf", -np.inf: "-inf"}
        options = " ".join(f"--missing {word}" for value, word in signs.items() if (numbers == value).any())
        raise DataError(
            f"Numbers must be finite, but column {series.name!r} has infinities: mark them as missing, in a CSV file "
            f"with {options} (the words as the file has them), in pandas with .replace([numpy.inf, -numpy.inf], "
            "numpy.nan), or ignore the column (--ignore)."
        )
    if series.dtype.kind in "iu" and np.nanmax(np.abs(numbers), initial=0) > LARGEST_INTEGER:
        raise DataError(
            f"Integers must be at most 2**53 in size, but column {series.name!r} has larger ones: is it an identifier? "
            "Ignore it (--ignore), or drop it. If it is a quantity, convert it with .astype('float64')."
        )
    return numbers


def _check_number_dtype(series: "Series[Any]", *, fitted: bool = False) -> None:
    """Raise `DataError`, with a remedy, unless the dtype is one of real numbers or truth values."""
    dtype = series.dtype
    if str(dtype) in (*FLOATS, *INTEGERS, *BOOLEANS):
        return
    if fitted:
        remedy = "fit a model to this table" if dtype.kind in "Mm" else "convert it with pandas.to_numeric"
        raise DataError(f"Column {series.name!r} must hold numbers, as at the fit, but it has dtype {dtype}: {remedy}.")
    raise DataError(
        f"Columns must hold numbers, times, text, truth values or categories, but column {series.name!r} has dtype "
        f"{dtype}: ignore it (--ignore), or drop it, or in pandas {_remedy(dtype)}."
    )


def _remedy(dtype: Any) -> str:
    """Return the remedy for a column of another dtype."""
    import pandas as pd

    if isinstance(dtype, pd.ArrowDtype):
        if dtype.type is time:
            return "convert it with .astype('str').map(pandas.Timedelta)"
        zone = getattr(dtype.pyarrow_dtype, "tz", None)
        twin = f"datetime64[us, {zone}]" if zone else _ARROW_TWINS.get(dtype.kind, "str")
        return f"convert it with .astype({twin!r})"
    if isinstance(dtype, pd.SparseDtype):
        return "convert it with .sparse.to_dense()"
    if isinstance(dtype, pd.PeriodDtype):
        return "convert it with .dt.to_timestamp()"
    if dtype.kind == "c":
        return "convert it with numpy.real and numpy.imag, a column for each"
    return "convert it with .astype('str')"


def numeric_series(column: NumericColumn, numbers: NDArray[np.float64]) -> Any:
    """Return numbers in the dtype of the column, within its bounds, as a pandas array or Series.

    Raise `FormatError` if a number is missing in a column that has none missing.
    """
    import pandas as pd

    missing = np.isnan(numbers)
    if missing.any() and not column.missing:
        raise FormatError(f"Column {column.name!r} has no missing values, but the model makes some: it is damaged.")
    numbers = np.clip(np.where(missing, column.bounds[0], numbers), *column.bounds)
    if is_time(column.dtype):
        return times_of_numbers(column, numbers, missing)
    if dtype := DecimalDtype.parse(column.dtype):
        return dtype.series(numbers, missing, column.decimals)
    values = (np.rint(numbers) if column.kind == "integer" else numbers).astype(column.dtype.lower())
    if column.dtype[0].islower():
        if column.missing:
            values[missing] = np.nan
        return values
    array = pd.arrays.IntegerArray if column.kind == "integer" else pd.arrays.FloatingArray
    return array(values, missing)


def fit_category(series: "Series[Any]") -> CategoryColumn:
    """Fit a column of categories.

    Raise `DataError` if its values have several types, or one that JSON does not have, or there are too many.
    """
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype):
        values, ordered = series.cat.categories, bool(series.cat.ordered)
        codes = series.cat.codes.to_numpy(dtype=np.int64)
        return CategoryColumn.fit(series.name, str(values.dtype), _plain(values, series), codes, ordered=ordered)
    if str(series.dtype) == "object":
        _one_type(series.dropna(), series)
    codes, values = pd.factorize(series)
    if len(values) > MAX_CATEGORIES:
        return CategoryColumn.fit(series.name, str(series.dtype), tuple(range(len(values))), codes)  # raises
    plain = _plain(values, series)
    order = sorted(range(len(plain)), key=plain.__getitem__)
    ranks = np.append(np.argsort(order), MISSING).astype(np.int64)
    nones = str(series.dtype) == "object" and any(value is None for value in series[series.isna()])
    return CategoryColumn.fit(series.name, str(series.dtype), tuple(plain[i] for i in order), ranks[codes], none=nones)


def _one_type(values: Any, series: "Series[Any]") -> None:
    """Raise `DataError` for objects of several types: they cannot be sorted, and JSON does not preserve them."""
    types = sorted({_type_name(value) for value in values})
    if nested := set(types) & {"ndarray", "list", "tuple", "dict"}:
        what = "records" if "dict" in nested else "lists"
        raise DataError(
            f"Every cell must be one text, number or truth value, but column {series.name!r} holds {what}: ignore "
            "it (--ignore), or drop it, or make a column of each part."
        )
    if len(types) > 1 or not set(types) <= {"bool", "int", "float", "str"}:
        dates, numbers = {"date", "datetime", "Timestamp"}, {"bool", "int", "float", "Decimal"}
        usual = ".astype('float64')" if set(types) <= numbers else ".astype('str')"
        remedy = "pandas.to_datetime" if set(types) <= dates else usual
        what = "A column of objects" if str(series.dtype) == "object" else "A column of categories"
        raise DataError(
            f"{what} must hold one type, text, numbers or truth values, but column {series.name!r} holds "
            f"{' and '.join(types[:5])}: ignore it (--ignore), or convert it in pandas, with {remedy} for example."
        )


def _type_name(value: object) -> str:
    for kind, name in (((bool, np.bool_), "bool"), ((int, np.integer), "int"), ((float, np.floating), "float")):
        if isinstance(value, kind):
            return name
    return "str" if isinstance(value, str) else type(value).__name__


def _plain(values: Any, series: "Series[Any]") -> tuple[Category, ...]:
    """Return categories as Python's own types."""
    _one_type(values, series)
    convert = {"bool": bool, "int": int, "float": float, "str": str}
    return tuple(convert[_type_name(value)](value) for value in values)


def category_codes(series: "Series[Any]", column: CategoryColumn) -> NDArray[np.int64]:
    """Return the index of the category of each row, -1 where missing, -2 for an unseen category, (n,)."""
    import pandas as pd

    try:
        codes, values = pd.factorize(series)
    except TypeError as error:
        raise DataError(
            f"Categories must be text, numbers or truth values, but column {series.name!r} has others ({error}): "
            "convert the column with .astype('str')."
        ) from error
    # The number 1 is not the category True. But 1.0 is the category 1: integers become floats beside missing values.
    index = {(isinstance(one, bool), one): position for position, one in enumerate(column.categories)}
    found = [index.get((isinstance(one, bool | np.bool_), one), UNSEEN) for one in values]
    order: NDArray[np.int64] = np.array([*found, MISSING], dtype=np.int64)[codes]
    return order


def category_series(column: CategoryColumn, codes: NDArray[np.int64]) -> Any:
    """Return the categories of indices, -1 where missing, in the dtype of the column.

    Raise `FormatError` if an index is out of range, or a value is missing in a column that has none missing.
    """
    import pandas as pd

    missing = codes == MISSING
    if (codes < MISSING).any() or (codes >= len(column.categories)).any() or (missing.any() and not column.missing):
        raise FormatError(f"The model makes a category that column {column.name!r} does not have: it is damaged.")
    if column.ordered is not None:
        values = pd.Index(list(column.categories), dtype=column.dtype)
        return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(values, ordered=column.ordered))
    empty = None if column.none else np.nan
    if column.dtype == "object":
        objects = np.array([*column.categories, empty], dtype=object)
        return pd.Series(objects[codes], dtype=object)
    return pd.Series(list(column.categories), dtype=column.dtype).array.take(codes, allow_fill=column.missing)
