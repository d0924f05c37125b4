"""What networks learn from: samples on a device, the class index of each, and batches of both."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from ganaug.compute.draws import Random, drawn, normal, own_rows, rows_of_all, whole

CLASS_POWER = 0.5
"""Classes are drawn with probability proportional to their size to this power: between natural (1) and uniform (0)."""
PART_NUMBERS = 2**23
"""Numbers in each part that `Samples.parts_of_class` yields: 32 MB as float32."""


@dataclass(frozen=True)
class Batch:
    """Real samples (B, ...), their class indices (B,), and the source of all randomness of the step."""

    real: Tensor
    label: Tensor
    noise_dim: int
    random: Random
    progress: float = 0.0
    """How much of the run is done, from 0 to 1."""

    def noise(self) -> Tensor:
        """Draw standard normal noise of shape (B, noise_dim)."""
        return normal((len(self.label), self.noise_dim), self.random).to(self.label.device)

    def noise_by_class(self, shared: int) -> Tensor:
        """Draw noise as `noise` does, whose first `shared` numbers all samples of one class have in common."""
        count = rows_of_all(len(self.label), self.random)
        noise = torch.randn(count, self.noise_dim, generator=whole(self.random)).to(self.label.device)
        by_class, noise = noise[self.label % count, :shared], own_rows(noise, self.random)
        noise[:, :shared] = by_class
        return noise


@dataclass(frozen=True)
class Samples(ABC):
    """Samples of shape (N, ...) as they are stored, and their class indices (N,)."""

    values: Tensor
    label: Tensor
    n_classes: int

    @abstractmethod
    def inputs(self, rows: Tensor) -> Tensor:
        """Return the samples of these rows as the networks see them, float32 (len(rows), ...)."""

    def __len__(self) -> int:
        return len(self.label)

    def of_class(self, value: int, most: int) -> Tensor:
        """Return at most `most` samples of one class as the networks see them."""
        return torch.cat([*self.parts_of_class(value, most)])

    def parts_of_class(self, value: int, most: int) -> Iterator[Tensor]:
        """Yield what `of_class` returns, in one or more parts that fit in memory."""
        rows = self.rows_of_class[value][:most]
        return map(self.inputs, torch.split(rows, max(1, PART_NUMBERS // max(1, math.prod(self.values.shape[1:])))))

    def downscaled(self, side: int) -> Self:  # noqa: ARG002
        """Return the samples, with images downscaled to at most `side` pixels; other samples are returned unchanged."""
        return self

    def subset(self, rows: Tensor) -> Self:
        """Return some of the samples. The number of classes stays, even where a class loses all of its samples."""
        return replace(self, values=self.values[rows], label=self.label[rows])

    def thinned(self, most: int, random: torch.Generator) -> Self:
        """Return all samples, or if there are more than `most`, random ones: equally many of each class at most."""
        if len(self) <= most:
            return self
        share, device = max(1, most // self.n_classes), self.label.device
        kept = [rows[torch.randperm(len(rows), generator=random)[:share].to(device)] for rows in self.rows_of_class]
        return self.subset(torch.cat(kept).sort().values)

    def draw(self, count: int, random: Random) -> tuple[Tensor, Tensor]:
        """Draw samples and their labels with replacement; rare classes come more often than their share."""
        rows = self._drawn_rows(count, random)
        return self.inputs(rows), self.label[rows]

    def _drawn_rows(self, count: int, random: Random) -> Tensor:
        def draw(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
            return torch.multinomial(self._weights, shape[0], replacement=True, generator=generator)

        return drawn(draw, (count,), random).to(self.label.device)

    @cached_property
    def rows_of_class(self) -> tuple[Tensor, ...]:
        """The rows of each class in ascending order, all found in one pass."""
        sizes = torch.bincount(self.label, minlength=self.n_classes).tolist()
        return torch.split(self.label.sort(stable=True).indices, sizes)

    @cached_property
    def _weights(self) -> Tensor:
        """Relative probability of each sample to be drawn, (N,)."""
        sizes = torch.bincount(self.label, minlength=self.n_classes).cpu().double()  # MPS has no double
        return (sizes ** (CLASS_POWER - 1))[self.label.cpu()]
