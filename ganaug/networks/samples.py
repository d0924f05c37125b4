"""What the networks learn from: samples on the device, and the class index of each."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional as F

from ganaug.data.images.pipeline import Pipeline

__all__ = ["Images", "Rows", "Samples"]

CLASS_POWER = 0.5
"""Classes are drawn with probability proportional to their size to this power: between natural (1) and uniform (0)."""
PART = 2**23
"""Numbers that `Samples.parts_of_class` gives at a time: 32 MB as float32."""


@dataclass(frozen=True)
class Samples(ABC):
    """Samples of shape (N, ...) as they are kept, and their class indices (N,)."""

    values: Tensor
    label: Tensor
    n_classes: int

    @abstractmethod
    def inputs(self, rows: Tensor) -> Tensor:
        """Return the samples of these rows as the networks see them, float32 (len(rows), ...)."""

    def __len__(self) -> int:
        return len(self.label)

    def of_class(self, value: int, most: int) -> Tensor:
        """Return at most so many samples of one class as the networks see them."""
        return torch.cat([*self.parts_of_class(value, most)])

    def parts_of_class(self, value: int, most: int) -> Iterator[Tensor]:
        """Give what `of_class` returns in parts that memory can hold, one at least."""
        rows = torch.where(self.label == value)[0][:most]
        return map(self.inputs, torch.split(rows, max(1, PART // max(1, self.values[:1].numel()))))

    def reduced(self, side: int) -> Self:  # noqa: ARG002
        """Return the samples for one who needs images of no more than this side: here, as they are."""
        return self

    def subset(self, rows: Tensor) -> Self:
        """Return some of the samples; the classes stay, even those that lose all of theirs."""
        return replace(self, values=self.values[rows], label=self.label[rows])

    def draw(self, count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return samples and their labels, drawn with replacement, rare classes more than their share."""
        rows = self._chosen(count, random)
        return self.inputs(rows), self.label[rows]

    def _chosen(self, count: int, random: torch.Generator) -> Tensor:
        return torch.multinomial(self._weights, count, replacement=True, generator=random).to(self.label.device)

    @cached_property
    def _weights(self) -> Tensor:
        """How likely each sample is to be drawn, (N,)."""
        sizes = torch.bincount(self.label, minlength=self.n_classes).cpu().double()  # MPS has no double
        return (sizes ** (CLASS_POWER - 1))[self.label.cpu()]


@dataclass(frozen=True)
class Images(Samples):
    """Images as uint8 of shape (N, C, H, W); the networks see [-1, 1], and learn from what a pipeline makes of them."""

    pipeline: Pipeline | None = None

    def inputs(self, rows: Tensor) -> Tensor:
        """Return images in [-1, 1], float32 (len(rows), C, H, W)."""
        return self.values[rows].float() / 127.5 - 1

    def reduced(self, side: int) -> Self:
        """Return images pooled to this side where theirs is larger, unless a pipeline wants them as they are."""
        factor = self.values.shape[-1] // side
        if factor <= 1 or self.pipeline is not None:
            return self
        parts = [F.avg_pool2d(part.float(), factor).round().to(torch.uint8) for part in torch.split(self.values, 256)]
        return replace(self, values=torch.cat(parts))

    def draw(self, count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return images and their labels as `Samples.draw` does, the images changed by the pipeline."""
        if self.pipeline is None:
            return super().draw(count, random)
        rows = self._chosen(count, random)
        seed = int(torch.randint(2**31, (), generator=random))
        pixels = self.pipeline(self.values[rows].cpu().permute(0, 2, 3, 1).numpy(), seed)
        images = replace(self, values=torch.from_numpy(pixels).permute(0, 3, 1, 2).to(self.values.device))
        return images.inputs(torch.arange(count, device=rows.device)), self.label[rows]


@dataclass(frozen=True)
class Rows(Samples):
    """Encoded rows of a table, float32 of shape (N, D)."""

    def inputs(self, rows: Tensor) -> Tensor:
        """Return them as they are, float32 (len(rows), D)."""
        return self.values[rows]
