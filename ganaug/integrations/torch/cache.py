"""Synthetic images kept on disk, for those who would rather draw them once: a folder of files that are mapped."""

import hashlib
import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.errors import DataError, OutputError, warn
from ganaug.files import StrPath, atomic_folder, atomic_write
from ganaug.integrations.torch.drawing import Draws, Key
from ganaug.integrations.torch.progress import tracked
from ganaug.runtime.metadata import Label

__all__ = ["CACHE_BYTES", "CachedDraws"]

CACHE_BYTES = 256 * 2**20
AT_ONCE = 256
ABANDONED = 3600
"""Seconds after which a file that is half written is what a killed run left."""

_FORMAT = 2
_NAME = re.compile(r"ganaug-[0-9a-f]{16}\.pixels")
_DIGEST_BYTES = hashlib.sha256().digest_size


class CachedDraws:
    """Numbered samples out of a file, which is written if it is not there.

    The file's name follows from the generator, the seed and the counts, so that caches of several settings lie side by
    side in a folder and none is taken for another. Of what is found there nothing is believed: a file is pixels, then
    the SHA-256 digest of its setting and them, and one that is damaged is drawn anew. Where it is gone when an
    unpickled copy looks for it, because other settings took its room, the same samples are drawn as they are needed.

    Parameters
    ----------
    folder : path-like
        Where the file is, with those of other settings.
    draws : Draws
        Draws the samples.
    counts : mapping of label to int
        How many samples of each class there are to be.
    most_bytes : int
        Most bytes of all files in the folder: older ones, of other settings, are deleted to make room. Where they do
        not suffice for this one, every class keeps about the same part of its samples, one at least.

    Raises
    ------
    DataError
        If the folder holds anything else, `most_bytes` has no room for a sample of each class, or the generator makes
        tables, whose rows are drawn faster than read.
    OutputError
        If the file cannot be written.

    Warns
    -----
    GanaugWarning
        If `most_bytes` means fewer samples than were asked for, or what was found is damaged or gone.
    """

    def __init__(self, folder: StrPath, draws: Draws, counts: Mapping[Label, int], *, most_bytes: int) -> None:
        if draws.generator.modality != "image":
            raise DataError("cache must be None for a generator of tables: rows are as quickly drawn as read")
        self.folder, self.draws, self.most_bytes = Path(folder), draws, most_bytes
        shape = draws.generator.image_shape
        self.counts = _fitting({name: count for name, count in counts.items() if count}, shape, most_bytes)
        starts = np.cumsum([0, *self.counts.values()]).tolist()
        self._start = dict(zip(self.counts, starts, strict=False))
        self._shape = (starts[-1], *shape)
        self._bytes = int(np.prod(self._shape)) + _DIGEST_BYTES
        model = hashlib.sha256(draws.generator.to_bytes()).hexdigest()
        setting = [_FORMAT, model, draws.seed, [[str(name), count] for name, count in self.counts.items()]]
        self._setting = hashlib.sha256(json.dumps(setting).encode()).hexdigest()
        self.path = self.folder / f"ganaug-{self._setting[:16]}.pixels"
        _check_folder(self.folder)
        self._samples, self._looked = self._found(), True
        if self._samples is None:
            self._make_room()
            self._samples = self._filled()
        self._make_room()  # once more, as others may have filled theirs at the same time

    def many(self, keys: Sequence[Key]) -> list[NDArray[np.uint8]]:
        """Return these samples, whatever their epoch."""
        keys = [key._replace(number=key.number % self.counts[key.name], epoch=0) for key in keys]
        if not self._looked:  # in a worker that was spawned
            self._samples, self._looked = self._found(), True
            if self._samples is None:
                what = f"the cache {self.path} has changed while it was in use: its images are drawn when needed"
                warn(what)
        if self._samples is None:
            return self.draws.many(keys)
        return [np.array(self._samples[self._start[key.name] + key.number]) for key in keys]

    def one(self, key: Key, count: int) -> NDArray[np.uint8]:  # noqa: ARG002
        """Return a sample."""
        return self.many([key])[0]

    def _found(self) -> NDArray[np.uint8] | None:
        """Return the samples that are there, if they are those that are wanted."""
        try:
            whole = np.memmap(self.path, np.uint8, "r")
        except FileNotFoundError:
            return None
        except (OSError, ValueError):  # it may not be read, or is empty
            whole = None
        if whole is not None and len(whole) == self._bytes:
            pixels = whole[:-_DIGEST_BYTES]
            if whole[-_DIGEST_BYTES:].tobytes() == self._digest(pixels).digest():
                return pixels.reshape(self._shape)
        warn(f"the cache {self.path} is damaged, and is drawn anew")
        return None

    def _filled(self) -> NDArray[np.uint8] | None:
        """Write the file, and return its samples; None if others have already taken its room."""
        keys = [Key(name, number, 0) for name, count in self.counts.items() for number in range(count)]
        blocks, digest = range(0, len(keys), AT_ONCE), self._digest()
        _make_folder(self.folder)
        try:
            with atomic_write(self.path) as file:
                for start in tracked(blocks, len(blocks), "Drawing synthetic images"):
                    pixels = np.stack(self.draws.many(keys[start : start + AT_ONCE])).tobytes()
                    digest.update(pixels)
                    file.write(pixels)
                file.write(digest.digest())
        except OutputError:
            # Another process, such as the next rank of a distributed run, may have been quicker, and have mapped it.
            found = self._found()
            if found is None:
                raise
            return found
        return self._found()

    def _digest(self, pixels: Any = b"") -> "hashlib._Hash":
        digest = hashlib.sha256(self._setting.encode())
        digest.update(pixels)
        return digest

    def _make_room(self) -> None:
        """Delete the oldest files of other settings until all are within the bound, and what killed runs left."""
        others, room = [], self.most_bytes - self._bytes
        for path in [*self.folder.glob("ganaug-*.pixels"), *self.folder.glob(".ganaug-*.part")]:
            with suppress(OSError):  # another process deleted it first
                status = path.stat()
                if path.suffix != ".part" and path != self.path:
                    others.append((status.st_mtime, status.st_size, path))
                elif path.suffix == ".part" and time.time() - status.st_mtime > ABANDONED:
                    path.unlink()
        for _, size, path in sorted(others, reverse=True):
            if size <= room:
                room -= size
            else:
                with suppress(OSError):  # a folder that can only be read stays as it is
                    path.unlink()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_samples": None, "_looked": False}


def _fitting(counts: Mapping[Label, int], shape: Sequence[int], most_bytes: int) -> dict[Label, int]:
    """Return how many samples of each class there is room for: one, and the same part of the others."""
    size, total = int(np.prod(shape)), sum(counts.values())
    room = (most_bytes - _DIGEST_BYTES) // size
    if room >= total:
        return dict(counts)
    if room < len(counts):
        raise DataError(
            f"cache_bytes must have room for an image of each class that is filled up, {len(counts)} of {size} bytes, "
            f"but is {most_bytes}: give {len(counts) * size + _DIGEST_BYTES} or more, or no cache"
        )
    spare, wanted = room - len(counts), total - len(counts)
    fitting = {name: 1 + (count - 1) * spare // wanted for name, count in counts.items()}
    warn(
        f"cache_bytes, {most_bytes}, has room for {sum(fitting.values())} of {total} images, so that items of a class "
        f"share them: give {total * size + _DIGEST_BYTES} for all of them"
    )
    return fitting


def _check_folder(folder: Path) -> None:
    """Insist on a folder of caches, or one that is empty or not there yet."""
    try:
        with os.scandir(folder) as entries:
            # Hidden files are those being written, and what file systems and desktops leave anywhere.
            strange = [
                entry.name
                for entry in entries
                if not entry.name.startswith(".") and not (_NAME.fullmatch(entry.name) and entry.is_file())
            ]
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        what = f"cannot be read as one ({getattr(error, 'strerror', None) or error})"
    else:
        if not strange:
            return
        what = f"holds something else, such as {min(strange)!r}"
    raise DataError(
        f"cache must name a folder that a cache wrote, or that is not there yet, but {str(folder)!r} {what}: "
        "choose another place, or delete what is there"
    )


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    try:
        with atomic_folder(folder):
            pass
    except OutputError:
        if not folder.is_dir():  # otherwise another process was quicker
            raise
