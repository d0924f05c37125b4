"""Columns that identify rows: the warning about them, and fresh identifiers for synthetic rows."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.compact_dates import holds_compact_dates
from ganaug.data.tables.text_warnings import MIN_ROWS
from ganaug.errors import warn

if TYPE_CHECKING:
    from pandas import DataFrame, Series

_DIGITS = "0123456789"
_LARGEST = 2**63 - 1
_OTHER = re.compile(r"\d{4}-?(\d\d|[QW]\d{1,2})(-\d\d)?|[+-]?\d[\d.]*[eE][+-]?\d+", re.ASCII)
"""Months, weeks and dates, and numbers with an exponent, which end in digits but count nothing."""
_PART_ENDS = ".,:/+"
"""What separates, before the last digits, the parts of a number, a version, a time or a date."""


def _numbered(text: str) -> tuple[str, str] | None:
    """Split an identifier into a prefix and its last digits, a number that 64 bits hold; None for other values."""
    prefix = text.rstrip(_DIGITS)
    digits = text[len(prefix) :]
    if not 0 < len(digits) < 20 or int(digits) > _LARGEST:
        return None
    if any(digit in prefix for digit in _DIGITS) and (prefix[-1] in _PART_ENDS or _OTHER.fullmatch(text)):
        return None
    return prefix, digits


def warn_about_identifiers(frame: "DataFrame") -> None:
    """Warn of columns of whole numbers that number the rows: unique, and either in order or without large gaps."""
    for name, column in frame.items():
        if column.dtype.kind not in "iu" or len(column) < MIN_ROWS or column.isna().any() or not column.is_unique:
            continue
        if holds_compact_dates(column):  # which have a warning of their own
            continue
        in_order = column.is_monotonic_increasing or column.is_monotonic_decreasing
        if in_order or int(column.max()) - int(column.min()) < 2 * len(column):
            warn(
                f"Column {name!r} numbers the rows, with another whole number in each, and is learned as an amount: if "
                f"it identifies them, ignore it (--ignore {name!r}), or drop it"
            )


class IgnoredColumns:
    """What synthetic rows have in the columns that a model ignores: fresh identifiers, or nothing.

    Parameters
    ----------
    names : iterable of str
        The columns.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._columns = {name: _Identifiers() for name in names}

    def learn(self, rows: "DataFrame") -> None:
        """Learn from some more of the real rows, which all must be learned first."""
        for name, column in self._columns.items():
            column.learn(rows[name])

    def filled(self, rows: "DataFrame") -> "DataFrame":
        """Return synthetic rows with the ignored columns, in the dtypes of the real ones."""
        return rows.assign(**{name: column.fresh(rows.index) for name, column in self._columns.items()})


class _Identifiers:
    """The values of one column. If all are different numbers after one prefix, fresh ones continue above the largest.

    Leading zeros are kept: P009 is followed by P010.
    """

    def __init__(self) -> None:
        self._numbers: list[NDArray[np.int64]] = []
        self._prefixes: set[str] = set()
        # digits of the shortest number, and of the longest with a leading zero
        self._width, self._padded = len(str(_LARGEST)), 0
        self._numbered = True
        self._dtype: Any = None
        self._next: int | None = None

    def learn(self, column: "Series[Any]") -> None:
        self._dtype = column.dtype
        parts = [_numbered(str(value)) for value in column] if self._numbered else []
        found = [part for part in parts if part]
        self._numbered = self._numbered and len(found) == len(column)
        if not found:
            return
        self._prefixes |= {"" if prefix == "-" else prefix for prefix, _ in found}
        self._width = min(self._width, *(len(digits) for _, digits in found))
        self._padded = max(self._padded, *(len(digits) * digits.startswith("0") for _, digits in found))
        self._numbers.append(np.array([-int(digits) if prefix == "-" else int(digits) for prefix, digits in found]))

    def fresh(self, index: Any) -> "Series[Any]":
        """Return values for new rows with this index."""
        import pandas as pd

        empty = pd.Series(None, index=index, dtype=self._dtype)
        if self._next is None:
            self._next = self._first()
        if self._next is None:
            return empty
        numbers = range(self._next, self._next + len(index))
        prefix = "".join(self._prefixes)
        values = (
            list(numbers)
            if pd.api.types.is_numeric_dtype(self._dtype)
            else [f"{prefix}{number:0{self._width}}" for number in numbers]
        )
        try:
            fresh = pd.Series(values, index=index, dtype=self._dtype)
        except (OverflowError, TypeError, ValueError):  # the dtype holds no larger numbers
            return empty
        self._next = numbers.stop
        return fresh

    def _first(self) -> int | None:
        """Return the number of the first new row; None if the real ones are not numbered."""
        if not self._numbered or not self._numbers or len(self._prefixes) > 1 or self._padded > self._width:
            return None
        numbers = np.concatenate(self._numbers)
        return int(numbers.max()) + 1 if len(np.unique(numbers)) == len(numbers) else None
