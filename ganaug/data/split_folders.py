"""Split folders: the parts of a data set, such as train/ and val/, that must not be taken for classes."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ganaug.data.labels import listed
from ganaug.errors import DataError, warn
from ganaug.files import quoted

SPLITS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing", "dev", "holdout"})
"""Names of the parts of a data set, in lower case."""
_FILLERS = re.compile(r"[\W\d_]+|data|images?|files|set$|split$", re.IGNORECASE)
"""What a name may hold besides the name of a part, as in "train2017", "Test set" and "hold-out"."""


def check_split_folders(root: Path, noun: str, classes: Mapping[str, Sequence[Path]]) -> None:
    """Refuse class folders that are the parts of a data set, such as train/ and val/; warn where they may be.

    `classes` holds the files of each class folder of `root`. `DataError` if the folders bear the names of two parts or
    more, and there are no others, or all hold nothing but the same subfolders. There is a warning if only some folders
    bear such names, or if all folders hold the same subfolders, because the subfolders may be the classes.
    """
    splits = [name for name in classes if _split(name)]
    named = len({_split(name) for name in splits}) > 1
    shared = _shared_subfolders(root, classes)
    example = quoted(root / _example(splits or list(classes)))
    if named and (shared or len(splits) == len(classes)):
        raise DataError(
            f"The subfolders of {quoted(root)} must be classes, but {listed(splits)} are named as the parts of a data "
            f"set: give one of these folders, such as {example}, or rename them if they are classes."
        )
    if named:
        warn(
            f"{listed(splits)} are read as classes, but are named as the parts of a data set: give one of these "
            f"folders, such as {example}, if the class folders lie in it."
        )
    elif shared:
        warn(
            f"The classes are {listed(list(classes))}, and the {noun}s of the subfolders that they share "
            f"({listed(shared)}) are read together: if the subfolders are the classes, give the folder above them, "
            f"such as {example}; if some are for tests, move them out of the data."
        )


def _split(name: str) -> str:
    """Return the name of the part that a folder is named after, in lower case; empty if there is none."""
    word = _FILLERS.sub("", name).casefold()
    return word if word in SPLITS else ""


def _example(names: Sequence[str]) -> str:
    """Return the folder to learn from, if the names say it."""
    return next((name for name in names if _split(name).startswith("train")), names[0])


def _shared_subfolders(root: Path, classes: Mapping[str, Sequence[Path]]) -> list[str]:
    """Return the subfolders that all classes have, if files lie in subfolders alone and most of these are shared.

    A rare class may be missing in one part of a data set. A single subfolder, such as cat/images/, holds no classes.
    """
    found: list[set[str]] = []
    for name, files in classes.items():
        parts = [file.relative_to(root / name).parts for file in files]
        if any(len(part) == 1 for part in parts):
            return []
        found.append({part[0] for part in parts})
    shared = set.intersection(*found)
    return sorted(shared) if len(shared) > 1 and 2 * len(shared) > len(set.union(*found)) else []
