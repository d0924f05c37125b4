"""Tables on disk, CSV and Parquet, read piece by piece and never trusted."""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganaug.errors import DataError, MissingFileError, warn
from ganaug.files import StrPath

if TYPE_CHECKING:
    from pandas import DataFrame, Series

__all__ = ["ENDINGS", "PIECE_ROWS", "column_names", "read_pieces", "read_table"]

ENDINGS = (".csv", ".parquet")
PIECE_ROWS = 50_000
MOST_ROWS = 500_000
"""More rows than this teach a generator nothing new; of a larger table, this many are taken at random."""
_ISO_DATE = r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?"
_ISO_INSTANT = rf"{_ISO_DATE}(Z|[+-]\d\d:?\d\d)"
_DATES = ("datetime64[s]", "datetime64[ms]", "datetime64[us]", "datetime64[ns]")
_UTC = "datetime64[us, UTC]"
_NANOSECOND_YEARS = ("1678", "2261")
"""64 bits of nanoseconds reach no further; a column that needs both stays text."""
_PLAIN = {f"{sign}{bits}": f"{sign}{bits}".lower() for sign in ("Int", "UInt") for bits in (8, 16, 32, 64)}
_PLAIN |= {"boolean": "bool"}
"""numpy's dtypes instead of those with missing values."""
_CODE = re.compile(r",\s*(?:0\d+|\+\d{7,})\s*(?=,|$)", re.ASCII)
"""A whole number with leading zeros, or a long one with a plus, which it would lose: a postal code or telephone number,
say. One of them makes a column text."""
_MOSTLY = 0.9
"""Text among more numbers than this share is a slip or stands for a missing value; with fewer they are codes."""


def read_table(path: StrPath, most: int = MOST_ROWS) -> "DataFrame":
    """Read a table in bounded memory; of a very long one a random part.

    Parameters
    ----------
    path : str or path-like
        A ``.csv`` file (UTF-8, a header line, commas) or a ``.parquet`` file.
    most : int, default=500_000
        Rows to keep. Which ones is always the same for the same file.

    Returns
    -------
    DataFrame
        The rows in their order. Columns of a CSV file that hold dates in ISO form are read as dates, and those of whole
        numbers of which some have leading zeros as text; whole numbers and truth values of which some are missing have
        pandas' nullable dtypes.

    Raises
    ------
    MissingFileError
        If there is no such file.
    DataError
        If it is not a whole table of that kind, has no rows, two columns have one name, or one mixes numbers and text.

    Warns
    -----
    GanaugWarning
        If only a part is kept.
    """
    import pandas as pd

    rng = np.random.default_rng(0)
    kept: list[DataFrame] = []
    keys: list[Any] = []
    total = 0
    for piece in read_pieces(path):
        total += len(piece)
        kept.append(piece)
        keys.append(rng.random(len(piece)))
        # Every row has a random key, and those with the smallest stay: a uniform sample, whatever the pieces.
        if sum(map(len, kept)) > 2 * most:
            kept, keys = _smallest(kept, keys, most)
    kept, keys = _smallest(kept, keys, most)
    frame = pd.concat(kept, ignore_index=True) if kept else None
    if frame is None or frame.empty:
        raise DataError(f"A table must have rows, but {path} has none: give a file that has some.")
    if total > len(frame):
        warn(f"{path} has {total:,} rows; a random {len(frame):,} of them are learned from")
    whole = [name for name in frame.columns if str(frame[name].dtype) in _PLAIN and frame[name].notna().all()]
    return frame.astype({name: _PLAIN[str(frame[name].dtype)] for name in whole})


def _smallest(kept: "list[DataFrame]", keys: list[Any], most: int) -> "tuple[list[DataFrame], list[Any]]":
    import pandas as pd

    if sum(map(len, kept)) <= most:
        return kept, keys
    whole, key = pd.concat(kept, ignore_index=True), np.concatenate(keys)
    rows = np.sort(np.argpartition(key, most)[:most])
    return [whole.iloc[rows]], [key[rows]]


def column_names(path: StrPath) -> list[str]:
    """Return the names of a table's columns; raises as `read_table` does."""
    file = _checked(path)
    return _csv_names(file) if file.suffix.lower() == ".csv" else _parquet_names(file)


def read_pieces(path: StrPath, *, verbatim: bool = False, columns: list[str] | None = None) -> "Iterator[DataFrame]":
    """Read a table piece by piece.

    Parameters
    ----------
    path : str or path-like
        As in `read_table`.
    verbatim : bool, default=False
        Leave everything as it is in the file: text in a CSV file, Arrow's types in a Parquet file.
    columns : list of str, optional
        Read only these.

    Yields
    ------
    DataFrame
        Consecutive rows, the same ones whatever else is asked for. A column has the same dtype in every piece, which
        for whole numbers and truth values is one that has missing values.
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
    seen = {name: _Seen(name in codes) for name in wanted}
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
    """Return the names in the first line, one of its own for every column; pandas would invent other names."""
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
        raise DataError(f"The columns of {file} must be separated by commas, but are by {other!r}: save it again so.")
    return _different(names, file)


def _code_columns(file: Path, names: list[str]) -> set[str]:
    """Return the columns in which there is a code, as opposed to a number.

    Raise unless every line has a field for each column; pandas would fill up a line that is cut short.
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
            if _CODE.search("," + ",".join(row)):  # The line as one text, because looking at each field takes long.
                codes.update(name for name, field in zip(names, row, strict=True) if _CODE.fullmatch("," + field))
    return codes


def _different(names: list[str], file: Path) -> list[str]:
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise DataError(
            f"The columns of {file} must have different names, but {twice[0]!r} comes twice: rename one (or begin the "
            "file with a line of names, if there is none)."
        )
    return names


class _Seen:
    """What the pieces of a CSV file have shown of one column."""

    def __init__(self, codes: bool) -> None:
        self.codes = codes
        self.kinds: set[str] = set()
        self.present = self.numbers = 0
        self.text = ""
        self.far = False

    def add(self, column: "Series[Any]") -> None:
        import pandas as pd

        column = column.dropna()
        if column.empty:
            return
        self.present += len(column)
        if column.dtype.kind in "iuf":
            self.numbers += len(column)
        else:
            text = column.astype(str)
            numbers = pd.to_numeric(text, errors="coerce").notna()
            self.numbers += int(numbers.sum())
            self.text = next(iter(text[~numbers]), self.text)
        date = _date_dtype(column)
        self.far = self.far or bool(date and not column.str[:4].between(*_NANOSECOND_YEARS).all())
        self.kinds.add(date or str(column.dtype))

    def dtype(self, name: str, file: Path) -> str:
        """Return the dtype that suits all pieces; `DataError` for numbers with some text among them."""
        if self.codes and "Float64" not in self.kinds:
            return "str"
        if self.kinds <= {"Int64", "Float64"}:
            return "Int64" if self.kinds == {"Int64"} else "float64"
        if self.kinds == {"boolean"}:
            return "boolean"
        if self.far and "datetime64[ns]" in self.kinds:
            return "str"
        if self.kinds <= set(_DATES) or self.kinds == {_UTC}:
            return max(self.kinds, key=[*_DATES, _UTC].index)
        if self.text and self.numbers > _MOSTLY * self.present:
            raise DataError(
                f"Column {name!r} of {file} must hold numbers or text, but among its numbers is {self.text!r:.80}: "
                "correct it, or leave the field empty if that means a missing value."
            )
        return "str"


def _date_dtype(column: "Series[Any]") -> str | None:
    """Return the dtype of dates if a column of text without missing values holds them in ISO form, and only them."""
    import pandas as pd

    if not isinstance(column.dtype, pd.StringDtype):
        return None
    zoned = column.str.fullmatch(_ISO_INSTANT).all()
    if not zoned and not column.str.fullmatch(_ISO_DATE).all():
        return None
    try:
        dtype = str(pd.to_datetime(column, format="ISO8601", utc=bool(zoned)).dtype)
    except ValueError:  # such as a 31st of February
        return None
    return dtype if dtype in (*_DATES, _UTC) else None


def _parquet_pieces(file: Path, verbatim: bool, columns: list[str] | None) -> "Iterator[DataFrame]":
    import pandas as pd
    import pyarrow
    import pyarrow.parquet

    nullable = {getattr(pyarrow, name.lower())(): pd.array([], name).dtype for name in _PLAIN if name != "boolean"}
    mapper = pd.ArrowDtype if verbatim else {**nullable, pyarrow.bool_(): pd.BooleanDtype()}.get
    _parquet_names(file)
    with _parquet_errors(file), pyarrow.parquet.ParquetFile(file) as table:
        for batch in table.iter_batches(PIECE_ROWS, columns=columns):
            # Only the columns themselves: what pandas once noted beside them (an index, say) is not data.
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
    except PermissionError:  # which says itself what must be done
        raise
    except (pyarrow.ArrowException, OSError) as error:
        reason = (str(error).splitlines() or ["damaged"])[0].rstrip(".")
        raise DataError(
            f"{file} must be a whole Parquet file, but cannot be read ({reason}): save it again."
        ) from error


def _without_decimals(batch: Any) -> Any:
    """Take decimals, which numpy does not know, for floating point."""
    import pyarrow

    for index, field in enumerate(batch.schema):
        if pyarrow.types.is_decimal(field.type):
            # By way of text: cast at once, 1.13 would become 1.1300000000000001, and have sixteen decimals.
            numbers = batch.column(index).cast(pyarrow.string()).cast(pyarrow.float64())
            batch = batch.set_column(index, field.name, numbers)
    return batch
