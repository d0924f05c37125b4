"""Labelled image folders: which files belong to which class.

File names are untrusted: no file outside the folder is opened.
"""

import os
import stat
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganaug.data.images.image_file import file_mode, quoted
from ganaug.data.labels import listed
from ganaug.errors import DataError, warn

IMAGE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"})
"""Endings of the files that are read."""
UNREAD_ENDINGS = frozenset(
    {".arw", ".avif", ".cr2", ".dcm", ".dng", ".exr", ".gif", ".heic", ".heif", ".ico", ".jfif", ".jp2", ".jxl", ".nef"}
    | {".pbm", ".pgm", ".ppm", ".psd", ".raw", ".svg", ".tga"}
)
"""Endings of other image files: a warning says that they are not read."""


@dataclass(frozen=True, eq=False)
class FolderIndex:
    """The classes and image files of a folder; `scan_folder` makes one."""

    root: Path
    """The folder, as the user gave it."""
    classes: tuple[str, ...]
    """The names of the classes that have images, sorted."""
    files: tuple[Path, ...]
    """The image files, sorted by class and name."""
    labels: NDArray[np.int64]
    """For every file, the index of its class in `classes`."""


def scan_folder(root: str | os.PathLike[str]) -> FolderIndex:
    """List the images of ``root/class_name/**/*`` with their labels, without opening them.

    Each folder directly in `root` is a class, and all image files below it belong to this class. Image files have one
    of the endings in `IMAGE_ENDINGS`, in upper or lower case. Hidden files and folders, whose names begin with a dot,
    and ``__MACOSX`` are ignored. Names are kept as they are on disk, and sorted by code point.

    Symbolic links are followed if they lead to a place inside `root`. A file that is found twice counts once, for the
    class folder that really holds it. There is a warning about

    - links that lead out of `root`, or nowhere, which are skipped;
    - image files directly in `root`, and image files of other formats such as GIF, which are left out;
    - class folders without images, which are left out of `classes`;
    - classes with one image, which are kept.

    `DataError` if `root` is not a folder that can be listed, or fewer than two class folders hold images.
    """
    root = _checked(root)
    scan = _Scan(root)
    _report_structure(root, scan)
    classes = tuple(sorted(name for name in scan.files if scan.files[name]))
    unread = _unread_sentence(scan.unread)
    if len(classes) < 2:
        raise DataError(
            f"An image folder must hold images of at least two classes, but {quoted(root)} has {len(classes)} "
            f"({listed(classes) or 'no images'}): add others, or give the folder in which the class folders lie."
            + unread
        )
    if unread:
        warn(unread.lstrip())
    if single := [name for name in classes if len(scan.files[name]) == 1]:
        warn(f"Found only one image in {len(single)} class(es), too few to learn variety from: {listed(single)}.")
    return FolderIndex(
        root=root,
        classes=classes,
        files=tuple(file for name in classes for file in sorted(scan.files[name])),
        labels=np.repeat(np.arange(len(classes), dtype=np.int64), [len(scan.files[name]) for name in classes]),
    )


def list_images(root: str | os.PathLike[str]) -> tuple[Path, ...]:
    """List all images of a folder and of its subfolders, sorted, with or without labels, without opening them.

    Endings, hidden files and links are those of `scan_folder`. `DataError` if `root` is not a folder that can be
    listed, or there are no images.
    """
    root = _checked(root)
    scan = _Scan(root)
    _report_links(root, scan)
    files = sorted({*scan.stray, *(file for of_class in scan.files.values() for file in of_class)})
    if not files:
        raise DataError(
            f"A folder must hold images, but {quoted(root)} has none whose ending is among "
            f"{', '.join(sorted(IMAGE_ENDINGS))}: give another folder, or convert its images to PNG."
        )
    if unread := _unread_sentence(scan.unread):
        warn(unread.lstrip())
    return tuple(files)


def _checked(root: str | os.PathLike[str]) -> Path:
    """Return the path of a folder; refuse everything else."""
    if not isinstance(root, str | os.PathLike) or not os.fspath(root):
        raise DataError(
            f"Images must come as a folder, but {root!r} names none: give a folder with one subfolder per class."
        )
    root = Path(root)
    mode = file_mode(root)
    if not stat.S_ISDIR(mode):
        found = "is a file" if mode else "does not exist"
        raise DataError(
            f"Images must come as a folder, but {quoted(root)} {found}: give a folder with one subfolder per class."
        )
    return root


class _Scan:
    """The search for the files of a folder. Links come last: a file counts for the folder that really holds it."""

    def __init__(self, root: Path) -> None:
        self.inside = Path(os.path.realpath(root))
        self.files: dict[str, list[Path]] = {}  # by class
        self.skipped: list[Path] = []  # links
        self.unread: Counter[str] = Counter()  # numbers of image files of other formats, by ending
        # The real paths of all folders and files so far: they end loops of links, and each file counts once.
        self._seen = {self.inside}
        top_folders, self.stray, top_links, _ = _listing(root)
        self._folders = deque((path.name, path, self.inside / path.name) for path in top_folders)
        self._links = deque((path.name, path) for path in top_links if not stat.S_ISREG(file_mode(path)))
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
        subfolders, images, links, unread = _listing(folder)
        self.unread.update(unread)
        self._folders.extend((name, path, real / path.name) for path in subfolders)
        self._links.extend((name, path) for path in links)
        for image in images:
            self._add(name, image, real / image.name)

    def _follow(self, name: str, link: Path) -> None:
        real = Path(os.path.realpath(link))  # Path.resolve raises an error where links form a loop
        mode = file_mode(real)
        if stat.S_ISREG(mode) and not _is_image_name(link.name):
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


def _report_structure(root: Path, scan: _Scan) -> None:
    """Warn of links, images and folders that are left out; refuse a folder without subfolders."""
    _report_links(root, scan)
    if not scan.files:
        found = f"{len(scan.stray)} image(s) lie directly in it" if scan.stray else "there are none"
        raise DataError(
            f"An image folder must have one subfolder per class, but in {quoted(root)} {found}: "
            "move the images of each class into a subfolder named after the class."
        )
    if scan.stray:
        warn(
            f"Left out {len(scan.stray)} image(s) that lie directly in {quoted(root)}, the first of them "
            f"{quoted(scan.stray[0])}: move them into the subfolder of their class."
        )
    if empty := sorted(name for name in scan.files if not scan.files[name]):
        warn(f"Left out {len(empty)} class folder(s) without images of their own: {listed(empty)}.")


def _report_links(root: Path, scan: _Scan) -> None:
    if scan.skipped:
        warn(
            f"Skipped {len(scan.skipped)} symbolic link(s) that lead out of {quoted(root)} or nowhere, the first of "
            f"them {quoted(scan.skipped[0])}: if the data includes their targets, copy these into the folder."
        )


def _unread_sentence(unread: Counter[str]) -> str:
    """Return a sentence about image files of other formats, to be appended to another one; empty if there are none."""
    if not unread:
        return ""
    found = ", ".join(f"{number:,} {ending}" for ending, number in sorted(unread.items()))
    return (
        f" Left out {unread.total():,} file(s) in the class folders whose endings are not among those that are read "
        f"({', '.join(sorted(IMAGE_ENDINGS))}): {found}; convert them to PNG if they belong to the data."
    )


def _listing(folder: Path) -> tuple[list[Path], list[Path], list[Path], list[str]]:
    """Return a folder's subfolders, image files and links, and the endings of its image files of other formats."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(
            f"An image folder must be readable, but {quoted(folder)} cannot be listed ({error.strerror}): "
            "change its permissions, or move it out of the data."
        ) from error
    found = [entry for entry in found if not entry.name.startswith(".") and entry.name != "__MACOSX"]
    files = [Path(entry.path) for entry in found if entry.is_file(follow_symlinks=False)]
    return (
        [Path(entry.path) for entry in found if entry.is_dir(follow_symlinks=False)],
        [path for path in files if _is_image_name(path.name)],
        [Path(entry.path) for entry in found if entry.is_symlink()],
        [path.suffix.lower() for path in files if path.suffix.lower() in UNREAD_ENDINGS],
    )


def _is_image_name(name: str) -> bool:
    return Path(name).suffix.lower() in IMAGE_ENDINGS
