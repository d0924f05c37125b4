"""Generator and discriminator of signals: the ideas of `ganaug.networks.convolutional` in one dimension.

Both networks work on patches of several neighbouring values, so that the costly convolutions never see the full length.
Both grow: a network for some length also runs at a half, a quarter, ... of it, and each stage begins as a resampled
skip path. One time warp, learned from all classes, bends what the first stage draws.
"""

import math
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.networks.convolutional import (
    FAINT,
    SLOPE,
    FiLM,
    NoiseParts,
    Styles,
    bending_and_drawing,
    keep_variance,
    of_unit_power,
    shared_first,
)
from ganaug.networks.projection import ProjectionDiscriminator
from ganaug.techniques.signal_augmentation import influence

MIN_PATCH = 2
"""Values in a patch of a short signal."""
MAX_CELLS = 256
"""Patches of a signal at its full length; longer signals have longer patches."""
FIRST_CELLS = 16
"""Most patches of a signal in the first stage."""
KERNEL = 5
"""Patches that a convolution sees."""
WIDTHS = {16: 96, 32: 64, 64: 48, 128: 32, 256: 24}
"""Feature channels by the largest number of patches."""
DEPTHS = {16: 2, 32: 2, 64: 1, 128: 1, 256: 1}
"""Convolutions in a block by the largest number of patches: fewer on fine grids, where each costs most."""
SKETCH = 16
"""Channels that values are drawn from."""
BENDING = 5
"""One in this many numbers of the noise goes to the time warp, and nowhere else."""
KNOTS = 6
"""Places of a signal whose displacement is free."""
FURTHEST = 0.15
"""Largest displacement, as a share of the length."""
HIDDEN = 32  # units of the hidden layer of the time warp


class Layout(NamedTuple):
    """How a signal is cut into patches, and the stages that it grows through."""

    patch: int
    """Values in a patch."""
    cells: tuple[int, ...]
    """Patches in each stage, fewest first."""

    @classmethod
    def of(cls, length: int) -> "Layout":
        """Return the layout of signals of at least this length.

        Examples
        --------
        >>> Layout.of(150), Layout.of(150).lengths
        (Layout(patch=2, cells=(10, 20, 40, 80)), (20, 40, 80, 160))
        """
        patch = MIN_PATCH
        while -(-length // patch) > MAX_CELLS:
            patch *= 2
        cells, doublings = -(-length // patch), 0
        while -(-cells // 2**doublings) > FIRST_CELLS:
            doublings += 1
        first = -(-cells // 2**doublings)
        return cls(patch, tuple(first << i for i in range(doublings + 1)))

    @property
    def lengths(self) -> tuple[int, ...]:
        """Values of a signal in each stage, fewest first."""
        return tuple(self.patch * cells for cells in self.cells)

    @property
    def widths(self) -> list[int]:
        """Feature channels of each stage."""
        return [next(width for most, width in WIDTHS.items() if cells <= most) for cells in self.cells]

    @property
    def depths(self) -> list[int]:
        """Convolutions in a block of each stage."""
        return [next(depth for most, depth in DEPTHS.items() if cells <= most) for cells in self.cells]


class TimeWarp(nn.Module):
    """Maps noise to displacements in time that do not depend on the class.

    Five signals of a rare class do not show how such signals vary in tempo. The common classes do (see
    `ganaug.networks.warp.Warp`, which does the same for images).
    """

    def __init__(self, noise_dim: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(noise_dim, HIDDEN)
        self.knots = nn.Linear(HIDDEN, KNOTS)
        nn.init.zeros_(self.knots.weight)

    def forward(self, noise: Tensor) -> Tensor:
        """Return displacements at the knots, (B, KNOTS), as shares of the length."""
        return FURTHEST * torch.tanh(self.knots(F.leaky_relu(self.hidden(noise), SLOPE))).float()


def bend(x: Tensor, displacement: Tensor, length: int) -> Tensor:
    """Enlarge maps (B, C, length) to twice their length; each place shows what lies where its displacement points.

    Interpolation is linear, and places beyond an end show the end. The maps are multiplied by interpolation weights:
    they are short, and a product is quick in training and in ONNX Runtime.
    """
    wide = 2 * length
    field = displacement @ influence(KNOTS, wide, x.device)  # (B, wide)
    at = (torch.arange(wide, device=x.device) - 0.5) / 2 + field * length
    near = (1 - (at.clamp(0, length - 1)[:, None] - torch.arange(length, device=x.device)[:, None]).abs()).clamp(min=0)
    return x @ near.to(x.dtype)  # near: (B, length, wide)


class GeneratorBlock(nn.Module):
    """Residual convolutions controlled by style and class; the last begins at zero."""

    def __init__(self, channels: int, depth: int, style_dim: int) -> None:
        super().__init__()
        self.film = nn.ModuleList(FiLM(channels, style_dim) for _ in range(depth))
        self.conv = nn.ModuleList(conv(channels, channels, zero=i == depth - 1) for i in range(depth))

    def forward(self, x: Tensor, style: Tensor, embedding: Tensor) -> Tensor:
        """Return refined features (B, C, cells)."""
        h = x
        for film, conv in zip(self.film, self.conv, strict=True):
            h = conv(F.leaky_relu(film(h, style, embedding), SLOPE))
        return x + h


class ValueHead(nn.Module):
    """Maps features of patches to values, through a sketch of a few channels, half as long and enlarged smoothly.

    Values that were written patch by patch would show where one patch ends.
    """

    def __init__(self, width: int, channels: int, patch: int) -> None:
        super().__init__()
        self.coarser = patch // 2
        self.sketch = nn.Conv1d(width, SKETCH * self.coarser, 3, padding=1, padding_mode="replicate")
        self.draw = nn.Conv1d(SKETCH, channels, KERNEL, padding=KERNEL // 2, padding_mode="replicate")

    def forward(self, x: Tensor) -> Tensor:
        """Return values (B, channels, patch * cells) of features (B, C, cells)."""
        values: Tensor = self.draw(F.leaky_relu(upsample(shuffle(self.sketch(x), self.coarser)), SLOPE))
        return values

    @torch.no_grad()
    def begin(self, strength: float) -> None:
        """Scale the values that the untrained head draws."""
        self.draw.weight.mul_(strength)


class SignalGenerator(nn.Module):
    """Maps noise and a class index to a standardised signal.

    Parameters
    ----------
    n_classes, channels : int
        Number of classes; channels of the signal.
    layout : Layout
        Patches and stages of the full signal.
    noise_dim, style_dim : int
        Length of the noise vector; length of the vectors through which noise and class control every block.
    mapping_layers, shared_blocks, style_mixing : int, int, float
        See `Techniques`.
    """

    def __init__(
        self,
        n_classes: int,
        layout: Layout,
        channels: int,
        *,
        noise_dim: int = 64,
        style_dim: int = 128,
        mapping_layers: int = 2,
        shared_blocks: int = 0,
        style_mixing: float = 0.0,
    ) -> None:
        super().__init__()
        self.layout, self.noise_dim, self.n_classes = layout, noise_dim, n_classes
        widths = layout.widths
        self.embed = nn.Embedding(n_classes, style_dim)
        self.bending = noise_dim // BENDING if len(widths) > 1 else 0
        drawing = noise_dim - self.bending
        self.warp = TimeWarp(self.bending) if self.bending else None
        self.style = Styles(drawing, style_dim, mapping_layers, style_mixing)
        self.shared_blocks = shared_blocks
        self.seed = nn.Linear(drawing, widths[0] * layout.cells[0])
        self.narrow = nn.ModuleList(nn.Conv1d(a, b, 1) for a, b in pairwise(widths))
        self.block = nn.ModuleList(GeneratorBlock(*size, style_dim) for size in zip(widths, layout.depths, strict=True))
        self.to_values = nn.ModuleList(ValueHead(width, channels, layout.patch) for width in widths)
        keep_variance(self)
        for i, head in enumerate(self.to_values):
            head.begin(FAINT if i == 0 else 0.0)  # type: ignore[operator]

    @property
    def noise_parts(self) -> NoiseParts:
        """The parts of a noise vector."""
        return bending_and_drawing(self.bending, self.noise_dim)

    def forward(self, noise: Tensor, label: Tensor, length: int | None = None) -> Tensor:
        """Return signals (B, channels, length); `length` is one of the layout's, by default the full one."""
        stages = range(len(self.layout.cells) if length is None else self.layout.lengths.index(length) + 1)
        bending, drawing = noise[:, : self.bending], noise[:, self.bending :]
        z = of_unit_power(drawing)
        styles = self.style(z, noise, len(self.block))
        embedding = self.embed(label) / math.sqrt(self.embed.embedding_dim)
        embeddings = shared_first(embedding, self.shared_blocks, len(self.block))
        x = self.seed(z).unflatten(1, (self.layout.widths[0], self.layout.cells[0]))
        x = self.block[0](x, styles[0], embeddings[0])
        signal: Tensor = self.to_values[0](x).float()
        for i in stages[1:]:
            x = self.narrow[i - 1](x)
            if i == 1 and self.warp is not None:
                displacement = self.warp(bending)
                x = bend(x, displacement, self.layout.cells[0])
                signal = bend(signal, displacement, self.layout.lengths[0])
            else:
                x, signal = upsample(x), upsample(signal)
            x = self.block[i](x, styles[i], embeddings[i])
            signal = signal + self.to_values[i](x).float()
        return signal


class DiscriminatorBlock(nn.Module):
    """Residual convolutions without normalisation; the last begins at zero (R3GAN, Huang et al. 2024)."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.conv = nn.ModuleList(conv(channels, channels, zero=i == depth - 1) for i in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        """Return refined features (B, C, cells)."""
        h = x
        for conv in self.conv:
            h = conv(F.leaky_relu(h, SLOPE))
        return x + h


class SignalDiscriminator(ProjectionDiscriminator):
    """Maps a signal and its class index to one logit.

    The parameters are those of `SignalGenerator`; `feature_dim` is the length of the features that are projected on the
    class.
    """

    def __init__(self, n_classes: int, layout: Layout, channels: int, *, feature_dim: int = 128) -> None:
        super().__init__(n_classes, feature_dim)
        self.layout, widths = layout, layout.widths
        self.from_values = nn.ModuleList(conv(layout.patch * channels, width) for width in widths)
        self.block = nn.ModuleList(DiscriminatorBlock(*size) for size in zip(widths, layout.depths, strict=True))
        self.widen = nn.ModuleList(conv(fine, coarse, kernel=1, zero=True) for coarse, fine in pairwise(widths))
        self.squeeze = nn.Conv1d(widths[0], widths[0] // 4, 1)
        self.flatten = nn.Linear(widths[0] // 4 * layout.cells[0], feature_dim)
        keep_variance(self)

    def features(self, sample: Tensor) -> Tensor:
        """Return features of signals (B, C, L) that do not depend on the label, (B, feature_dim)."""
        stage = self.layout.lengths.index(sample.shape[-1])
        x = self.block[stage](self._patches(sample, stage))
        for i in reversed(range(stage)):
            sample = F.avg_pool1d(sample, 2)
            x = self.block[i](self._patches(sample, i) + self.widen[i](F.avg_pool1d(x, 2)))
        x = F.leaky_relu(self.squeeze(F.leaky_relu(x, SLOPE)), SLOPE)
        return F.leaky_relu(self.flatten(x.flatten(1)), SLOPE).float()

    def _patches(self, sample: Tensor, stage: int) -> Tensor:
        return F.leaky_relu(self.from_values[stage](unshuffle(sample, self.layout.patch)), SLOPE)


def conv(in_channels: int, out_channels: int, *, kernel: int = KERNEL, zero: bool = False) -> nn.Conv1d:
    """Return a convolution that keeps the length of its input; with `zero`, its first output is its bias."""
    layer = nn.Conv1d(in_channels, out_channels, kernel, padding=kernel // 2)
    if zero:
        nn.init.zeros_(layer.weight)
    return layer


def upsample(x: Tensor) -> Tensor:
    """Return maps (B, C, L) of twice the length, interpolated linearly."""
    return F.interpolate(x, scale_factor=2, mode="linear", align_corners=False)


def shuffle(x: Tensor, factor: int) -> Tensor:
    """Return maps (B, C * factor, L) as (B, C, L * factor): groups of channels become neighbours in time."""
    return torch.unflatten(x, 1, (-1, factor)).transpose(2, 3).flatten(2)


def unshuffle(x: Tensor, factor: int) -> Tensor:
    """Return maps (B, C, L * factor) as (B, C * factor, L): the inverse of `shuffle`."""
    return torch.unflatten(x, 2, (-1, factor)).transpose(2, 3).flatten(1, 2)
