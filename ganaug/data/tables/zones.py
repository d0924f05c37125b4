"""The time zone of a column whose times state their offsets from UTC alone."""

import zoneinfo
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.datetimes import DAY

if TYPE_CHECKING:
    from pandas import DataFrame

Integers = NDArray[np.int64]

COMMON_ZONES = (
    "Europe/Berlin",
    "Europe/London",
    "Europe/Athens",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "America/Santiago",
    "Australia/Sydney",
    "Australia/Adelaide",
    "Pacific/Auckland",
)
"""Zones that are tried first. Of several zones that match, the first in this order and then by name is the result."""


class SeenOffsets:
    """The offsets from UTC that the times of a column have, added piece by piece.

    Of all times of one day with one offset, the first and the last are kept: an offset changes at most once a day.
    """

    def __init__(self) -> None:
        self._seen: DataFrame | None = None

    def add(self, instants: Integers, offsets: Integers) -> None:
        """Add times, given as seconds since 1970 in UTC, with their offsets in seconds, each (n,)."""
        import pandas as pd

        new = pd.DataFrame({"day": instants // DAY, "offset": offsets, "first": instants, "last": instants})
        both = new if self._seen is None else pd.concat([self._seen, new])
        self._seen = both.groupby(["day", "offset"], as_index=False).agg({"first": "min", "last": "max"})

    def zone(self) -> str | None:
        """Return a zone in which all times have their offsets: a constant offset such as "UTC+05:30" if one suffices.

        None if there is no such zone.
        """
        if self._seen is None or self._seen.empty:
            return "UTC"
        offsets = self._seen["offset"].unique()
        return constant_zone(int(offsets[0])) if len(offsets) == 1 else next(filter(self.match, _zones()), None)

    def match(self, zone: str) -> bool:
        """Tell whether all times have the offsets of a zone."""
        if self._seen is None:
            return True
        offsets = np.tile(self._seen["offset"].to_numpy(np.int64), 2)
        instants = self._seen[["first", "last"]].to_numpy(np.int64).T.ravel()
        known = _offsets_in(zone, instants)
        return known is not None and np.array_equal(known, offsets)


def constant_zone(offset: int) -> str:
    """Return the name in pandas of a zone with a constant offset in seconds."""
    return f"UTC{offset_text(offset)}" if offset else "UTC"


def offset_text(offset: int, between: str = ":") -> str:
    """Return an offset in seconds as text, such as +01:00."""
    hours, minutes = divmod(abs(offset) // 60, 60)
    return f"{'-' if offset < 0 else '+'}{hours:02}{between}{minutes:02}"


def offset_seconds(text: str) -> int:
    """Return the seconds of an offset such as Z, +01, +0100 or +01:00."""
    if text == "Z":
        return 0
    digits = text[1:].replace(":", "").ljust(4, "0")
    return (-1 if text[0] == "-" else 1) * (int(digits[:2]) * 3600 + int(digits[2:]) * 60)


def _zones() -> Iterator[str]:
    yield from COMMON_ZONES
    places = (name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith("Etc/"))
    yield from sorted(set(places) - set(COMMON_ZONES))


def _offsets_in(zone: str, instants: Integers) -> Integers | None:
    """Return the offsets from UTC in seconds that a zone has at some instants; None if the zone is not known here."""
    import pandas as pd

    times = pd.DatetimeIndex(instants.astype("datetime64[s]"))
    try:
        local = times.tz_localize("UTC").tz_convert(zone).tz_localize(None)
    except (ValueError, KeyError, OSError):
        return None
    offsets: Integers = local.to_numpy().astype("datetime64[s]").astype(np.int64) - instants
    return offsets
