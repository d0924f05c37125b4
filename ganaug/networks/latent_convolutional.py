"""Generator and discriminator of latents.

A cell of the latents stands for a patch of 4x4 pixels, and its neighbours have little in common with it. Both networks
therefore work at the full side of the latents, unlike those of pixels (see `ganaug.networks.convolutional`), and begin
one grid below the smallest latents, where the layout of an image is decided. Blocks, growth and warp are the same.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.networks.convolutional import (
    BENDING,
    SLOPE,
    SMALLEST,
    WIDER,
    Clip,
    DiscriminatorBlock,
    GeneratorBlock,
    NoiseParts,
    Styles,
    bending_and_drawing,
    conv,
    keep_variance,
    of_unit_power,
    resolutions,
    scaled_widths,
    shared_first,
    upsample,
)
from ganaug.networks.projection import ProjectionDiscriminator
from ganaug.networks.warp import Warp, bend

FIRST = SMALLEST // 2
"""Side of the grid on which the layout is decided."""
WIDTHS = {4: 128, 8: 64, 16: 32, 32: 32, 64: 16, 128: 16}
"""Feature channels by side of the grid: multiples of 16, which every bfloat16 convolution kernel takes."""
DRAWING_DEPTHS = {4: 2, 8: 2, 16: 2, 32: 1, 64: 1, 128: 1}
"""Convolutions in a block of the generator by side of the grid."""
DEPTHS = DRAWING_DEPTHS | {16: 1}
"""The same for the discriminator."""
FAINT = 0.2
"""Strength of a generator's first latents, as a share of the variance-preserving one."""


def grids(size: int) -> tuple[int, ...]:
    """Return the sides of the grids that networks for latents of this side work on, smallest first."""
    return (FIRST, *resolutions(size))


class LatentConvGenerator(nn.Module):
    """Maps noise and a class index to standardised latents in [-1, 1].

    Parameters and warp are those of `ConvGenerator`, with the side and the channels of the latents.
    """

    def __init__(
        self,
        n_classes: int,
        size: int,
        channels: int,
        *,
        noise_dim: int = 64,
        style_dim: int = 128,
        capacity: int = 1,
        mapping_layers: int = 2,
        shared_blocks: int = 0,
        style_mixing: float = 0.0,
    ) -> None:
        super().__init__()
        self.size, self.noise_dim, self.n_classes = size, noise_dim, n_classes
        sides, width = grids(size), scaled_widths(WIDTHS, capacity)
        self.first = width[FIRST], FIRST, FIRST  # the shape of the layout
        self.embed = nn.Embedding(n_classes, style_dim)
        self.bending = noise_dim // BENDING
        drawing = noise_dim - self.bending
        self.warp = Warp(self.bending)
        self.style = Styles(drawing, style_dim, mapping_layers, style_mixing)
        self.shared_blocks = shared_blocks
        self.seed = nn.Linear(drawing, math.prod(self.first))
        self.narrow = nn.ModuleList(nn.Conv2d(width[a], width[b], 1) for a, b in pairwise(sides))
        self.block = nn.ModuleList(GeneratorBlock(width[side], DRAWING_DEPTHS[side], style_dim) for side in sides)
        self.draw = nn.ModuleList(
            nn.Conv2d(width[side], channels, 3, padding=1, padding_mode="replicate") for side in sides[1:]
        )
        keep_variance(self)
        with torch.no_grad():
            for i, head in enumerate(self.draw):
                head.weight.mul_(0.0 if i else FAINT)  # type: ignore[operator]

    @property
    def noise_parts(self) -> NoiseParts:
        """What the numbers of the noise are for."""
        return bending_and_drawing(self.bending, self.noise_dim)

    def forward(self, noise: Tensor, label: Tensor, size: int | None = None) -> Tensor:
        """Return latents (B, channels, size, size); `size` is one of the network's `resolutions`."""
        bending, drawing = noise[:, : self.bending] * (1 if self.training else WIDER), noise[:, self.bending :]
        z = of_unit_power(drawing)
        styles = self.style(z, noise, len(self.block))
        embedding = self.embed(label) / math.sqrt(self.embed.embedding_dim)
        embeddings = shared_first(embedding, self.shared_blocks, len(self.block))
        x = self.seed(z).unflatten(1, self.first).contiguous(memory_format=torch.channels_last)
        x = self.block[0](x, styles[0], embeddings[0])
        latents = x.new_zeros(())
        for i, _ in enumerate(resolutions(size or self.size)):
            x = self.narrow[i](x)
            x = upsample(x) if i else bend(x, self.warp(bending), FIRST, by_product=not self.training)
            x = self.block[i + 1](x, styles[i + 1], embeddings[i + 1])
            drawn = self.draw[i](F.leaky_relu(x, SLOPE)).float()
            latents = upsample(latents) + drawn if i else drawn
        clipped: Tensor = Clip.apply(latents) if self.training else latents.clamp(-1, 1)  # type: ignore[no-untyped-call]
        return clipped


class LatentConvDiscriminator(ProjectionDiscriminator):
    """Maps latents and a class index to one logit (see `LatentConvGenerator` for the parameters)."""

    def __init__(self, n_classes: int, size: int, channels: int, *, feature_dim: int = 128, capacity: int = 1) -> None:
        super().__init__(n_classes, feature_dim)
        sides, width = grids(size), scaled_widths(WIDTHS, capacity)
        self.size = size
        self.begin = nn.ModuleList(conv(channels, width[side]) for side in sides[1:])
        self.block = nn.ModuleList(DiscriminatorBlock(width[side], DEPTHS[side]) for side in sides)
        self.widen = nn.ModuleList(
            conv(width[fine], width[coarse], kernel=1, zero=coarse > FIRST) for coarse, fine in pairwise(sides)
        )
        self.squeeze = nn.Conv2d(width[FIRST], width[FIRST] // 2, 1)
        self.flatten = nn.Linear(width[FIRST] // 2 * FIRST**2, feature_dim)
        keep_variance(self)

    def features(self, latents: Tensor) -> Tensor:
        """Return features of latents (B, C, H, W) that do not depend on the label, (B, feature_dim)."""
        stage = len(resolutions(latents.shape[-1])) - 1
        x = self._begun(latents, stage)
        for i in reversed(range(stage + 1)):
            x = self.widen[i](F.avg_pool2d(self.block[i + 1](x), 2))
            if i:
                latents = F.avg_pool2d(latents, 2)
                x = x + self._begun(latents, i - 1)
        x = self.block[0](x)
        x = F.leaky_relu(self.squeeze(F.leaky_relu(x, SLOPE)), SLOPE)
        return F.leaky_relu(self.flatten(x.flatten(1)), SLOPE).float()

    def _begun(self, latents: Tensor, stage: int) -> Tensor:
        return F.leaky_relu(self.begin[stage](latents.contiguous(memory_format=torch.channels_last)), SLOPE)
