"""A labelled image folder: which files belong to which class.

Names are untrusted: nothing outside the folder is opened.
"""

import os
import stat
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganaug.data.images.image_file import file_mode, quoted
from ganaug.errors import DataError, warn

__all__ = ["IMAGE_ENDINGS", "FolderIndex", "scan_folder"]

IMAGE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"})

# Pictures all the same, which a user would miss if nobody said that they are not read.
_OTHER_PICTURES = frozenset(
    {".arw", ".avif", ".cr2", ".dcm", ".dng", ".exr", ".gif", ".heic", ".heif", ".ico", ".jfif", ".jp2", ".jxl", ".nef"}
    | {".pbm", ".pgm", ".ppm", ".psd", ".raw", ".svg", ".tga"}
)


@dataclass(frozen=True, eq=False)
class FolderIndex:
    """What a labelled image folder holds, as `scan_folder` found it.

    Attributes
    ----------
    root : Path
        The folder, as it was given.
    classes : tuple of str
        Names of the classes that have images, sorted.
    files : tuple of Path
        The image files, class by class, sorted within each.
    labels : ndarray of int64, shape (n_files,)
        For every file, the index of its class in `classes`.
    """

    root: Path
    classes: tuple[str, ...]
    files: tuple[Path, ...]
    labels: NDArray[np.int64]

    @property
    def counts(self) -> dict[str, int]:
        """Number of images of each class."""
        numbers = np.bincount(self.labels, minlength=len(self.classes))
        return dict(zip(self.classes, numbers.tolist(), strict=True))


def scan_folder(root: str | os.PathLike[str]) -> FolderIndex:
    """List the images of ``root/class_name/**/*`` with their labels, without opening them.

    Every folder directly in `root` is a class; files nested deeper belong to the class they lie under. Endings are
    those of `IMAGE_ENDINGS`, in any case. Other files are ignored, pictures such as GIFs with a warning that counts
    them, and so is everything hidden: names with a leading dot, and ``__MACOSX``. Names are kept as they are on disk
    and sorted by code point.

    Symbolic links are followed where they stay inside `root`; a file that is reached twice counts once, for the class
    it really lies in. Links that lead out of `root`, or nowhere, are skipped with a warning. An empty class folder is
    left out of `classes` with a warning; a class of one image is kept with a warning; images that lie directly in
    `root`, beside the class folders, are left out with a warning.

    Parameters
    ----------
    root : path-like
        The folder that holds one subfolder per class.

    Returns
    -------
    FolderIndex
        Classes, files and labels.

    Raises
    ------
    DataError
        If `root` is not a folder that can be listed, has no class folders, or fewer than two of them hold images.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> root = Path(tempfile.mkdtemp())
    >>> for name in ("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.PNG"):
    ...     (root / name).parent.mkdir(exist_ok=True)
    ...     Image.new("RGB", (8, 8)).save(root / name)
    >>> index = scan_folder(root)
    >>> index.counts, index.labels.tolist()
    ({'cat': 2, 'dog': 2}, [0, 0, 1, 1])
    """
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
    files, skipped, stray, others = _collect(root)

    if skipped:
        warn(
            f"Skipped {len(skipped)} symbolic link(s) that lead out of {quoted(root)} or nowhere, the first of them "
            f"{quoted(skipped[0])}: copy what they point to into the folder if it belongs to the data."
        )
    if not files:
        found = f"{len(stray)} image(s) lie directly in it" if stray else "there are none"
        raise DataError(
            f"An image folder must have one subfolder per class, but in {quoted(root)} {found}: "
            "move the images of each class into a subfolder named after the class."
        )
    if stray:
        warn(
            f"Left out {len(stray)} image(s) that lie directly in {quoted(root)}, the first of them "
            f"{quoted(stray[0])}: move them into the subfolder of their class."
        )
    if empty := sorted(name for name in files if not files[name]):
        warn(f"Left out {len(empty)} class folder(s) without images of their own: {_listed(empty)}.")

    unread = _unread(others)
    classes = tuple(sorted(name for name in files if files[name]))
    if len(classes) < 2:
        raise DataError(
            f"An image folder must hold images of at least two classes, but {quoted(root)} has {len(classes)} "
            f"({_listed(classes) or 'no images'}): add others, or give the folder in which the class folders lie."
            + unread
        )
    if unread:
        warn(unread.lstrip())
    if single := [name for name in classes if len(files[name]) == 1]:
        warn(f"Found only one image in {len(single)} class(es), too few to learn variety from: {_listed(single)}.")
    return FolderIndex(
        root=root,
        classes=classes,
        files=tuple(file for name in classes for file in sorted(files[name])),
        labels=np.repeat(np.arange(len(classes), dtype=np.int64), [len(files[name]) for name in classes]),
    )


def _unread(others: Counter[str]) -> str:
    """Say which pictures are not read, in a sentence that follows another; nothing where there are none."""
    if not others:
        return ""
    found = ", ".join(f"{number:,} {ending}" for ending, number in sorted(others.items()))
    return (
        f" Left out {others.total():,} file(s) in the class folders whose endings are not among those that are read "
        f"({', '.join(sorted(IMAGE_ENDINGS))}): {found}; convert them to PNG if they belong to the data."
    )


def _collect(root: Path) -> tuple[dict[str, list[Path]], list[Path], list[Path], Counter[str]]:
    """Find everything in the folder.

    Returns
    -------
    files, skipped, stray, others
        The image files by class folder, the links not followed, the images that lie directly in `root`, and how many
        pictures of which other endings lie in the class folders.
    """
    inside = Path(os.path.realpath(root))
    files: dict[str, list[Path]] = {}
    skipped: list[Path] = []
    others: Counter[str] = Counter()
    seen = {inside}  # Real paths of the folders and files already met: ends loops, and counts every file once.

    def take(name: str, path: Path, real: Path) -> None:
        if real not in seen:
            seen.add(real)
            files[name].append(path)

    top_folders, stray, top_links, _ = _listing(root)
    folders = deque((path.name, path, inside / path.name) for path in top_folders)
    links = deque((path.name, path) for path in top_links if not stat.S_ISREG(file_mode(path)))
    while folders or links:
        if folders:  # Links wait until all real folders are listed, so that a file's own class comes first.
            name, folder, real = folders.popleft()
            files.setdefault(name, [])
            if real not in seen:
                seen.add(real)
                subfolders, images, new_links, unread = _listing(folder)
                others.update(unread)
                folders.extend((name, path, real / path.name) for path in subfolders)
                links.extend((name, path) for path in new_links)
                for image in images:
                    take(name, image, real / image.name)
            continue
        name, link = links.popleft()
        real = Path(os.path.realpath(link))  # Path.resolve raises where links form a loop.
        mode = file_mode(real)
        if stat.S_ISREG(mode) and not _is_image_name(link.name):
            continue
        if not mode or not real.is_relative_to(inside):
            skipped.append(link)
        elif stat.S_ISDIR(mode):
            folders.append((name, link, real))
        elif stat.S_ISREG(mode):
            take(name, link, real)
    return files, skipped, stray, others


def _listing(folder: Path) -> tuple[list[Path], list[Path], list[Path], list[str]]:
    """Return what in a folder is not hidden: subfolders, image files, links, and the endings of pictures not read."""
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
        [path.suffix.lower() for path in files if path.suffix.lower() in _OTHER_PICTURES],
    )


def _is_image_name(name: str) -> bool:
    return Path(name).suffix.lower() in IMAGE_ENDINGS


def _listed(names: Sequence[str], most: int = 5) -> str:
    """Name the first few, and say how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(repr(name) for name in names[:most]) + more
