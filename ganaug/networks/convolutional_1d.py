"""Generator and discriminator of signals: the ideas of `ganaug.networks.convolutional` in one dimension.

Both networks work on patches of several neighbouring values, so that the costly convolutions never see the full length.
Both grow: a network for some length also runs at a half, a quarter, ... of it, and each stage begins as a resampled
skip path. One time warp, learned from all classes, bends what the first stage draws.
"""

from functools import partial
from typing import NamedTuple, Unpack

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.networks.growing import Grids, GrowingDiscriminator, GrowingGenerator, Settings
from ganaug.networks.mapping import SLOPE
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
    def grids(self) -> Grids:
        """The grids of the networks."""
        widths = [next(width for most, width in WIDTHS.items() if cells <= most) for cells in self.cells]
        depths = [next(depth for most, depth in DEPTHS.items() if cells <= most) for cells in self.cells]
        return Grids(self.cells[:1], widths, depths, self.lengths)


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


class SignalGenerator(GrowingGenerator):
    """Maps noise and a class index to a standardised signal (B, channels, length).

    Parameters
    ----------
    n_classes : int
        Number of classes.
    layout : Layout
        Patches and stages of the full signal.
    channels : int
        Channels of the signal.
    **settings
        See `GrowingGenerator`.
    """

    def __init__(self, n_classes: int, layout: Layout, channels: int, **settings: Unpack[Settings]) -> None:
        def head(_: int, width: int) -> ValueHead:
            return ValueHead(width, channels, layout.patch)

        super().__init__(n_classes, layout.grids, layer=line, pointwise=nn.Conv1d, head=head, warp=TimeWarp, **settings)

    def to_grid(self, x: Tensor, number: int, displacement: Tensor | None, *, by_product: bool) -> Tensor:  # noqa: ARG002
        """Return maps (B, C, L) of twice the length."""
        return upsample(x) if displacement is None else bend(x, displacement, x.shape[-1])


class SignalDiscriminator(GrowingDiscriminator):
    """Maps a signal and its class index to one logit. See `SignalGenerator` for the parameters."""

    def __init__(self, n_classes: int, layout: Layout, channels: int) -> None:
        stem = partial(conv, layout.patch * channels)
        super().__init__(
            n_classes, layout.grids, layer=line, pointwise=nn.Conv1d, widen=widening, stem=stem, narrower=4
        )
        self.patch = layout.patch

    def patches(self, sample: Tensor) -> Tensor:
        """Return signals (B, C, L) as patches (B, C * patch, L / patch)."""
        return unshuffle(sample, self.patch)

    def pooled(self, x: Tensor, number: int) -> Tensor:  # noqa: ARG002
        """Return maps (B, C, L) of half the length."""
        return F.avg_pool1d(x, 2)


def conv(in_channels: int, out_channels: int, *, kernel: int = KERNEL, zero: bool = False) -> nn.Conv1d:
    """Return a convolution that keeps the length of its input; with `zero`, its first output is its bias."""
    layer = nn.Conv1d(in_channels, out_channels, kernel, padding=kernel // 2)
    if zero:
        nn.init.zeros_(layer.weight)
    return layer


def line(channels: int, *, zero: bool) -> nn.Conv1d:
    """Return a convolution that keeps the number of channels."""
    return conv(channels, channels, zero=zero)


def widening(in_channels: int, out_channels: int, *, zero: bool) -> nn.Conv1d:
    """Return a convolution of one cell."""
    return conv(in_channels, out_channels, kernel=1, zero=zero)


def upsample(x: Tensor) -> Tensor:
    """Return maps (B, C, L) of twice the length, interpolated linearly."""
    return F.interpolate(x, scale_factor=2, mode="linear", align_corners=False)


def shuffle(x: Tensor, factor: int) -> Tensor:
    """Return maps (B, C * factor, L) as (B, C, L * factor): groups of channels become neighbours in time."""
    return torch.unflatten(x, 1, (-1, factor)).transpose(2, 3).flatten(2)


def unshuffle(x: Tensor, factor: int) -> Tensor:
    """Return maps (B, C, L * factor) as (B, C * factor, L): the inverse of `shuffle`."""
    return torch.unflatten(x, 2, (-1, factor)).transpose(2, 3).flatten(1, 2)
