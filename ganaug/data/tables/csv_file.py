"""Reading CSV files piece by piece, without trusting their content."""

import codecs
import csv
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganaug.data.tables.csv_columns import CODE, GAPS, CsvColumn, column_dtypes, gap_words
from ganaug.data.tables.csv_format import MAX_FIELDS, CsvFormat
from ganaug.data.tables.number_format import NumberFormat
from ganaug.data.tables.seen_numbers import SeenNumbers
from ganaug.errors import DataError

if TYPE_CHECKING:
    from pandas import DataFrame

DELIMITERS = ",;\t|"
"""What may separate fields if the user names no delimiter; a comma counts wherever there is one."""
EXAMPLE_ROWS = 1000
"""Rows at the start of a file from which the format of truth values is taken."""
SPACING = 100
"""After the first rows, one row in so many shows whether numbers keep their format: all would take long."""


def _spellings(word: str) -> list[str]:
    """Return a word in all mixtures of small and capital letters: pandas takes them all for truth values at first."""
    return ["".join(letters) for letters in product(*zip(word, word.upper(), strict=True))]


@dataclass
class _Seen:
    """What the text of a file shows."""

    words: dict[str, Counter[str]]
    """For each column, how often each word comes that may mean a missing value."""
    numbers: dict[str, SeenNumbers]
    codes: set[str] = field(default_factory=set)
    """The columns with a `CODE`."""
    first: list[list[str]] = field(default_factory=list)
    """The first rows."""
    labels: dict[str, None] = field(default_factory=dict)
    """The different fields in the column of labels, in the order of the file."""

    def count_words(self, row: list[str], words: Collection[str]) -> None:
        for counts, text in zip(self.words.values(), row, strict=True):
            if text in words:
                counts[text] += 1


class CsvFile:
    """A table in a CSV file.

    Parameters
    ----------
    file : Path
    given : CsvFormat
        What is known of the format.
    labels : str, optional
        The column of labels. In this column, numbers with a unit or separated thousands are text.
    piece_rows : int
        Rows of a piece.
    ignored : collection of str
        Columns that may mix numbers and text, and are text then.
    """

    def __init__(
        self, file: Path, given: CsvFormat, labels: str | None, piece_rows: int, ignored: Collection[str] = ()
    ) -> None:
        self.file, self._given, self._labels, self._piece_rows = file, given, labels, piece_rows
        self._ignored = ignored
        self._decimal, self._encoding = given.decimal or ".", codecs.lookup(given.encoding or "utf-8").name
        self._missing = given.missing or ()

    @cached_property
    def names(self) -> list[str]:
        """The names in the first line; `DataError` if one is missing or comes twice: pandas would invent names."""
        file = self.file
        with self._rows() as rows:
            names: list[str] = next(rows, [])
        if not any(names):
            raise DataError(f"{file} must begin with a line that names the columns, but has none: add one.")
        if "" in names:
            raise DataError(
                f"Every column of {file} must have a name in the first line, but column {names.index('') + 1} has "
                "none: name it, or remove it if it only numbers the rows."
            )
        if len(names) == 1 and (other := next((char for char in DELIMITERS if char in names[0]), "")):
            raise DataError(
                f"The columns of {file} must be separated by {self._delimiter!r}, but {other!r} separates them: name "
                "it with --delimiter."
            )
        return different(names, file)

    @cached_property
    def format(self) -> CsvFormat:
        """The whole format of the file and its columns."""
        columns = {}
        for name, column in self._columns.items():
            try:
                dtype = column.dtype(name, self.file)
            except DataError:  # which is raised again if the column is read
                dtype = None
            columns[name] = column.format(dtype, self._words)
        return CsvFormat(
            missing=self._missing,
            delimiter=self._delimiter,
            decimal=self._decimal,
            encoding=self._encoding,
            columns=columns,
        )

    def pieces(self, *, verbatim: bool = False, columns: Sequence[str] | None = None) -> "Iterator[DataFrame]":
        """Yield consecutive rows of all or some columns, as text if `verbatim`."""
        import pandas as pd

        wanted = self.names if columns is None else list(columns)
        if verbatim:
            yield from self._read(usecols=wanted, dtype=str, na_filter=False)
            return
        dtypes = column_dtypes({name: self._columns[name] for name in wanted}, self.file)
        numbers = {name: one.number for name, one in (self.format.columns or {}).items() if name in wanted}
        formats = {name: one for name, one in numbers.items() if one is not None and one.is_marked}
        dates = {name: dtype for name, dtype in dtypes.items() if dtype.startswith("datetime64")}
        gaps = {name: ["", *(self._words if dtypes[name] == "str" else [" ", *self._all_words])] for name in wanted}
        as_text = dict.fromkeys([*dates, *formats], "str")
        for piece in self._read(usecols=wanted, dtype=dtypes | as_text, na_values=gaps, keep_default_na=False):
            for name, dtype in dates.items():
                piece[name] = pd.to_datetime(piece[name], format="ISO8601", utc="," in dtype).astype(dtype)
            for name, one in formats.items():
                piece[name] = one.numbers(piece[name], self._decimal).astype(dtypes[name])
            yield piece

    @cached_property
    def _words(self) -> list[str]:
        """The user's words for missing values."""
        return gap_words(self._missing)

    @cached_property
    def _all_words(self) -> list[str]:
        return gap_words(self._missing, GAPS)

    @cached_property
    def _delimiter(self) -> str:
        if self._given.delimiter is not None:
            return self._given.delimiter
        with self._text() as lines:
            header = next(iter(lines), "")
        return "," if "," in header else max(DELIMITERS, key=header.count)

    @cached_property
    def _columns(self) -> dict[str, CsvColumn]:
        """What the whole file shows of each column."""
        seen = self._seen()
        columns = {
            name: CsvColumn(
                name in seen.codes,
                seen.words[name],
                [row[place] for row in seen.first if len(row) > place],
                decimal=self._decimal,
                formats=name != self._labels and self._may_format(name),
                plain=NumberFormat() if name == self._labels else seen.numbers[name].format,
                labels=seen.labels if name == self._labels else (),
                may_mix=name in self._ignored,
            )
            for place, name in enumerate(self.names)
        }
        for piece in self._read(dtype_backend="numpy_nullable", na_values=[" ", *self._all_words]):
            for name, column in columns.items():
                column.add(piece[name])
        return columns

    def _may_format(self, name: str) -> bool:
        known = self._given.columns
        one = None if known is None else known.get(name)
        return known is None or (one is not None and one.number is not None)

    def _seen(self) -> _Seen:
        """Return what the text of the file shows.

        Raise `DataError` unless every line has a field for each column: pandas would fill up a line that is cut short.
        """
        names, words = self.names, frozenset([" ", *self._all_words]) - {""}
        numbers = {name: SeenNumbers(self._decimal, words | {""}) for name in names}
        seen = _Seen({name: Counter() for name in names}, numbers)
        target = names.index(self._labels) if self._labels in names else None
        first = seen.first
        with self._rows() as rows:
            next(rows, None)
            for row in rows:
                if len(row) != len(names) and row:
                    raise DataError(
                        f"Every row of {self.file} must have {len(names)} fields, as its first line has, but the one "
                        f"that ends in line {rows.line_num:,} has {len(row)}: repair it, or get the file again if it "
                        "was cut short."
                    )
                if CODE.search("\x1f" + "\x1f".join(row)):  # Most lines have none. Testing each field takes long.
                    pairs = zip(names, row, strict=True)
                    seen.codes.update(name for name, text in pairs if CODE.fullmatch("\x1f" + text))
                if not words.isdisjoint(row):
                    seen.count_words(row, words)
                if target is not None and row and len(seen.labels) < MAX_FIELDS:
                    seen.labels.setdefault(row[target])
                if len(first) < EXAMPLE_ROWS:
                    first.append(row)
                elif rows.line_num % SPACING:
                    continue
                for column, text in zip(numbers.values(), row, strict=bool(row)):
                    column.add(text)
        return seen

    def _read(self, **options: Any) -> "Iterator[DataFrame]":
        import pandas as pd

        self.names  # noqa: B018 - raises if there are none
        options |= {"sep": self._delimiter, "decimal": self._decimal, "encoding": self._encoding}
        options |= {"true_values": _spellings("true"), "false_values": _spellings("false")}
        with (
            self._errors(),
            pd.read_csv(self.file, chunksize=self._piece_rows, low_memory=False, **options) as pieces,
        ):
            for piece in pieces:
                yield piece.reset_index(drop=True)

    @contextmanager
    def _rows(self) -> Iterator[Any]:
        with self._text() as lines:
            yield csv.reader(lines, delimiter=self._delimiter)

    @contextmanager
    def _text(self) -> Iterator[Any]:
        encoding = "utf-8-sig" if self._encoding == "utf-8" else self._encoding
        with self._errors(), self.file.open(encoding=encoding, newline="") as lines:
            yield lines

    @contextmanager
    def _errors(self) -> Iterator[None]:
        import pandas as pd

        try:
            yield
        except UnicodeError as error:
            raise DataError(
                f"{self.file} must be text in {self._encoding.upper()}, but is not: name its encoding, with "
                "--encoding cp1252 for example, or save it again in UTF-8."
            ) from error
        except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise DataError(
                f"{self.file} must be a whole CSV table, but cannot be read ({reason}): repair it."
            ) from error


def different(names: list[str], file: Path) -> list[str]:
    """Return the names of columns; `DataError` if one comes twice."""
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise DataError(
            f"The columns of {file} must have different names, but {twice[0]!r} comes twice: rename one (or begin the "
            "file with a line of names, if there is none)."
        )
    return names
