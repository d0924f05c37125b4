"""Checks of tables, with the messages of scikit-learn where scikit-learn has the same check."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ganaug.errors import DataError


def check_not_empty(shape: tuple[int, ...]) -> None:
    """Refuse a table without rows or without columns."""
    for size, what in zip(shape, ("sample", "feature"), strict=False):
        if size < 1:
            raise ValueError(f"Found array with 0 {what}(s) (shape={shape}) while a minimum of 1 is required.")


def check_callbacks(callbacks: Iterable[Any]) -> None:
    """Refuse a callback that cannot be called."""
    for callback in callbacks:
        if not callable(callback):
            raise DataError(f"callbacks must be functions that take a step, but one is {callback!r:.80}: leave it out")


def check_frame(frame: pd.DataFrame) -> None:
    """Refuse a DataFrame that is empty, repeats a column name, or has complex, infinite or nested values."""
    check_not_empty(frame.shape)
    if not frame.columns.is_unique:
        twice = sorted({repr(name) for name in frame.columns[frame.columns.duplicated()]})
        raise DataError(f"Expected unique column names, but there are several of {', '.join(twice)}.")
    for name, column in frame.items():
        kind = getattr(column.dtype, "kind", "O")
        if kind == "c":
            raise ValueError(f"Complex data not supported\nin column {name!r}")
        if kind == "f":
            values = column.to_numpy(dtype=np.float64, na_value=np.nan)
            if np.isinf(values).any():
                raise ValueError(f"Input X contains infinity or a value too large for {values.dtype!r}.")
        if column.dtype == object:
            _check_cells(column)


def check_kinds(found: Mapping[str, str], fitted: Mapping[str, str]) -> None:
    """Refuse columns that hold another kind of values than in fit; a column without values matches every kind."""
    for name, now, before in zip(found, found.values(), fitted.values(), strict=True):
        if now != before and "nothing" not in (now, before):
            raise DataError(
                f"Every column must hold the kind of values that it held in fit, but column {name!r} held {before} and "
                f"now holds {now}: convert it, or fit again."
            )


def _check_cells(column: pd.Series) -> None:
    several = {
        type(cell).__name__ for cell in column if isinstance(cell, Iterable) and not isinstance(cell, str | bytes)
    }
    if several:
        found = ", ".join(sorted(several))
        raise TypeError(
            f"Every cell's argument must be a string or a number, not {found} as in column {column.name!r}."
        )
