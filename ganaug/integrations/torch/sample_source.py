"""Numbered synthetic samples, and where a dataset gets them from."""

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ganaug.data.labels import Label
from ganaug.runtime.generator import Generator

DRAWN_TOGETHER = 8
"""Samples drawn at once where items are asked for one by one: the network takes as many in one pass."""
MAX_KEPT = 1_000
"""Samples drawn in advance that stay in memory."""
MAX_KEPT_BYTES = 64 * 2**20
"""Of these samples, where they are arrays."""

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
    """Draws samples when they are asked for. A sample depends on the seed and its id alone.

    `counts` says how many samples of each class are in use.
    """

    def __init__(self, generator: Generator, seed: int, counts: Mapping[Label, int]) -> None:
        self.generator, self.seed, self._counts = generator, seed, dict(counts)
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
        """Return one sample. The next samples of its class are drawn with it, and kept until they are asked for."""
        if one not in self._kept:
            end = min(self._counts[one.class_name], one.number + DRAWN_TOGETHER)
            ids = [one._replace(number=number) for number in range(one.number, end)]
            samples = self.get_batch(ids)
            self._kept.update(zip(ids, samples, strict=True))
            size = max(getattr(samples[0], "nbytes", 0), 1)
            while len(self._kept) > max(DRAWN_TOGETHER, min(MAX_KEPT, MAX_KEPT_BYTES // size)):
                self._kept.popitem(last=False)
        return self._kept[one]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_kept": OrderedDict()}
