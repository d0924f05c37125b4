"""Times as whole numbers: datetimes as counts of a unit since 1970, in local time; durations; periods."""

import re
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ganaug.errors import FormatError

DAY = 86400
"""Seconds of a day."""
UNITS = (DAY, 3600, 60, 1)
"""Seconds of a day, an hour, a minute and a second."""
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
# A zone that begins with "dateutil" could make pandas open any file.
_DTYPE = re.compile(r"datetime64\[(s|ms|us|ns)(?:, (?!dateutil)([A-Za-z][\w+\-/:]{0,63}))?\]", re.ASCII)
_DURATION = re.compile(r"timedelta64\[(s|ms|us|ns)\]")
_PERIOD = re.compile(r"period\[([A-Za-z0-9\-]{1,20})\]", re.ASCII)
_ORDINAL = re.compile(r"-?\d{1,18}", re.ASCII)
_ORIGIN = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{3}|\d{6}|\d{9}))?", re.ASCII)


@dataclass(frozen=True)
class DatetimeDtype:
    """The unit ("s", "ms", "us" or "ns") and the time zone, if any, of a pandas dtype of datetimes."""

    unit: str
    zone: str | None

    @classmethod
    def parse(cls, dtype: str) -> Self:
        """Read the text of a dtype; `FormatError` if it is not one of datetimes."""
        match = _DTYPE.fullmatch(dtype)
        if match is None:
            raise FormatError(
                f"The dtype of a column of datetimes must be like datetime64[us, UTC], not {dtype!r:.80}."
            )
        return cls(match[1], match[2])

    @staticmethod
    def matches(dtype: str) -> bool:
        """Tell whether `parse` reads a text."""
        return _DTYPE.fullmatch(dtype) is not None

    @property
    def numpy(self) -> np.dtype[Any]:
        """The dtype without its zone."""
        return np.dtype(f"datetime64[{self.unit}]")

    @property
    def per_second(self) -> int:
        """Counts in a second."""
        return _PER_SECOND[self.unit]

    def year(self, count: int) -> int:
        """Return the year of a count."""
        return 1970 + int(np.array(count, dtype=np.int64).view(self.numpy).astype("datetime64[Y]").astype(np.int64))

    def text(self, count: int) -> str:
        """Return a count as text in ISO format, down to the unit."""
        return str(np.datetime_as_string(np.array(count, dtype=np.int64).view(self.numpy)))

    def count(self, text: object) -> int:
        """Return the count of an untrusted text in ISO format, which may exceed 64 bits; `FormatError` for others."""
        match = _ORIGIN.fullmatch(text) if isinstance(text, str) else None
        try:
            seconds = int(np.datetime64(match[1], "s").astype(np.int64)) if match else None
        except ValueError:  # the 30th of February, for example
            seconds = None
        if match is None or seconds is None:
            raise FormatError(f"The origin of a column of datetimes must be a date in ISO format, not {text!r:.80}.")
        return seconds * self.per_second + int((match[2] or "0").ljust(9, "0")) * self.per_second // 10**9

    def resolution(self, counts: NDArray[np.int64]) -> tuple[int, int]:
        """Return the largest of `UNITS` that all counts are multiples of, and the number of decimals of their seconds.

        The decimals are limited to those that float64 holds beside the seconds between the first and the last count.
        """
        for unit in UNITS:
            if not (counts % (unit * self.per_second)).any():
                return unit, 0
        decimals = 1
        while 10**decimals < self.per_second and (counts % (self.per_second // 10**decimals)).any():
            decimals += 1
        seconds = (int(counts.max()) - int(counts.min())) / self.per_second
        while decimals and seconds * 10**decimals >= 2**51:
            decimals -= 1
        return 1, decimals


def duration_unit(dtype: str) -> str | None:
    """Return the unit ("s", "ms", "us" or "ns") of a pandas dtype of durations; None for another dtype."""
    match = _DURATION.fullmatch(dtype)
    return match[1] if match else None


def period_frequency(dtype: str) -> str | None:
    """Return the frequency, such as "M", of a pandas dtype of periods; None for another dtype."""
    match = _PERIOD.fullmatch(dtype)
    return match[1] if match else None


def period_ordinal(text: object) -> int:
    """Return the ordinal of an untrusted text, the origin of a column of periods; `FormatError` if it is none."""
    if not isinstance(text, str) or not _ORDINAL.fullmatch(text):
        raise FormatError(f"The origin of a column of periods must be a whole number as text, not {text!r:.80}.")
    return int(text)
