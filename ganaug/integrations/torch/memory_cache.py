"""Synthetic samples kept in memory that all processes share, until they are drawn anew."""

import os
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganaug.data.sample_format import OutputForm
from ganaug.integrations.torch.epochs import shared
from ganaug.integrations.torch.sample_source import (
    DRAWN_TOGETHER,
    GeneratorSource,
    Sample,
    SampleId,
    SampleSource,
)
from ganaug.runtime.metadata import Label

__all__ = ["MemoryCache"]

MAX_BYTES = 256 * 2**20
"""Of the cache."""
MAX_CANDIDATES = 64
"""Samples looked at on either side for those to draw in advance."""
EMPTY, BEING_WRITTEN = -1, -2
"""Instead of an epoch, in a slot without a whole sample."""


class MemoryCache(SampleSource):
    """Keeps the last drawn sample of every number, in memory that forked and spawned workers share.

    A sample is drawn by the process that needs it first. Two processes may draw one sample at once without harm, as
    they draw the same.

    Parameters
    ----------
    source : GeneratorSource
        Draws the samples.
    form : tuple of shape and dtype
        The form of a sample.
    counts : mapping of label to int
        How many samples of each class there are.
    period : int
        After how many epochs the same samples of a class are drawn anew together; 1 where they never are.
    max_bytes : int
        Largest size of the cache, which also leaves half of the shared memory free. The samples without room in it are
        drawn every time.
    """

    def __init__(
        self,
        source: GeneratorSource,
        form: OutputForm,
        counts: Mapping[Label, int],
        period: int,
        *,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._source, self._period, self._counts = source, period, dict(counts)
        starts: list[int] = np.cumsum([0, *counts.values()]).tolist()
        self._starts = dict(zip(counts, starts, strict=False))
        one = torch.from_numpy(np.zeros(*form))
        n_slots = min(starts[-1], min(max_bytes, _free_shared_memory() // 2) // one.nbytes)
        self._samples = shared(torch.zeros((n_slots, *one.shape), dtype=one.dtype))
        self._epochs = shared(torch.full((n_slots,), EMPTY))

    def get_batch(self, ids: Sequence[SampleId]) -> list[Sample]:
        """Return several samples. The missing ones are drawn together, and fill up the network's last pass."""
        found = [self._read(one) for one in ids]
        missing = [position for position, sample in enumerate(found) if sample is None]
        needed = [ids[position] for position in missing]
        asked = needed + self._due_with(needed)
        drawn = self._source.get_batch(asked)
        for one, sample in zip(asked, drawn, strict=True):
            self._write(one, sample)
        for position, sample in zip(missing, drawn, strict=False):
            found[position] = sample
        return found

    def get(self, one: SampleId) -> Sample:
        """Return one sample. A missing one is drawn with those that follow it."""
        sample = self._read(one)
        return self._source.get(one) if sample is None else sample

    def _slot(self, one: SampleId) -> int:
        return self._starts[one.class_name] + one.number

    def _read(self, one: SampleId) -> NDArray[Any] | None:
        """Return a sample if its slot holds that epoch's, and did so until the sample was copied."""
        epochs, slot = self._epochs.numpy(), self._slot(one)
        if slot >= len(epochs) or epochs[slot] != one.epoch:
            return None
        sample: NDArray[Any] = self._samples.numpy()[slot].copy()
        return sample if epochs[slot] == one.epoch else None

    def _write(self, one: SampleId, sample: NDArray[Any]) -> None:
        epochs, slot = self._epochs.numpy(), self._slot(one)
        if slot < len(epochs):
            epochs[slot] = BEING_WRITTEN
            self._samples.numpy()[slot] = sample
            epochs[slot] = one.epoch

    def _due_with(self, needed: Sequence[SampleId]) -> list[SampleId]:
        """Return samples of the last class that are due in the same epoch, to fill up the network's last pass."""
        if not needed:
            return []
        last, epochs = needed[-1], self._epochs.numpy()
        due = range(last.number % self._period, self._counts[last.class_name], self._period)
        at = due.index(last.number)
        numbers = [*due[at + 1 : at + MAX_CANDIDATES], *due[:at][:MAX_CANDIDATES]]
        missing = (
            one
            for one in (last._replace(number=number) for number in numbers)
            if (slot := self._slot(one)) < len(epochs) and epochs[slot] < one.epoch and one not in needed
        )
        return list(islice(missing, -len(needed) % DRAWN_TOGETHER))

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        shared(self._samples)
        shared(self._epochs)


def _free_shared_memory() -> int:
    """Return how many bytes can be shared. The /dev/shm of a container is often small; writing beyond it kills."""
    try:
        status = os.statvfs("/dev/shm")  # noqa: S108
    except (OSError, AttributeError):
        return 2**62
    return status.f_bavail * status.f_frsize
