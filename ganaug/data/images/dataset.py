"""Labelled images as one array of pixels, read from a folder or taken from memory."""

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

from ganaug.data.class_folder import FolderIndex, groups_of_files
from ganaug.data.dataset import Dataset
from ganaug.data.images.codec import MODES, ImageCodec, default_size, scaled
from ganaug.data.images.folder import scan_folder
from ganaug.data.images.image_file import image_size, read_image_and_scale
from ganaug.data.images.points import image_points
from ganaug.data.images.stored import CAN_STORE, Spool, StoredImages
from ganaug.data.labels import check_labels, coded_labels
from ganaug.data.manifest import real_files
from ganaug.errors import DataError, warn
from ganaug.files import quoted

MAX_IN_MEMORY = 2**28
"""Bytes of images that are held in memory; more are kept in a temporary file."""
JITTER_LEVELS = 6.0
"""Standard deviation of the noise in altered images, in grey levels."""
JITTER_CONTRAST = 0.05
"""Largest relative change of the contrast of altered images."""
MIN_BRIGHTEST = 64
"""Grey level that the brightest pixel of all images reaches, unless they were saved with a wrong scale."""


@dataclass(frozen=True, eq=False)
class LabelledImages(Dataset):
    """Encoded images (n, height, width, channels) and their labels."""

    modality = "image"
    shows_walks = True

    images: NDArray[np.uint8] | StoredImages
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    codec: ImageCodec
    """The codec that encoded the images."""
    files: tuple[Path, ...] = ()
    """The file of each image; empty if the images did not come from files."""

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of images, labels and classes, 64 hexadecimal digits; the order of the images does not matter."""
        digests = sorted(
            hashlib.sha256(int(label).to_bytes(8, "little") + image.tobytes()).digest()
            for image, label in zip(self.images, self.labels, strict=True)
        )
        header = json.dumps([self.images.shape, self.classes]).encode()
        return hashlib.sha256(header + b"".join(digests)).hexdigest()

    @property
    def content(self) -> NDArray[np.uint8]:
        """The images, in memory."""
        return np.asarray(self.images)

    def part(self, rows: NDArray[np.int64]) -> Self:
        """Return some of the images, in memory unless they take too much of it."""
        files, images = tuple(self.files[row] for row in rows) if self.files else (), self.images[rows]
        images = images if images.nbytes > MAX_IN_MEMORY else np.asarray(images)
        return replace(self, images=images, labels=self.labels[rows], files=files)

    def in_memory(self) -> Self:
        """Return the images, read from the file if they are in one."""
        return replace(self, images=self.content) if isinstance(self.images, StoredImages) else self

    def joined(self, other: Self) -> Self:
        """Return the images of both, these first. Both must have the same classes and shape."""
        images, labels = np.concatenate([self.content, other.content]), np.concatenate([self.labels, other.labels])
        return replace(self, images=images, labels=labels, files=())

    def like(self, content: ArrayLike, labels: NDArray[np.int64]) -> Self:
        """Return other images of this shape and these classes."""
        images = np.asarray(content, np.uint8)
        if images.shape[1:] != self.images.shape[1:]:
            raise DataError(f"The samples must have the shape {self.images.shape[1:]}, but have {images.shape[1:]}.")
        return replace(self, images=images, labels=labels, files=())

    def points(self, reference: Self) -> NDArray[np.float32]:  # noqa: ARG002
        """Return the images as `image_points` does."""
        return image_points(self.content)

    def jittered(self, random: np.random.Generator) -> Self:
        """Return the images with a little noise, and with a slightly different contrast."""
        values = self.content.astype(np.float32)
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
        return np.asarray(self.images[rows])

    def _in_form_of(self, form: Any) -> Self:
        if self.images.shape[1:] == form.image_shape:
            return self
        codec = ImageCodec(form.image_shape[0], form.image_shape[2])
        return replace(self, images=np.stack([codec.encode(image) for image in self.images]), codec=codec)

    def grouped_by(self, name: str, *, keep: bool = False) -> tuple[Self, Sequence[str]]:  # noqa: ARG002
        """Return the images, and the match of a regular expression in the name of each file."""
        return self, groups_of_files(self.files, name, "image")


def load_folder(
    root: str | os.PathLike[str], size: int | None = None, *, real_only: bool = False, most: int | None = None
) -> LabelledImages:
    """Read a labelled image folder; `scan_folder` says which files count.

    A file that cannot be read is skipped, and a class without readable files is left out, with a warning that names it.
    No more than one image at a time is in memory at its full size. Images that take more than `MAX_IN_MEMORY` are kept
    in a temporary file, where `tempfile.gettempdir` says. `ImageCodec.fit` chooses the `size`, unless it is given.
    `real_only` leaves files out as `real_files` does. `DataError` if more than one file in ten cannot be read,
    fewer than two classes have readable files, or there are more than `most` files, which is found before any is read.
    """
    if size is not None:
        ImageCodec(size, 1)  # refuses a wrong size before all files are read
    index = real_files(scan_folder(root)) if real_only else scan_folder(root)
    check_labels(index.classes)
    if most is not None and len(index.files) > most:
        raise DataError(
            f"At most {most:,} images can be learned from, but {quoted(index.root)} has {len(index.files):,}: copy a "
            "random part of them to another folder, with all those of rare classes."
        )
    if size is None:
        size = default_size([_longer_side(file) for file in index.files])
    is_large = CAN_STORE and len(index.files) * size**2 * 3 > MAX_IN_MEMORY
    scaled_images: list[NDArray[np.uint8]] | Spool = Spool() if is_large else []
    shapes, kept = _read_all(index, size, scaled_images)
    labels, classes = index.present_classes(kept)
    codec = ImageCodec.fit(shapes, size)
    images: NDArray[np.uint8] | StoredImages
    if isinstance(scaled_images, Spool):
        images = StoredImages.of(scaled_images, codec.shape, codec.placed)
    else:
        images = np.empty((len(kept), *codec.shape), dtype=np.uint8)
        while scaled_images:  # from the back, so that each image is freed as soon as it has its place
            last = scaled_images.pop()
            images[len(scaled_images)] = codec.placed(last)
    return LabelledImages(images, labels, classes, codec, tuple(index.files[position] for position in kept))


def _read_all(
    index: FolderIndex, size: int, images: list[NDArray[np.uint8]] | Spool
) -> tuple[list[tuple[int, int, int]], list[int]]:
    """Append the scaled images of a folder; return their shapes in their files, and the positions of readable files.

    Each image keeps its number of channels: the codec's number is known only when all files are read.
    """
    shapes, kept, problems = [], [], []
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
        images.append(scaled(image, size))
        kept.append(position)
    index.report_unreadable(problems)
    if own_scales:
        warn(
            f"{own_scales} image(s) have 32 bits a pixel and no stated scale. Each is read by a usual scale, or is "
            "stretched on its own, so that their brightness may not compare: save all with 8 or 16 bits and one scale."
        )
    if kept and brightest < MIN_BRIGHTEST:
        warn(
            f"The brightest pixel of all images is {brightest} of 255, as where 12 bits are saved as 16: stretch them, "
            "all by one factor, before you train on them."
        )
    return shapes, kept


def from_arrays(
    images: ArrayLike, labels: ArrayLike, classes: Sequence[str] | None = None, *, size: int | None = None
) -> LabelledImages:
    """Take images (n, height, width) or (n, height, width, channels) and their labels (n,) from memory.

    Pixels are uint8, or floating point from 0 to 1. The number of channels stays. The images are scaled and padded to
    squares of `size` pixels a side, which `ImageCodec.fit` chooses unless it is given. Labels are texts, or integers
    that are indices into `classes`. Without `classes`, the classes are the texts of the distinct labels, sorted.
    `DataError` if images, labels or classes are not of this form, or there are fewer than two classes.
    """
    try:
        pixels = np.asarray(images)
    except ValueError as error:
        raise DataError("Images must all have one shape, but these differ: encode each with an ImageCodec.") from error
    if pixels.ndim == 3:
        pixels = pixels[..., None]
    if pixels.ndim != 4 or pixels.shape[3] not in MODES or pixels.size == 0:
        raise DataError(
            "Images must be an array (n, height, width) or (n, height, width, channels) with 1, 3 or 4 channels, but "
            f"the shape is {np.shape(images)}: bring them into this form, channels last."
        )
    if pixels.dtype.kind == "f" and pixels.min() >= 0 and pixels.max() <= 1:  # both comparisons are false for NaN
        pixels = np.round(pixels * 255).astype(np.uint8)
    if pixels.dtype != np.uint8:
        found = f"{pixels.dtype} from {pixels.min()} to {pixels.max()}" if pixels.dtype.kind in "biuf" else pixels.dtype
        raise DataError(
            f"Images must be uint8, or floating point from 0 to 1, but these are {found}: convert them first."
        )
    codes, names = coded_labels(np.asarray(labels), len(pixels), classes, "image")
    codec = ImageCodec(default_size([max(pixels.shape[1:3])]) if size is None else size, pixels.shape[3])
    return LabelledImages(np.stack([codec.encode(image) for image in pixels]), codes, names, codec)


def _longer_side(file: Path) -> int:
    """Return an image's longer side, or 0 for a file that cannot be read, which `_read_all` will report."""
    try:
        return max(image_size(file))
    except DataError:
        return 0
