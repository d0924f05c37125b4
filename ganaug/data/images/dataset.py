"""Labelled images as one array of pixels: from a folder, or from memory."""

import hashlib
import json
import os
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from ganaug.data.dataset import Dataset
from ganaug.data.images.codec import CHANNELS, ImageCodec, default_size, scaled
from ganaug.data.images.folder import scan_folder
from ganaug.data.images.image_file import image_size, read_image_and_scale
from ganaug.data.labels import check_labels
from ganaug.errors import DataError, warn

__all__ = ["LabelledImages", "from_arrays", "load_folder"]

POINT_SIDE = 16
"""Side in pixels that images are pooled to before distances: there a shift by one pixel changes little."""
JITTER_LEVELS = 6.0
"""Standard deviation, in grey levels, of the noise in slightly altered images."""
JITTER_CONTRAST = 0.05
"""Largest relative change of contrast in slightly altered images."""
DIM = 64
"""Where no pixel of any image is as bright as this, something went wrong before."""


@dataclass(frozen=True, eq=False)
class LabelledImages(Dataset):
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

    modality = "image"

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    codec: ImageCodec
    files: tuple[Path, ...] = ()

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over pixels, shape, labels and classes; the same in whatever order or place the images are."""
        digests = sorted(
            hashlib.sha256(int(label).to_bytes(8, "little") + image.tobytes()).digest()
            for image, label in zip(self.images, self.labels, strict=True)
        )
        header = json.dumps([self.images.shape, self.classes]).encode()
        return hashlib.sha256(header + b"".join(digests)).hexdigest()

    @property
    def content(self) -> NDArray[np.uint8]:
        """The images."""
        return self.images

    def part(self, rows: NDArray[np.int64]) -> Self:
        """Return some of the images."""
        files = tuple(self.files[row] for row in rows) if self.files else ()
        return replace(self, images=self.images[rows], labels=self.labels[rows], files=files)

    def joined(self, other: Self) -> Self:
        """Return the images of both, these first; both have the same classes and shape."""
        images, labels = np.concatenate([self.images, other.images]), np.concatenate([self.labels, other.labels])
        return replace(self, images=images, labels=labels, files=())

    def like(self, content: ArrayLike, labels: NDArray[np.int64]) -> Self:
        """Return other images of this shape and these classes."""
        images = np.asarray(content, np.uint8)
        if images.shape[1:] != self.images.shape[1:]:
            raise DataError(f"The samples must have the shape {self.images.shape[1:]}, but have {images.shape[1:]}.")
        return replace(self, images=images, labels=labels, files=())

    def points(self, reference: Self) -> NDArray[np.float32]:  # noqa: ARG002
        """Return images pooled to at most 16 pixels a side, flat, in units of white."""
        n, height, width, channels = self.images.shape
        images = self.images
        if min(height, width) > POINT_SIDE:
            if height % POINT_SIDE or width % POINT_SIDE:
                small = [np.asarray(Image.fromarray(one.squeeze()).resize((POINT_SIDE, POINT_SIDE))) for one in images]
                images = np.stack(small).reshape(n, POINT_SIDE, POINT_SIDE, channels)
            else:
                blocks = images.reshape(n, POINT_SIDE, height // POINT_SIDE, POINT_SIDE, width // POINT_SIDE, channels)
                means: NDArray[np.float32] = blocks.mean(axis=(2, 4), dtype=np.float32).reshape(n, -1)
                return means / np.float32(255)
        return images.reshape(n, -1).astype(np.float32) / np.float32(255)

    def jittered(self, random: np.random.Generator) -> Self:
        """Return the images with a little noise and a slightly different contrast."""
        values = self.images.astype(np.float32)
        mean = values.mean(axis=(1, 2, 3), keepdims=True)
        contrast = random.uniform(1 - JITTER_CONTRAST, 1 + JITTER_CONTRAST, (len(values), 1, 1, 1)).astype(np.float32)
        noise = random.normal(0, JITTER_LEVELS, values.shape).astype(np.float32)
        pixels = np.clip(np.rint(mean + contrast * (values - mean) + noise), 0, 255).astype(np.uint8)
        return replace(self, images=pixels, files=())

    def keys(self) -> list[Hashable]:
        """Return the bytes of each image."""
        return [image.tobytes() for image in self.images]

    def item(self, row: int) -> NDArray[np.uint8]:
        """Return one image."""
        image: NDArray[np.uint8] = self.images[row]
        return image

    def items(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return several images."""
        return self.images[rows]

    def _in_form_of(self, form: Any) -> Self:
        if self.images.shape[1:] == form.image_shape:
            return self
        codec = ImageCodec(form.image_shape[0], form.image_shape[2])
        return replace(self, images=np.stack([codec.encode(image) for image in self.images]), codec=codec)


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
        If the folder is not usable (see `scan_folder`), no model file can hold a class name, more than one file in ten
        cannot be read, fewer than two classes are left, or `size` is not a power of two from 8 to 512.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
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
    check_labels(index.classes)
    if size is None:
        size = default_size([_longer_side(file) for file in index.files])

    # Channels are known only when all is read, so the images wait at their final scale but with their own channels.
    waiting, shapes, kept, problems = [], [], [], []
    own_scales = brightest = 0
    for position, file in enumerate(index.files):
        try:
            image, own_scale = read_image_and_scale(file, at_least=2 * size)
        except DataError as error:
            problems.append(str(error))
            continue
        own_scales += own_scale
        brightest = max(brightest, int(image[..., :3].max()))
        shapes.append(image.shape)
        waiting.append(scaled(image, size))
        kept.append(position)
    if len(problems) * 10 > len(index.files):
        raise DataError(
            f"At least nine in ten images must be readable, but {len(problems)} of {len(index.files)} are not. "
            f"The first: {' '.join(problems[:3])}"
        )
    for problem in problems:
        warn(f"Skipped a file. {problem}")

    if own_scales:
        warn(
            f"{own_scales} image(s) have 32 bits a pixel, which tell no scale: each is read by a usual one or else "
            "stretched by itself, so that they may not compare; save them with 8 or 16 bits and one scale for all."
        )
    if kept and brightest < DIM:
        warn(
            f"The brightest pixel of all images is {brightest} of 255, as where 12 bits are saved as 16: stretch them, "
            "all by one factor, before you train on them."
        )

    labels = index.labels[kept]
    present = np.unique(labels)
    lost = [name for code, name in enumerate(index.classes) if code not in present]
    if len(present) < 2:
        raise DataError(
            f"Images of at least two classes must be readable, but in {str(root)!r} no file of "
            f"{', '.join(map(repr, lost))} is: repair these files, or add others."
        )
    if lost:
        warn(f"Left out {len(lost)} class(es) of which no file can be read: {', '.join(map(repr, lost))}.")

    codec = ImageCodec.fit(shapes, size)
    images = np.empty((len(kept), *codec.shape), dtype=np.uint8)
    while waiting:  # From the back, so that each is freed as soon as it has its place.
        last = waiting.pop()
        images[len(waiting)] = codec._place(last)
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
    if pixels.ndim != 4 or pixels.shape[3] not in CHANNELS or pixels.size == 0:
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
    codec = ImageCodec(default_size([max(pixels.shape[1:3])]) if size is None else size, pixels.shape[3])
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
    check_labels(names)
    return codes.astype(np.int64), names


def _longer_side(file: Path) -> int:
    """Return an image's longer side, 0 if it cannot be read: then reading it in full is what reports it."""
    try:
        return max(image_size(file))
    except DataError:
        return 0
