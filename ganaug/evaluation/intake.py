"""What an evaluation is given: data in any form, its groups, and how much of it a model has seen."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.containers.rows import as_rows
from ganaug.data.dataset import Dataset
from ganaug.data.images.dataset import LabelledImages, from_arrays, load_folder
from ganaug.data.tables.dataset import LabelledTable, from_frame, split_target
from ganaug.data.tables.table_file import ENDINGS, read_table
from ganaug.errors import DataError, warn

__all__ = ["group_codes", "load", "some_rows"]

MOST_ROWS = 20_000
"""More samples than these make no verdict surer, and everything slower."""
FEWEST_OF_A_CLASS = 200
"""Of a class with more samples, so many are kept at least."""


def some_rows(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64] | None:
    """Return the rows that are evaluated of very many, of each class at random; None where all are.

    Examples
    --------
    >>> rows = some_rows(np.repeat([0, 1], [50_000, 150]), seed=0)
    >>> len(rows), (rows >= 50_000).sum().item()
    (20090, 150)
    """
    if len(labels) <= MOST_ROWS:
        return None
    rng, kept = np.random.default_rng([seed, 8]), []
    for value in np.unique(labels):
        own = rng.permutation(np.flatnonzero(labels == value))
        kept.append(own[: max(FEWEST_OF_A_CLASS, round(len(own) * MOST_ROWS / len(labels)))])
    return np.sort(np.concatenate(kept))


def load(
    real: Any, target: str | None, size: int | None, group: str | None, keep_group: bool
) -> tuple[Dataset, NDArray[np.int64] | None]:
    """Return the data, and the groups that a column or a pattern names."""
    import pandas as pd

    if isinstance(real, str | Path):
        path = Path(real)
        if path.suffix.lower() in ENDINGS and not path.is_dir():
            features, labels = split_target(read_table(path), target, path)
            return _table(features, labels, str(target), group, keep_group)
        if target is not None:
            raise DataError("target names a column of a table; the classes of an image folder are its subfolders")
        real = load_folder(path, size)
    elif hasattr(real, "data") and isinstance(real.data, LabelledImages):  # an ImageFolder
        real = real.data
    if isinstance(real, LabelledImages):
        return real, None if group is None else _by_pattern(real, group)
    if isinstance(real, LabelledTable):
        labels = np.array(real.classes, dtype=object)[real.labels]
        return (real, None) if group is None else _table(real.frame, labels, real.target, group, keep_group)
    if isinstance(real, pd.DataFrame):
        features, labels = split_target(real.reset_index(drop=True), target, "the DataFrame")
        return _table(features, labels, str(target), group, keep_group)
    if not isinstance(real, tuple | list) or len(real) != 2:
        raise DataError(
            "real must be a folder, a table file, a DataFrame, or a pair of items and their labels, but is a "
            f"{type(real).__name__}: give (images, labels) or (X, y)"
        )
    items, labels = as_rows(real[0]), real[1]
    if isinstance(items, pd.DataFrame):
        return _table(items.reset_index(drop=True), labels, target or "target", group, keep_group)
    array = np.asarray(items)
    if array.ndim > 2:
        images = from_arrays(array, np.asarray(labels), size=size)
        return images, None if group is None else _by_pattern(images, group)
    if array.ndim != 2:
        raise DataError(f"X must be a table of two dimensions, or images of three or four, but has {array.ndim}")
    frame = pd.DataFrame(array, columns=[f"x{i}" for i in range(array.shape[1])])
    return _table(frame, labels, target or "target", group, keep_group)


def _table(
    frame: Any, labels: Any, target: str, group: str | None, keep_group: bool
) -> tuple[LabelledTable, NDArray[np.int64] | None]:
    grouping = None
    if group is not None:
        if group not in frame.columns:
            names = ", ".join(map(repr, list(frame.columns)[:20]))
            raise DataError(f"the groups must be a column of the table, which has {names}, but are {group!r}")
        grouping = group_codes(frame[group], len(frame))
        if not keep_group:
            frame = frame.drop(columns=group)
    return from_frame(frame, labels, target=target), grouping


def group_codes(groups: Any, n: int) -> NDArray[np.int64]:
    """Return groups as numbers, one for each sample; a missing one is a group of its own."""
    import pandas as pd

    codes: NDArray[np.int64] = pd.factorize(np.asarray(groups, dtype=object))[0].astype(np.int64)
    if codes.shape != (n,):
        raise DataError(f"groups must hold one group for each of the {n:,} samples, but holds {codes.shape}")
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


def _by_pattern(data: LabelledImages, pattern: str) -> NDArray[np.int64]:
    if not data.files:
        raise DataError("a pattern for groups needs images that come from files: give one group for each image")
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DataError(f"the pattern of the groups is no regular expression ({error}): {pattern!r:.80}") from error
    found: list[str] = []
    for file in data.files:
        match = compiled.search(file.name)
        if match is None:
            raise DataError(
                f"the pattern of the groups must match the name of every image file, but {pattern!r:.80} does not "
                f"match {file.name!r}"
            )
        found.append(match.group(1 if compiled.groups else 0) or "")
    return group_codes(found, len(found))
