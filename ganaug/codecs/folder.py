"""A labelled image folder: which files belong to which class, and the pixels of one of them.

Both the names and the contents are untrusted: nothing outside the folder is opened, and nothing is decoded before its
header has been judged.
"""

import os
import stat
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from ganaug.errors import DataError, GanaugWarning

__all__ = ["IMAGE_ENDINGS", "MAX_PIXELS", "FolderIndex", "image_size", "read_image", "scan_folder"]

IMAGE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"})

# Pictures all the same, which a user would miss if nobody said that they are not read.
_OTHER_PICTURES = frozenset(
    {".arw", ".avif", ".cr2", ".dcm", ".dng", ".exr", ".gif", ".heic", ".heif", ".ico", ".jfif", ".jp2", ".jxl", ".nef"}
    | {".pbm", ".pgm", ".ppm", ".psd", ".raw", ".svg", ".tga"}
)

MAX_PIXELS = 50_000_000
"""Images above this many pixels (by their header) are not decoded; 50 million RGBA pixels are 200 MB."""

# Formats go by content, not by ending: a GIF named .png is common and harmless, while Pillow's other decoders (one of
# them runs Ghostscript) have no business with untrusted files.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")

# EXIF orientation -> what turns the stored array (H, W, C) upright.
_UPRIGHT: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90,
}


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
    mode = _mode(root)
    if not stat.S_ISDIR(mode):
        found = "is a file" if mode else "does not exist"
        raise DataError(
            f"Images must come as a folder, but {_quoted(root)} {found}: give a folder with one subfolder per class."
        )
    files, skipped, stray, others = _collect(root)

    if skipped:
        _warn(
            f"Skipped {len(skipped)} symbolic link(s) that lead out of {_quoted(root)} or nowhere, the first of them "
            f"{_quoted(skipped[0])}: copy what they point to into the folder if it belongs to the data."
        )
    if not files:
        found = f"{len(stray)} image(s) lie directly in it" if stray else "there are none"
        raise DataError(
            f"An image folder must have one subfolder per class, but in {_quoted(root)} {found}: "
            "move the images of each class into a subfolder named after the class."
        )
    if stray:
        _warn(
            f"Left out {len(stray)} image(s) that lie directly in {_quoted(root)}, the first of them "
            f"{_quoted(stray[0])}: move them into the subfolder of their class."
        )
    if empty := sorted(name for name in files if not files[name]):
        _warn(f"Left out {len(empty)} class folder(s) without images of their own: {_listed(empty)}.")

    unread = _unread(others)
    classes = tuple(sorted(name for name in files if files[name]))
    if len(classes) < 2:
        raise DataError(
            f"An image folder must hold images of at least two classes, but {_quoted(root)} has {len(classes)} "
            f"({_listed(classes) or 'no images'}): add others, or give the folder in which the class folders lie."
            + unread
        )
    if unread:
        _warn(unread.lstrip())
    if single := [name for name in classes if len(files[name]) == 1]:
        _warn(f"Found only one image in {len(single)} class(es), too few to learn variety from: {_listed(single)}.")
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
    links = deque((path.name, path) for path in top_links if not stat.S_ISREG(_mode(path)))
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
        mode = _mode(real)
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
            f"An image folder must be readable, but {_quoted(folder)} cannot be listed ({error.strerror}): "
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


def _mode(path: Path) -> int:
    """Return the kind of file that a path leads to, as `stat` has it; 0 where there is none, or none to be seen."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


def image_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Return an image file's height and width, from its header alone and before EXIF orientation.

    Parameters
    ----------
    path : path-like
        A regular file, or a link to one.

    Returns
    -------
    tuple of int
        Height and width.

    Raises
    ------
    DataError
        As `read_image`, except for damage that only decoding brings to light.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "image.png"
    >>> Image.new("L", (6, 4)).save(path)
    >>> image_size(path)
    (4, 6)
    """
    with _opened(Path(path)) as image:
        return image.height, image.width


def read_image(path: str | os.PathLike[str], *, at_least: int | None = None) -> NDArray[np.uint8]:
    """Read an image file as upright 8-bit pixels with as few channels as it needs.

    EXIF orientation is applied, the first frame of several is taken, palettes and CMYK become RGB. 16-bit grey is
    divided by 257. 32-bit grey has no scale of its own, so it is read as the smallest of 0 to 1 (floating point only),
    0 to 255 and 0 to 65,535 that holds its values, or stretched from its minimum to its maximum where none does.

    Parameters
    ----------
    path : path-like
        A regular file, or a link to one.
    at_least : int, optional
        Where an image is going to be shrunk anyway: a JPEG may be decoded at a half, a quarter or an eighth of its size
        (several times faster) as long as both sides keep this many pixels.

    Returns
    -------
    ndarray of uint8, shape (height, width, channels)
        Four channels where some pixel is not opaque, one where red, green and blue are equal everywhere, else three.

    Raises
    ------
    DataError
        If the file is not a readable image, is damaged, or has more than `MAX_PIXELS` pixels.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "image.png"
    >>> Image.new("RGBA", (6, 4), (255, 0, 0, 255)).save(path)
    >>> read_image(path).shape
    (4, 6, 3)
    """
    with _opened(Path(path)) as image:
        if at_least is not None:
            image.draft(None, (at_least, at_least))
        image.load()
        upright = _UPRIGHT.get(_orientation(image), _UPRIGHT[1])(_pixels(image))
        return np.array(upright, order="C")  # A copy, because Pillow's own memory is read-only.


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open an image whose header is acceptable; whatever goes wrong from here on is a `DataError` naming the file."""
    if not stat.S_ISREG(_mode(path)):  # Also keeps pipes and devices from blocking for ever.
        raise DataError(f"An image must be a regular file, but {_quoted(path)} is not: take it out of the data.")
    limit = f"An image must have at most {MAX_PIXELS:,} pixels, but {_quoted(path)} has more"
    remedy = "make it smaller, or take it out of the data."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # The check below is the stricter one.
            image = Image.open(path, formats=_FORMATS)
        with image:
            if image.width * image.height > MAX_PIXELS:
                raise DataError(f"{limit} ({image.width:,} x {image.height:,}): {remedy}")
            yield image
    except DataError:
        raise
    except Image.DecompressionBombError as error:  # It names Pillow's own limit, which is not ours.
        raise DataError(f"{limit}: {remedy}") from error
    except Exception as error:  # A hostile file can make a decoder raise nearly anything.
        if isinstance(error, OSError) and error.errno is not None:  # of the system, where a decoder's have no number
            raise DataError(
                f"An image must be a file that may be read, but {_quoted(path)} cannot be opened "
                f"({os.strerror(error.errno).lower()}): change its permissions, or take it out of the data."
            ) from error
        raise DataError(
            f"An image must be a complete PNG, JPEG, BMP, WebP or TIFF, but {_quoted(path)} cannot be read "
            f"({type(error).__name__}): repair it, or take it out of the data."
        ) from error


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 where there is none; damaged EXIF data must not cost a sound picture."""
    with suppress(Exception):
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    return 1


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    """Return a loaded image as (H, W, 1), (H, W, 3) or, where some alpha is below 255, (H, W, 4)."""
    if image.mode.startswith(("I", "F")):
        return _scaled_to_bytes(np.asarray(image), sixteen_bit=image.mode.startswith("I;16"))[..., None]
    if image.has_transparency_data:
        rgba = np.asarray(image.convert("RGBA"))
        if rgba[..., 3].min() < 255:
            return rgba
        rgb = rgba[..., :3]
    elif image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))[..., None]
    else:
        rgb = np.asarray(image.convert("RGB"))
    red, green, blue = np.moveaxis(rgb, 2, 0)
    return rgb[..., :1] if np.array_equal(red, green) and np.array_equal(red, blue) else rgb


def _scaled_to_bytes(values: NDArray[Any], sixteen_bit: bool) -> NDArray[np.uint8]:
    """Bring 16-bit and 32-bit grey to 0..255, by the rule that `read_image` states."""
    if sixteen_bit:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    scales = (1.0, 255.0, 65535.0) if values.dtype.kind == "f" else (255.0, 65535.0)
    values = np.where(np.isfinite(values), values, 0).astype(np.float64)
    low, high = values.min(), values.max()
    scale = next((scale for scale in scales if low >= 0 and high <= scale), None)
    if scale is None:
        values, scale = values - low, (high - low) or 1.0
    return np.round(values * 255 / scale).astype(np.uint8)


def _warn(message: str) -> None:
    warnings.warn(message, GanaugWarning, stacklevel=3)


def _quoted(path: Path) -> str:
    """Quote a name for a message; `repr` also disarms control characters, for names are untrusted."""
    return repr(str(path))


def _listed(names: Sequence[str], most: int = 5) -> str:
    """Name the first few, and say how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(repr(name) for name in names[:most]) + more
