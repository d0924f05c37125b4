"""The text format of the columns of a CSV file, so that synthetic values are written in the same format."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ganaug.data.tables.csv_format import FieldFormat
from ganaug.data.tables.zones import constant_zone, offset_seconds, offset_text

if TYPE_CHECKING:
    from pandas import DataFrame, Series

_TRUTH = {spell(word): spell for word in ("true", "false") for spell in (str.lower, str.upper, str.title)}
_DATE = re.compile(
    r"\d{4}-\d\d-\d\d(?:(?P<between>[ T])\d\d:\d\d(?P<seconds>:\d\d(?:\.(?P<decimals>\d{1,9}))?)?)?"
    r"(?P<zone>Z|[+-]\d\d(?P<colon>:?)(?P<minutes>\d\d)?)?",
    re.ASCII,
)
_UNITS = ((0, "s"), (3, "ms"), (6, "us"), (9, "ns"))


class TextFormat:
    """The formats of columns in a text file: dates and truth values, numbers, and missing values.

    `usual` holds for each column of dates or truth values an example of its format until one is learned from the rows
    of a file; "" for the format of pandas. `fields` holds the format of all columns, and `decimal` the decimal mark.
    """

    def __init__(
        self, usual: Mapping[str, str], fields: Mapping[str, FieldFormat] | None = None, decimal: str = "."
    ) -> None:
        self._usual, self._fields, self._decimal = dict(usual), dict(fields or {}), decimal
        self._learned = dict.fromkeys(usual, "")

    def learn(self, rows: "DataFrame") -> None:
        """Learn the formats of rows of text: the example of a column is the first of its longest values."""
        for name in self._learned:
            for text in rows[name].dropna().astype(str):
                if len(text) > len(self._learned[name]) and (text in _TRUTH or _DATE.fullmatch(text)):
                    self._learned[name] = text

    def apply(self, rows: "DataFrame") -> "DataFrame":
        """Return rows whose values are text in the format of their columns; values of another kind stay."""
        formatted = {name: self._column(name, rows[name]) for name in rows.columns}
        return rows.assign(**{name: column for name, column in formatted.items() if column is not rows[name]})

    def _column(self, name: str, column: "Series[Any]") -> "Series[Any]":
        field = self._fields.get(name, FieldFormat())
        if name in self._usual:
            found = _formatted(column, self._learned[name] or self._usual[name], field.has_z)
            column = column if found is None else found
        if field.classes:
            column = column.astype(object).map(lambda label: field.classes.get(str(label), label), na_action="ignore")
        elif column.dtype.kind in "iuf" and field.number is not None and not field.number.is_plain:
            column = field.number.texts(column, self._decimal)
        elif column.dtype.kind == "f" and self._decimal != ".":
            column = column.astype(object).map(lambda x: str(x).replace(".", self._decimal), na_action="ignore")
        return column.astype(object).where(column.notna(), field.gap) if field.gap else column


def _formatted(column: "Series[Any]", example: str, has_z: bool) -> "Series[Any] | None":
    """Return values as text in the format of an example; None for others. `has_z`: Z stands for no offset from UTC."""
    if example in _TRUTH:
        write = _TRUTH[example]
        return column.astype(object).map(lambda value: write(str(value)) if isinstance(value, bool) else value)
    match = _DATE.fullmatch(example)
    if match is None or column.dtype.kind != "M" or (column.dt.tz is None) != (match["zone"] is None):
        return None
    offsets: Any = ""
    if match["zone"]:
        if str(column.dt.tz) == "UTC":  # The offset of the real times is not known: the example's stands for it.
            column = column.dt.tz_convert(constant_zone(offset_seconds(match["zone"])))
        offsets = _offset_texts(column, match, has_z or match["zone"] == "Z")
        column = column.dt.tz_localize(None)
    decimals = len(match["decimals"] or "")
    unit: Any = next(unit for most, unit in _UNITS if decimals <= most)
    if not match["seconds"]:
        unit = "m" if match["between"] else "D"
    texts = np.datetime_as_string(column.to_numpy(), unit=unit, casting="unsafe").astype(object)
    cut = len("2020-01-31T00:00:00.") + decimals if decimals else None
    between = match["between"] or "T"
    texts = np.array([text[:cut].replace("T", between) for text in texts], dtype=object) + offsets
    return column.astype(object).where(column.isna(), texts)


def _offset_texts(column: "Series[Any]", example: "re.Match[str]", has_z: bool) -> Any:
    """Return the offset from UTC of each time, in the format of an example, (n,)."""
    import pandas as pd

    known = column.dt.tz_localize(None) - column.dt.tz_convert("UTC").dt.tz_localize(None)
    codes, seconds = pd.factorize(known.dt.total_seconds().fillna(0))
    between = ":" if example["colon"] is None else example["colon"]
    texts = ["Z" if has_z and not one else offset_text(int(one), between) for one in seconds]
    short = example["colon"] == "" and example["minutes"] is None
    texts = [text.removesuffix("00") if short else text for text in texts]
    return np.array(texts, dtype=object)[codes]
