"""Alterations of signals that keep their label: warps in time and size, noise (Um et al. 2017; Iwana, Uchida 2021).

All take standardised signals (B, C, L), whose channels have the mean 0 and the deviation 1, and are differentiable. A
discriminator sees real and synthetic signals alike through `distort` (Zhao et al. 2020). The classical rivals of an
evaluation are `jitter` and `warp_time`.
"""

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from ganaug.compute.draws import Random, uniform

TIME_KNOTS, SIZE_KNOTS = 5, 4
"""Places of a signal at which a warp in time, or in size, is free; between them it is interpolated."""
PLAIN = 0.25
"""Share of signals that are shown unchanged: interpolation smooths all others, and would never ask for sharp edges."""
MAX_SHIFT, MAX_BEND = 0.06, 0.05
"""Largest shift of a whole signal, and largest displacement of a knot beside it, as shares of the length."""
MAX_GAIN = 0.15
"""Logarithm of the largest factor on the size of a signal."""
MAX_OFFSET = 0.1
"""Largest value that is added to a channel."""
JITTER_NOISE, JITTER_GAIN = 0.05, 0.1
"""Deviation of the noise of `jitter`, and of its factor from 1."""
WARP_TIME = 0.08
"""Deviation of a knot's displacement in `warp_time`, as a share of the length."""
WARP_SIZE = 0.2
"""Deviation of a knot's factor from 1 in `warp_time`."""


def distort(signals: Tensor, random: Random) -> Tensor:
    """Shift, warp and scale most signals of a batch (B, C, L), each by its own random strength."""
    count, channels, _ = signals.shape
    drawn = uniform((count, TIME_KNOTS + 2 + channels), random) * 2 - 1
    drawn = (drawn * (uniform((count, 1), random) >= PLAIN)).to(signals.device)
    bends, shift, gain, offset = torch.split(drawn, [TIME_KNOTS, 1, 1, channels], dim=1)
    moved = in_time(signals, MAX_BEND * bends + MAX_SHIFT * shift)
    return moved * (MAX_GAIN * gain).exp()[:, :, None] + MAX_OFFSET * offset[:, :, None]


def jitter(signals: Tensor, random: torch.Generator) -> Tensor:
    """Add noise to signals (B, C, L), and make each channel a little larger or smaller."""
    noise = torch.randn(signals.shape, generator=random)
    factor = 1 + JITTER_GAIN * torch.randn(*signals.shape[:2], 1, generator=random)
    return signals * factor.to(signals.device) + JITTER_NOISE * noise.to(signals.device)


def warp_time(signals: Tensor, random: torch.Generator) -> Tensor:
    """Warp signals (B, C, L) smoothly in time and in size; the ends stay where they are in time."""
    count, channels, length = signals.shape
    displacement = WARP_TIME * torch.randn(count, TIME_KNOTS, generator=random)
    displacement[:, [0, -1]] = 0
    factors = 1 + WARP_SIZE * torch.randn(count * channels, SIZE_KNOTS, generator=random)
    curve = (factors.to(signals.device) @ influence(SIZE_KNOTS, length, signals.device)).view(count, channels, length)
    return in_time(signals, displacement.to(signals.device)) * curve


def in_time(signals: Tensor, displacement: Tensor) -> Tensor:
    """Return signals (B, C, L) whose every place shows what lies where its displacement points.

    `displacement`, (B, knots), is a share of the length at each of some knots. Places beyond an end show the end.
    """
    length = signals.shape[-1]
    field = displacement @ influence(displacement.shape[1], length, signals.device)  # (B, L)
    places = (torch.arange(length, device=signals.device) + 0.5) * (2 / length) - 1 + 2 * field
    grid = torch.stack([places, torch.zeros_like(places)], dim=2)[:, None]  # (B, 1, L, 2)
    moved = F.grid_sample(signals[:, :, None], grid, mode="bilinear", padding_mode="border", align_corners=False)
    return moved[:, :, 0]


@lru_cache(maxsize=64)
def _influence(knots: int, length: int) -> Tensor:
    eye = torch.eye(knots, device="cpu")[:, None, None]  # (knots, 1, 1, knots)
    return F.interpolate(eye, size=(1, length), mode="bicubic", align_corners=True)[:, 0, 0]


def influence(knots: int, length: int, device: torch.device) -> Tensor:
    """Return the influence of each knot on each place, (knots, length), which interpolates smoothly between them."""
    return _influence(knots, length).to(device)
