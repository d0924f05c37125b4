"""Labelled signals as one array, read from a folder or taken from memory."""

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
from ganaug.data.dataset import Dataset
from ganaug.data.labels import check_labels, coded_labels
from ganaug.data.manifest import real_files
from ganaug.data.signals.codec import SignalCodec
from ganaug.data.signals.folder import read_all, scan_folder
from ganaug.data.signals.pictures import draw_signals, range_of
from ganaug.data.signals.points import signal_points
from ganaug.data.signals.signal_file import FileForm
from ganaug.errors import DataError, warn

JITTER_NOISE = 0.05
"""Standard deviation of the noise in altered signals, in standard deviations of the channel."""
JITTER_SCALE = 0.05
"""Largest relative change of the deviations of altered signals from their mean."""

Signals = NDArray[np.float32]  # (n, length, channels)


@dataclass(frozen=True, eq=False)
class LabelledSignals(Dataset):
    """Signals (n, length, channels) in the units of the user, and their labels."""

    modality = "signal"
    shows_walks = True

    signals: Signals
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    codec: SignalCodec
    """The codec that encoded the signals."""
    limits: NDArray[np.float32]
    """The smallest and the largest value of each channel in all of the data, (2, channels): the scale of pictures."""
    files: tuple[Path, ...] = ()
    """The file of each signal; empty if the signals did not come from files."""

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of signals, labels and classes, 64 hexadecimal digits; the order of the signals does not matter."""
        digests = sorted(
            hashlib.sha256(int(label).to_bytes(8, "little") + signal.tobytes()).digest()
            for signal, label in zip(self.signals, self.labels, strict=True)
        )
        header = json.dumps([self.signals.shape, self.classes]).encode()
        return hashlib.sha256(header + b"".join(digests)).hexdigest()

    @cached_property
    def scale(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and standard deviation of each channel, (channels,) each; a constant channel has the deviation 1."""
        values = self.signals.reshape(-1, self.signals.shape[2])
        mean, deviation = values.mean(axis=0, dtype=np.float64), values.std(axis=0, dtype=np.float64)
        smallest = 1e-6 * np.maximum(np.abs(mean), np.finfo(np.float32).tiny / 1e-6)
        return mean.astype(np.float32), np.where(deviation > smallest, deviation, 1.0).astype(np.float32)

    @property
    def range(self) -> NDArray[np.float32]:
        """The smallest and the largest value of each channel, (2, channels)."""
        return range_of(self.signals)

    @property
    def content(self) -> Signals:
        """The signals."""
        return self.signals

    def part(self, rows: NDArray[np.int64]) -> Self:
        """Return some of the signals."""
        files = tuple(self.files[row] for row in rows) if self.files else ()
        return replace(self, signals=self.signals[rows], labels=self.labels[rows], files=files)

    def joined(self, other: Self) -> Self:
        """Return the signals of both, these first. Both must have the same classes and shape."""
        signals, labels = np.concatenate([self.signals, other.signals]), np.concatenate([self.labels, other.labels])
        return replace(self, signals=signals, labels=labels, files=())

    def like(self, content: ArrayLike, labels: NDArray[np.int64]) -> Self:
        """Return other signals of this shape and these classes."""
        signals = np.asarray(content, np.float32)
        if signals.shape[1:] != self.signals.shape[1:]:
            raise DataError(f"The samples must have the shape {self.signals.shape[1:]}, but have {signals.shape[1:]}.")
        return replace(self, signals=signals, labels=labels, files=())

    def points(self, reference: Self) -> NDArray[np.float32]:
        """Return the signals, in units of the reference's deviations, as `signal_points` does."""
        mean, deviation = reference.scale
        return signal_points((self.signals - mean) / deviation)

    def jittered(self, random: np.random.Generator) -> Self:
        """Return the signals with a little noise, and slightly larger or smaller."""
        mean, deviation = self.scale
        factor = random.uniform(1 - JITTER_SCALE, 1 + JITTER_SCALE, (len(self.signals), 1, 1)).astype(np.float32)
        noise = random.normal(0, JITTER_NOISE, self.signals.shape).astype(np.float32) * deviation
        return replace(self, signals=mean + factor * (self.signals - mean) + noise, files=())

    def keys(self) -> list[Hashable]:
        """Return the bytes of each signal."""
        return [signal.tobytes() for signal in self.signals]

    def item(self, row: int) -> NDArray[np.uint8]:
        """Return a picture of one signal, (height, width, 3)."""
        picture: NDArray[np.uint8] = self.items(np.array([row]))[0]
        return picture

    def items(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return pictures of several signals, (n, height, width, 3)."""
        return draw_signals(self.signals[rows], self.limits)

    def _in_form_of(self, form: Any) -> Self:
        length, channels = form.signal_shape
        if self.signals.shape[2] != channels:
            raise DataError(
                f"the model must make signals of {self.signals.shape[2]} channel(s) like the data, but it makes "
                f"signals of {channels}: name the model that was fitted to this data"
            )
        if self.signals.shape[1] == length:
            return self
        codec = replace(self.codec, length=length)
        return replace(self, signals=np.stack([codec.encode(signal) for signal in self.signals]), codec=codec)

    def grouped_by(self, name: str, *, keep: bool = False) -> tuple[Self, Sequence[str]]:  # noqa: ARG002
        """Return the signals, and the match of a regular expression in the name of each file."""
        return self, groups_of_files(self.files, name, "signal")


def load_folder(root: str | os.PathLike[str], length: int | None = None, *, real_only: bool = False) -> LabelledSignals:
    """Read a labelled folder of .wav or .npy files into one array; `scan_folder` says which files count.

    All signals are brought to one `length`, which `SignalCodec.fit` chooses unless it is given; a warning says how many
    are changed. A file that cannot be read is skipped, and a class without readable files is left out, with a warning
    that names it. `real_only` leaves files out as `real_files` does. `DataError` if more than one file in ten cannot be
    read, files differ in ending, channels or sample rate, or fewer than two classes have readable files.
    """
    if length is not None:
        SignalCodec(length, 1)  # refuses a wrong length before all files are read
    index = real_files(scan_folder(root)) if real_only else scan_folder(root)
    check_labels(index.classes)
    signals, lengths, kept, form = read_all(index)
    labels, classes = index.present_classes(kept)
    codec = SignalCodec.fit(lengths, signals[0].shape[1], form, length)
    if changes := codec.changes(lengths):
        warn(changes)
    files = tuple(index.files[position] for position in kept)
    return _labelled(np.stack([codec.encode(signal) for signal in signals]), labels, classes, codec, files)


def from_arrays(signals: ArrayLike, labels: ArrayLike, classes: Sequence[str] | None = None) -> LabelledSignals:
    """Take signals (n, length, channels) or (n, length) and their labels (n,) from memory.

    Labels are texts, or integers that are indices into `classes`. Without `classes`, the classes are the texts of the
    distinct labels, sorted. `DataError` if signals, labels or classes are not of this form, a number is not finite, or
    there are fewer than two classes.
    """
    try:
        given = np.asarray(signals)
    except ValueError as error:
        raise DataError("Signals must all have one length, but these differ: pad or cut them first.") from error
    if given.ndim not in (2, 3) or given.dtype.kind not in "biuf" or not given.size:
        raise DataError(
            "Signals must be numbers of shape (n, length) or (n, length, channels), but these are "
            f"{given.dtype} of shape {given.shape}: bring them into this form, channels last."
        )
    with np.errstate(over="ignore"):
        values = given.astype(np.float32)
    if not np.isfinite(values).all():
        raise DataError("Signals must hold finite numbers that float32 can hold, but one does not: fill or cut it.")
    codec = SignalCodec(values.shape[1], values.shape[2] if values.ndim == 3 else 1, FileForm(axes=values.ndim - 1))
    codes, names = coded_labels(np.asarray(labels), len(values), classes, "signal")
    return _labelled(values.reshape(len(values), *codec.shape), codes, names, codec)


def _labelled(
    signals: Signals,
    labels: NDArray[np.int64],
    classes: tuple[str, ...],
    codec: SignalCodec,
    files: tuple[Path, ...] = (),
) -> LabelledSignals:
    return LabelledSignals(signals, labels, classes, codec, range_of(signals), files)
