"""Conversion between pandas columns of datetimes, durations and periods, and plain numbers.

A datetime is learned as seconds since the earliest of its column, in local time. A duration is learned as seconds, and
a period as the number of periods since the earliest of its column.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.datetimes import DatetimeDtype, duration_unit, period_frequency, period_ordinal
from ganaug.data.tables.numeric import NumericColumn
from ganaug.data.tables.numeric_fit import LARGEST_INTEGER
from ganaug.data.tables.zones import SeenOffsets
from ganaug.errors import DataError, FormatError

if TYPE_CHECKING:
    from pandas import Series

Counts = NDArray[np.int64]
Mask = NDArray[np.bool_]


def is_time(dtype: str) -> bool:
    """Tell whether a dtype is one of datetimes, durations or periods that can be learned."""
    return DatetimeDtype.matches(dtype) or duration_unit(dtype) is not None or period_frequency(dtype) is not None


def fit_times(series: "Series[Any]") -> NumericColumn:
    """Fit a column of datetimes, durations or periods; `DataError` if they are out of range."""
    dtype = str(series.dtype)
    if DatetimeDtype.matches(dtype):
        return _fit_datetimes(series)
    missing = series.isna().to_numpy()
    present = (series.iloc[:1] if missing.all() else series[~missing]).array.asi8
    if unit := duration_unit(dtype):
        clock = DatetimeDtype(unit, None)
        step, decimals = clock.resolution(np.append(present, 0)) if not missing.all() else (1, 0)
        seconds = np.where(missing, np.nan, series.array.asi8 / clock.per_second)
        return NumericColumn.fit(series.name, "duration", dtype, seconds, decimals=decimals, unit=step)
    first, last = (int(present.min()), int(present.max())) if not missing.all() else (0, 0)
    if last - first > LARGEST_INTEGER or period_ordinal(str(first)) != first:
        raise DataError(
            f"Periods must be at most 2**53 apart, but those of column {series.name!r} are not: convert it with "
            ".dt.to_timestamp()."
        )
    ordinals = np.where(missing, np.nan, series.array.asi8 - np.float64(first))
    return NumericColumn.fit(series.name, "period", dtype, ordinals, decimals=0, origin=str(first))


def numbers_of_times(series: "Series[Any]", column: NumericColumn) -> NDArray[np.float64]:
    """Return a column as the numbers of the fitted column, (n,), NaN where missing; `DataError` for other values."""
    if series.isna().all():  # of whatever dtype
        return np.full(len(series), np.nan)
    if column.kind == "datetime":
        dtype = DatetimeDtype.parse(column.dtype)
        counts, missing = _datetime_counts(series, dtype)
        return np.where(missing, np.nan, (counts - dtype.count(column.origin)) / dtype.per_second)
    missing = series.isna().to_numpy()
    if column.kind == "duration":
        unit = duration_unit(str(series.dtype))
        if unit is None:
            raise DataError(
                f"Column {series.name!r} must hold durations, as at the fit, but it has dtype {series.dtype}: convert "
                "it with pandas.to_timedelta."
            )
        return np.where(missing, np.nan, series.array.asi8 / DatetimeDtype(unit, None).per_second)
    if str(series.dtype) != column.dtype:
        raise DataError(
            f"Column {series.name!r} must hold periods of dtype {column.dtype}, as at the fit, but it has dtype "
            f"{series.dtype}: convert it with .astype({column.dtype!r})."
        )
    return np.where(missing, np.nan, (series.array.asi8 - period_ordinal(column.origin)).astype(np.float64))


def times_of_numbers(column: NumericColumn, numbers: NDArray[np.float64], missing: Mask) -> Any:
    """Return numbers within the bounds of a column in its dtype, as a pandas Series."""
    import pandas as pd

    if column.kind == "datetime":
        return _datetimes(column, numbers, missing)
    if column.kind == "duration":
        unit = duration_unit(column.dtype)
        counts = np.rint(numbers * DatetimeDtype(str(unit), None).per_second).astype(np.int64)
        return pd.Series(counts.view(f"timedelta64[{unit}]")).mask(missing)
    ordinals = np.rint(numbers).astype(np.int64) + period_ordinal(column.origin)
    try:
        dtype = pd.PeriodDtype(period_frequency(column.dtype))
        return pd.Series(pd.arrays.PeriodArray(ordinals, dtype=dtype)).mask(missing)
    except (ValueError, TypeError) as error:
        raise FormatError(
            f"The dtype of column {column.name!r} must be one of periods, but is {column.dtype!r:.80}: it is damaged."
        ) from error


def value_text(column: NumericColumn, number: float) -> str:
    """Return one of the numbers of a column as text: a time as a time."""
    if column.kind == "datetime":
        dtype = DatetimeDtype.parse(column.dtype)
        return dtype.text(round(number * dtype.per_second) + dtype.count(column.origin))
    if is_time(column.dtype):
        return str(times_of_numbers(column, np.array([number]), np.zeros(1, np.bool_)).iloc[0])
    return f"{number:.12g}"


def charted(series: "Series[Any]") -> "Series[Any]":
    """Return periods as datetimes, the beginning of each, and durations as seconds; another column as it is."""
    if period_frequency(str(series.dtype)):
        return series.dt.to_timestamp()
    return series.dt.total_seconds() if duration_unit(str(series.dtype)) else series


def with_zone(series: "Series[Any]") -> "Series[Any]":
    """Return a column of times that know their offset from UTC with the dtype of one zone, by name.

    A column of such datetime objects, or of a zone that has no name in the tz database, gets the zone in which all
    times have their offsets. `DataError` if there is none.
    """
    import pandas as pd

    if DatetimeDtype.matches(str(series.dtype)):
        return series
    present = series.dropna()
    instants = pd.to_datetime(present, utc=True)
    local = pd.Series([pd.Timestamp(time).tz_localize(None) for time in present], index=present.index)
    utc, wall = (times.to_numpy("datetime64[s]").astype(np.int64) for times in (instants.dt.tz_localize(None), local))
    seen = SeenOffsets()
    seen.add(utc, wall - utc)
    zone = seen.zone()
    if zone is None:
        raise DataError(
            f"All times of a column must be in one time zone, but the offsets of column {series.name!r} change as in "
            "no zone of the tz database: convert it with pandas.to_datetime(..., utc=True)."
        )
    return instants.dt.tz_convert(zone).reindex(series.index)


def _datetime_counts(series: "Series[Any]", dtype: DatetimeDtype) -> tuple[Counts, Mask]:
    """Return the counts of datetimes, and tell which are missing, each (n,)."""
    missing = series.isna().to_numpy()
    if missing.all():  # of whatever dtype
        return np.zeros(len(series), dtype=np.int64), missing
    zone = getattr(series.dtype, "tz", None)
    if series.dtype.kind != "M" or (zone is None) != (dtype.zone is None):
        remedy = "pandas.to_datetime"
        if series.dtype.kind == "M":
            remedy = ".dt.tz_localize(None)" if zone else f".dt.tz_localize({dtype.zone!r})"
        elif dtype.zone:
            remedy = "pandas.to_datetime(..., utc=True)"
        raise DataError(
            f"Column {series.name!r} must hold datetimes {'with' if dtype.zone else 'without'} a time zone, as at the "
            f"fit, but it has dtype {series.dtype}: convert it with {remedy}."
        )
    try:
        wall = series if dtype.zone is None else series.dt.tz_convert(dtype.zone).dt.tz_localize(None)
        counts = wall.dt.as_unit(dtype.unit).to_numpy().astype(np.int64)
    except (ValueError, KeyError) as error:
        raise DataError(
            f"Column {series.name!r} must hold datetimes that fit datetime64[{dtype.unit}], but {error}: replace the "
            "others, or mark them as missing."
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


def _datetimes(column: NumericColumn, seconds: NDArray[np.float64], missing: Mask) -> Any:
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
