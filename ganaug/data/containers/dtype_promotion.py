"""Dtype promotion: the dtype that holds a real column and the column that was drawn for it, each without loss."""

from typing import Any

import numpy as np
import pandas as pd

from ganaug.errors import DataError

_UNITS = ("s", "ms", "us", "ns")
"""Units of pandas' datetimes, from coarse to fine."""
MAX_LISTED = 20
"""Categories that a message lists."""
MAX_WHOLE_FLOAT = 2**53
"""Up to this size, float64 holds every whole number."""


def promoted_dtypes(real: pd.DataFrame, drawn: pd.DataFrame) -> list[Any]:
    """Return the result of `promoted_dtype` for each pair of columns."""
    return [promoted_dtype(one, other) for (_, one), (_, other) in zip(real.items(), drawn.items(), strict=True)]


def promoted_dtype(real: pd.Series, drawn: pd.Series) -> Any:
    """Return a dtype that holds both columns exactly: the real column's own, or else the one that both are promoted to.

    `DataError` if there is no such dtype, as for datetimes with and without a time zone.
    """
    dtype, other = real.dtype, _value_dtype(drawn)
    is_decimal = isinstance(dtype, pd.ArrowDtype) and dtype.kind == "O"  # `cast` finds out whether the values fit
    if is_decimal or dtype in (drawn.dtype, object):
        return dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _with_categories(real, drawn)
    kinds = pd.api.types
    if kinds.is_numeric_dtype(dtype) and kinds.is_numeric_dtype(other):
        return _numbers(real, drawn, other)
    if drawn.isna().all():
        return dtype if not kinds.is_numeric_dtype(dtype) else np.dtype(object)
    if real.isna().all():
        return np.dtype(object) if kinds.is_numeric_dtype(other) else drawn.dtype
    if dtype.kind in "Mm" and other.kind == dtype.kind:
        return _times(real, drawn)
    if isinstance(dtype, np.dtype):
        raise _no_dtype(real, drawn)
    return dtype  # text of any dtype; `cast` refuses all else


def numpy_dtype(dtype: Any, drawn: pd.Series) -> np.dtype[Any]:
    """Return the numpy dtype that holds the values of a pandas dtype and the missing values of the drawn column."""
    if isinstance(dtype, np.dtype):
        return dtype
    plain = np.dtype(getattr(dtype, "numpy_dtype", object))
    return np.result_type(plain, np.float64) if plain.kind in "iub" and drawn.isna().any() else plain


def cast(column: pd.Series, dtype: Any) -> pd.Series:
    """Return a column in another dtype; raise `DataError` if the dtype cannot hold a value."""
    try:
        result = column.astype(dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise _refusal(column, dtype) from error
    if (result.isna() != column.isna()).any():
        raise _refusal(column, dtype)
    if pd.api.types.is_object_dtype(dtype) and isinstance(column.dtype, pd.ArrowDtype):
        return result.where(result.notna(), None)  # as in objects of Python, which lack pandas.NA
    return result


def _value_dtype(column: pd.Series) -> Any:
    """Return the dtype of a column's values: of the categories of a categorical, or the one that all objects share."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.categories.dtype
    return column.dropna().infer_objects().dtype if column.dtype == object else column.dtype


def _numbers(real: pd.Series, drawn: pd.Series, other: Any) -> Any:
    dtype = real.dtype
    nullable = isinstance(dtype, pd.api.extensions.ExtensionDtype)
    if not nullable and isinstance(other, np.dtype) and other.kind in "iub" and drawn.isna().any():
        if other.kind == "b" and dtype.kind == "b":
            return np.dtype(object)
        other = np.dtype(np.float64)
    own, new = (np.dtype(getattr(one, "numpy_dtype", one)) for one in (dtype, other))
    plain = np.result_type(own, new)
    if plain.kind == "f" and own.kind in "iu" and real.abs().max() > MAX_WHOLE_FLOAT:
        raise DataError(
            f"Whole numbers must be at most 2**53 in size to be joined to fractions or missing values, as column "
            f"{real.name!r} held in fit, but it now holds larger ones: convert it with .astype('float64'), or fit "
            "again."
        )
    masked = isinstance(other, pd.api.extensions.ExtensionDtype)
    if plain == own and (nullable or not masked or plain.kind == "f"):
        return dtype
    if not nullable and not masked:
        return plain
    return pd.array(np.zeros(0, np.result_type(plain, np.float32) if plain.kind == "f" else plain)).dtype


def _times(real: pd.Series, drawn: pd.Series) -> Any:
    dtype = real.dtype
    zone, drawn_zone = getattr(dtype, "tz", None), getattr(drawn.dtype, "tz", None)
    if (zone is None) != (drawn_zone is None):
        raise _no_dtype(real, drawn)
    unit = max(real.dt.unit, drawn.dt.unit, key=_UNITS.index)
    if unit == real.dt.unit:
        return dtype
    if dtype.kind == "m":
        return np.dtype(f"timedelta64[{unit}]")
    return np.dtype(f"datetime64[{unit}]") if zone is None else pd.DatetimeTZDtype(unit, zone)


def _with_categories(real: pd.Series, drawn: pd.Series) -> pd.CategoricalDtype:
    """Return a categorical dtype with the drawn categories after those of the real column."""
    categorical = isinstance(drawn.dtype, pd.CategoricalDtype)
    known, values = real.cat.categories, drawn.cat.categories if categorical else pd.Index(drawn.dropna().unique())
    new = [value for value in values if value not in known]
    if not new:
        return real.dtype
    if not real.cat.ordered:
        return pd.CategoricalDtype(known.append(pd.Index(new)))
    if categorical and drawn.cat.ordered and [value for value in values if value in known] == list(known):
        return drawn.dtype
    wanted = values.tolist() if len(values) <= MAX_LISTED else "..."
    raise DataError(
        f"Column {real.name!r} must have the ordered categories that it had in fit, but lacks {new[0]!r}, or has them "
        f"in another order: set its categories with .cat.set_categories({wanted}), or fit again."
    )


def _no_dtype(real: pd.Series, drawn: pd.Series) -> DataError:
    return DataError(
        f"Every column must hold the kind of values that it held in fit, but column {real.name!r} was {drawn.dtype} "
        f"and now is {real.dtype}, and no type holds both: convert it, or fit again."
    )


def _refusal(column: pd.Series, dtype: Any) -> DataError:
    return DataError(
        f"Every column must hold the kind of values that it held in fit, but the {column.dtype} values of column "
        f"{column.name!r} cannot be converted to {dtype}: convert the column, or fit again."
    )
