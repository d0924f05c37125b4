"""Tables in Parquet files and folders of them, read piece by piece."""

import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganaug.data.labels import listed
from ganaug.data.tables.csv_file import different
from ganaug.data.tables.csv_format import CsvFormat, FieldFormat
from ganaug.errors import DataError, GanaugError

if TYPE_CHECKING:
    from pandas import DataFrame, Series

ENDING = ".parquet"
MAX_LISTED = 10_000
"""Names of files that tell whether a folder is a table."""
NUMPY_TWINS = {f"{sign}{bits}": f"{sign}{bits}".lower() for sign in ("Int", "UInt") for bits in (8, 16, 32, 64)}
NUMPY_TWINS |= {"boolean": "bool"}
"""For each nullable dtype of pandas, the dtype of numpy for columns without missing values."""


class ParquetTable:
    """A table in a Parquet file, or in the Parquet files of a folder and its subfolders, in the order of their names.

    The names of subfolders such as ``year=2024`` are columns, as Spark and Hive write them. Of `given`, only the words
    for missing values count, in columns of text. `piece_rows` is the number of rows in memory at once. Files of a
    folder may lack columns that are `ignored`, and have no values there then.
    """

    def __init__(self, file: Path, given: CsvFormat, piece_rows: int, ignored: Collection[str] = ()) -> None:
        self.file, self._given, self._missing = file, given, list(given.missing or ())
        self._piece_rows, self._ignored = piece_rows, ignored

    @cached_property
    def _dataset(self) -> Any:
        import pyarrow.dataset
        import pyarrow.parquet

        files = parquet_files(self.file) if self.file.is_dir() else [self.file]
        with parquet_errors(files[0]):
            different(pyarrow.parquet.read_schema(files[0]).names, files[0])
        with parquet_errors(self.file):
            return pyarrow.dataset.dataset(
                [str(file) for file in files],
                format="parquet",
                partitioning="hive" if self.file.is_dir() else None,
                partition_base_dir=str(self.file) if self.file.is_dir() else None,
            )

    @cached_property
    def names(self) -> list[str]:
        """The names of the columns; `DataError` if one comes twice."""
        names: list[str] = self._dataset.schema.names
        return names

    @cached_property
    def format(self) -> CsvFormat:
        """The words for missing values, the most frequent one of each column of text, and the columns of dates."""
        import pyarrow

        gaps: dict[str, Counter[str]] = {}
        # Only here do the words still stand in the pieces.
        for piece in ParquetTable(self.file, CsvFormat(), self._piece_rows).pieces() if self._missing else ():
            for name in piece.columns:
                if _holds_text(piece[name]):
                    found = piece[name].isin(self._missing)
                    counts = gaps.setdefault(name, Counter())
                    counts.update(
                        piece[name][found].astype(str).value_counts().to_dict() | {"": piece[name].isna().sum()}
                    )
        words = {name: max(counts, key=counts.__getitem__) for name, counts in gaps.items()}
        schema = self._dataset.schema
        dates = {one.name: FieldFormat(is_date=True) for one in schema if pyarrow.types.is_date(one.type)}
        return replace(self._given, columns=dates | {name: FieldFormat(word) for name, word in words.items() if word})

    def pieces(self, *, verbatim: bool = False, columns: list[str] | None = None) -> "Iterator[DataFrame]":
        """Yield consecutive rows of all or some columns, with types of Arrow if `verbatim`."""
        import pandas as pd
        import pyarrow

        integers = (name for name in NUMPY_TWINS if name != "boolean")
        nullable = {getattr(pyarrow, name.lower())(): pd.array([], name).dtype for name in integers}
        nullable[pyarrow.bool_()] = pd.BooleanDtype()
        pyarrow.array(pd.array([], "period[D]"))  # From here on, pyarrow knows the types that pandas writes.

        def mapper(kind: Any) -> Any:
            if getattr(kind, "extension_name", "").startswith("pandas."):  # periods: pandas has the dtype itself
                return None
            return pd.ArrowDtype(kind) if verbatim or pyarrow.types.is_decimal(kind) else nullable.get(kind)

        for batch in self._batches(self.names if columns is None else columns):
            with parquet_errors(self.file):
                piece = batch.to_pandas(types_mapper=mapper, date_as_object=False)
            yield piece if verbatim or not self._missing else piece.apply(self._without_words)

    def _batches(self, columns: Sequence[str]) -> Iterator[Any]:
        """Yield consecutive rows of some columns as tables of Arrow, all of one schema, without metadata of pandas."""
        import pyarrow
        import pyarrow.dataset
        import pyarrow.parquet

        schema = pyarrow.schema([self._dataset.schema.field(name) for name in columns])
        for fragment in self._dataset.get_fragments():
            place = Path(fragment.path)
            shown = place.relative_to(self.file) if self.file.is_dir() else place.name
            folders = pyarrow.dataset.get_partition_keys(fragment.partition_expression)
            with parquet_errors(place), pyarrow.parquet.ParquetFile(place) as file:
                stored = [name for name in columns if name in file.schema_arrow.names and name not in folders]
                absent = [name for name in columns if name not in stored and name not in folders]
                if lacking := [name for name in absent if name not in self._ignored]:
                    raise DataError(
                        f"All files of {self.file} must have the same columns, but {shown} lacks "
                        f"{listed(lacking)}: correct the file, or ignore the columns (--ignore)."
                    )
                for batch in file.iter_batches(self._piece_rows, columns=stored):
                    whole = pyarrow.Table.from_batches([batch])
                    for name in columns:
                        if name in folders:
                            whole = whole.append_column(name, pyarrow.repeat(folders[name], len(whole)))
                        elif name in absent:
                            whole = whole.append_column(name, pyarrow.nulls(len(whole), schema.field(name).type))
                    try:
                        yield whole.select(columns).cast(schema).replace_schema_metadata(None)
                    except pyarrow.ArrowException as error:
                        raise DataError(
                            f"All files of {self.file} must have the same types, but those of {shown} cannot be "
                            f"converted ({str(error).splitlines()[0].rstrip('.')}): correct the file."
                        ) from error

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


def is_parquet_folder(path: Path) -> bool:
    """Tell whether a folder and its subfolders hold Parquet files, by names: at least half of the first 10,000."""
    parquet = [_is_parquet(file) for file in islice(_files(path), MAX_LISTED)] if path.is_dir() else []
    return any(parquet) and 2 * sum(parquet) >= len(parquet)


def parquet_files(folder: Path) -> list[Path]:
    """Return the Parquet files of a folder and its subfolders by name; `DataError` if other files lie there too."""
    found = sorted(_files(folder))
    if others := [file for file in found if not _is_parquet(file)]:
        raise DataError(
            f"All files of {folder} must be .parquet files, but {others[0].relative_to(folder)} is not: move it "
            "elsewhere."
        )
    return found


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder and its subfolders.

    Names that begin with a dot or an underscore do not count: they are notes of the tools that write such folders.
    """
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name[0] not in "._"]
        yield from (Path(place, name) for name in names if name[0] not in "._")


def _is_parquet(file: Path) -> bool:
    return file.name.lower().endswith(ENDING)


def _holds_text(column: "Series[Any]") -> bool:
    import pandas as pd

    held = getattr(column.dtype, "categories", column).dtype
    return bool(pd.api.types.is_string_dtype(held))


@contextmanager
def parquet_errors(file: Path) -> Iterator[None]:
    """Turn whatever Arrow raises into a `DataError`: a damaged file can make it raise any exception."""
    try:
        yield
    except (GanaugError, MemoryError, PermissionError):  # their messages name the remedy
        raise
    except Exception as error:
        reason = (str(error).splitlines() or ["damaged"])[0].rstrip(".")
        raise DataError(
            f"{file} must be a whole Parquet file, but cannot be read ({reason}): save it again."
        ) from error
