"""Generator and discriminator of latents.

A cell of the latents stands for a patch of 4x4 pixels, and its neighbours have little in common with it. Both networks
therefore work at the full side of the latents, unlike those of pixels (see `ganaug.networks.convolutional`), and begin
one grid below the smallest latents, where the layout of an image is decided.
"""

from functools import partial
from typing import Unpack

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.networks.convolutional import (
    SMALLEST,
    PlanarDiscriminator,
    PlanarGenerator,
    conv,
    resolutions,
    square,
    widening,
)
from ganaug.networks.growing import Grids, Settings, scaled_widths
from ganaug.networks.mapping import SLOPE
from ganaug.networks.warp import Warp

FIRST = SMALLEST // 2
"""Side of the grid on which the layout is decided."""
WIDTHS = {4: 128, 8: 64, 16: 32, 32: 32, 64: 16, 128: 16}
"""Feature channels by side of the grid: multiples of 16, which every bfloat16 convolution kernel takes."""
DRAWING_DEPTHS = {4: 2, 8: 2, 16: 2, 32: 1, 64: 1, 128: 1}
"""Convolutions in a block of the generator by side of the grid."""
DEPTHS = DRAWING_DEPTHS | {16: 1}
"""The same for the discriminator."""


def grids(size: int, capacity: int, depths: dict[int, int]) -> Grids:
    """Return the grids of networks for latents of this side, `capacity` times as wide as usual."""
    sides, width = (FIRST, *resolutions(size)), scaled_widths(WIDTHS, capacity)
    return Grids((FIRST, FIRST), [width[side] for side in sides], [depths[side] for side in sides], resolutions(size))


class LatentHead(nn.Conv2d):
    """Maps features to latents on the same grid."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__(width, channels, 3, padding=1, padding_mode="replicate")

    def forward(self, x: Tensor) -> Tensor:
        """Return latents (B, channels, H, W) of features (B, C, H, W)."""
        return super().forward(F.leaky_relu(x, SLOPE))

    @torch.no_grad()
    def begin(self, strength: float) -> None:
        """Scale the latents that the untrained head draws."""
        self.weight.mul_(strength)


class LatentConvGenerator(PlanarGenerator):
    """Maps noise and a class index to standardised latents in [-1, 1].

    Parameters are those of `ConvGenerator`, with the side and the channels of the latents.
    """

    def __init__(
        self, n_classes: int, size: int, channels: int, *, capacity: int = 1, **settings: Unpack[Settings]
    ) -> None:
        def head(_: int, width: int) -> LatentHead:
            return LatentHead(width, channels)

        own = grids(size, capacity, DRAWING_DEPTHS)
        super().__init__(n_classes, own, layer=square, pointwise=nn.Conv2d, head=head, warp=Warp, **settings)


class LatentConvDiscriminator(PlanarDiscriminator):
    """Maps latents and a class index to one logit (see `LatentConvGenerator` for the parameters)."""

    def __init__(self, n_classes: int, size: int, channels: int, *, capacity: int = 1) -> None:
        own, stem = grids(size, capacity, DEPTHS), partial(conv, channels)
        super().__init__(n_classes, own, layer=square, pointwise=nn.Conv2d, widen=widening, stem=stem)
