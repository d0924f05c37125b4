"""Synthetic images that all processes share: drawn by whichever needs one first, and kept until it is due anew."""

import os
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganaug.integrations.torch.arguments import shared
from ganaug.integrations.torch.drawing import AHEAD, Draws, Key
from ganaug.runtime.metadata import Label

__all__ = ["POOL_BYTES", "PooledDraws"]

POOL_BYTES = 256 * 2**20
LOOKED_AT = 64
"""So many samples are looked at for those that are due."""
EMPTY, BEING_WRITTEN = -1, -2


class PooledDraws:
    """Numbered samples that are remembered in memory shared by a loader's workers, whichever way they are started.

    A sample follows from its key, so that it does not matter who draws it, and two may at once.

    Parameters
    ----------
    draws : Draws
        Draws images.
    counts : mapping of label to int
        How many samples of each class there are.
    period : int
        After how many epochs a sample is drawn anew; 0 for never.
    most_bytes : int
        Most bytes of the pool, which also leaves half of the shared memory free; what has no room is drawn every time.
    """

    def __init__(self, draws: Draws, counts: Mapping[Label, int], period: int, *, most_bytes: int = POOL_BYTES) -> None:
        self.draws, self.period, self._counts = draws, period, dict(counts)
        shape = draws.generator.image_shape
        starts = np.cumsum([0, *counts.values()]).tolist()
        self._start = dict(zip(counts, starts, strict=False))
        capacity = min(starts[-1], min(most_bytes, _free_shared_memory() // 2) // int(np.prod(shape)))
        self._pixels = shared(torch.zeros((capacity, *shape), dtype=torch.uint8))
        self._epochs = shared(torch.full((capacity,), EMPTY))

    def many(self, keys: Sequence[Key]) -> list[NDArray[np.uint8]]:
        """Return these samples; those that are missing are drawn together."""
        pixels, epochs = self._pixels.numpy(), self._epochs.numpy()
        slots = [self._start[key.name] + key.number for key in keys]
        samples = [
            _read(pixels, epochs, slot, key.epoch) if slot < len(epochs) else None
            for slot, key in zip(slots, keys, strict=True)
        ]
        missing = [at for at, sample in enumerate(samples) if sample is None]
        needed = [keys[at] for at in missing]
        asked = needed + self._ahead(needed)
        drawn = self.draws.many(asked)
        for key, sample in zip(asked, drawn, strict=True):
            slot = self._start[key.name] + key.number
            if slot < len(epochs):
                epochs[slot] = BEING_WRITTEN
                pixels[slot] = sample
                epochs[slot] = key.epoch
        for at, sample in zip(missing, drawn, strict=False):
            samples[at] = sample
        return samples  # type: ignore[return-value]

    def _ahead(self, needed: Sequence[Key]) -> list[Key]:
        """Return more samples of the last class that are due now: the network runs on `AHEAD` of them anyway."""
        if not needed:
            return []
        last, epochs = needed[-1], self._epochs.numpy()
        step = self.period or 1  # those whose turn it is when it is the last one's
        due = range(last.number % step, self._counts[last.name], step)
        at = due.index(last.number)
        keys = (last._replace(number=number) for number in [*due[at + 1 : at + LOOKED_AT], *due[:at][:LOOKED_AT]])
        room = (
            key
            for key in keys
            if (slot := self._start[key.name] + key.number) < len(epochs)
            and epochs[slot] < key.epoch
            and key not in needed
        )
        return list(islice(room, -len(needed) % AHEAD))

    def one(self, key: Key, count: int) -> NDArray[np.uint8]:
        """Return a sample; one that is missing is drawn with those that follow it."""
        slot = self._start[key.name] + key.number
        epochs = self._epochs.numpy()
        sample = _read(self._pixels.numpy(), epochs, slot, key.epoch) if slot < len(epochs) else None
        return self.draws.one(key, count) if sample is None else sample

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        shared(self._pixels)
        shared(self._epochs)


def _read(pixels: NDArray[np.uint8], epochs: NDArray[np.int64], slot: int, epoch: int) -> NDArray[np.uint8] | None:
    """Return a sample if it is of this epoch, and was so all the while it was read."""
    if epochs[slot] != epoch:
        return None
    sample = pixels[slot].copy()
    return sample if epochs[slot] == epoch else None


def _free_shared_memory() -> int:
    """Return how many bytes can be shared: a container's /dev/shm is often small, and writing beyond it kills."""
    try:
        status = os.statvfs("/dev/shm")  # noqa: S108
    except (OSError, AttributeError):
        return 2**62
    return status.f_bavail * status.f_frsize
