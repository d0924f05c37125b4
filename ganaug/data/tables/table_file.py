"""Reading tables from CSV and Parquet files, piece by piece, without trusting their content."""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganaug.data.tables.csv_columns import CODE, CsvColumn
from ganaug.errors import DataError, MissingFileError, warn
from ganaug.files import StrPath

if TYPE_CHECKING:
    from pandas import DataFrame

ENDINGS = (".csv", ".parquet")
PIECE_ROWS = 50_000
"""Rows that are in memory at once while a file is read or written."""
MAX_ROWS = 500_000
"""Rows to learn from: more teach a generator nothing new, and of a larger table a random sample is taken."""
_NUMPY_TWINS = {f"{sign}{bits}": f"{sign}{bits}".lower() for sign in ("Int", "UInt") for bits in (8, 16, 32, 64)}
_NUMPY_TWINS |= {"boolean": "bool"}
"""For each nullable dtype of pandas, the dtype of numpy for columns without missing values."""


def read_table(
    path: StrPath,
    most: int = MAX_ROWS,
    *,
    columns: list[str] | None = None,
    rows: "Callable[[DataFrame], DataFrame] | None" = None,
) -> "DataFrame":
    """Read a table in bounded memory, or a random sample of `most` rows, always the same, if there are more.

    The file is a ``.csv`` (UTF-8, a header line, commas) or a ``.parquet`` file. In a CSV file, a column of dates in
    ISO format is read as dates, and a column of whole numbers with leading zeros as text. Integers and truth values
    have a nullable dtype if some are missing. Other columns than `columns` are not looked at, and `rows` returns the
    wanted part of some rows.

    Raise `MissingFileError` if there is no such file, and `DataError` if it is no complete table, has no rows, two
    columns have the same name, or one mixes numbers and text. Warn if only a sample is kept.
    """
    import pandas as pd

    rng = np.random.default_rng(0)
    kept: list[DataFrame] = []
    keys: list[Any] = []
    total = 0
    for piece in read_pieces(path, columns=columns):
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
        raise DataError(f"A table must have rows, but {path} has none{wanted}: give a file that has some.")
    if total > len(frame):
        warn(f"{path} has {total:,} rows; a random {len(frame):,} of them are learned from")
    whole = [name for name in frame.columns if str(frame[name].dtype) in _NUMPY_TWINS and frame[name].notna().all()]
    return frame.astype({name: _NUMPY_TWINS[str(frame[name].dtype)] for name in whole})


def _smallest(kept: "list[DataFrame]", keys: list[Any], most: int) -> "tuple[list[DataFrame], list[Any]]":
    import pandas as pd

    if sum(map(len, kept)) <= most:
        return kept, keys
    whole, key = pd.concat(kept, ignore_index=True), np.concatenate(keys)
    rows = np.sort(np.argpartition(key, most)[:most])
    return [whole.iloc[rows]], [key[rows]]


def column_names(path: StrPath) -> list[str]:
    """Return the names of the columns of a table; raises as `read_table` does."""
    file = _checked(path)
    return _csv_names(file) if file.suffix.lower() == ".csv" else _parquet_names(file)


def read_pieces(path: StrPath, *, verbatim: bool = False, columns: list[str] | None = None) -> "Iterator[DataFrame]":
    """Yield consecutive rows of a table, or some of its columns; see `read_table`.

    A column has the same dtype in every piece, nullable for integers and truth values. `verbatim` keeps everything as
    it is in the file: text in a CSV file, types of Arrow in a Parquet file. The pieces have the same rows either way.
    """
    file = _checked(path)
    yield from (_csv_pieces if file.suffix.lower() == ".csv" else _parquet_pieces)(file, verbatim, columns)


def _checked(path: StrPath) -> Path:
    file = Path(path)
    if not file.exists():
        raise MissingFileError(f"There is no table {path}: check the name.")
    if not file.is_file():
        raise DataError(f"A table must be a .csv or .parquet file, but {path} is not a file: name one.")
    if file.suffix.lower() not in ENDINGS:
        raise DataError(f"A table must be a .csv or .parquet file, but this is {file.name!r}: convert it.")
    return file


def _csv_pieces(file: Path, verbatim: bool, columns: list[str] | None) -> "Iterator[DataFrame]":
    import pandas as pd

    names = _csv_names(file)
    wanted = names if columns is None else columns
    if verbatim:
        yield from _read_csv(file, usecols=wanted, dtype=str, na_filter=False)
        return
    codes = _code_columns(file, names)
    seen = {name: CsvColumn(name in codes) for name in wanted}
    for piece in _read_csv(file, usecols=wanted, dtype_backend="numpy_nullable"):
        for name in wanted:
            seen[name].add(piece[name])
    dtypes = {name: column.dtype(name, file) for name, column in seen.items()}
    dates = {name: dtype for name, dtype in dtypes.items() if dtype.startswith("datetime64")}
    for piece in _read_csv(file, usecols=wanted, dtype=dtypes | dict.fromkeys(dates, "str")):
        for name, dtype in dates.items():
            piece[name] = pd.to_datetime(piece[name], format="ISO8601", utc=dtype.endswith("UTC]")).astype(dtype)
        yield piece


def _read_csv(file: Path, **options: Any) -> "Iterator[DataFrame]":
    import pandas as pd

    with _csv_errors(file), pd.read_csv(file, chunksize=PIECE_ROWS, low_memory=False, **options) as pieces:
        for piece in pieces:
            yield piece.reset_index(drop=True)


@contextmanager
def _csv_errors(file: Path) -> Iterator[None]:
    import pandas as pd

    try:
        yield
    except UnicodeDecodeError as error:
        raise DataError(f"{file} must be text in UTF-8, but is not: save it again in that encoding.") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise DataError(f"{file} must be a whole CSV table, but cannot be read ({reason}): repair it.") from error


def _csv_names(file: Path) -> list[str]:
    """Return the names in the first line; `DataError` if one is missing or comes twice: pandas would invent names."""
    with _csv_errors(file), file.open(encoding="utf-8-sig", newline="") as lines:
        names = next(csv.reader(lines), [])
    if not any(names):
        raise DataError(f"{file} must begin with a line that names the columns, but has none: add one.")
    if "" in names:
        raise DataError(
            f"Every column of {file} must have a name in the first line, but column {names.index('') + 1} has none: "
            "name it, or remove it if it only numbers the rows."
        )
    if len(names) == 1 and (other := next((char for char in ";\t|" if char in names[0]), "")):
        raise DataError(f"The columns of {file} must be separated by commas, but {other!r} separates them: convert it.")
    return _different(names, file)


def _code_columns(file: Path, names: list[str]) -> set[str]:
    """Return the columns with a field that is a `CODE`.

    Raise `DataError` unless every line has a field for each column: pandas would fill up a line that is cut short.
    """
    codes: set[str] = set()
    with _csv_errors(file), file.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.reader(lines)
        for row in rows:
            if len(row) != len(names) and row:
                raise DataError(
                    f"Every row of {file} must have {len(names)} fields, as its first line has, but the one that ends "
                    f"in line {rows.line_num:,} has {len(row)}: repair it, or get the file again if it was cut short."
                )
            if CODE.search("," + ",".join(row)):  # Most lines have none. Testing each field takes long.
                codes.update(name for name, field in zip(names, row, strict=True) if CODE.fullmatch("," + field))
    return codes


def _different(names: list[str], file: Path) -> list[str]:
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise DataError(
            f"The columns of {file} must have different names, but {twice[0]!r} comes twice: rename one (or begin the "
            "file with a line of names, if there is none)."
        )
    return names


def _parquet_pieces(file: Path, verbatim: bool, columns: list[str] | None) -> "Iterator[DataFrame]":
    import pandas as pd
    import pyarrow
    import pyarrow.parquet

    integers = (name for name in _NUMPY_TWINS if name != "boolean")
    nullable = {getattr(pyarrow, name.lower())(): pd.array([], name).dtype for name in integers}
    mapper = pd.ArrowDtype if verbatim else {**nullable, pyarrow.bool_(): pd.BooleanDtype()}.get
    _parquet_names(file)
    with _parquet_errors(file), pyarrow.parquet.ParquetFile(file) as table:
        for batch in table.iter_batches(PIECE_ROWS, columns=columns):
            # The metadata of pandas, such as an index, is not part of the table.
            plain = batch.replace_schema_metadata(None)
            yield (plain if verbatim else _without_decimals(plain)).to_pandas(types_mapper=mapper, date_as_object=False)


def _parquet_names(file: Path) -> list[str]:
    import pyarrow.parquet

    with _parquet_errors(file), pyarrow.parquet.ParquetFile(file) as table:
        return _different(table.schema_arrow.names, file)


@contextmanager
def _parquet_errors(file: Path) -> Iterator[None]:
    import pyarrow

    try:
        yield
    except PermissionError:  # its message names the remedy
        raise
    except (pyarrow.ArrowException, OSError) as error:
        reason = (str(error).splitlines() or ["damaged"])[0].rstrip(".")
        raise DataError(
            f"{file} must be a whole Parquet file, but cannot be read ({reason}): save it again."
        ) from error


def _without_decimals(batch: Any) -> Any:
    """Convert decimals, which numpy does not have, to floating point."""
    import pyarrow

    for index, field in enumerate(batch.schema):
        if pyarrow.types.is_decimal(field.type):
            # Through text: a direct cast would make 1.1300000000000001 of 1.13.
            numbers = batch.column(index).cast(pyarrow.string()).cast(pyarrow.float64())
            batch = batch.set_column(index, field.name, numbers)
    return batch
