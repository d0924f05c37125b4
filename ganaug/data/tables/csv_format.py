"""The format of a CSV file: its delimiter, what stands for missing values, and how its columns are written."""

import codecs
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from ganaug.data.json_checks import MAX_TEXT, is_text, items, require
from ganaug.data.tables.number_format import NumberFormat
from ganaug.errors import DataError

MAX_WORDS = 1000
"""Words for missing values; also what an untrusted model file may have."""
MAX_FIELDS = 10_001
"""Columns with a format of their own that an untrusted model file may have."""


@dataclass(frozen=True)
class FieldFormat:
    """How the fields of one column are written."""

    gap: str | None = None
    """The most frequent text of a missing value; None if none is missing."""
    number: NumberFormat | None = None
    """The format of numbers; None if the column holds no numbers."""
    example: str = ""
    """One of the longest dates or truth values; empty if the column holds other values."""
    has_z: bool = False
    """Whether times without an offset from UTC end in Z."""
    classes: Mapping[str, str] = field(default_factory=dict)
    """In a column of labels that are numbers, how each is written, unless plainly: {"1": "1.0"}."""
    is_date: bool = False
    """Whether a Parquet file holds dates, without a time of day."""

    def filled(self, other: Self) -> Self:
        """Return this format, and what it does not know from another one."""
        gap = other.gap if self.gap is None else self.gap
        dated = self if self.example else other
        number, classes = self.number or other.number, self.classes or other.classes
        return replace(self, gap=gap, number=number, example=dated.example, has_z=dated.has_z, classes=classes)

    def to_state(self) -> dict[str, Any]:
        """Return what differs from a column of plain values without missing ones, as JSON."""
        number = self.number.to_state() if self.number is not None and not self.number.is_plain else None
        state = {
            "gap": self.gap or None,
            "number": number,
            "example": self.example or None,
            "has_z": self.has_z or None,
            "classes": dict(self.classes) or None,
            "is_date": self.is_date or None,
        }
        return {name: value for name, value in state.items() if value is not None}

    @classmethod
    def from_state(cls, state: object) -> Self:
        """Read what `to_state` wrote from an untrusted file, else `FormatError`."""
        require(isinstance(state, Mapping), "the format of a column must be an object")
        names = ("gap", "number", "example", "classes")
        gap, number, example, classes = map(state.get, names)  # type: ignore[attr-defined]
        flags = {name: state.get(name) for name in ("has_z", "is_date")}  # type: ignore[attr-defined]
        require(gap is None or is_text(gap), "a gap must be a short text")
        require(example is None or is_text(example), "an example must be a short text")
        valid = all(one is None or isinstance(one, bool) for one in flags.values())
        require(valid, "has_z and is_date must be true or false")
        valid = classes is None or (isinstance(classes, Mapping) and len(classes) <= MAX_FIELDS)
        require(valid and all(map(is_text, (classes or {}).values())), "the classes must be an object of short texts")
        form = None if number is None else NumberFormat.from_state(number)
        return cls(gap, form, example or "", classes=classes or {}, **{name: bool(one) for name, one in flags.items()})


@dataclass(frozen=True, kw_only=True)
class CsvFormat:
    """The format of a CSV file. None stands for what the file itself, or else the default, decides.

    Parameters
    ----------
    missing : tuple of str, optional
        Words that stand for a missing value in every column, such as "?". An empty field always does. In columns that
        otherwise hold numbers, dates or truth values, so do the usual words, such as NA and None.
    delimiter : str, optional
        The character between the fields. By default a comma or, if the first line has none, a semicolon, a tab or a
        vertical bar.
    decimal : str, optional
        The decimal mark, a point by default or a comma.
    encoding : str, optional
        The encoding of the text, UTF-8 by default.
    columns : mapping of str to FieldFormat, optional
        How the columns are written. If it is given, as by a model file, other columns hold plain numbers or text.

    Raises
    ------
    DataError
        If a value is not valid.
    """

    missing: tuple[str, ...] | None = None
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    columns: Mapping[str, FieldFormat] | None = None

    def __post_init__(self) -> None:
        words = self.missing or ()
        if isinstance(words, str) or len(words) > MAX_WORDS or not all(map(is_text, words)):
            raise DataError(
                f"The words for missing values (missing) must be at most {MAX_WORDS:,} texts of at most {MAX_TEXT:,} "
                f"characters, but are {self.missing!r:.80}: correct them."
            )
        if self.delimiter is not None and not _is_delimiter(self.delimiter):
            raise DataError(
                "The delimiter must be one character that is no letter, digit, quote or line end, such as ';' or a "
                f"tab, but is {self.delimiter!r:.80}: correct it."
            )
        if self.decimal not in (None, ".", ","):
            raise DataError(
                f"The decimal mark (decimal) must be a point or a comma, but is {self.decimal!r:.80}: correct it."
            )
        if self.encoding is not None and not _is_encoding(self.encoding):
            raise DataError(
                f"The encoding must be one that Python knows, such as utf-8, cp1252 or utf-16, but is "
                f"{self.encoding!r:.80}: correct it."
            )

    def filled(self, other: "CsvFormat") -> "CsvFormat":
        """Return this format, and what it does not say from another one."""
        names = ("missing", "delimiter", "decimal", "encoding", "columns")
        return replace(self, **{name: getattr(other, name) for name in names if getattr(self, name) is None})

    def part(self, names: Collection[str]) -> "CsvFormat":
        """Return the format of a file with some of the columns."""
        columns = {name: one for name, one in (self.columns or {}).items() if name in names}
        return replace(self, columns=columns)

    def to_state(self) -> dict[str, Any]:
        """Return the format as JSON."""
        columns = {name: one.to_state() for name, one in (self.columns or {}).items()}
        return {
            "missing": list(self.missing or ()),
            "delimiter": self.delimiter,
            "decimal": self.decimal,
            "encoding": self.encoding,
            "columns": {name: state for name, state in columns.items() if state},
        }

    @classmethod
    def from_state(cls, state: object) -> "CsvFormat":
        """Read what `to_state` wrote from an untrusted file, else `FormatError`. None stands for an older file."""
        if state is None:
            return cls(columns={})
        require(isinstance(state, Mapping), "csv must be an object")
        columns = state.get("columns")  # type: ignore[attr-defined]
        valid = isinstance(columns, Mapping) and len(columns) <= MAX_FIELDS and all(map(is_text, columns))
        require(valid, "the columns of csv must be an object")
        marks = {name: state.get(name) for name in ("delimiter", "decimal", "encoding")}  # type: ignore[attr-defined]
        require(all(one is None or isinstance(one, str) for one in marks.values()), "the marks of csv must be texts")
        formats = {name: FieldFormat.from_state(one) for name, one in columns.items()}
        try:
            return cls(missing=tuple(items(state, "missing", MAX_WORDS)), **marks, columns=formats)
        except DataError as error:
            require(False, str(error).rstrip("."))
            raise


def _is_delimiter(text: str) -> bool:
    return len(text) == 1 and text.isascii() and not text.isalnum() and text not in '"\r\n\0'


def _is_encoding(name: str) -> bool:
    try:
        return codecs.lookup(name)._is_text_encoding and "a,b\n".encode(name).decode(name) == "a,b\n"
    except (LookupError, ValueError):  # An encoding with a null character in its name raises ValueError.
        return False
