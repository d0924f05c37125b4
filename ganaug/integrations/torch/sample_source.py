"""Numbered synthetic samples, and where a dataset gets them from: the generator, or memory that processes share."""

import os
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ganaug.data.labels import Label
from ganaug.data.sample_format import OutputForm
from ganaug.integrations.torch.epochs import RedrawSchedule, shared
from ganaug.runtime.generator import Generator

DRAWN_TOGETHER = 8
"""Samples drawn at once where items are asked for one by one: the network takes as many in one pass."""
MAX_KEPT = 1_000
"""Samples drawn in advance that stay in memory."""
MAX_KEPT_BYTES = 64 * 2**20
"""Largest size in bytes of these samples, if they are arrays."""
MAX_SHARED_BYTES = 256 * 2**20
"""Largest size in bytes of the samples in shared memory."""
MAX_CANDIDATES = 64
"""Samples on either side that are considered for drawing in advance."""
# Values in place of an epoch, for a slot without a whole sample.
EMPTY = -1
BEING_WRITTEN = -2

Sample = Any
"""An image, uint8 (H, W, C), or a row as a tuple of the columns' values."""


class SampleId(NamedTuple):
    """Which sample: its class, its number within the class, and the epoch in which it is drawn."""

    class_name: Label
    number: int
    epoch: int


class SampleSource(ABC):
    """Where numbered samples come from."""

    @abstractmethod
    def get_batch(self, ids: Sequence[SampleId]) -> list[Sample]:
        """Return several samples."""

    def get(self, one: SampleId) -> Sample:
        """Return one sample."""
        return self.get_batch([one])[0]


class GeneratorSource(SampleSource):
    """Draws samples when asked for, each from the seed and its id alone; `counts` samples of each class are in use."""

    def __init__(self, generator: Generator, seed: int, counts: Mapping[Label, int]) -> None:
        self.generator, self.seed, self.counts = generator, seed, dict(counts)
        self._class_index = {name: index for index, name in enumerate(generator.classes)}
        self._kept: OrderedDict[SampleId, Sample] = OrderedDict()

    def get_batch(self, ids: Sequence[SampleId]) -> list[Sample]:
        """Return several samples, drawn together."""
        if not ids:
            return []
        seeds = [(self.seed, one.epoch, self._class_index[one.class_name], one.number) for one in ids]
        samples, _ = self.generator.sample_each([one.class_name for one in ids], seeds, screened=True)
        return list(self.generator.format.listed(samples))

    def get(self, one: SampleId) -> Sample:
        """Return one sample. The next samples of its class are drawn with it, and the last drawn ones are kept."""
        if one not in self._kept:
            end = min(self.counts[one.class_name], one.number + DRAWN_TOGETHER)
            ids = [one._replace(number=number) for number in range(one.number, end)]
            samples = self.get_batch(ids)
            self._kept.update(zip(ids, samples, strict=True))
            size = max(getattr(samples[0], "nbytes", 0), 1)
            while len(self._kept) > max(DRAWN_TOGETHER, min(MAX_KEPT, MAX_KEPT_BYTES // size)):
                self._kept.popitem(last=False)
        return self._kept[one]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_kept": OrderedDict()}


class MemoryCache(SampleSource):
    """Keeps the last drawn sample of every number, in at most half of the shared memory that is free.

    A sample is drawn by the process that needs it first. Two processes may draw one sample at once without harm, as
    they draw the same. Samples without room are drawn every time.
    """

    def __init__(self, source: GeneratorSource, form: OutputForm, schedule: RedrawSchedule) -> None:
        self._source, self._schedule, counts = source, schedule, source.counts
        one = torch.from_numpy(np.zeros(*form))
        n_slots = min(sum(counts.values()), min(MAX_SHARED_BYTES, _free_shared_memory() // 2) // one.nbytes)
        self._samples = shared(torch.zeros((n_slots, *one.shape), dtype=one.dtype))
        self._epochs = shared(torch.full((n_slots,), EMPTY))

    def get_batch(self, ids: Sequence[SampleId]) -> list[Sample]:
        """Return several samples. The missing ones are drawn together, and fill up the network's last pass."""
        samples, epochs = self._samples.numpy(), self._epochs.numpy()
        found = [_read(samples, epochs, self._slot(one), one.epoch) for one in ids]
        missing = [position for position, sample in enumerate(found) if sample is None]
        if not missing:
            return found
        needed = [ids[position] for position in missing]
        asked = needed + self._due_with(needed)
        drawn = self._source.get_batch(asked)
        for one, sample in zip(asked, drawn, strict=True):
            if (slot := self._slot(one)) < len(epochs):
                epochs[slot] = BEING_WRITTEN
                samples[slot] = sample
                epochs[slot] = one.epoch
        for position, sample in zip(missing, drawn, strict=False):
            found[position] = sample
        return found

    def get(self, one: SampleId) -> Sample:
        """Return one sample. A missing one is drawn with those that follow it."""
        sample = _read(self._samples.numpy(), self._epochs.numpy(), self._slot(one), one.epoch)
        return self._source.get(one) if sample is None else sample

    def _slot(self, one: SampleId) -> int:
        return self._schedule.starts[one.class_name] + one.number

    def _due_with(self, needed: Sequence[SampleId]) -> list[SampleId]:
        """Return samples of the last class that are due in the same epoch, to fill up the network's last pass."""
        last, epochs, period = needed[-1], self._epochs.numpy(), self._schedule.period
        due = range(last.number % period, self._source.counts[last.class_name], period)
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


def _read(samples: NDArray[Any], epochs: NDArray[np.int64], slot: int, epoch: int) -> NDArray[Any] | None:
    """Return a copy of the sample in a slot; None if the slot's epoch is another one, before or after the copying."""
    if slot >= len(epochs) or epochs[slot] != epoch:
        return None
    sample = samples[slot].copy()
    return sample if epochs[slot] == epoch else None


def _free_shared_memory() -> int:
    """Return how many bytes can be shared. A container's /dev/shm is often small; a write beyond it is fatal."""
    try:
        status = os.statvfs("/dev/shm")  # noqa: S108
    except (OSError, AttributeError):
        return 2**62
    return status.f_bavail * status.f_frsize
