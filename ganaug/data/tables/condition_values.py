"""The values that a condition asks for, as numbers of their column."""

import math
import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from ganaug.data.tables.datetimes import DAY, DatetimeDtype, period_frequency, period_ordinal
from ganaug.data.tables.numeric import NumericColumn
from ganaug.errors import DataError

TIMES = {"datetime": "times", "duration": "durations", "period": "periods"}
"""For each kind of column that holds no plain numbers, what it holds."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_PLAIN = re.compile(r"[+-]?[\d.]+", re.ASCII)


def number_of(column: NumericColumn, value: Any, *, last: bool) -> Fraction:
    """Return a value as a number of its column.

    A date without a time stands for the first moment of the day, or the `last`; a text of a long period for its first
    or last short one. `DataError` if the column does not hold such values.
    """
    wrong = f"Column {column.name!r:.80} holds {TIMES.get(column.kind, 'numbers')}, but where asks for {value!r:.80}: "
    convert = {"datetime": _datetime, "duration": _duration, "period": _period}.get(column.kind, _number)
    try:
        return convert(column, value.strip() if isinstance(value, str) else value, last, wrong)
    except (ValueError, KeyError, OSError, TypeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{wrong}correct it ({error}).") from error


def _number(_: NumericColumn, value: Any, __: bool, wrong: str) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or value in (math.inf, -math.inf):
        raise DataError(f"{wrong}give a number, or a range (low, high).")
    return Fraction(value)


def _datetime(column: NumericColumn, value: Any, last: bool, wrong: str) -> Fraction:
    """Return the seconds since the column's origin, by the clock of the column's zone."""
    import pandas as pd

    dtype = DatetimeDtype.parse(column.dtype)
    if isinstance(value, str):
        is_day = _DATE.fullmatch(value) is not None
        if not is_day and not _TIME.fullmatch(value):
            raise DataError(f"{wrong}give a date such as 2024-01-31, or a time such as 2024-01-31 10:30.")
    else:
        is_day = isinstance(value, date) and not isinstance(value, datetime)
        if not isinstance(value, date | np.datetime64):
            raise DataError(f"{wrong}give a pandas.Timestamp, a datetime, or a text such as '2024-01-31 10:30'.")
    time = pd.Timestamp(value)
    if time.tz is not None:
        if dtype.zone is None:
            raise DataError(f"{wrong}give a time without a zone, as the column has none.")
        time = time.tz_convert(dtype.zone).tz_localize(None)
    seconds = _seconds(time) - Fraction(dtype.count(column.origin), dtype.per_second)
    return seconds + DAY - Fraction(1, 10**9) if is_day and last else seconds


def _duration(_: NumericColumn, value: Any, __: bool, wrong: str) -> Fraction:
    import pandas as pd

    if not isinstance(value, str | timedelta | np.timedelta64) or _PLAIN.fullmatch(str(value)):
        raise DataError(f"{wrong}give a pandas.Timedelta, a timedelta, or a text such as '2 days' or '1:30:00'.")
    return _seconds(pd.Timedelta(value))


def _period(column: NumericColumn, value: Any, last: bool, wrong: str) -> Fraction:
    """Return the number of periods since the column's origin."""
    import pandas as pd

    frequency = period_frequency(column.dtype)
    if isinstance(value, date | np.datetime64):
        value = pd.Period(pd.Timestamp(value), freq=frequency)
    elif not isinstance(value, str | pd.Period):
        raise DataError(f"{wrong}give a pandas.Period, or a text such as '2024-01'.")
    period = pd.Period(value).asfreq(frequency, how="end" if last else "start")
    return Fraction(period.ordinal - period_ordinal(column.origin))


def _seconds(time: Any) -> Fraction:
    """Return a Timestamp of pandas as seconds since 1970, or a Timedelta as seconds, exactly."""
    count = time.asm8
    unit, _ = np.datetime_data(count.dtype)
    return Fraction(int(count.astype(np.int64)), DatetimeDtype(unit, None).per_second)
