"""The dtypes and formats of the columns of a CSV file, from what its pieces show."""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.csv_format import FieldFormat
from ganaug.data.tables.number_format import MAX_DECIMALS, NumberFormat
from ganaug.data.tables.zones import SeenOffsets, offset_seconds
from ganaug.errors import DataError, warn

if TYPE_CHECKING:
    from pandas import Series

CODE = re.compile(r"\x1f\s*(?:0\d+|\+\d{7,})\s*(?=\x1f|$)", re.ASCII)
"""After a separator, a whole number with leading zeros, or a long one with a plus: a postal code or a telephone number.
One such field makes a column without fractions text, because a number would lose the zeros or the plus."""
GAPS = frozenset(
    (
        *("NA", "N/A", "n/a", "<NA>", "#NA", "#N/A", "#N/A N/A", "NULL", "null", "None"),
        *("NaN", "nan", "-NaN", "-nan", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
    )
)
"""Words that stand for a missing value in a column that otherwise holds numbers, dates or truth values."""
MIN_NUMBERS = 0.9
"""Share of numbers in a column above which a text among them is a mistake or stands for a missing value."""
ISO_DATE = r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?"
OFFSET = r"(Z|[+-]\d\d(?::?\d\d)?)"
_ISO_INSTANT = rf"{ISO_DATE}{OFFSET}"
_DATES = ("datetime64[s]", "datetime64[ms]", "datetime64[us]", "datetime64[ns]")
_UTC = "datetime64[us, UTC]"
_TRUTH = frozenset(("True", "TRUE", "true", "False", "FALSE", "false"))
_NANOSECOND_YEARS = ("1678", "2261")
"""The years that 64 bits of nanoseconds reach. A column with nanoseconds and other years stays text."""


def gap_words(missing: Collection[str], more: Collection[str] = ()) -> list[str]:
    """Return words for missing values, and the same after a blank, or as a float if they are numbers."""
    words = dict.fromkeys([*missing, *more])
    for word in missing:
        if re.fullmatch(r"[+-]?\d{1,15}", word):
            words[f"{word}.0"] = None
    return [*words, *(f" {word}" for word in words if word)]


class CsvColumn:
    """What the pieces of a CSV file have shown of one column.

    Parameters
    ----------
    codes : bool
        Whether a field of the column is a `CODE`.
    words : mapping of str to int
        Fields that may stand for missing values, and how often each comes; no empty fields.
    first : list of str
        The first fields of the column.
    decimal : str
        The decimal mark.
    formats : bool
        Whether numbers may have another format than that of plain numbers.
    plain : NumberFormat
        The format of the numbers, if they have neither units nor separated thousands.
    labels : collection of str
        The different fields, if the column holds labels.
    may_mix : bool
        Whether the column may mix numbers and text, and is text then.
    """

    def __init__(
        self,
        codes: bool,
        words: Counter[str],
        first: list[str],
        *,
        decimal: str,
        formats: bool,
        plain: NumberFormat,
        labels: Collection[str],
        may_mix: bool,
    ) -> None:
        self.codes, self._words, self._first = codes, words, first
        self._plain, self._labels = plain, labels
        self._decimal, self._formats, self._may_mix = decimal, formats, may_mix
        self.kinds: set[str] = set()
        self.rows = self.present = self.numbers = 0
        self.text = self.example = ""
        self.far = False
        self.has_z = False
        self.number: NumberFormat | None = None
        self.offsets = SeenOffsets()

    def add(self, column: "Series[Any]") -> None:
        """Look at the column in one more piece."""
        import pandas as pd

        self.rows += len(column)
        column = column.dropna()
        if column.empty:
            return
        self.present += len(column)
        date = number = None
        if column.dtype.kind in "iuf":
            self.numbers += len(column)
        else:
            text = column.astype(str)
            numbers = pd.to_numeric(text, errors="coerce").notna()
            self.numbers += int(numbers.sum())
            self.text = next(iter(text[~numbers]), self.text)
            date = _date_dtype(column)
        if date:
            self.far = self.far or not column.str[:4].between(*_NANOSECOND_YEARS).all()
            longest = column.loc[column.str.len().idxmax()]
            self.example = max(self.example, longest, key=len)
        elif isinstance(column.dtype, pd.StringDtype) and self._formats:
            number = NumberFormat.find(column, self._decimal)
        if date == _UTC:
            self.has_z = self.has_z or bool(column.str.endswith("Z").any())
            self.offsets.add(*_instants(column))
        if number is not None:
            both = number if self.number is None else self.number.joined(number)
            self._formats, self.number = both is not None, both
        self.kinds.add(date or ("formatted" if number is not None else str(column.dtype)))

    def dtype(self, name: str, file: Path) -> str:
        """Return the dtype that holds all pieces; `DataError` if there is text among many numbers."""
        only_words = not self.kinds and len(self._words) > 1  # which then differ
        if only_words or (self.codes and "Float64" not in self.kinds):
            return "str"
        if self.kinds <= {"Int64", "Float64"}:
            return "Int64" if self.kinds == {"Int64"} else "float64"
        if self.kinds == {"boolean"}:
            return "boolean"
        if (form := self._number_format()) is not None:
            return "float64" if form.decimals[1] else "Int64"
        if self.far and "datetime64[ns]" in self.kinds:
            return "str"
        if self.kinds == {_UTC} or self.kinds <= set(_DATES):
            return max(self.kinds, key=(*_DATES, _UTC).index)
        if self.text and not self._may_mix and self.numbers > MIN_NUMBERS * self.present:
            raise DataError(
                f"Column {name!r} of {file} must hold numbers or text, but among its numbers is {self.text!r:.80}: "
                f"{_remedy(self.text, self._decimal)}."
            )
        return "str"

    def _number_format(self) -> NumberFormat | None:
        """Return the format of the numbers if all pieces have it; None for plain numbers and other values."""
        if self.number is None or not self.kinds <= {"formatted", "Int64", "Float64"}:
            return None
        if self.kinds == {"formatted"}:
            return self.number
        # A piece of plain numbers may belong to a column with separated thousands.
        if self.number.joined(NumberFormat()) is None:
            return None
        least, most = self.number.decimals
        return replace(self.number, decimals=(least, MAX_DECIMALS if "Float64" in self.kinds else most))

    def format(self, dtype: str | None, missing: Collection[str]) -> FieldFormat:
        """Return how the fields are written in a column of this dtype; `missing` has the user's words for that."""
        is_text = dtype == "str"
        empty = self.rows - self.present - sum(self._words.values())
        words = {word: count for word, count in self._words.items() if not is_text or word in missing}
        gaps = {"": empty, **words}
        gap, count = max(gaps.items(), key=lambda pair: pair[1])
        if is_text:
            return FieldFormat(gap if count > 0 else None)
        number = None
        if self.kinds <= {"formatted", "Int64", "Float64"} and self.kinds:
            number = self._number_format() or (self._plain if self.kinds == {"Float64"} else NumberFormat())
        if dtype == "boolean":
            self.example = next((text for text in self._first if text in _TRUTH), "")
        classes = self._classes() if number is not None else {}
        return FieldFormat(gap if count > 0 else None, number, self.example, self.has_z, classes)

    def _classes(self) -> dict[str, str]:
        """Return how labels that are whole numbers are written, where it differs from the number."""
        written: dict[str, str] = {}
        for text in self._labels:
            if match := re.fullmatch(rf"\s*([+-]?\d{{1,19}})(?:[{self._decimal}]0*)?\s*", text, re.ASCII):
                written.setdefault(str(int(match[1])), text)
        return {label: text for label, text in written.items() if text != label}


def column_dtypes(columns: Mapping[str, CsvColumn], file: Path) -> dict[str, str]:
    """Return the dtype of each column of a file, where instants have a time zone; `DataError` as in `CsvColumn.dtype`.

    Instants that all have one offset are in the zone of another column if that has it too: then they can be compared.
    Warn of instants whose offsets change as in no zone.
    """
    dtypes = {name: column.dtype(name, file) for name, column in columns.items()}
    offsets = {name: columns[name].offsets for name, dtype in dtypes.items() if dtype == _UTC}
    zones = {name: _zone(one, name, file) for name, one in offsets.items()}
    places = [zone for zone in dict.fromkeys(zones.values()) if not zone.startswith("UTC")]
    for name, zone in zones.items():
        shared = filter(offsets[name].match, places if zone.startswith("UTC") else ())
        dtypes[name] = f"datetime64[us, {next(shared, zone)}]"
    return dtypes


def _zone(offsets: SeenOffsets, name: str, file: Path) -> str:
    zone = offsets.zone()
    if zone is None:
        warn(
            f"The offsets from UTC of the times in column {name!r} of {file} change as in no time zone: the times are "
            "learned in UTC, and their local hours of the day are lost; write them without the offsets to have the "
            "local hours learned"
        )
    return zone or "UTC"


def _remedy(text: str, decimal: str) -> str:
    if decimal == "." and re.fullmatch(r"\s*-?\d+,\d+\s*", text):
        return "if the comma is the decimal mark, add --decimal ,"
    return f"correct it, or add --missing {text.strip()[:80]!r} if that means a missing value"


def _instants(column: "Series[Any]") -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the seconds since 1970 in UTC of texts that are instants, and their offsets in seconds, each (n,)."""
    import pandas as pd

    times = pd.to_datetime(column, format="ISO8601", utc=True).dt.tz_localize(None)
    codes, texts = pd.factorize(column.str.extract(f"{OFFSET}$")[0])
    offsets = np.array([offset_seconds(text) for text in texts], dtype=np.int64)[codes]
    return times.to_numpy("datetime64[s]").astype(np.int64), offsets


def _date_dtype(column: "Series[Any]") -> str | None:
    """Return the dtype of a column of text that holds dates in ISO format alone; None for other columns."""
    import pandas as pd

    if not isinstance(column.dtype, pd.StringDtype):
        return None
    zoned = column.str.fullmatch(_ISO_INSTANT).all()
    if not zoned and not column.str.fullmatch(ISO_DATE).all():
        return None
    try:
        dtype = str(pd.to_datetime(column, format="ISO8601", utc=bool(zoned)).dtype)
    except ValueError:  # for example the 31st of February
        return None
    return dtype if dtype in (*_DATES, _UTC) else None
