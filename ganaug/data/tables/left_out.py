"""What of a table is left out: columns to ignore, and rows that a generator made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.labels import listed
from ganaug.data.tables.csv_format import CsvFormat
from ganaug.data.tables.table_file import Table, read_table
from ganaug.errors import DataError
from ganaug.files import StrPath

if TYPE_CHECKING:
    from pandas import DataFrame, Series

FLAG = "synthetic"
"""The column of a balanced table that tells which rows are synthetic."""


@dataclass(frozen=True)
class LeftOut:
    """The columns and rows of a table that are not learned.

    A table whose column `FLAG` holds true and false is refused, unless the column or its synthetic rows are left out.
    """

    columns: tuple[str | int, ...] = ()
    """Columns to ignore, which a table must have."""
    optional: tuple[str | int, ...] = ()
    """Columns to ignore if a table has them, because a model ignores them."""
    real_only: bool = False
    """Whether rows that `FLAG` calls synthetic are left out, and `FLAG` with them."""

    def read(self, table: Table, target: str | None) -> "DataFrame":
        """Read the rest of a table from its file; `DataError` as `read_table` and `of` raise it.

        Columns to ignore may hold anything.
        """
        kept = self._kept(table.names, target, table.file)
        real = (lambda piece: _real_rows(piece, table.file)) if self.real_only else None
        frame = read_table(table, columns=kept, rows=real, target=target)
        _refuse_flag(frame, target, table.file)
        return frame

    def of(self, frame: "DataFrame", target: str | None, path: StrPath) -> "DataFrame":
        """Return the rest of a table, whose rows keep their index; messages name its `path`.

        Raise `DataError` if a column to ignore is missing or the target, if `FLAG` is not true or false in every row
        although `real_only` needs it, or if `FLAG` would be learned.
        """
        names = list(frame.columns)
        kept = self._kept(names, target, path)
        frame = frame.loc[:, [name in kept for name in names]]  # names may come twice, which is refused later
        frame = _real_rows(frame, path) if self.real_only else frame
        _refuse_flag(frame, target, path)
        return frame

    def _kept(self, names: Sequence[Any], target: str | None, path: StrPath) -> list[Any]:
        if unknown := [name for name in self.columns if name not in names]:
            raise DataError(
                f"The columns to ignore (--ignore) must be columns of {path}, which has {listed(names)}, but there is "
                f"no {listed(unknown)}: correct the names."
            )
        if target in self.columns:
            raise DataError(f"The target (--target) must not be ignored, but --ignore names {target!r}: leave it out.")
        if self.real_only:
            _require_flag(names, target, path)
        ignored = {*self.columns, *self.optional} - {target, *([FLAG] if self.real_only else [])}
        return [name for name in names if name not in ignored]


class RealRows:
    """The rows of a table that are not synthetic, without the column `FLAG`. They are read as the table is.

    Raise `DataError` if the table has no such column, or it is the `target`.
    """

    def __init__(self, table: Table, target: str) -> None:
        _require_flag(table.names, target, table.file)
        self._table, self.file = table, table.file
        self.names = [name for name in table.names if name != FLAG]

    @cached_property
    def format(self) -> CsvFormat:
        """The format of the file and the columns."""
        return self._table.format.part(self.names)

    def pieces(self, *, verbatim: bool = False, columns: Sequence[str] | None = None) -> "Iterator[DataFrame]":
        """Yield consecutive real rows of all or some columns, as text or with types of Arrow if `verbatim`."""
        start = 0
        for piece in self._table.pieces(verbatim=verbatim, columns=list(self.names if columns is None else columns)):
            yield piece[self._are_real[start : start + len(piece)]]
            start += len(piece)

    @cached_property
    def _are_real(self) -> NDArray[np.bool_]:
        """Whether each row of the table is real, (n,)."""
        pieces = self._table.pieces(columns=[FLAG])
        parts = [piece.index.isin(_real_rows(piece, self.file).index) for piece in pieces]
        return np.concatenate([np.zeros(0, np.bool_), *parts])


def holds_flags(column: "Series[Any]") -> bool:
    """Tell whether a column holds true and false alone, perhaps as 1 and 0, and missing values."""
    import pandas as pd

    values = column.dropna().infer_objects()
    return bool(len(values) and pd.api.types.is_numeric_dtype(values.dtype) and ((values == 0) | (values == 1)).all())


def _require_flag(names: Sequence[Any], target: str | None, path: StrPath) -> None:
    if FLAG not in names or target == FLAG:
        found = "is the target" if target == FLAG else "is missing"
        raise DataError(
            f"--real-only needs the column {FLAG!r}, which tells the synthetic rows of {path}, but it {found}: "
            "leave --real-only out."
        )


def _real_rows(frame: "DataFrame", path: StrPath) -> "DataFrame":
    """Return the rows that are not synthetic, without `FLAG`."""
    column = frame[FLAG]
    if len(frame) and (column.isna().any() or not holds_flags(column)):
        values = column.dropna().astype(str)
        found = "is empty in some" if column.isna().any() else f"holds {values[~values.isin(['0', '1'])].iloc[0]!r:.80}"
        raise DataError(
            f"--real-only needs a column {FLAG!r} that is true or false in every row, but that of {path} {found}: "
            "correct it, or leave --real-only out."
        )
    return frame[(column == 0).to_numpy(dtype=bool)].drop(columns=FLAG)


def _refuse_flag(frame: "DataFrame", target: str | None, path: StrPath) -> None:
    if list(frame.columns).count(FLAG) == 1 and target != FLAG and holds_flags(frame[FLAG]):
        raise DataError(
            f"The column {FLAG!r} of {path} tells synthetic rows from real ones, as in a table that ganaug balance "
            "wrote, and must not be learned: add --real-only (real_only=True) to leave its synthetic rows out, or "
            f"--ignore {FLAG} (ignore=[{FLAG!r}]) to learn from all rows; rename the column if it means something else."
        )
