"""Numbered synthetic samples: any of them can be asked for, and is drawn together with what is needed next."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from ganaug.runtime.generator import Generator
from ganaug.runtime.metadata import Label

__all__ = ["Draws", "Key", "Supply"]

AHEAD = 8
"""Samples that are drawn at once where items are asked for one by one."""
KEPT = 1_000
"""Most samples drawn ahead that stay in memory."""
KEPT_BYTES = 64 * 2**20

Sample = Any
"""Pixels (H, W, C), or a row as a tuple of the columns' values."""


class Key(NamedTuple):
    """Which sample: the class, its number within the class, and the epoch."""

    name: Label
    number: int
    epoch: int


class Supply(Protocol):
    """Where numbered samples come from."""

    def many(self, keys: Sequence[Key]) -> list[Sample]:
        """Return these samples."""

    def one(self, key: Key, count: int) -> Sample:
        """Return a sample, of a class of which `count` are in use."""


class Draws:
    """Draws samples when they are asked for; each depends on the seed and its key alone.

    Parameters
    ----------
    generator : Generator
        Makes them.
    seed : int
        Decides all of them.

    Examples
    --------
    >>> draws = Draws(Generator.load("onnx_models/digits.onnx"), seed=0)  # doctest: +SKIP
    >>> draws.many([Key("3", 0, epoch=0), Key("7", 0, epoch=0)])  # doctest: +SKIP
    """

    def __init__(self, generator: Generator, seed: int) -> None:
        self.generator, self.seed = generator, seed
        self._index = {name: index for index, name in enumerate(generator.classes)}
        self._ahead: OrderedDict[Key, Sample] = OrderedDict()

    def many(self, keys: Sequence[Key]) -> list[Sample]:
        """Return these samples, drawn together."""
        if not keys:
            return []
        seeds = [(self.seed, key.epoch, self._index[key.name], key.number) for key in keys]
        X, _ = self.generator.sample_each([key.name for key in keys], seeds, screened=True)
        return list(X) if self.generator.modality == "image" else list(X.itertuples(index=False, name=None))

    def one(self, key: Key, count: int) -> Sample:
        """Return a sample; those that follow it in its class are drawn with it, and kept for when their turn comes."""
        if key not in self._ahead:
            keys = [key._replace(number=number) for number in range(key.number, min(count, key.number + AHEAD))]
            samples = self.many(keys)
            self._ahead.update(zip(keys, samples, strict=True))
            size = getattr(samples[0], "nbytes", 0)
            while len(self._ahead) > max(AHEAD, min(KEPT, KEPT_BYTES // max(size, 1))):
                self._ahead.popitem(last=False)
        return self._ahead[key]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_ahead": OrderedDict()}
