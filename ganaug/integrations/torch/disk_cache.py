"""Synthetic samples kept on disk, so that they are drawn once: a folder of files that are mapped into memory."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.labels import Label
from ganaug.errors import DataError, OutputError, warn
from ganaug.files import StrPath, atomic_folder, atomic_write, delete_abandoned, open_regular
from ganaug.integrations.torch.progress import tracked
from ganaug.integrations.torch.sample_source import GeneratorSource, Sample, SampleId, SampleSource

CACHE_BYTES = 256 * 2**20
"""Largest size of all files in the folder, unless another is given."""
BATCH_SIZE = 256
"""Samples drawn and written at once."""

_FORMAT = 2  # number of the file format, a part of the settings
_NAME = re.compile(r"ganaug-[0-9a-f]{16}\.pixels")
_DIGEST_BYTES = hashlib.sha256().digest_size


class DiskCache(SampleSource):
    """Reads numbered samples from a file, and writes this file if it does not exist. Epochs are ignored.

    The name of the file is derived from the generator, the seed and the counts, so that the caches of several settings
    can lie in one folder. The file ends with the SHA-256 digest of the settings and the samples. A file whose digest
    differs is drawn anew, with a warning.

    Older files of other settings are deleted so that the folder takes at most `max_bytes`. If this file alone would be
    larger, every class keeps about the same part of its samples, and at least one, with a warning. If an unpickled copy
    of this object finds that its file was deleted, it draws the same samples as they are needed.
    """

    def __init__(self, folder: StrPath, source: GeneratorSource, max_bytes: int) -> None:
        form = source.generator.format.cached_form
        if form is None:
            raise DataError(
                f"cache must be None for a generator of {source.generator.format.noun}, which are drawn as fast as "
                "they are read: leave it out"
            )
        self.folder, self._source, self._max_bytes = Path(folder), source, max_bytes
        shape, self._dtype = form
        size = int(np.prod(shape)) * np.dtype(self._dtype).itemsize
        self.counts = _fitting({name: count for name, count in source.counts.items() if count}, size, max_bytes)
        starts = np.cumsum([0, *self.counts.values()]).tolist()
        self._starts, self._shape = dict(zip(self.counts, starts, strict=False)), (starts[-1], *shape)
        self._bytes = starts[-1] * size + _DIGEST_BYTES
        model = hashlib.sha256(source.generator.to_bytes()).hexdigest()
        settings = [_FORMAT, model, source.seed, [[str(name), count] for name, count in self.counts.items()]]
        self._settings = hashlib.sha256(json.dumps(settings).encode()).hexdigest()
        self.path = self.folder / f"ganaug-{self._settings[:16]}.pixels"
        _check_folder(self.folder)
        self._samples, self._is_open = self._opened(), True
        if self._samples is None:
            self._make_room()
            self._samples = self._written()
        self._make_room()  # again, as other processes may have written their files at the same time

    def get_batch(self, ids: Sequence[SampleId]) -> list[Sample]:
        """Return several samples, whatever their epoch."""
        ids = [one._replace(number=one.number % self.counts[one.class_name], epoch=0) for one in ids]
        if not self._is_open:  # in a spawned worker
            self._samples, self._is_open = self._opened(), True
            if self._samples is None:
                warn(f"the cache {self.path} has changed while it was in use: its images are drawn when needed")
        if self._samples is None:
            return self._source.get_batch(ids)
        return [np.array(self._samples[self._starts[one.class_name] + one.number]) for one in ids]

    def _opened(self) -> NDArray[Any] | None:
        """Map the file, and return its samples; None if it does not exist or is damaged."""
        try:
            with open_regular(self.path) as file:
                content = np.memmap(file, np.uint8, "r")
        except FileNotFoundError:
            return None
        except (OSError, ValueError):  # without permission, or empty
            content = None
        if content is not None and len(content) == self._bytes:
            samples, digest = content[:-_DIGEST_BYTES], hashlib.sha256(self._settings.encode())
            digest.update(samples.data)
            if content[-_DIGEST_BYTES:].tobytes() == digest.digest():
                return samples.view(self._dtype).reshape(self._shape)
        warn(f"the cache {self.path} is damaged, and is drawn anew")
        return None

    def _written(self) -> NDArray[Any] | None:
        """Write the file, and return its samples; None if another process has already deleted it."""
        ids = [SampleId(name, number, 0) for name, count in self.counts.items() for number in range(count)]
        starts, digest = range(0, len(ids), BATCH_SIZE), hashlib.sha256(self._settings.encode())
        try:
            if not self.folder.is_dir():
                with atomic_folder(self.folder):
                    pass
        except OutputError:
            if not self.folder.is_dir():  # if it is one, another process made it first
                raise
        try:
            with atomic_write(self.path) as file:
                for start in tracked(starts, len(starts), "Drawing synthetic images"):
                    content = np.stack(self._source.get_batch(ids[start : start + BATCH_SIZE])).tobytes()
                    digest.update(content)
                    file.write(content)
                file.write(digest.digest())
        except OutputError:
            # Another process, such as another rank of a distributed run, may have written and mapped the file first.
            samples = self._opened()
            if samples is None:
                raise
            return samples
        return self._opened()

    def _make_room(self) -> None:
        """Keep the newest files of other settings that fit in `max_bytes`; delete partial files of killed runs."""
        delete_abandoned(self.folder)
        others, room = [], self._max_bytes - self._bytes
        for path in self.folder.glob("ganaug-*.pixels"):
            with suppress(OSError):  # another process deleted the file first
                status = path.stat()
                if path != self.path:
                    others.append((status.st_mtime, status.st_size, path))
        for _, size, path in sorted(others, reverse=True):
            if size <= room:
                room -= size
            else:
                with suppress(OSError):  # a read-only folder stays as it is
                    path.unlink()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_samples": None, "_is_open": False}


def _fitting(counts: Mapping[Label, int], size: int, max_bytes: int) -> dict[Label, int]:
    """Return how many samples of each class there is room for: one, and the same part of the others."""
    total = sum(counts.values())
    room = (max_bytes - _DIGEST_BYTES) // size
    if room >= total:
        return dict(counts)
    if room < len(counts):
        raise DataError(
            f"cache_bytes must have room for an image of each class that is filled up, {len(counts)} of {size} bytes, "
            f"but is {max_bytes}: give {len(counts) * size + _DIGEST_BYTES} or more, or no cache"
        )
    spare, wanted = room - len(counts), total - len(counts)
    fitting = {name: 1 + (count - 1) * spare // wanted for name, count in counts.items()}
    warn(
        f"cache_bytes, {max_bytes}, has room for {sum(fitting.values())} of {total} images, so that items of a class "
        f"share them: give {total * size + _DIGEST_BYTES} for all of them"
    )
    return fitting


def _check_folder(folder: Path) -> None:
    """Insist on a folder that holds nothing but caches, or that is empty or does not exist yet."""
    try:
        # Hidden files are partial caches, or files that file systems and desktops write anywhere.
        visible = [path for path in folder.iterdir() if not path.name.startswith(".")]
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        what = f"cannot be read as one ({getattr(error, 'strerror', None) or error})"
    else:
        strange = [path.name for path in visible if not (_NAME.fullmatch(path.name) and path.is_file())]
        if not strange:
            return
        what = f"holds something else, such as {min(strange)!r}"
    raise DataError(
        f"cache must name a folder that a cache wrote, or that does not exist yet, but {str(folder)!r} {what}: "
        "choose another folder, or delete its content"
    )
