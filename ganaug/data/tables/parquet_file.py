"""Tables in Parquet files and folders of them, read piece by piece."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganaug.data.labels import listed
from ganaug.data.tables.csv_file import different
from ganaug.data.tables.csv_format import CsvFormat, FieldFormat
from ganaug.errors import DataError, GanaugError

if TYPE_CHECKING:
    from pandas import DataFrame, Series

ENDING = ".parquet"
NUMPY_TWINS = {f"{sign}{bits}": f"{sign}{bits}".lower() for sign in ("Int", "UInt") for bits in (8, 16, 32, 64)}
NUMPY_TWINS |= {"boolean": "bool"}
"""For each nullable dtype of pandas, the dtype of numpy for columns without missing values."""


class ParquetTable:
    """A table in a Parquet file, or in the Parquet files of a folder and its subfolders, in the order of their names.

    The names of subfolders such as ``year=2024`` are columns, as Spark and Hive write them. Of `given`, only the words
    for missing values count, in columns of text. `piece_rows` is the number of rows in memory at once.
    """

    def __init__(self, file: Path, given: CsvFormat, piece_rows: int) -> None:
        self.file, self._given, self._missing = file, given, list(given.missing or ())
        self._piece_rows = piece_rows

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
            folders = pyarrow.dataset.get_partition_keys(fragment.partition_expression)
            with parquet_errors(place), pyarrow.parquet.ParquetFile(place) as file:
                stored = [name for name in columns if name not in folders]
                if lacking := [name for name in stored if name not in file.schema_arrow.names]:
                    raise DataError(
                        f"All files of {self.file} must have the same columns, but {place.name} lacks "
                        f"{listed(lacking)}: correct the file, or ignore the columns (--ignore)."
                    )
                for batch in file.iter_batches(self._piece_rows, columns=stored):
                    whole = pyarrow.Table.from_batches([batch])
                    for name in columns:
                        if name in folders:
                            whole = whole.append_column(name, pyarrow.repeat(folders[name], len(whole)))
                    try:
                        yield whole.select(columns).cast(schema).replace_schema_metadata(None)
                    except pyarrow.ArrowException as error:
                        raise DataError(
                            f"All files of {self.file} must have the same types, but those of {place.name} cannot be "
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


def parquet_files(folder: Path) -> list[Path]:
    """Return the Parquet files of a folder and its subfolders by name; none if other files lie there too.

    Names that begin with a dot or an underscore do not count: they are notes of the tools that write such folders.
    """
    found = list[Path]()
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name[0] not in "._"]
        seen = [name for name in names if name[0] not in "._"]
        if any(not name.lower().endswith(ENDING) for name in seen):
            return []
        found += (Path(place, name) for name in seen)
    return sorted(found)


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
