"""Labelled clips as one array of pixels, read from a folder or taken from memory."""

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

from ganaug.data.class_folder import groups_of_files
from ganaug.data.clips.clip_file import MIN_FRAMES, MIN_SIDE, as_bytes
from ganaug.data.clips.clip_form import ClipForm
from ganaug.data.clips.codec import ClipCodec
from ganaug.data.clips.folder import common_form, read_all, scan_folder
from ganaug.data.clips.pictures import draw_clips
from ganaug.data.clips.points import clip_points
from ganaug.data.dataset import Dataset
from ganaug.data.images.codec import MODES
from ganaug.data.labels import check_labels, coded_labels
from ganaug.data.manifest import real_files
from ganaug.errors import DataError, warn

JITTER_LEVELS = 6.0
"""Standard deviation of the noise in altered clips, in grey levels."""
JITTER_CONTRAST = 0.05
"""Largest relative change of the contrast of altered clips."""

Clips = NDArray[np.uint8]  # (n, frames, height, width, channels)


@dataclass(frozen=True, eq=False)
class LabelledClips(Dataset):
    """Encoded clips (n, frames, height, width, channels) and their labels."""

    modality = "clip"
    shows_walks = True

    clips: Clips
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    codec: ClipCodec
    """The codec that encoded the clips."""
    files: tuple[Path, ...] = ()
    """The file of each clip; empty if the clips did not come from files."""

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of clips, labels and classes, 64 hexadecimal digits; the order of the clips does not matter."""
        digests = sorted(
            hashlib.sha256(int(label).to_bytes(8, "little") + clip.tobytes()).digest()
            for clip, label in zip(self.clips, self.labels, strict=True)
        )
        header = json.dumps([self.clips.shape, self.classes]).encode()
        return hashlib.sha256(header + b"".join(digests)).hexdigest()

    @property
    def content(self) -> Clips:
        """The clips."""
        return self.clips

    def part(self, rows: NDArray[np.int64]) -> Self:
        """Return some of the clips."""
        files = tuple(self.files[row] for row in rows) if self.files else ()
        return replace(self, clips=self.clips[rows], labels=self.labels[rows], files=files)

    def joined(self, other: Self) -> Self:
        """Return the clips of both, these first. Both must have the same classes and shape."""
        clips, labels = np.concatenate([self.clips, other.clips]), np.concatenate([self.labels, other.labels])
        return replace(self, clips=clips, labels=labels, files=())

    def like(self, content: ArrayLike, labels: NDArray[np.int64]) -> Self:
        """Return other clips of this shape and these classes."""
        clips = np.asarray(content, np.uint8)
        if clips.shape[1:] != self.clips.shape[1:]:
            raise DataError(f"The samples must have the shape {self.clips.shape[1:]}, but have {clips.shape[1:]}.")
        return replace(self, clips=clips, labels=labels, files=())

    def points(self, reference: Self) -> NDArray[np.float32]:  # noqa: ARG002
        """Return the clips as `clip_points` does."""
        return clip_points(self.clips)

    def jittered(self, random: np.random.Generator) -> Self:
        """Return the clips with a little noise, and with a slightly different contrast."""
        values = self.clips.astype(np.float32)
        mean = values.mean(axis=(1, 2, 3, 4), keepdims=True)
        factor = random.uniform(1 - JITTER_CONTRAST, 1 + JITTER_CONTRAST, (len(values), 1, 1, 1, 1)).astype(np.float32)
        noise = random.normal(0, JITTER_LEVELS, values.shape).astype(np.float32)
        pixels = np.clip(np.rint(mean + factor * (values - mean) + noise), 0, 255).astype(np.uint8)
        return replace(self, clips=pixels, files=())

    def keys(self) -> list[Hashable]:
        """Return the bytes of each clip."""
        return [clip.tobytes() for clip in self.clips]

    def item(self, row: int) -> NDArray[np.uint8]:
        """Return a picture of one clip: some frames in a row, (height, width, channels)."""
        picture: NDArray[np.uint8] = self.items(np.array([row]))[0]
        return picture

    def items(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return pictures of several clips, (n, height, width, channels)."""
        return draw_clips(self.clips[rows])

    def _in_form_of(self, form: Any) -> Self:
        frames, size, _, channels = form.clip_shape
        if self.clips.shape[1:] == form.clip_shape:
            return self
        codec = ClipCodec(frames, size, channels, self.codec.form)
        return replace(self, clips=np.stack([codec.encode(clip) for clip in self.clips]), codec=codec)

    def grouped_by(self, name: str, *, keep: bool = False) -> tuple[Self, Sequence[str]]:  # noqa: ARG002
        """Return the clips, and the match of a regular expression in the name of each file."""
        return self, groups_of_files(self.files, name, "clip")


def load_folder(
    root: str | os.PathLike[str], size: int | None = None, frames: int | None = None, *, real_only: bool = False
) -> LabelledClips:
    """Read a labelled folder of .npy files, animated images or TIFF stacks; `scan_folder` says which files count.

    All clips are brought to one `size` and one number of `frames`, which `ClipCodec.fit` chooses unless they are given;
    a warning says how many clips lose or gain frames. A file that cannot be read is skipped, and a class without
    readable files is left out, with a warning that names it. `real_only` leaves files out as `real_files` does.
    `DataError` if more than one file in ten cannot be read, or fewer than two classes have readable files.
    """
    ClipCodec(4 if frames is None else frames, 8 if size is None else size, 1)  # refuses wrong sizes first
    index = real_files(scan_folder(root)) if real_only else scan_folder(root)
    check_labels(index.classes)
    read, kept = read_all(index)
    labels, classes = index.present_classes(kept)
    lengths = [one.n_frames for one in read]
    shapes = [(*one.sides, one.clip.shape[3]) for one in read]
    codec = ClipCodec.fit(lengths, shapes, common_form(read), frames=frames, size=size)
    if changes := codec.changes(lengths):
        warn(changes)
    clips = np.stack([codec.encode(one.clip) for one in read])
    return LabelledClips(clips, labels, classes, codec, tuple(index.files[position] for position in kept))


def from_arrays(
    clips: ArrayLike,
    labels: ArrayLike,
    classes: Sequence[str] | None = None,
    *,
    size: int | None = None,
    frames: int | None = None,
) -> LabelledClips:
    """Take clips (n, frames, height, width, channels) and their labels (n,) from memory.

    Pixels are uint8, or floating point from 0 to 1. The number of channels stays. The frames are scaled and padded to
    squares of `size` pixels a side, and cut or continued to so many `frames`; `ClipCodec.fit` chooses both unless they
    are given. Labels are texts, or integers that are indices into `classes`. Without `classes`, the classes are the
    texts of the distinct labels, sorted. `DataError` if clips, labels or classes are not of this form, or there are
    fewer than two classes.
    """
    try:
        given = np.asarray(clips)
    except ValueError as error:
        raise DataError("Clips must all have one shape, but these differ: cut them to one shape first.") from error
    shape = given.shape
    if (
        given.ndim != 5
        or shape[4] not in MODES
        or not len(given)
        or shape[1] < MIN_FRAMES
        or min(shape[2:4]) < MIN_SIDE
    ):
        raise DataError(
            f"Clips must be an array (n, frames, height, width, channels) of {MIN_FRAMES} frames or more, {MIN_SIDE} "
            f"pixels or more a side, and 1, 3 or 4 channels, but the shape is {shape}: bring them into this form, "
            "channels last."
        )
    pixels = as_bytes(given)
    if pixels is None:
        found = f"{given.dtype} from {given.min()} to {given.max()}" if given.dtype.kind in "biuf" else given.dtype
        raise DataError(
            f"Clips must be uint8, or floating point from 0 to 1, but these are {found}: convert them first."
        )
    codes, names = coded_labels(np.asarray(labels), len(pixels), classes, "clip")
    codec = ClipCodec.fit([shape[1]], [(shape[2], shape[3], shape[4])], ClipForm(), frames=frames, size=size)
    if changes := codec.changes([shape[1]] * len(pixels)):
        warn(changes)
    codec = replace(codec, channels=shape[4])
    return LabelledClips(np.stack([codec.encode(clip) for clip in pixels]), codes, names, codec)
