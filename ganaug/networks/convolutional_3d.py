"""Generator and discriminator of clips: the ideas of `ganaug.networks.convolutional` with one more dimension.

Both networks work on patches of 2x2 pixels of one frame, so that the costly convolutions never see the full grid. A
convolution is factorised: one in the plane of a frame, then one along the time ((2+1)-d, Tran et al. 2018), which costs
less than half of a full one.

Both grow, in the plane and in time: a network for clips of T frames of side S also runs at T/2 and S/2, ... Each stage
begins as a resampled skip path. One warp of the plane, learned from all classes, bends all frames alike.
"""

from functools import partial
from typing import Literal, NamedTuple, Unpack

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.networks.convolutional import resolutions
from ganaug.networks.growing import Grids, GrowingDiscriminator, GrowingGenerator, Settings, clip
from ganaug.networks.mapping import SLOPE
from ganaug.networks.warp import Warp, bend

MIN_FRAMES = 4
"""Frames of the first stage, unless a clip has fewer."""
WIDTHS = {4: 96, 8: 48, 16: 24, 32: 16}
"""Feature channels by side of the patch grid: multiples of 8, which every convolution kernel takes."""
DEPTHS = {4: 2, 8: 1, 16: 1, 32: 1}
"""Factorised convolutions in a block by side of the patch grid: fewer on fine grids, where each costs most."""
SKETCH = 12
"""Channels that pixels are drawn from."""


class Stages(NamedTuple):
    """The sides and the numbers of frames that networks grow through, smallest first."""

    sides: tuple[int, ...]
    frames: tuple[int, ...]

    @classmethod
    def of(cls, frames: int, side: int) -> "Stages":
        """Return the stages of clips of this shape. The time doubles in the last stages, and not in the first ones.

        Examples
        --------
        >>> Stages.of(8, 32)
        Stages(sides=(8, 16, 32), frames=(4, 4, 8))
        """
        sides = resolutions(side)
        counts = [max(min(MIN_FRAMES, frames), frames >> i) for i in reversed(range(len(sides)))]
        return cls(sides, tuple(counts))

    @property
    def grids(self) -> Grids:
        """The grids of the networks, of patches of 2x2 pixels."""
        sides = [side // 2 for side in self.sides]
        first = self.frames[0], sides[0], sides[0]
        return Grids(first, [WIDTHS[side] for side in sides], [DEPTHS[side] for side in sides], self.sides)

    def doubles(self, number: int) -> bool:
        """Return whether the grid of this number has twice the frames of the grid before it."""
        return self.frames[number] > self.frames[number - 1]


class FactorisedConv(nn.Module):
    """A 3x3 convolution in the plane, and one of three frames; with `zero`, the first output is the bias."""

    def __init__(self, channels: int, *, zero: bool = False) -> None:
        super().__init__()
        self.plane, self.time = conv(channels, channels, kernel=(1, 3, 3)), conv(channels, channels, kernel=(3, 1, 1))
        if zero:
            nn.init.zeros_(self.time.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return features (B, C, T, H, W)."""
        features: Tensor = self.time(F.leaky_relu(self.plane(x), SLOPE))
        return features


class PixelHead(nn.Module):
    """Maps features on the patch grid to pixels, through a sketch of a few channels, as `convolutional.PixelHead`."""

    def __init__(self, width: int, channels: int, *, sharp: bool = False) -> None:
        super().__init__()
        self.sharp = sharp
        self.sketch = conv(width, SKETCH * (4 if sharp else 1), kernel=(1, 3, 3), framed=False)
        self.draw = conv(SKETCH, channels, kernel=(1, 3, 3), framed=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return pixels (B, channels, T, 2H, 2W) of features (B, C, T, H, W)."""
        sketch = self.sketch(x)
        sketch = shuffle(sketch) if self.sharp else in_plane(sketch)
        pixels: Tensor = self.draw(F.leaky_relu(sketch, SLOPE))
        return pixels

    @torch.no_grad()
    def begin(self, strength: float) -> None:
        """Scale the pixels that the untrained head draws."""
        self.draw.weight.mul_(strength)


class ClipGenerator(GrowingGenerator):
    """Maps noise and a class index to a clip (B, channels, frames, side, side) in [-1, 1].

    Parameters
    ----------
    n_classes : int
        Number of classes.
    stages : Stages
        Sides and frames that the network grows through.
    channels : int
        Channels of the clip.
    **settings
        See `GrowingGenerator`.
    """

    def __init__(self, n_classes: int, stages: Stages, channels: int, **settings: Unpack[Settings]) -> None:
        def head(number: int, width: int) -> PixelHead:
            return PixelHead(width, channels, sharp=number == 0)

        super().__init__(
            n_classes, stages.grids, layer=FactorisedConv, pointwise=nn.Conv3d, head=head, warp=Warp, **settings
        )
        self.stages = stages

    def to_grid(self, x: Tensor, number: int, displacement: Tensor | None, *, by_product: bool) -> Tensor:
        """Return maps (B, C, T, H, W) of twice the side, and of twice the frames where the time doubles."""
        x = in_plane(x) if displacement is None else bent(x, displacement, by_product=by_product)
        return in_time(x) if self.stages.doubles(number) else x

    def bounded(self, drawn: Tensor) -> Tensor:
        """Return values clipped to [-1, 1]."""
        return clip(drawn, training=self.training)


class ClipDiscriminator(GrowingDiscriminator):
    """Maps a clip and its class index to one logit. See `ClipGenerator` for the parameters."""

    def __init__(self, n_classes: int, stages: Stages, channels: int) -> None:
        stem = partial(conv, 4 * channels, kernel=(3, 3, 3))
        super().__init__(
            n_classes,
            stages.grids,
            layer=FactorisedConv,
            pointwise=nn.Conv3d,
            widen=widening,
            stem=stem,
            narrower=4,
        )
        self.stages = stages

    def patches(self, sample: Tensor) -> Tensor:
        """Return clips (B, C, T, H, W) as patches (B, 4C, T, H / 2, W / 2)."""
        return unshuffle(sample)

    def pooled(self, x: Tensor, number: int) -> Tensor:
        """Return maps (B, C, T, H, W) of half the side, and of half the frames where the time doubles."""
        return F.avg_pool3d(x, (2 if self.stages.doubles(number) else 1, 2, 2))


def conv(
    in_channels: int, out_channels: int, *, kernel: tuple[int, int, int], zero: bool = False, framed: bool = True
) -> nn.Conv3d:
    """Return a convolution that keeps the shape of its input.

    With `zero`, its first output is its bias. Unless `framed`, the edge is continued: zeros around a sketch would draw
    a frame around the clip.
    """
    padding = kernel[0] // 2, kernel[1] // 2, kernel[2] // 2
    mode: Literal["zeros", "replicate"] = "zeros" if framed else "replicate"
    layer = nn.Conv3d(in_channels, out_channels, kernel, padding=padding, padding_mode=mode)
    if zero:
        nn.init.zeros_(layer.weight)
    return layer


def widening(in_channels: int, out_channels: int, *, zero: bool) -> nn.Conv3d:
    """Return a convolution of one cell."""
    return conv(in_channels, out_channels, kernel=(1, 1, 1), zero=zero)


def shuffle(x: Tensor) -> Tensor:
    """Return maps (B, 4C, T, H, W) as (B, C, T, 2H, 2W): groups of channels become pixels of a patch."""
    frames = F.pixel_shuffle(x.transpose(1, 2).flatten(0, 1), 2)  # the exporter knows four dimensions alone
    return torch.unflatten(frames, 0, (-1, x.shape[2])).transpose(1, 2)


def unshuffle(x: Tensor) -> Tensor:
    """Return maps (B, C, T, 2H, 2W) as (B, 4C, T, H, W): the inverse of `shuffle`."""
    frames = F.pixel_unshuffle(x.transpose(1, 2).flatten(0, 1), 2)
    return torch.unflatten(frames, 0, (-1, x.shape[2])).transpose(1, 2)


def in_plane(x: Tensor) -> Tensor:
    """Return maps (B, C, T, H, W) of twice the side, interpolated bilinearly."""
    frames = F.interpolate(x.flatten(1, 2), scale_factor=2, mode="bilinear", align_corners=False)
    return frames.reshape(*x.shape[:3], *frames.shape[2:])


def in_time(x: Tensor) -> Tensor:
    """Return maps (B, C, T, H, W) of twice the frames, interpolated linearly."""
    before, after = torch.cat([x[:, :, :1], x[:, :, :-1]], dim=2), torch.cat([x[:, :, 1:], x[:, :, -1:]], dim=2)
    return torch.stack([torch.lerp(x, before, 0.25), torch.lerp(x, after, 0.25)], dim=3).flatten(2, 3)


def bent(x: Tensor, displacement: Tensor, *, by_product: bool = False) -> Tensor:
    """Return maps (B, C, T, H, W) of twice the side, whose frames are all bent alike (see `warp.bend`)."""
    frames = bend(x.flatten(1, 2), displacement, x.shape[-1], by_product=by_product)
    return frames.reshape(*x.shape[:3], *frames.shape[2:])
