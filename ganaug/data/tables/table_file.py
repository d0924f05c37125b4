"""Reading tables from CSV and Parquet files, piece by piece, without trusting their content."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganaug.data.tables.csv_file import CsvFile, different
from ganaug.data.tables.csv_format import CsvFormat, FieldFormat
from ganaug.errors import DataError, GanaugError, MissingFileError, warn
from ganaug.files import StrPath

if TYPE_CHECKING:
    from pandas import DataFrame, Series

ENDINGS = (".csv", ".parquet")
PIECE_ROWS = 50_000
"""Rows that are in memory at once while a file is read or written."""
MAX_ROWS = 500_000
"""Rows to learn from: more teach a generator nothing new, and of a larger table a random sample is taken."""
_NUMPY_TWINS = {f"{sign}{bits}": f"{sign}{bits}".lower() for sign in ("Int", "UInt") for bits in (8, 16, 32, 64)}
_NUMPY_TWINS |= {"boolean": "bool"}
"""For each nullable dtype of pandas, the dtype of numpy for columns without missing values."""


def open_table(path: StrPath, csv: CsvFormat | None = None, labels: str | None = None) -> "Table":
    """Return a table in a ``.csv`` or ``.parquet`` file, to be read piece by piece.

    `csv` is what is known of the format of the file. `labels` names the column of labels, whose numbers are classes.
    Raise `MissingFileError` if there is no such file, and `DataError` if it has another ending.
    """
    file, given = _checked(path), csv or CsvFormat()
    if file.suffix.lower() == ".csv":
        return CsvFile(file, given, labels, PIECE_ROWS)
    return ParquetFile(file, given)


def read_table(
    table: "StrPath | Table",
    most: int = MAX_ROWS,
    *,
    columns: list[str] | None = None,
    rows: "Callable[[DataFrame], DataFrame] | None" = None,
) -> "DataFrame":
    """Read a table in bounded memory, or a random sample of `most` rows, always the same, if there are more.

    `table` is an open one, or the path of a ``.csv`` or ``.parquet`` file. In a CSV file, a column of dates in ISO
    format is read as dates, a column of whole numbers with leading zeros as text, and times of day, percentages and
    amounts with separated thousands as numbers. Integers and truth values have a nullable dtype if some are missing.
    Decimals of a Parquet file have Arrow's dtype. Other columns than `columns` may hold anything, and `rows` returns
    the wanted part of some rows.

    Raise `MissingFileError` if there is no such file, and `DataError` if it is no complete table, has no rows, two
    columns have the same name, or one mixes numbers and text. Warn if only a sample is kept.
    """
    import pandas as pd

    table = table if isinstance(table, CsvFile | ParquetFile) else open_table(table)
    rng = np.random.default_rng(0)
    kept: list[DataFrame] = []
    keys: list[Any] = []
    total = 0
    for piece in table.pieces(columns=columns):
        piece = piece if rows is None else rows(piece)
        total += len(piece)
        kept.append(piece)
        keys.append(rng.random(len(piece)))
        # Each row gets a random key. The rows with the smallest keys are a uniform sample, whatever the pieces.
        if sum(map(len, kept)) > 2 * most:
            kept, keys = _smallest(kept, keys, most)
    kept, keys = _smallest(kept, keys, most)
    frame = pd.concat(kept, ignore_index=True) if kept else None
    if frame is None or frame.empty:
        wanted = "" if rows is None else " of those that are wanted"
        raise DataError(f"A table must have rows, but {table.file} has none{wanted}: give a file that has some.")
    if total > len(frame):
        warn(f"{table.file} has {total:,} rows; a random {len(frame):,} of them are learned from")
    whole = [name for name in frame.columns if str(frame[name].dtype) in _NUMPY_TWINS and frame[name].notna().all()]
    return frame.astype({name: _NUMPY_TWINS[str(frame[name].dtype)] for name in whole})


def _smallest(kept: "list[DataFrame]", keys: list[Any], most: int) -> "tuple[list[DataFrame], list[Any]]":
    import pandas as pd

    if sum(map(len, kept)) <= most:
        return kept, keys
    whole, key = pd.concat(kept, ignore_index=True), np.concatenate(keys)
    rows = np.sort(np.argpartition(key, most)[:most])
    return [whole.iloc[rows]], [key[rows]]


def _checked(path: StrPath) -> Path:
    file = Path(path)
    if not file.exists():
        raise MissingFileError(f"There is no table {path}: check the name.")
    if not file.is_file():
        raise DataError(f"A table must be a .csv or .parquet file, but {path} is not a file: name one.")
    if file.suffix.lower() not in ENDINGS:
        raise DataError(f"A table must be a .csv or .parquet file, but this is {file.name!r}: convert it.")
    return file


class ParquetFile:
    """A table in a Parquet file. Of `given`, only the words for missing values count, in columns of text."""

    def __init__(self, file: Path, given: CsvFormat) -> None:
        self.file, self._given, self._missing = file, given, list(given.missing or ())

    @cached_property
    def names(self) -> list[str]:
        """The names of the columns; `DataError` if one comes twice."""
        import pyarrow.parquet

        with _parquet_errors(self.file), pyarrow.parquet.ParquetFile(self.file) as table:
            return different(table.schema_arrow.names, self.file)

    @cached_property
    def format(self) -> CsvFormat:
        """The words for missing values, the most frequent one of each column of text, and the columns of dates."""
        import pyarrow.parquet

        gaps: dict[str, Counter[str]] = {}
        # Only here do the words still stand in the pieces.
        for piece in ParquetFile(self.file, CsvFormat()).pieces() if self._missing else ():
            for name in piece.columns:
                if _holds_text(piece[name]):
                    found = piece[name].isin(self._missing)
                    counts = gaps.setdefault(name, Counter())
                    counts.update(
                        piece[name][found].astype(str).value_counts().to_dict() | {"": piece[name].isna().sum()}
                    )
        words = {name: max(counts, key=counts.__getitem__) for name, counts in gaps.items()}
        with _parquet_errors(self.file):
            schema = pyarrow.parquet.read_schema(self.file)
        dates = {one.name: FieldFormat(is_date=True) for one in schema if pyarrow.types.is_date(one.type)}
        return replace(self._given, columns=dates | {name: FieldFormat(word) for name, word in words.items() if word})

    def pieces(self, *, verbatim: bool = False, columns: list[str] | None = None) -> "Iterator[DataFrame]":
        """Yield consecutive rows of all or some columns, with types of Arrow if `verbatim`."""
        import pandas as pd
        import pyarrow
        import pyarrow.parquet

        integers = (name for name in _NUMPY_TWINS if name != "boolean")
        nullable = {getattr(pyarrow, name.lower())(): pd.array([], name).dtype for name in integers}
        nullable[pyarrow.bool_()] = pd.BooleanDtype()
        pyarrow.array(pd.array([], "period[D]"))  # From here on, pyarrow knows the types that pandas writes.

        def mapper(kind: Any) -> Any:
            if getattr(kind, "extension_name", "").startswith("pandas."):  # periods: pandas has the dtype itself
                return None
            return pd.ArrowDtype(kind) if verbatim or pyarrow.types.is_decimal(kind) else nullable.get(kind)

        self.names  # noqa: B018 - raises if one comes twice
        with _parquet_errors(self.file), pyarrow.parquet.ParquetFile(self.file) as table:
            for batch in table.iter_batches(PIECE_ROWS, columns=columns):
                # The metadata of pandas, such as an index, is not part of the table.
                plain = batch.replace_schema_metadata(None)
                piece = plain.to_pandas(types_mapper=mapper, date_as_object=False)
                yield piece if verbatim or not self._missing else piece.apply(self._without_words)

    def _without_words(self, column: "Series[Any]") -> "Series[Any]":
        if not _holds_text(column):
            return column
        words = column.isin(self._missing)
        left = column.mask(words)
        return (
            left.cat.remove_categories(left.cat.categories.intersection(self._missing))
            if left.dtype == "category"
            else left
        )


Table = CsvFile | ParquetFile


def _holds_text(column: "Series[Any]") -> bool:
    import pandas as pd

    held = getattr(column.dtype, "categories", column).dtype
    return bool(pd.api.types.is_string_dtype(held))


@contextmanager
def _parquet_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except (GanaugError, MemoryError, PermissionError):  # their messages name the remedy
        raise
    except Exception as error:  # a damaged file can make pyarrow raise any exception
        reason = (str(error).splitlines() or ["damaged"])[0].rstrip(".")
        raise DataError(
            f"{file} must be a whole Parquet file, but cannot be read ({reason}): save it again."
        ) from error
