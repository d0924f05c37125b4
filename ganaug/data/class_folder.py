"""Class folders: a folder of files with one subfolder for each class, for every kind of data that comes in files.

File names are untrusted: no file outside the folder is opened.
"""

import os
import re
import stat
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganaug.data.labels import listed
from ganaug.data.split_folders import check_split_folders
from ganaug.errors import DataError, warn
from ganaug.files import file_mode, is_regular, quoted

MAX_UNREADABLE = 0.1
"""Largest share of a folder's files that may be unreadable."""
MAX_LISTED = 10_000
"""Names of files that are listed to tell what kind of data a folder holds."""
MAX_LOOKED_AT = 16
"""Files whose heads are read to tell what kind of data a folder holds."""


@dataclass(frozen=True)
class FileKind:
    """The files of one kind of data."""

    noun: str
    """The word for one item."""
    article: str
    """The article before the noun."""
    endings: frozenset[str]
    """Endings of the files that are read, in lower case."""
    unread: frozenset[str]
    """Endings of other files of this kind: a warning says that they are not read."""
    target: str
    """The format that such files should be converted to."""

    def names(self, name: str) -> bool:
        """Tell whether a file name has one of the endings."""
        return Path(name).suffix.lower() in self.endings


@dataclass(frozen=True, eq=False)
class FolderIndex:
    """The classes and files of a folder; `scan_folder` makes one."""

    root: Path
    """The folder, as the user gave it."""
    classes: tuple[str, ...]
    """The names of the classes that have files, sorted."""
    files: tuple[Path, ...]
    """The files, sorted by class and name."""
    labels: NDArray[np.int64]
    """For every file, the index of its class in `classes`."""
    kind: FileKind
    """The kind of the files."""

    def report_unreadable(self, problems: Sequence[str]) -> None:
        """Warn of files that cannot be read; `DataError` if they are more than one in ten."""
        if len(problems) > MAX_UNREADABLE * len(self.files):
            raise DataError(
                f"At least nine in ten {self.kind.noun}s must be readable, but {len(problems)} of {len(self.files)} "
                f"are not. The first: {' '.join(problems[:3])}"
            )
        for problem in problems:
            warn(f"Skipped a file. {problem}")

    def present_classes(self, kept: Sequence[int]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Return the labels of the readable files, at these positions, and the classes that these have."""
        labels = self.labels[list(kept)]
        present = np.unique(labels)
        lost = [name for code, name in enumerate(self.classes) if code not in present]
        noun = self.kind.noun
        if len(present) < 2:
            raise DataError(
                f"{noun.capitalize()}s of at least two classes must be readable, but in {quoted(self.root)} no file of "
                f"{listed(lost)} is: repair these files, or add others."
            )
        if lost:
            warn(f"Left out {len(lost)} class(es) of which no file can be read: {listed(lost)}.")
        return np.searchsorted(present, labels).astype(np.int64), tuple(self.classes[code] for code in present)


def scan_folder(root: str | os.PathLike[str], kind: FileKind) -> FolderIndex:
    """List the files of ``root/class_name/**/*`` with their labels, without opening them.

    Each folder directly in `root` is a class, and all files of the kind below it belong to this class: those with one
    of its endings, in upper or lower case. Hidden files and folders, whose names begin with a dot, and ``__MACOSX`` are
    ignored. Names are kept as they are on disk, and sorted by code point.

    Symbolic links are followed if they lead to a place inside `root`. A file that is found twice counts once, for the
    class folder that really holds it. There is a warning about

    - links that lead out of `root`, or nowhere, which are skipped;
    - files directly in `root`, and files of the kind in other formats, which are left out;
    - class folders without files, which are left out of `classes`;
    - class folders that may be the parts of a data set, as `check_split_folders` says;
    - classes with one file, which are kept.

    `DataError` if `root` is not a folder that can be listed, fewer than two class folders hold files, or the class
    folders are the parts of a data set, such as train/ and val/.
    """
    root, noun = _checked(root, kind), kind.noun
    scan = _Scan(root, kind)
    _report_structure(root, scan)
    classes = tuple(sorted(name for name in scan.files if scan.files[name]))
    unread = _unread_sentence(scan.unread, kind)
    if len(classes) < 2:
        raise DataError(
            f"{_folder(kind)} must hold {noun}s of at least two classes, but {quoted(root)} has {len(classes)} "
            f"({listed(classes) or f'no {noun}s'}): add others, or give the folder in which the class folders lie."
            + unread
        )
    check_split_folders(root, noun, {name: scan.files[name] for name in classes})
    if unread:
        warn(unread.lstrip())
    if single := [name for name in classes if len(scan.files[name]) == 1]:
        warn(f"Found only one {noun} in {len(single)} class(es), too few to learn variety from: {listed(single)}.")
    return FolderIndex(
        root=root,
        classes=classes,
        files=tuple(file for name in classes for file in sorted(scan.files[name])),
        labels=np.repeat(np.arange(len(classes), dtype=np.int64), [len(scan.files[name]) for name in classes]),
        kind=kind,
    )


def list_files(root: str | os.PathLike[str], kind: FileKind) -> tuple[Path, ...]:
    """List all files of a folder and of its subfolders, sorted, with or without labels, without opening them.

    Endings, hidden files and links are those of `scan_folder`. `DataError` if `root` is not a folder that can be
    listed, or there are no files of the kind.
    """
    root = _checked(root, kind)
    scan = _Scan(root, kind)
    _report_links(root, scan)
    files = sorted({*scan.stray, *(file for of_class in scan.files.values() for file in of_class)})
    if not files:
        raise DataError(
            f"A folder must hold {kind.noun}s, but {quoted(root)} has none whose ending is among "
            f"{', '.join(sorted(kind.endings))}: give another folder, or convert its {kind.noun}s to {kind.target}."
        )
    if unread := _unread_sentence(scan.unread, kind):
        warn(unread.lstrip())
    return tuple(files)


def some_files(root: Path, wanted: Callable[[str], bool]) -> list[Path]:
    """Return at most `MAX_LOOKED_AT` files below a folder, evenly spread over those whose names are wanted.

    Hidden files and links are left out, and the search ends after `MAX_LISTED` names.
    """
    found = islice((path for path in _files_below(root) if wanted(path.name)), MAX_LISTED)
    files = sorted(found)
    return files[:: max(1, -(-len(files) // MAX_LOOKED_AT))]


def _files_below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in names if not name.startswith("."))


def _folder(kind: FileKind) -> str:
    """Return a phrase for a folder of this kind that begins a sentence."""
    return f"{kind.article} {kind.noun} folder".capitalize()


def _checked(root: str | os.PathLike[str], kind: FileKind) -> Path:
    """Return the path of a folder; refuse everything else."""
    if not isinstance(root, str | os.PathLike) or not os.fspath(root):
        raise DataError(
            f"{kind.noun.capitalize()}s must come as a folder, but {root!r} names none: give a folder with one "
            "subfolder per class."
        )
    root = Path(root)
    mode = file_mode(root)
    if not stat.S_ISDIR(mode):
        found = "is a file" if mode else "does not exist"
        raise DataError(
            f"{kind.noun.capitalize()}s must come as a folder, but {quoted(root)} {found}: give a folder with one "
            "subfolder per class."
        )
    return root


class _Scan:
    """The search for the files of a folder. Links come last: a file counts for the folder that really holds it."""

    def __init__(self, root: Path, kind: FileKind) -> None:
        self.kind = kind
        self.inside = Path(os.path.realpath(root))
        self.files: dict[str, list[Path]] = {}  # by class
        self.skipped: list[Path] = []  # links
        self.unread: Counter[str] = Counter()  # numbers of files of other formats, by ending
        # The real paths of all folders and files so far: they end loops of links, and each file counts once.
        self._seen = {self.inside}
        top_folders, self.stray, top_links, _ = self._listing(root)
        self._folders = deque((path.name, path, self.inside / path.name) for path in top_folders)
        self._links = deque((path.name, path) for path in top_links if not is_regular(path))
        while self._folders or self._links:
            if self._folders:
                self._visit(*self._folders.popleft())
            else:
                self._follow(*self._links.popleft())

    def _visit(self, name: str, folder: Path, real: Path) -> None:
        """List a folder of the class `name`, whose real path is `real`."""
        self.files.setdefault(name, [])
        if real in self._seen:
            return
        self._seen.add(real)
        subfolders, files, links, unread = self._listing(folder)
        self.unread.update(unread)
        self._folders.extend((name, path, real / path.name) for path in subfolders)
        self._links.extend((name, path) for path in links)
        for file in files:
            self._add(name, file, real / file.name)

    def _follow(self, name: str, link: Path) -> None:
        real = Path(os.path.realpath(link))  # Path.resolve raises an error where links form a loop
        mode = file_mode(real)
        if stat.S_ISREG(mode) and not self.kind.names(link.name):
            return
        if not mode or not real.is_relative_to(self.inside):
            self.skipped.append(link)
        elif stat.S_ISDIR(mode):
            self._folders.append((name, link, real))
        elif stat.S_ISREG(mode):
            self._add(name, link, real)

    def _add(self, name: str, path: Path, real: Path) -> None:
        if real not in self._seen:
            self._seen.add(real)
            self.files[name].append(path)

    def _listing(self, folder: Path) -> tuple[list[Path], list[Path], list[Path], list[str]]:
        """Return a folder's subfolders, image files and links, and the endings of its image files of other formats."""
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            raise DataError(
                f"{_folder(self.kind)} must be readable, but {quoted(folder)} cannot be listed ({error.strerror}): "
                "change its permissions, or move it out of the data."
            ) from error
        found = [entry for entry in found if not entry.name.startswith(".") and entry.name != "__MACOSX"]
        files = [Path(entry.path) for entry in found if entry.is_file(follow_symlinks=False)]
        return (
            [Path(entry.path) for entry in found if entry.is_dir(follow_symlinks=False)],
            [path for path in files if self.kind.names(path.name)],
            [Path(entry.path) for entry in found if entry.is_symlink()],
            [path.suffix.lower() for path in files if path.suffix.lower() in self.kind.unread],
        )


def _report_structure(root: Path, scan: _Scan) -> None:
    """Warn of links, files and folders that are left out; refuse a folder without subfolders."""
    noun = scan.kind.noun
    _report_links(root, scan)
    if not scan.files:
        found = f"{len(scan.stray)} {noun}(s) lie directly in it" if scan.stray else "there are none"
        raise DataError(
            f"{_folder(scan.kind)} must have one subfolder per class, but in {quoted(root)} {found}: "
            f"move the {noun}s of each class into a subfolder named after the class."
        )
    if scan.stray:
        warn(
            f"Left out {len(scan.stray)} {noun}(s) that lie directly in {quoted(root)}, the first of them "
            f"{quoted(scan.stray[0])}: move them into the subfolder of their class."
        )
    if empty := sorted(name for name in scan.files if not scan.files[name]):
        warn(f"Left out {len(empty)} class folder(s) without {noun}s of their own: {listed(empty)}.")


def _report_links(root: Path, scan: _Scan) -> None:
    if scan.skipped:
        warn(
            f"Skipped {len(scan.skipped)} symbolic link(s) that lead out of {quoted(root)} or nowhere, the first of "
            f"them {quoted(scan.skipped[0])}: if the data includes their targets, copy these into the folder."
        )


def _unread_sentence(unread: Counter[str], kind: FileKind) -> str:
    """Return a sentence about files of other formats, to be appended to another one; empty if there are none."""
    if not unread:
        return ""
    found = ", ".join(f"{number:,} {ending}" for ending, number in sorted(unread.items()))
    return (
        f" Left out {unread.total():,} file(s) in the class folders whose endings are not among those that are read "
        f"({', '.join(sorted(kind.endings))}): {found}; convert them to {kind.target} if they belong to the data."
    )


def groups_of_files(files: Sequence[Path], pattern: str, noun: str) -> list[str]:
    """Return the group of each file: the match of a regular expression in its name, or the first capture group of it.

    `DataError` if there are no files, or the expression is not valid or does not match every name.
    """
    if not files:
        raise DataError(f"a pattern for groups needs {noun}s that come from files: give one group for each {noun}")
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise DataError(f"the pattern of the groups is no regular expression ({error}): {pattern!r:.80}") from error
    found: list[str] = []
    for file in files:
        match = expression.search(file.name)
        if match is None:
            raise DataError(
                f"the pattern of the groups must match the name of every {noun} file, but {pattern!r:.80} does not "
                f"match {file.name!r}"
            )
        found.append(match.group(1 if expression.groups else 0) or "")
    return found
