"""Synthetic images kept on disk, for those who would rather draw them once: an array that is mapped, and what it is."""

import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.drawing import Draws, Key
from ganaug.data.progress import tracked
from ganaug.errors import DataError, GanaugWarning, OutputError
from ganaug.files import StrPath, atomic_folder
from ganaug.metadata import Label

__all__ = ["CACHE_BYTES", "CachedDraws"]

CACHE_BYTES = 256 * 2**20
ABOUT, SAMPLES = "cache.json", "samples.npy"
AT_ONCE = 256
_MAX_JSON_BYTES = 2**22


class CachedDraws:
    """Numbered samples out of a folder, which is filled if it is not there or holds others.

    Parameters
    ----------
    folder : path-like
        Where the cache is: two files, an array of pixels and JSON. Of what is found there nothing is believed: if
        it is a cache but of another generator, seed or size, or a damaged one, it is drawn anew.
    draws : Draws
        Draws them.
    counts : mapping of label to int
        How many samples of each class there are to be.
    most_bytes : int
        Most bytes of pixels; where they do not suffice, every class keeps the same part of its samples, one at least.

    Raises
    ------
    DataError
        If the folder holds anything else, or the generator makes tables, whose rows are drawn faster than read.
    OutputError
        If it cannot be written.
    """

    def __init__(self, folder: StrPath, draws: Draws, counts: Mapping[Label, int], *, most_bytes: int) -> None:
        if draws.generator.modality != "image":
            raise DataError("cache must be None for a generator of tables: rows are as quickly drawn as read")
        self.folder, self.draws = Path(folder), draws
        shape = draws.generator.image_shape
        share = min(1.0, most_bytes / max(1, sum(counts.values()) * int(np.prod(shape))))
        self.counts = {name: max(1, int(count * share)) for name, count in counts.items() if count}
        starts = np.cumsum([0, *self.counts.values()]).tolist()
        self._start = dict(zip(self.counts, starts, strict=False))
        self._shape = (starts[-1], *shape)
        self._about = {
            "ganaug_cache": 1,
            "model": hashlib.sha256(draws.generator.to_bytes()).hexdigest(),
            "seed": draws.seed,
            "counts": [[str(name), count] for name, count in self.counts.items()],
            "shape": list(self._shape),
        }
        self._samples: NDArray[np.uint8] | None = self._found()
        if self._samples is None:
            self._samples = self._filled()

    def many(self, keys: Sequence[Key]) -> list[NDArray[np.uint8]]:
        """Return these samples, whatever their epoch."""
        if self._samples is None:  # in a worker that was spawned
            self._samples = self._mapped()
        places = [self._start[key.name] + key.number % self.counts[key.name] for key in keys]
        return [np.array(self._samples[place]) for place in places]

    def one(self, key: Key, count: int) -> NDArray[np.uint8]:  # noqa: ARG002
        """Return a sample."""
        return self.many([key])[0]

    def _found(self) -> NDArray[np.uint8] | None:
        """Return the samples that are there, if they are those that are wanted."""
        if not self.folder.exists():
            return None
        about = _about(self.folder)
        if {key: about.get(key) for key in self._about} != self._about:
            return None
        try:
            if about.get("sha256") == _digest(self.folder / SAMPLES):
                return self._mapped()
        except (OSError, DataError):
            pass
        warnings.warn(f"the cache {self.folder} is damaged, and is drawn anew", GanaugWarning, stacklevel=5)
        return None

    def _mapped(self) -> NDArray[np.uint8]:
        try:
            samples: NDArray[np.uint8] = np.load(self.folder / SAMPLES, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise DataError(f"the cache {self.folder} cannot be read ({error}): delete it") from error
        if samples.dtype != np.uint8 or samples.shape != self._shape:
            raise DataError(f"the cache {self.folder} has changed while it was in use: delete it")
        return samples

    def _filled(self) -> NDArray[np.uint8]:
        keys = [Key(name, number, 0) for name, count in self.counts.items() for number in range(count)]
        blocks = range(0, len(keys), AT_ONCE)
        try:
            with atomic_folder(self._cleared()) as folder:
                samples = np.lib.format.open_memmap(folder / SAMPLES, mode="w+", dtype=np.uint8, shape=self._shape)
                for start in tracked(blocks, len(blocks), "Drawing synthetic images"):
                    block = keys[start : start + AT_ONCE]
                    samples[start : start + len(block)] = self.draws.many(block)
                samples.flush()
                about = self._about | {"sha256": _digest(folder / SAMPLES)}
                (folder / ABOUT).write_text(json.dumps(about))
        except OutputError:
            # Another process, such as the next rank of a distributed run, may have been quicker.
            found = self._found()
            if found is None:
                raise
            return found
        return self._mapped()

    def _cleared(self) -> Path:
        """Take away an old cache, and nothing else."""
        if self.folder.exists():
            for name in (SAMPLES, ABOUT):
                (self.folder / name).unlink(missing_ok=True)
        return self.folder

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_samples": None}


def _about(folder: Path) -> dict[str, Any]:
    """Return what a cache says of itself; `DataError` for anything that is none."""
    try:
        names = {path.name for path in folder.iterdir()}
        if not names:
            return {}
        text = (folder / ABOUT).read_bytes()[:_MAX_JSON_BYTES] if names <= {ABOUT, SAMPLES} else b""
        about = json.loads(text)
    except (OSError, ValueError, RecursionError):
        about = None
    if not isinstance(about, dict) or "ganaug_cache" not in about:
        raise DataError(
            f"cache must name a folder that a cache wrote, or that is not there yet, but {str(folder)!r} holds "
            "something else: choose another place, or delete what is there"
        )
    return about


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
