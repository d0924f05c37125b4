"""Reading tables from CSV and Parquet files, piece by piece, without trusting their content."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.csv_file import CsvFile
from ganaug.data.tables.csv_format import CsvFormat
from ganaug.data.tables.parquet_file import NUMPY_TWINS, ParquetTable, is_parquet_folder
from ganaug.errors import DataError, MissingFileError, warn
from ganaug.files import StrPath

if TYPE_CHECKING:
    from pandas import DataFrame

ENDINGS = (".csv", ".parquet")
PIECE_ROWS = 50_000
"""Rows that are in memory at once while a file is read or written."""
MAX_ROWS = 500_000
"""Rows to learn from: more teach a generator nothing new, and of a larger table a random sample is taken."""


def open_table(
    path: StrPath, csv: CsvFormat | None = None, labels: str | None = None, ignored: Collection[str] = ()
) -> "Table":
    """Return a table in a ``.csv`` or ``.parquet`` file, or in a folder of the latter, to be read piece by piece.

    `csv` is what is known of the format of the file. `labels` names the column of labels, whose numbers are classes.
    Columns that are `ignored` may mix numbers and text, and files of a folder may lack them.
    Raise `MissingFileError` if there is no such file, and `DataError` if it has another ending.
    """
    file, given = _checked(path), csv or CsvFormat()
    if file.suffix.lower() == ".csv":
        return CsvFile(file, given, labels, PIECE_ROWS, ignored)
    return ParquetTable(file, given, PIECE_ROWS, ignored)


def read_table(
    table: "StrPath | Table",
    most: int = MAX_ROWS,
    *,
    columns: list[str] | None = None,
    rows: "Callable[[DataFrame], DataFrame] | None" = None,
    target: str | None = None,
) -> "DataFrame":
    """Read a table in bounded memory, or a random sample of `most` rows, always the same, if there are more.

    Half of the sample is shared equally among the classes in the column `target`, so that a class has all its rows in
    the sample if they are few. The other half is drawn from all other rows alike.

    `table` is an open one, or the path of a ``.csv`` or ``.parquet`` file. In a CSV file, a column of dates in ISO
    format is read as dates, a column of whole numbers with leading zeros as text, and times of day, percentages and
    amounts with separated thousands as numbers. Integers and truth values have a nullable dtype if some are missing.
    Decimals of a Parquet file have Arrow's dtype. Other columns than `columns` may hold anything, and `rows` returns
    the wanted part of some rows.

    Raise `MissingFileError` if there is no such file, and `DataError` if it is no complete table, has no rows, two
    columns have the same name, or one mixes numbers and text. Warn if only a sample is kept.
    """
    import pandas as pd

    table = table if isinstance(table, CsvFile | ParquetTable) else open_table(table)
    rng = np.random.default_rng(0)
    kept: list[DataFrame] = []
    keys: list[NDArray[np.float64]] = []
    total = 0
    for piece in table.pieces(columns=columns):
        piece = piece if rows is None else rows(piece)
        total += len(piece)
        kept.append(piece)
        keys.append(rng.random(len(piece)))
        if sum(map(len, kept)) > 2 * most:
            kept, keys = _sampled(kept, keys, most, target)
    kept, keys = _sampled(kept, keys, most, target)
    frame = pd.concat(kept, ignore_index=True) if kept else None
    if frame is None or frame.empty:
        wanted = "" if rows is None else " of those that are wanted"
        raise DataError(f"A table must have rows, but {table.file} has none{wanted}: give a file that has some.")
    if total > len(frame):
        small = "" if target is None else ", with all rows of small classes"
        warn(f"{table.file} has {total:,} rows; a random {len(frame):,} of them are learned from{small}")
    whole = [name for name in frame.columns if str(frame[name].dtype) in NUMPY_TWINS and frame[name].notna().all()]
    return frame.astype({name: NUMPY_TWINS[str(frame[name].dtype)] for name in whole})


def _sampled(
    kept: "list[DataFrame]", keys: list[NDArray[np.float64]], most: int, target: str | None
) -> "tuple[list[DataFrame], list[NDArray[np.float64]]]":
    """Return the rows with the smallest of their random keys: a uniform sample, however often some are dropped.

    Of each class, the rows of its share with the smallest keys come before all other rows.
    """
    import pandas as pd

    if sum(map(len, kept)) <= most:
        return kept, keys
    whole, key = pd.concat(kept, ignore_index=True), np.concatenate(keys)
    order = key
    if target in whole.columns:
        label, classes = pd.factorize(whole[target])
        share = most // (2 * max(1, len(classes)))
        order = np.where(pd.Series(key).groupby(label).rank().to_numpy() <= share, key - 1, key)
    rows = np.sort(np.argpartition(order, most)[:most])
    return [whole.iloc[rows]], [key[rows]]


def is_table(path: Path) -> bool:
    """Tell whether a path names a table: a file with the ending of one, or a folder of Parquet files."""
    return is_parquet_folder(path) or (path.suffix.lower() in ENDINGS and not path.is_dir())


def _checked(path: StrPath) -> Path:
    file = Path(path)
    if not file.exists():
        raise MissingFileError(f"There is no table {path}: check the name.")
    if is_parquet_folder(file):
        return file
    if not file.is_file():
        raise DataError(f"A table must be a .csv or .parquet file, but {path} is not a file: name one.")
    if file.suffix.lower() not in ENDINGS:
        raise DataError(f"A table must be a .csv or .parquet file, but this is {file.name!r}: convert it.")
    return file


Table = CsvFile | ParquetTable
