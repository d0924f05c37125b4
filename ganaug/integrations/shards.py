"""Shards: the parts of a large request of samples, which the workers of a cluster draw."""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from ganaug.data.labels import Label
from ganaug.errors import DataError
from ganaug.runtime.arguments import Seed
from ganaug.runtime.generator import Generator
from ganaug.runtime.latent import Batch

MAX_BYTES = 32 * 2**20
"""Memory of the samples of a shard, about."""
MAX_TASKS = 1000
"""Tasks of a request if the caller gives no number: more would burden the head of a cluster."""
MAX_SAMPLES = 10**15
"""Samples of one request."""


class Shards:
    """A request of samples in numbered shards.

    A shard depends on the model, the request and its number alone. So the samples do not depend on the number of
    workers, and a shard that is lost can be drawn again. A process keeps the last model that it has unpickled, so that
    several shards share its session.

    Parameters
    ----------
    generator : Generator
        What draws the samples.
    n : int or mapping
        The number of samples in all, equally many of each class as far as possible; or ``{label: count}``.
    seed, where, screened
        As in `Generator.sample`. A seed that is None is drawn once, here.

    Raises
    ------
    DataError
        If an argument is not valid, or the classes are of several types.
    """

    def __init__(
        self, generator: Generator, n: int | Mapping[Any, int], seed: Seed, where: Any, *, screened: bool
    ) -> None:
        if not isinstance(generator, Generator):
            raise DataError(
                f"generator must be a Generator, but is {generator!r:.80}: read the model file with "
                "Generator.load('model.onnx')"
            )
        if len({type(label) for label in generator.classes}) > 1:
            raise DataError("the labels must all be texts, or all numbers, but are mixed: fit a model to such labels")
        self.generator = generator
        self._counts = _counts(generator, n)
        generator.stream(1, seed=seed, where=where)  # draws nothing, but checks the seed and the conditions
        self._seed = (np.random.SeedSequence().entropy,) if seed is None else tuple(np.atleast_1d(seed).tolist())
        self._where, self._screened = where, screened
        self._number = max(1, math.ceil(sum(self._counts.values()) / _shard_size(generator)))

    def __len__(self) -> int:
        return self._number

    def tasks(self, wanted: int | None, name: str) -> int:
        """Return the number of tasks that draw the shards; `DataError` if it is not valid, which names the argument."""
        if wanted is None:
            return min(len(self), MAX_TASKS)
        if isinstance(wanted, bool) or not isinstance(wanted, int | np.integer) or wanted < 1:
            raise DataError(f"{name} must be a whole number, 1 or more, but is {wanted!r:.80}: leave it out")
        return min(len(self), int(wanted))

    def counts(self, number: int) -> dict[Label, int]:
        """Return how many samples of each class are in a shard.

        Each class is divided evenly, and begins at another place, so that classes with few samples do not meet in one
        shard.
        """
        counts: dict[Label, int] = {}
        for place, (label, count) in enumerate(self._counts.items()):
            offset = place * self._number // len(self._counts)
            first, last = ((count * end + offset) // self._number for end in (number, number + 1))
            counts[label] = last - first
        return counts

    def draw(self, number: int) -> Batch:
        """Draw the samples of a shard and their labels, as `Generator.sample` does."""
        seed = (*self._seed, number)
        return self.generator.sample(self.counts(number), seed, self._where, screened=self._screened)

    def columns(self, number: int) -> Any:
        """Draw a shard as `SampleFormat.columns` has it."""
        return self.generator.format.columns(*self.draw(number))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "generator": self.generator.to_bytes()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ = {**state, "generator": _unpickled(state["generator"])}


@lru_cache(maxsize=1)
def _unpickled(data: bytes) -> Generator:
    return Generator(data)


def _counts(generator: Generator, n: int | Mapping[Any, int]) -> dict[Label, int]:
    """Return the number of samples of each class; `DataError` if `n` is not valid."""
    classes = generator.classes
    if not isinstance(n, Mapping):
        total = _checked(n, "the number of samples")
        return {label: total // len(classes) + (place < total % len(classes)) for place, label in enumerate(classes)}
    generator.sample(dict.fromkeys(n, 0))  # checks the labels
    counts = {label: _checked(count, f"the count of {label!r}") for label, count in n.items()}
    _checked(sum(counts.values()), "the number of samples")
    return counts


def _checked(value: Any, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value <= MAX_SAMPLES:
        raise DataError(f"{what} must be a whole number from 0 to {MAX_SAMPLES:,}, but is {value!r}")
    return int(value)


def _shard_size(generator: Generator) -> int:
    """Return the samples of a shard. It depends on the form of the samples alone."""
    form = generator.format
    bytes_each = sum(math.prod(shape) * np.dtype(dtype).itemsize for shape, dtype in form.outputs.values())
    return max(1, min(form.shard_passes * form.pass_size, MAX_BYTES // max(1, bytes_each)))
