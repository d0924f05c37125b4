"""Random numbers for the rows of a batch, of which each of several processes may have a part."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor


@dataclass(frozen=True)
class SplitGenerator:
    """A source of random numbers for one of several processes, whose generators are in the same state.

    Each process draws for the whole batch, and keeps the rows `rank`, `rank + size`, ... So the processes together have
    the numbers that a single process would draw.

    Parameters
    ----------
    generator : torch.Generator
        It has the same state in every process.
    rank : int
        The number of this process.
    size : int
        The number of processes.
    """

    generator: torch.Generator
    rank: int
    size: int


Random: TypeAlias = torch.Generator | SplitGenerator
"""The source of the random numbers of a step."""


def drawn(draw: Callable[[tuple[int, ...], torch.Generator], Tensor], shape: Sequence[int], random: Random) -> Tensor:
    """Return a tensor of a shape, whose first axis is the rows of the batch, from ``draw(shape, generator)``."""
    if isinstance(random, torch.Generator):
        return draw(tuple(shape), random)
    return own_rows(draw((shape[0] * random.size, *shape[1:]), random.generator), random)


def normal(shape: Sequence[int], random: Random) -> Tensor:
    """Draw standard normal numbers.

    Examples
    --------
    >>> whole = normal((4, 2), torch.Generator().manual_seed(0))
    >>> second = normal((2, 2), SplitGenerator(torch.Generator().manual_seed(0), rank=1, size=2))
    >>> bool((second == whole[1::2]).all())
    True
    """
    return drawn(lambda shape, generator: torch.randn(shape, generator=generator), shape, random)


def uniform(shape: Sequence[int], random: Random) -> Tensor:
    """Draw uniform numbers from 0 to 1."""
    return drawn(lambda shape, generator: torch.rand(shape, generator=generator), shape, random)


def integers(high: int, shape: Sequence[int], random: Random) -> Tensor:
    """Draw whole numbers from 0 to below `high`."""
    return drawn(lambda shape, generator: torch.randint(high, shape, generator=generator), shape, random)


def whole(random: Random) -> torch.Generator:
    """Return the generator for numbers that are the same in every process."""
    return random if isinstance(random, torch.Generator) else random.generator


def rows_of_all(count: int, random: Random) -> int:
    """Return the rows of the whole batch, of which this process has `count`."""
    return count if isinstance(random, torch.Generator) else count * random.size


def own_rows(values: Tensor, random: Random) -> Tensor:
    """Return the rows of this process among those of the whole batch."""
    return values if isinstance(random, torch.Generator) else values[random.rank :: random.size].contiguous()
