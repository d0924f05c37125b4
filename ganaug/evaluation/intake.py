"""Reads the data of an evaluation, given in any form, and their groups, and draws a part of too many items."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.clips.dataset import from_arrays as clips_from_arrays
from ganaug.data.containers.frames import as_pandas
from ganaug.data.containers.rows import as_rows
from ganaug.data.dataset import Dataset
from ganaug.data.folder_kind import folder_modality
from ganaug.data.images.dataset import from_arrays
from ganaug.data.manifest import warn_about_synthetic
from ganaug.data.modalities import part_of
from ganaug.data.tables.csv_format import CsvFormat
from ganaug.data.tables.dataset import from_frame, split_groups, split_target
from ganaug.data.tables.free_text import ignore_free_text
from ganaug.data.tables.identifiers import warn_about_identifiers
from ganaug.data.tables.left_out import LeftOut
from ganaug.data.tables.table_file import is_table, open_table
from ganaug.data.targets import check_known
from ganaug.errors import DataError, warn

MAX_ROWS = 20_000
"""Items that are evaluated. More would take time and hardly narrow the intervals."""
MIN_OF_A_CLASS = 200
"""Items of a class that are kept, if it has so many."""

Grouped = tuple[Dataset, NDArray[np.int64] | None]
"""Data, and the number of the group of each item."""


def some_rows(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64] | None:
    """Return the positions of `MAX_ROWS` items or a few more, drawn from each class at random; None for all items."""
    if len(labels) <= MAX_ROWS:
        return None
    rng, kept = np.random.default_rng([seed, 8]), []
    for value in np.unique(labels):
        own = rng.permutation(np.flatnonzero(labels == value))
        kept.append(own[: max(MIN_OF_A_CLASS, round(len(own) * MAX_ROWS / len(labels)))])
    return np.sort(np.concatenate(kept))


def load(
    real: Any,
    target: str | None,
    size: int | None,
    left_out: LeftOut,
    csv: CsvFormat | None = None,
    *,
    group: str | None = None,
    keep_group: bool = False,
) -> Grouped:
    """Return the data without what is left out, and the groups that a column or a pattern names.

    Images are scaled to the side `size`. `csv` is what is known of the format of a table's file. For `group` and
    `keep_group`, see `Dataset.grouped_by`.
    """
    import pandas as pd

    if isinstance(real, str | Path):
        path = Path(real)
        if is_table(path):
            features, labels = split_target(left_out.read(open_table(path, csv, target), target), target, path)
            return _table(features, labels, str(target), group, keep_group)
        return _grouped(_folder(path, target, size, left_out), group, keep_group)
    real = real.data if isinstance(getattr(real, "data", None), Dataset) else real  # an ImageFolder or a SignalFolder
    real = as_pandas(real)
    if isinstance(real, Dataset):
        _refuse_left_out(left_out, real_only=True)
        return _grouped(real, group, keep_group)
    if isinstance(real, pd.DataFrame):
        rows = left_out.of(real, target, "the DataFrame").reset_index(drop=True)
        if target in rows:
            check_known(rows[target])
        features, labels = split_target(rows, target, "the DataFrame")
        return _table(features, labels, str(target), group, keep_group)
    if not isinstance(real, tuple | list) or len(real) != 2:
        raise DataError(
            "real must be a folder, a table file, a DataFrame, or a pair of items and their labels, but is a "
            f"{type(real).__name__}: give (images, labels) or (X, y)"
        )
    items, labels = as_rows(real[0]), as_pandas(real[1])
    check_known(labels)
    items = items if isinstance(items, pd.DataFrame) else np.asarray(items)
    if items.ndim != 2:
        _refuse_left_out(left_out, real_only=True)
        return _grouped(_arrays(items, np.asarray(labels), size), group, keep_group)
    return _table(*_rows(items, labels, left_out), target or "target", group, keep_group)


def _arrays(array: NDArray[Any], labels: NDArray[Any], size: int | None) -> Dataset:
    if array.ndim < 3:
        raise DataError(
            f"X must be a table of two dimensions, images of three or four, or clips of five, but has {array.ndim}"
        )
    return (clips_from_arrays if array.ndim == 5 else from_arrays)(array, labels, size=size)


def _rows(items: Any, labels: Any, left_out: LeftOut) -> tuple[Any, Any]:
    """Return the rows of a table, without what is left out, and their labels."""
    import pandas as pd

    if not isinstance(items, pd.DataFrame):
        items = pd.DataFrame(items, columns=[f"x{i}" for i in range(items.shape[1])])
    rows = left_out.of(items.reset_index(drop=True), None, "X")
    labels = np.asarray(labels, dtype=object)[rows.index] if left_out.real_only else labels
    return rows.reset_index(drop=True), labels


def _folder(path: Path, target: str | None, size: int | None, left_out: LeftOut) -> Dataset:
    if target is not None:
        raise DataError("target names a column of a table; the classes of a folder are its subfolders")
    _refuse_left_out(left_out)
    load_folder = part_of(folder_modality(path), "data.{}.dataset").load_folder
    loaded: Dataset = load_folder(path, size, real_only=left_out.real_only)
    if not left_out.real_only:
        warn_about_synthetic(path, loaded.files, loaded.modality)  # type: ignore[attr-defined]
    return loaded


def _refuse_left_out(left_out: LeftOut, *, real_only: bool = False) -> None:
    """Refuse columns to ignore, and with `real_only` also synthetic items, in data that cannot tell them."""
    if left_out.columns:
        raise DataError("ignore names columns of a table, but real is none: leave it out")
    if real_only and left_out.real_only:
        raise DataError(
            "real_only needs a table with the column 'synthetic', or a folder that ganaug wrote, but real is neither: "
            "leave it out"
        )


def _table(frame: Any, labels: Any, target: str, group: str | None, keep_group: bool) -> Grouped:
    grouping = None
    if group is not None:
        frame, values = split_groups(frame, group, keep=keep_group)
        grouping = group_codes(values, len(frame))
    frame, texts = ignore_free_text(frame)
    warn_about_identifiers(frame)
    return from_frame(frame, labels, target=target, ignored=texts), grouping


def _grouped(data: Dataset, group: str | None, keep_group: bool) -> Grouped:
    if group is None:
        return data, None
    data, values = data.grouped_by(group, keep=keep_group)
    return data, group_codes(values, len(data))


def group_codes(groups: Any, n: int) -> NDArray[np.int64]:
    """Return the number of the group of each item. An item without a group is a group of its own."""
    import pandas as pd

    try:
        codes: NDArray[np.int64] = pd.factorize(np.asarray(as_pandas(groups), dtype=object))[0].astype(np.int64)
    except TypeError as error:  # it cannot be hashed
        raise DataError(
            "groups must be one text or number for each sample, but are lists or records: name another column"
        ) from error
    if codes.shape != (n,):
        raise DataError(
            f"groups must hold one group for each of the {n:,} samples, but has the shape {codes.shape}: correct it"
        )
    missing = np.flatnonzero(codes < 0)
    if len(missing) == n:
        raise DataError("groups must tell which samples belong together, but all are missing: name another column")
    if len(missing):
        warn(
            f"{len(missing):,} of {n:,} samples have no group, and each is taken for a group of its own: if some of "
            "them belong together, give them one"
        )
    codes[missing] = codes.max(initial=-1) + 1 + np.arange(len(missing))
    return codes
