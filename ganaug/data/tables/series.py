"""Conversion between columns of pandas and plain arrays: the one module that depends on the dtypes of pandas."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.json_checks import BOOLEANS, FLOATS, INTEGERS
from ganaug.data.tables.category import MAX_CATEGORIES, MISSING, UNSEEN, Category, CategoryColumn
from ganaug.data.tables.datetimes import DatetimeDtype
from ganaug.data.tables.numeric import NumericColumn
from ganaug.data.tables.numeric_fit import LARGEST_INTEGER, count_decimals
from ganaug.errors import DataError, FormatError

if TYPE_CHECKING:
    from pandas import Series

_ARROW_TWINS = {"f": "Float64", "i": "Int64", "u": "UInt64", "b": "boolean", "M": "datetime64[us]"}
"""For each kind of pyarrow's dtypes, the dtype of pandas that holds the same values and missing ones."""


def holds_categories(series: "Series[Any]") -> bool:
    """Tell whether the dtype of a column makes it one of categories: booleans, text, objects, pandas categoricals."""
    import pandas as pd

    dtype, kinds = series.dtype, pd.api.types
    has_own_dtype = isinstance(dtype, pd.CategoricalDtype | pd.StringDtype)
    return has_own_dtype or kinds.is_bool_dtype(dtype) or kinds.is_object_dtype(dtype)


def fit_numeric(series: "Series[Any]") -> NumericColumn:
    """Fit a column of numbers or datetimes.

    Raise `DataError` for another dtype, infinities, integers beyond 2**53, and dates out of range.
    """
    name, dtype = series.name, str(series.dtype)
    if DatetimeDtype.matches(dtype):
        return _fit_datetimes(series)
    _check_number_dtype(series)
    numbers = numeric_values(series)
    if series.dtype.kind in "iu":
        return NumericColumn.fit(name, "integer", dtype, numbers, decimals=0)
    decimals = count_decimals(numbers, dtype.lower())
    if decimals is not None:
        numbers = np.rint(numbers * 10.0**decimals) / 10.0**decimals  # 0.1 as float32 stands for 0.1.
    return NumericColumn.fit(name, "numeric", dtype, numbers, decimals=decimals)


def numeric_values(series: "Series[Any]", column: NumericColumn | None = None) -> NDArray[np.float64]:
    """Return a column as numbers, (n,), NaN where missing; datetimes as seconds since the origin of the fitted column.

    Raise `DataError` if the values are no such numbers. Only datetimes need the fitted column.
    """
    if column is not None and column.kind == "datetime":
        dtype = DatetimeDtype.parse(column.dtype)
        counts, missing = _datetime_counts(series, dtype)
        return np.where(missing, np.nan, (counts - dtype.count(column.origin)) / dtype.per_second)
    if column is not None and series.isna().all():  # of whatever dtype
        return np.full(len(series), np.nan)
    _check_number_dtype(series)
    numbers: NDArray[np.float64] = series.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(numbers).any():
        raise DataError(
            f"Numbers must be finite, but column {series.name!r} has infinities: replace them, or mark them as missing."
        )
    if series.dtype.kind in "iu" and np.nanmax(np.abs(numbers), initial=0) > LARGEST_INTEGER:
        raise DataError(
            f"Integers must be at most 2**53 in size, but column {series.name!r} has larger ones: is it an identifier? "
            "Ignore it (--ignore), drop it, or convert it to floating point."
        )
    return numbers


def _check_number_dtype(series: "Series[Any]") -> None:
    """Raise `DataError`, with a remedy, unless the dtype is one of real numbers or truth values."""
    dtype = series.dtype
    if str(dtype) in (*FLOATS, *INTEGERS, *BOOLEANS):
        return
    raise DataError(
        f"Columns must hold numbers, datetimes, text, truth values or categories, but column {series.name!r} has dtype "
        f"{dtype}: {_remedy(dtype)}, or drop it."
    )


def _remedy(dtype: Any) -> str:
    """Return the remedy for a column of another dtype."""
    import pandas as pd

    usual = "convert it with .astype('float64') or .astype('str')"
    if dtype.kind == "m":
        return "convert it with .dt.total_seconds()"
    if isinstance(dtype, pd.PeriodDtype):
        return "convert it with .dt.to_timestamp()"
    if isinstance(dtype, pd.ArrowDtype):
        held = dtype.pyarrow_dtype
        if str(held).startswith("decimal"):
            return usual
        zone = getattr(held, "tz", None)
        twin = f"datetime64[us, {zone}]" if zone else _ARROW_TWINS.get(dtype.kind, "str")
        return f"convert it with .astype({twin!r})"
    if not isinstance(dtype, np.dtype | pd.DatetimeTZDtype):
        return usual
    remedies = {
        "c": "split it into real and imaginary part",
        "M": "convert it to a zone of the tz database, with .dt.tz_convert('UTC') for example",
        "O": "convert it with pandas.to_numeric or pandas.to_datetime",
    }
    return remedies.get(dtype.kind, usual)


def _datetime_counts(series: "Series[Any]", dtype: DatetimeDtype) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the counts of datetimes, and tell which are missing, each (n,)."""
    missing = series.isna().to_numpy()
    if missing.all():  # of whatever dtype
        return np.zeros(len(series), dtype=np.int64), missing
    zone = getattr(series.dtype, "tz", None)
    if series.dtype.kind != "M" or (zone is None) != (dtype.zone is None):
        raise DataError(
            f"Column {series.name!r} must hold datetimes {'with' if dtype.zone else 'without'} a time zone, as at the "
            f"fit, but it has dtype {series.dtype}: convert it with pandas.to_datetime or .dt.tz_localize."
        )
    try:
        wall = series if dtype.zone is None else series.dt.tz_convert(dtype.zone).dt.tz_localize(None)
        counts = wall.dt.as_unit(dtype.unit).to_numpy().astype(np.int64)
    except (ValueError, KeyError) as error:
        raise DataError(
            f"Column {series.name!r} must hold datetimes that fit datetime64[{dtype.unit}], but {error}: convert it."
        ) from error
    return np.where(missing, 0, counts), missing


def _fit_datetimes(series: "Series[Any]") -> NumericColumn:
    dtype = DatetimeDtype.parse(str(series.dtype))
    counts, missing = _datetime_counts(series, dtype)
    present = counts[~missing] if not missing.all() else counts[:1]
    first, last = int(present.min()), int(present.max())
    if not 1 <= dtype.year(first) <= dtype.year(last) <= 9999:
        raise DataError(
            f"Dates must be in the years 1 to 9999, but those of column {series.name!r} go from {dtype.year(first)} to "
            f"{dtype.year(last)}: mark the others as missing."
        )
    unit, decimals = dtype.resolution(present)
    return NumericColumn.fit(
        series.name,
        "datetime",
        str(series.dtype),
        np.where(missing, np.nan, (counts - first) / dtype.per_second),
        decimals=decimals,
        unit=unit,
        origin=dtype.text(first),
    )


def numeric_series(column: NumericColumn, numbers: NDArray[np.float64]) -> Any:
    """Return numbers in the dtype of the column, within its bounds, as a pandas array or Series.

    Raise `FormatError` if a number is missing in a column that has none missing.
    """
    import pandas as pd

    missing = np.isnan(numbers)
    if missing.any() and not column.missing:
        raise FormatError(f"Column {column.name!r} has no missing values, but the model makes some: it is damaged.")
    numbers = np.clip(np.where(missing, column.bounds[0], numbers), *column.bounds)
    if column.kind == "datetime":
        return _datetimes(column, numbers, missing)
    values = (np.rint(numbers) if column.kind == "integer" else numbers).astype(column.dtype.lower())
    if column.dtype[0].islower():
        if column.missing:
            values[missing] = np.nan
        return values
    array = pd.arrays.IntegerArray if column.kind == "integer" else pd.arrays.FloatingArray
    return array(values, missing)


def _datetimes(column: NumericColumn, seconds: NDArray[np.float64], missing: NDArray[np.bool_]) -> Any:
    import pandas as pd

    dtype = DatetimeDtype.parse(column.dtype)
    counts = np.rint(seconds * dtype.per_second).astype(np.int64) + dtype.count(column.origin)
    times = counts.view(dtype.numpy)
    times[missing] = np.datetime64("NaT")
    series = pd.Series(times)
    if dtype.zone is None:
        return series
    try:  # An hour that comes twice is winter time. An hour that is skipped becomes the next one.
        winter = np.zeros(len(times), dtype=np.bool_)
        return series.dt.tz_localize(dtype.zone, ambiguous=winter, nonexistent="shift_forward")
    except (ValueError, KeyError, OSError) as error:  # for example "Europe", which is a folder of zones
        raise FormatError(
            f"The time zone of column {column.name!r} must be known here, but {dtype.zone!r} is not: install tzdata."
        ) from error


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
            f"Every cell must be one text, number or truth value, but column {series.name!r} holds {what}: drop it, or "
            "make a column of each part."
        )
    if len(types) > 1 or not set(types) <= {"bool", "int", "float", "str"}:
        remedy = "pandas.to_datetime" if {"date", "datetime", "Timestamp"} & set(types) else ".astype('str')"
        what = "A column of objects" if str(series.dtype) == "object" else "A column of categories"
        raise DataError(
            f"{what} must hold one type, text, numbers or truth values, but column {series.name!r} holds "
            f"{' and '.join(types[:5])}: convert it, with {remedy} for example."
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
