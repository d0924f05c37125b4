"""Generator and discriminator of square images, made for little data and little time.

Both networks work on 2x2 patches, so that the costly convolutions never see the full grid. The discriminator begins
with a pixel unshuffle. The generator does not end with the inverse: a pixel shuffle writes the four pixels of a patch
independently, which leaves a checkerboard. Beyond its first stage the generator enlarges a few channels smoothly and
draws the pixels from these.

A network made for side S also runs at S/2, S/4, ... down to `SMALLEST`.
"""

import math
from functools import partial
from typing import Unpack

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.networks.growing import (
    Grids,
    GrowingDiscriminator,
    GrowingGenerator,
    Settings,
    clip,
    scaled_widths,
)
from ganaug.networks.mapping import SLOPE
from ganaug.networks.warp import Warp, bend

SMALLEST = 8
"""Side in pixels of the first stage."""
WIDTHS = {4: 128, 8: 64, 16: 32, 32: 32, 64: 16, 128: 16, 256: 16}
"""Feature channels by side of the patch grid: multiples of 16, which every bfloat16 convolution kernel takes."""
DEPTHS = {4: 2, 8: 2, 16: 1, 32: 1, 64: 1, 128: 1, 256: 1}
"""Convolutions in a block by side of the patch grid: fewer on fine grids, where each costs most."""
DRAWING_DEPTHS = DEPTHS | {16: 2}
"""The same for the generator, which needs one more: details are harder to draw than to see."""
WIDER = 1.6
"""Factor on the warp's noise after training: deformations that all classes share extrapolate well."""
SKETCH = 16
"""Channels that pixels are drawn from."""


def resolutions(size: int) -> tuple[int, ...]:
    """Return the image sides that a network for `size` grows through, smallest first."""
    return tuple(SMALLEST << i for i in range(int(math.log2(size // SMALLEST)) + 1))


def grids(size: int, capacity: int, depths: dict[int, int]) -> Grids:
    """Return the grids of networks for images of this side, `capacity` times as wide as usual."""
    sides = [side // 2 for side in resolutions(size)]
    width = scaled_widths(WIDTHS, capacity)
    return Grids((sides[0],) * 2, [width[side] for side in sides], [depths[side] for side in sides], resolutions(size))


class PixelHead(nn.Module):
    """Maps features on the patch grid to pixels at twice its side, through a sketch of a few channels.

    If `sharp`, each pixel of the sketch is written independently: in the smallest images every pixel is a detail.
    Otherwise the sketch is enlarged smoothly, and cannot hold a checkerboard.
    """

    def __init__(self, width: int, channels: int, *, sharp: bool = False) -> None:
        super().__init__()
        self.sharp = sharp
        # Zeros around a sketch would draw a frame around the image.
        self.sketch = nn.Conv2d(width, SKETCH * (4 if sharp else 1), 3, padding=1, padding_mode="replicate")
        self.draw = nn.Conv2d(SKETCH, channels, 3, padding=1, padding_mode="replicate")

    def forward(self, x: Tensor) -> Tensor:
        """Return pixels (B, channels, 2H, 2W) of features (B, C, H, W)."""
        sketch = F.pixel_shuffle(self.sketch(x), 2) if self.sharp else upsample(self.sketch(x))
        pixels: Tensor = self.draw(F.leaky_relu(sketch, SLOPE))
        return pixels

    @torch.no_grad()
    def begin(self, strength: float) -> None:
        """Scale the pixels that the untrained head draws."""
        self.draw.weight.mul_(strength)


class PlanarGenerator(GrowingGenerator):
    """What the generators of images and of latents share: square maps, and a warp of the plane."""

    wider = WIDER
    memory_format = torch.channels_last

    def to_grid(self, x: Tensor, number: int, displacement: Tensor | None, *, by_product: bool) -> Tensor:  # noqa: ARG002
        """Return maps (B, C, H, W) of twice the side."""
        return upsample(x) if displacement is None else bend(x, displacement, x.shape[-1], by_product=by_product)

    def bounded(self, drawn: Tensor) -> Tensor:
        """Return values clipped to [-1, 1]."""
        return clip(drawn, training=self.training)


class PlanarDiscriminator(GrowingDiscriminator):
    """What the discriminators of images and of latents share."""

    def patches(self, sample: Tensor) -> Tensor:
        """Return square maps in the memory format of the networks."""
        return sample.contiguous(memory_format=torch.channels_last)

    def pooled(self, x: Tensor, number: int) -> Tensor:  # noqa: ARG002
        """Return maps (B, C, H, W) of half the side."""
        return F.avg_pool2d(x, 2)


class ConvGenerator(PlanarGenerator):
    """Maps noise and a class index to an image in [-1, 1].

    Parameters
    ----------
    n_classes, size, channels : int
        Number of classes; side of the full image in pixels, a power of two of 8 or more; channels of the image.
    capacity : int
        Factor on the number of channels.
    **settings
        See `GrowingGenerator`.
    """

    def __init__(
        self, n_classes: int, size: int, channels: int, *, capacity: int = 1, **settings: Unpack[Settings]
    ) -> None:
        def head(number: int, width: int) -> PixelHead:
            return PixelHead(width, channels, sharp=number == 0)

        own = grids(size, capacity, DRAWING_DEPTHS)
        super().__init__(n_classes, own, layer=square, pointwise=nn.Conv2d, head=head, warp=Warp, **settings)


class ConvDiscriminator(PlanarDiscriminator):
    """Maps an image and its class index to one logit. See `ConvGenerator` for the parameters."""

    def __init__(self, n_classes: int, size: int, channels: int, *, capacity: int = 1) -> None:
        own, stem = grids(size, capacity, DEPTHS), partial(conv, 4 * channels)
        super().__init__(n_classes, own, layer=square, pointwise=nn.Conv2d, widen=widening, stem=stem)

    def patches(self, sample: Tensor) -> Tensor:
        """Return images (B, C, H, W) as patches (B, 4C, H / 2, W / 2)."""
        return super().patches(F.pixel_unshuffle(sample, 2))


def conv(in_channels: int, out_channels: int, *, kernel: int = 3, zero: bool = False) -> nn.Conv2d:
    """Return a convolution that keeps the side of its input; with `zero`, its first output is its bias."""
    layer = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)
    if zero:
        nn.init.zeros_(layer.weight)
    return layer


def square(channels: int, *, zero: bool) -> nn.Conv2d:
    """Return a 3x3 convolution that keeps the number of channels."""
    return conv(channels, channels, zero=zero)


def widening(in_channels: int, out_channels: int, *, zero: bool) -> nn.Conv2d:
    """Return a convolution of one cell."""
    return conv(in_channels, out_channels, kernel=1, zero=zero)


def upsample(x: Tensor) -> Tensor:
    """Return maps of twice the side, interpolated bilinearly."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
