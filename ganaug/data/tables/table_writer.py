"""Writing tables to CSV and Parquet files, piece by piece and atomically."""

import codecs
import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganaug.data.tables.arrow import arrow_table
from ganaug.data.tables.csv_format import CsvFormat
from ganaug.data.tables.table_file import ENDINGS
from ganaug.errors import DataError
from ganaug.files import StrPath, atomic_write

if TYPE_CHECKING:
    from pandas import DataFrame


class TableWriter:
    """Writes the pieces of a table to one file; `table_writer` makes one."""

    def __init__(self, file: Any, ending: str, form: CsvFormat) -> None:
        self._file, self._ending = file, ending
        self._delimiter, self._encoding = form.delimiter or ",", form.encoding or "utf-8"
        # It writes a byte order mark once, where the encoding has one.
        self._encoder = codecs.getincrementalencoder(self._encoding)()
        self._parquet: Any = None
        self._first = True

    def write(self, piece: "DataFrame") -> None:
        """Append rows. A piece must have the columns of the first, and is cast to its types."""
        if self._ending == ".csv":
            self._write_csv(piece)
        else:
            self._write_parquet(piece)
        self._first = False

    def _write_csv(self, piece: "DataFrame") -> None:
        # pandas decides the form of durations for each piece, and would omit the hours of whole days.
        durations = piece.select_dtypes("timedelta")
        piece = piece.assign(**{name: one.astype(object).map(str, "ignore") for name, one in durations.items()})
        usual = {"index": False, "header": self._first, "lineterminator": "\n", "sep": self._delimiter}
        text = piece.to_csv(**usual)
        if "\r" in text:  # Before Python 3.13 such a field is not quoted, and is read as two lines.
            text = piece.to_csv(**usual, quoting=csv.QUOTE_ALL)
        try:
            self._file.write(self._encoder.encode(text))
        except UnicodeEncodeError as error:
            raise DataError(
                f"All text must be such that {self._encoding.upper()} can hold it, but there is "
                f"{error.object[error.start]!r}: add --encoding utf-8."
            ) from error

    def _write_parquet(self, piece: "DataFrame") -> None:
        import pyarrow.parquet

        table = arrow_table(piece, None if self._parquet is None else self._parquet.schema)
        if self._parquet is None:
            self._parquet = pyarrow.parquet.ParquetWriter(self._file, table.schema)
        self._parquet.write_table(table)

    def close(self) -> None:
        """Write the end of the file."""
        if self._parquet is not None:
            self._parquet.close()


@contextmanager
def table_writer(path: StrPath, form: CsvFormat | None = None) -> Iterator[TableWriter]:
    """Write a ``.csv`` or ``.parquet`` file atomically: a failure leaves the old file, if there is one.

    A CSV file has the delimiter and the encoding of `form`; by default it has commas, in UTF-8.
    Raise `DataError` if the name has another ending, and `OutputError` if the file cannot be written.
    """
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise DataError(f"A table is written to a .csv or .parquet file, but this is {Path(path).name!r}: rename it.")
    with atomic_write(path) as file:
        writer = TableWriter(file, ending, form or CsvFormat())
        try:
            yield writer
        finally:  # After a failure too: an open writer would complain when Python deletes it.
            writer.close()
