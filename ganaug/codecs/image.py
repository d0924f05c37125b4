"""Images of any shape <-> one array of square pixels that a network can learn from, and the labels beside it."""

import hashlib
import json
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from ganaug.codecs.folder import image_size, read_image, scan_folder
from ganaug.errors import DataError, FormatError, GanaugWarning

__all__ = ["ImageCodec", "LabelledImages", "from_arrays", "load_folder"]

_DEFAULT_SIZES = (8, 16, 32, 64, 128)
_SMALLEST, _LARGEST = 8, 512
_CHANNELS = (1, 3, 4)


@dataclass(frozen=True)
class ImageCodec:
    """How images become square arrays of one size: the aspect ratio stays, the rest is padding.

    Attributes
    ----------
    size : int
        Height and width in pixels, a power of two from 8 to 512.
    channels : int
        1 (grey), 3 (RGB) or 4 (RGBA).

    Raises
    ------
    DataError
        If `size` or `channels` is not one of these.

    Examples
    --------
    >>> codec = ImageCodec.fit([(28, 28, 1), (30, 20, 3)])
    >>> codec
    ImageCodec(size=32, channels=3)
    >>> codec.encode(np.zeros((30, 20, 3), dtype=np.uint8)).shape
    (32, 32, 3)
    >>> ImageCodec.from_state(codec.to_state()) == codec
    True
    """

    size: int
    channels: int

    def __post_init__(self) -> None:
        """Refuse a size or a number of channels that no network is built for."""
        size, channels = self.size, self.channels
        if not isinstance(size, int) or not _SMALLEST <= size <= _LARGEST or size & (size - 1):
            raise DataError(
                f"The image size must be a power of two from {_SMALLEST} to {_LARGEST} pixels, but it is {size!r}: "
                "choose 8, 16, 32, 64, 128, 256 or 512, or let the data decide."
            )
        if type(channels) is not int or channels not in _CHANNELS:
            raise DataError(f"Images must have 1, 3 or 4 channels, but {channels!r} was given: choose one of these.")

    @classmethod
    def fit(cls, shapes: Sequence[tuple[int, int, int]], size: int | None = None) -> Self:
        """Choose size and channels from the shapes of the images as `read_image` returns them.

        The size is the smallest of 8, 16, 32, 64 and 128 that is at least 0.8 times the median longer side, so that
        little is lost, and 128 for anything larger. There are four channels if at least 5 % of the images have four,
        for fewer do not make transparency something to learn; else three if any image has colour, where an image with
        transparency counts as colour; else one.

        Parameters
        ----------
        shapes : sequence of (height, width, channels)
            One for each image.
        size : int, optional
            Fixes the size.

        Returns
        -------
        ImageCodec
            The codec that suits these images.

        Raises
        ------
        DataError
            If there are no images, or `size` is not a power of two from 8 to 512.
        """
        if not shapes:
            raise DataError("An image codec needs at least one image to fit, but there is none: give it some.")
        if size is None:
            size = _default_size([max(height, width) for height, width, _ in shapes])
        channels = np.array([channels for _, _, channels in shapes])
        if np.mean(channels == 4) >= 0.05:
            return cls(size, 4)
        return cls(size, 3 if channels.max() > 1 else 1)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an encoded image."""
        return self.size, self.size, self.channels

    def encode(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Fit one image into the square.

        The longer side becomes `size` (smaller images are enlarged, so that what they show has the same scale in all
        of them) and the rest is padded evenly: transparent where there are four channels, else in the median colour of
        the image's own border, for a frame that is visible would be learnt as part of the picture. Transparent images
        are laid on white where the codec has no alpha: that is the page they are nearly always drawn for.

        Parameters
        ----------
        image : ndarray of uint8, shape (height, width, channels)
            With 1, 3 or 4 channels.

        Returns
        -------
        ndarray of uint8, shape (size, size, codec.channels)
            The encoded image.

        Raises
        ------
        DataError
            If `image` is not such an array.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in _CHANNELS or image.size == 0:
            raise DataError(
                "An image must be a uint8 array (height, width, channels) with 1, 3 or 4 channels, but this one is "
                f"{image.dtype} {image.shape}: read it with ganaug.codecs.folder.read_image, or convert it."
            )
        return self._place(_scaled(image, self.size))

    def _place(self, scaled: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Give an image whose longer side is `size` the codec's channels, and its place in the square."""
        content = _with_channels(scaled, self.channels)
        height, width = content.shape[:2]
        square = np.zeros(self.shape, dtype=np.uint8)
        if self.channels < 4 and height != width:
            border = np.concatenate([content[0], content[-1], content[:, 0], content[:, -1]])  # (2H + 2W, C)
            square[:] = np.round(np.median(border, axis=0)).astype(np.uint8)
        top, left = (self.size - height) // 2, (self.size - width) // 2
        square[top : top + height, left : left + width] = content
        return square

    def to_state(self) -> dict[str, object]:
        """Return the codec as a JSON object; `from_state` reads it."""
        return {"size": self.size, "channels": self.channels}

    @classmethod
    def from_state(cls, state: object) -> Self:
        """Rebuild a codec from `to_state`'s answer, which may come from an untrusted file.

        Parameters
        ----------
        state : object
            Parsed JSON. Keys that are not known are ignored.

        Returns
        -------
        ImageCodec
            The codec.

        Raises
        ------
        FormatError
            If `state` does not describe a codec.
        """
        if not isinstance(state, Mapping) or not {"size", "channels"} <= state.keys():
            raise FormatError("An image codec's state must be an object with size and channels: save the model again.")
        try:
            return cls(state["size"], state["channels"])
        except DataError as error:
            raise FormatError(f"The image codec's state is damaged. {error}") from error


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Encoded images and their labels.

    Attributes
    ----------
    images : ndarray of uint8, shape (n, height, width, channels)
        The pixels.
    labels : ndarray of int64, shape (n,)
        For every image, the index of its class in `classes`.
    classes : tuple of str
        The class names.
    codec : ImageCodec
        What the images were encoded with.
    files : tuple of Path
        The file of every image; empty where they did not come from files.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    codec: ImageCodec
    files: tuple[Path, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Number of images of each class."""
        numbers = np.bincount(self.labels, minlength=len(self.classes))
        return dict(zip(self.classes, numbers.tolist(), strict=True))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over pixels, shape, labels and classes; the same in whatever order or place the images are."""
        digests = sorted(
            hashlib.sha256(int(label).to_bytes(8, "little") + image.tobytes()).digest()
            for image, label in zip(self.images, self.labels, strict=True)
        )
        header = json.dumps([self.images.shape, self.classes]).encode()
        return hashlib.sha256(header + b"".join(digests)).hexdigest()


def load_folder(root: str | os.PathLike[str], size: int | None = None) -> LabelledImages:
    """Read a labelled image folder (see `scan_folder` for what counts) into one array.

    A file that cannot be read is skipped with a warning that names it; a class that loses all its images that way is
    left out with a warning. Only one image at a time is in memory at its full size.

    Parameters
    ----------
    root : path-like
        The folder that holds one subfolder per class.
    size : int, optional
        Height and width of the result; by default `ImageCodec.fit` chooses.

    Returns
    -------
    LabelledImages
        Images, labels, classes, codec and files.

    Raises
    ------
    DataError
        If the folder is not usable (see `scan_folder`), more than one file in ten cannot be read, fewer than two
        classes are left, or `size` is not a power of two from 8 to 512.

    Examples
    --------
    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> for name in ("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"):
    ...     (root / name).parent.mkdir(exist_ok=True)
    ...     Image.new("RGB", (30, 20), "red").save(root / name)
    >>> data = load_folder(root)
    >>> data.images.shape, data.counts
    ((4, 32, 32, 3), {'cat': 2, 'dog': 2})
    """
    if size is not None:
        ImageCodec(size, 1)  # A wrong size must not cost the time of reading everything first.
    index = scan_folder(root)
    if size is None:
        size = _default_size([_longer_side(file) for file in index.files])

    # Channels are known only when all is read, so the images wait at their final scale but with their own channels.
    scaled, shapes, kept, problems = [], [], [], []
    for position, file in enumerate(index.files):
        try:
            image = read_image(file, at_least=2 * size)
        except DataError as error:
            problems.append(str(error))
            continue
        shapes.append(image.shape)
        scaled.append(_scaled(image, size))
        kept.append(position)
    if len(problems) * 10 > len(index.files):
        raise DataError(
            f"At least nine in ten images must be readable, but {len(problems)} of {len(index.files)} are not. "
            f"The first: {' '.join(problems[:3])}"
        )
    for problem in problems:
        warnings.warn(f"Skipped a file. {problem}", GanaugWarning, stacklevel=2)

    labels = index.labels[kept]
    present = np.unique(labels)
    lost = [name for code, name in enumerate(index.classes) if code not in present]
    if len(present) < 2:
        raise DataError(
            f"Images of at least two classes must be readable, but in {str(root)!r} no file of "
            f"{', '.join(map(repr, lost))} is: repair these files, or add others."
        )
    if lost:
        warnings.warn(
            f"Left out {len(lost)} class(es) of which no file can be read: {', '.join(map(repr, lost))}.",
            GanaugWarning,
            stacklevel=2,
        )

    codec = ImageCodec.fit(shapes, size)
    images = np.empty((len(kept), *codec.shape), dtype=np.uint8)
    while scaled:  # From the back, so that each is freed as soon as it has its place.
        last = scaled.pop()
        images[len(scaled)] = codec._place(last)
    return LabelledImages(
        images=images,
        labels=np.searchsorted(present, labels).astype(np.int64),
        classes=tuple(index.classes[code] for code in present),
        codec=codec,
        files=tuple(index.files[position] for position in kept),
    )


def from_arrays(
    images: ArrayLike, labels: ArrayLike, classes: Sequence[str] | None = None, *, size: int | None = None
) -> LabelledImages:
    """Take images that are in memory already.

    The number of channels stays as it is; the size is a codec's (see `ImageCodec.fit`), so that other images are
    scaled and padded.

    Parameters
    ----------
    images : array-like, shape (n, height, width) or (n, height, width, channels)
        uint8, or floating point in [0, 1]; 1, 3 or 4 channels, which come last.
    labels : array-like, shape (n,)
        Strings, or integers; together with `classes`, integers are indices into it.
    classes : sequence of str, optional
        The class names; by default the sorted distinct labels.
    size : int, optional
        Height and width of the result; by default `ImageCodec.fit`'s choice.

    Returns
    -------
    LabelledImages
        Images, labels, classes and codec, without files.

    Raises
    ------
    DataError
        If images, labels or classes are anything else, do not fit together, or hold fewer than two classes.

    Examples
    --------
    >>> data = from_arrays(np.zeros((3, 8, 8)), ["b", "a", "b"])
    >>> data.images.shape, data.labels.tolist(), data.counts
    ((3, 8, 8, 1), [1, 0, 1], {'a': 1, 'b': 2})
    """
    try:
        pixels = np.asarray(images)
    except ValueError as error:
        raise DataError("Images must all have one shape, but these differ: encode each with an ImageCodec.") from error
    if pixels.ndim == 3:
        pixels = pixels[..., None]
    if pixels.ndim != 4 or pixels.shape[3] not in _CHANNELS or pixels.size == 0:
        raise DataError(
            "Images must be an array (n, height, width) or (n, height, width, channels) with 1, 3 or 4 channels, but "
            f"the shape is {np.shape(images)}: bring them into this form, channels last."
        )
    if pixels.dtype.kind == "f" and pixels.min() >= 0 and pixels.max() <= 1:  # Both are false where there is a NaN.
        pixels = np.round(pixels * 255).astype(np.uint8)
    if pixels.dtype != np.uint8:
        found = f"{pixels.dtype} from {pixels.min()} to {pixels.max()}" if pixels.dtype.kind in "biuf" else pixels.dtype
        raise DataError(
            f"Images must be uint8, or floating point in [0, 1], but these are {found}: convert them first."
        )
    codes, names = _coded(np.asarray(labels), len(pixels), classes)
    codec = ImageCodec(_default_size([max(pixels.shape[1:3])]) if size is None else size, pixels.shape[3])
    return LabelledImages(np.stack([codec.encode(image) for image in pixels]), codes, names, codec)


def _coded(labels: NDArray[Any], n: int, classes: Sequence[str] | None) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return labels as indices into the class names, and these."""
    strings = labels.dtype.kind == "U" or (
        labels.dtype == object and all(isinstance(label, str) for label in labels.flat)
    )
    if labels.shape != (n,) or not (strings or labels.dtype.kind in "biu"):
        raise DataError(
            f"Labels must be {n} strings or integers, one for each image, but they are {labels.dtype} of shape "
            f"{labels.shape}: give one for each image."
        )
    if classes is None:
        values, codes = np.unique(labels, return_inverse=True)
        names = tuple(str(value) for value in values)
    else:
        names = tuple(classes)
        positions = {name: code for code, name in enumerate(names)}
        codes = np.array([positions.get(label, -1) for label in labels]) if strings else labels.astype(np.int64)
        if len(positions) < len(names) or set(codes.tolist()) != set(range(len(names))):
            raise DataError(
                "Class names must be distinct, and the labels must use all of them and no others, but there are "
                f"{len(names)} names for the labels {np.unique(labels).tolist()}: leave classes out, or correct them."
            )
    if len(names) < 2:
        raise DataError(
            f"Images of at least two classes are needed, but all labels are {names[0]!r}: add images of another class."
        )
    return codes.astype(np.int64), names


def _default_size(longer_sides: Sequence[int]) -> int:
    enough = 0.8 * float(np.median([side for side in longer_sides if side] or [0]))
    return next((size for size in _DEFAULT_SIZES if size >= enough), _DEFAULT_SIZES[-1])


def _longer_side(file: Path) -> int:
    """Return an image's longer side, 0 if it cannot be read: then reading it in full is what reports it."""
    try:
        return max(image_size(file))
    except DataError:
        return 0


def _scaled(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Scale the longer side to `size`; Pillow weights colours by alpha, so that invisible ones do not bleed."""
    height, width, channels = image.shape
    longer = max(height, width)
    if longer == size:
        return image
    new_width, new_height = (max(1, round(side * size / longer)) for side in (width, height))
    # Enlarged, Lanczos would ring around the hard edges of small pictures.
    method = Image.Resampling.LANCZOS if longer > size else Image.Resampling.BICUBIC
    picture = Image.fromarray(image[..., 0] if channels == 1 else image)
    resized = picture.resize((new_width, new_height), method, reducing_gap=3.0)
    return np.asarray(resized).reshape(new_height, new_width, channels)


def _with_channels(image: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Convert between grey, RGB and RGBA; transparency falls on white, and colour under full transparency is black."""
    height, width, own = image.shape
    if channels == 4:
        alpha = image[..., 3:] if own == 4 else np.full((height, width, 1), 255, dtype=np.uint8)
        colour = np.broadcast_to(image[..., :3], (height, width, 3))
        return np.concatenate([colour * (alpha > 0), alpha], axis=2)
    if own == 4:
        alpha = image[..., 3:].astype(np.uint32)
        image = ((image[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    if channels == 1 and own > 1:
        luma = image @ np.array([299, 587, 114], dtype=np.uint32)  # ITU-R BT.601, as Pillow converts.
        return ((luma + 500) // 1000).astype(np.uint8)[..., None]
    return np.broadcast_to(image, (height, width, channels))
