"""The manifest of a class folder, which names the synthetic files in it, and the real files beside them."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganaug.data.class_folder import FolderIndex
from ganaug.data.labels import listed
from ganaug.errors import DataError, warn
from ganaug.files import open_regular, quoted

MANIFEST = "manifest.csv"
HEADER = ["file", "class"]
_COPY = re.compile(r"repeat-\d{5,}\..*", re.ASCII)
"""The name of a copy of a real file, with which `ganaug balance` fills a class up."""


class Manifest:
    """``manifest.csv``: the file, relative to the folder, and the class of every synthetic sample in the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines = [_csv_line(*HEADER)]

    def write(self, name: str, content: bytes, label: Any) -> None:
        """Write a file, which lies in an existing folder, and list it."""
        (self._folder / name).write_bytes(content)
        self._lines.append(_csv_line(name, label))

    def save(self) -> None:
        """Write the manifest."""
        (self._folder / MANIFEST).write_text("".join(self._lines), encoding="utf-8", newline="")


def synthetic_files(folder: Path) -> set[str] | None:
    """Return the files, relative to a folder, that its manifest lists; None if it has no manifest of ganaug's."""
    try:
        with TextIOWrapper(open_regular(folder / MANIFEST), encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            return {row[0] for row in rows if row} if next(rows, None) == HEADER else None
    except (OSError, ValueError, csv.Error):  # another file of that name
        return None


def real_files(index: FolderIndex) -> FolderIndex:
    """Return the files of a folder that are neither synthetic, as its manifest says, nor copies of others.

    `DataError` if the folder has no manifest, or a class has no real files.
    """
    noun, marks = index.kind.noun, _marks(index.root, index.files)
    if marks is None:
        raise DataError(
            f"--real-only needs the file {MANIFEST}, in which ganaug lists synthetic {noun}s, but {quoted(index.root)} "
            f"has none: give the folder that ganaug wrote, or leave --real-only out if all {noun}s are real."
        )
    real = np.flatnonzero(~(marks.synthetic | marks.copies))
    if lacking := [name for code, name in enumerate(index.classes) if code not in index.labels[real]]:
        raise DataError(
            f"Every class must have real {noun}s, but all {noun}s of {listed(lacking)} in {quoted(index.root)} are "
            "synthetic or copies: give the folder of real ones."
        )
    return replace(index, files=tuple(index.files[row] for row in real), labels=index.labels[real])


def warn_about_synthetic(folder: Path, files: Sequence[Path], noun: str) -> None:
    """Warn if some files of a folder are synthetic, or copies of others, as its manifest says."""
    marks = _marks(folder, files)
    if marks is None:
        return
    parts = [(int(marks.synthetic.sum()), f"synthetic {noun}"), (int(marks.copies.sum()), f"repeated {noun}")]
    if held := [f"{count:,} {what}{'s' * (count > 1)}" for count, what in parts if count]:
        warn(
            f"the folder {folder} holds {' and '.join(held)} that ganaug made, as its manifest.csv says, and a "
            "generator that learns from them repeats their faults: add --real-only (real_only=True), or give the "
            f"folder of real {noun}s, unless this is what you want"
        )


class _Marks(NamedTuple):
    """Which files of a folder are not real ones."""

    synthetic: NDArray[np.bool_]  # (n,)
    copies: NDArray[np.bool_]  # (n,)


def _marks(folder: Path, files: Sequence[Path]) -> _Marks | None:
    """Return what the manifest says of the files; None if the folder has no manifest of ganaug's."""
    listed_files = synthetic_files(folder)
    if listed_files is None:
        return None
    synthetic = [file.relative_to(folder).as_posix() in listed_files for file in files]
    copies = [_COPY.fullmatch(file.name) is not None for file in files]
    return _Marks(np.array(synthetic, dtype=bool), np.array(copies, dtype=bool))


def _csv_line(*fields: object) -> str:
    """Return a CSV line that ends in a line feed; the csv module quotes a carriage return only if lines end in it."""
    text = io.StringIO(newline="")
    csv.writer(text).writerow(fields)
    return text.getvalue().removesuffix("\r\n") + "\n"
