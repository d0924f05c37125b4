"""Generator and discriminator of clips: the ideas of `ganaug.networks.convolutional` with one more dimension.

Both networks work on patches of 2x2 pixels of one frame, so that the costly convolutions never see the full grid. A
convolution is factorised: one in the plane of a frame, then one along the time ((2+1)-d, Tran et al. 2018), which costs
less than half of a full one.

Both grow, in the plane and in time: a network for clips of T frames of side S also runs at T/2 and S/2, ... Each stage
begins as a resampled skip path. One warp of the plane, learned from all classes, bends all frames alike.
"""

import math
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.networks.convolutional import (
    BENDING,
    FAINT,
    SLOPE,
    Clip,
    FiLM,
    NoiseParts,
    Styles,
    bending_and_drawing,
    keep_variance,
    of_unit_power,
    resolutions,
    shared_first,
)
from ganaug.networks.projection import ProjectionDiscriminator
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
    def grids(self) -> tuple[int, ...]:
        """Sides of the patch grid of each stage."""
        return tuple(side // 2 for side in self.sides)

    @property
    def widths(self) -> list[int]:
        """Feature channels of each stage."""
        return [WIDTHS[grid] for grid in self.grids]

    @property
    def depths(self) -> list[int]:
        """Convolutions in a block of each stage."""
        return [DEPTHS[grid] for grid in self.grids]


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


class GeneratorBlock(nn.Module):
    """Residual factorised convolutions controlled by style and class; the last begins at zero."""

    def __init__(self, channels: int, depth: int, style_dim: int) -> None:
        super().__init__()
        self.film = nn.ModuleList(FiLM(channels, style_dim) for _ in range(depth))
        self.conv = nn.ModuleList(FactorisedConv(channels, zero=i == depth - 1) for i in range(depth))

    def forward(self, x: Tensor, style: Tensor, embedding: Tensor) -> Tensor:
        """Return refined features (B, C, T, H, W)."""
        h = x
        for film, conv in zip(self.film, self.conv, strict=True):
            h = conv(F.leaky_relu(film(h, style, embedding), SLOPE))
        return x + h


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


class ClipGenerator(nn.Module):
    """Maps noise and a class index to a clip in [-1, 1].

    Parameters
    ----------
    n_classes, channels : int
        Number of classes; channels of the clip.
    stages : Stages
        Sides and frames that the network grows through.
    noise_dim, style_dim : int
        Length of the noise vector; length of the vectors through which noise and class control every block.
    mapping_layers, shared_blocks, style_mixing : int, int, float
        See `Techniques`.
    """

    def __init__(
        self,
        n_classes: int,
        stages: Stages,
        channels: int,
        *,
        noise_dim: int = 64,
        style_dim: int = 128,
        mapping_layers: int = 2,
        shared_blocks: int = 0,
        style_mixing: float = 0.0,
    ) -> None:
        super().__init__()
        self.stages, self.noise_dim, self.n_classes = stages, noise_dim, n_classes
        widths, grid = stages.widths, stages.grids[0]
        self.embed = nn.Embedding(n_classes, style_dim)
        self.bending = noise_dim // BENDING if len(widths) > 1 else 0
        drawing = noise_dim - self.bending
        self.warp = Warp(self.bending) if self.bending else None
        self.style = Styles(drawing, style_dim, mapping_layers, style_mixing)
        self.shared_blocks = shared_blocks
        self.seed = nn.Linear(drawing, widths[0] * stages.frames[0] * grid**2)
        self.narrow = nn.ModuleList(nn.Conv3d(a, b, 1) for a, b in pairwise(widths))
        self.block = nn.ModuleList(GeneratorBlock(*size, style_dim) for size in zip(widths, stages.depths, strict=True))
        self.to_pixels = nn.ModuleList(PixelHead(width, channels, sharp=i == 0) for i, width in enumerate(widths))
        keep_variance(self)
        for i, head in enumerate(self.to_pixels):
            head.begin(FAINT if i == 0 else 0.0)  # type: ignore[operator]

    @property
    def noise_parts(self) -> NoiseParts:
        """The parts of a noise vector."""
        return bending_and_drawing(self.bending, self.noise_dim)

    def forward(self, noise: Tensor, label: Tensor, side: int | None = None) -> Tensor:
        """Return clips (B, C, frames, side, side); `side` is one of the stages', by default the last."""
        sides, frames, grids = self.stages.sides, self.stages.frames, self.stages.grids
        last = len(sides) if side is None else sides.index(side) + 1
        bending, drawing = noise[:, : self.bending], noise[:, self.bending :]
        z = of_unit_power(drawing)
        styles = self.style(z, noise, len(self.block))
        embedding = self.embed(label) / math.sqrt(self.embed.embedding_dim)
        embeddings = shared_first(embedding, self.shared_blocks, len(self.block))
        x = self.seed(z).unflatten(1, (self.stages.widths[0], frames[0], grids[0], grids[0]))
        x = self.block[0](x, styles[0], embeddings[0])
        clip = self.to_pixels[0](x).float()
        for i in range(1, last):
            x = self.narrow[i - 1](x)
            if i == 1 and self.warp is not None:
                displacement = self.warp(bending)
                x = bent(x, displacement, by_product=not self.training)
                clip = bent(clip, displacement)
            else:
                x, clip = in_plane(x), in_plane(clip)
            if frames[i] > frames[i - 1]:
                x, clip = in_time(x), in_time(clip)
            x = self.block[i](x, styles[i], embeddings[i])
            clip = clip + self.to_pixels[i](x).float()
        clipped: Tensor = Clip.apply(clip) if self.training else clip.clamp(-1, 1)  # type: ignore[no-untyped-call]
        return clipped


class DiscriminatorBlock(nn.Module):
    """Residual factorised convolutions without normalisation; the last begins at zero (R3GAN, Huang et al. 2024)."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.conv = nn.ModuleList(FactorisedConv(channels, zero=i == depth - 1) for i in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        """Return refined features (B, C, T, H, W)."""
        h = x
        for conv in self.conv:
            h = conv(F.leaky_relu(h, SLOPE))
        return x + h


class ClipDiscriminator(ProjectionDiscriminator):
    """Maps a clip and its class index to one logit.

    The parameters are those of `ClipGenerator`; `feature_dim` is the length of the features that are projected on the
    class.
    """

    def __init__(self, n_classes: int, stages: Stages, channels: int, *, feature_dim: int = 128) -> None:
        super().__init__(n_classes, feature_dim)
        self.stages, widths = stages, stages.widths
        self.from_pixels = nn.ModuleList(conv(4 * channels, width, kernel=(3, 3, 3)) for width in widths)
        self.block = nn.ModuleList(DiscriminatorBlock(*size) for size in zip(widths, stages.depths, strict=True))
        self.widen = nn.ModuleList(conv(fine, coarse, kernel=(1, 1, 1), zero=True) for coarse, fine in pairwise(widths))
        self.squeeze = nn.Conv3d(widths[0], widths[0] // 4, 1)
        self.flatten = nn.Linear(widths[0] // 4 * stages.frames[0] * stages.grids[0] ** 2, feature_dim)
        keep_variance(self)

    def features(self, sample: Tensor) -> Tensor:
        """Return features of clips (B, C, T, H, W) that do not depend on the label, (B, feature_dim)."""
        stage = self.stages.sides.index(sample.shape[-1])
        x = self.block[stage](self._patches(sample, stage))
        for i in reversed(range(stage)):
            factors = self.stages.frames[i + 1] // self.stages.frames[i], 2, 2
            sample = F.avg_pool3d(sample, factors)
            x = self.block[i](self._patches(sample, i) + self.widen[i](F.avg_pool3d(x, factors)))
        x = F.leaky_relu(self.squeeze(F.leaky_relu(x, SLOPE)), SLOPE)
        return F.leaky_relu(self.flatten(x.flatten(1)), SLOPE).float()

    def _patches(self, sample: Tensor, stage: int) -> Tensor:
        x = unshuffle(sample)
        return F.leaky_relu(self.from_pixels[stage](x), SLOPE)


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
