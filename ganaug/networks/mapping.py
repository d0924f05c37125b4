"""The mapping network, which turns noise into the styles that control the blocks of a generator."""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

SLOPE = 0.2  # of its leaky ReLUs
MEAN_OF = 1024
"""Styles from which their mean is taken."""


class Styles(nn.Sequential):
    """Maps noise (B, noise_dim) to a style (B, style_dim) for each block (mapping network, Karras et al. 2019).

    Parameters
    ----------
    noise_dim, style_dim, layers : int
        Lengths; number of layers.
    mixing : float
        Share of a training batch whose later blocks take the style of another sample (style mixing).
    """

    mean: Tensor
    truncation: float = 1.0

    def __init__(self, noise_dim: int, style_dim: int, layers: int = 2, mixing: float = 0.0) -> None:
        sides = [noise_dim, *[style_dim] * layers]
        parts = [part for a, b in pairwise(sides) for part in (nn.Linear(a, b), nn.LeakyReLU(SLOPE))]
        super().__init__(*parts)
        self.mixing, self.noise_dim = mixing, noise_dim
        self.register_buffer("mean", torch.zeros(style_dim), persistent=False)

    def forward(self, drawing: Tensor, noise: Tensor, blocks: int) -> list[Tensor]:  # type: ignore[override]
        """Return a style for each of the blocks; `noise` (B, N) decides which samples of a training batch are mixed."""
        style: Tensor = super().forward(drawing)  # type: ignore[no-untyped-call]
        if self.truncation < 1 and not self.training:
            style = torch.lerp(self.mean, style, self.truncation)
        if not self.mixing or not self.training or blocks == 1:
            return [style] * blocks
        # The noise is standard normal, and its last number says no more about a sample than any other.
        uniform = 0.5 * (1 + torch.erf(noise[:, -1:] / math.sqrt(2)))  # (B, 1)
        first = 1 + (uniform / self.mixing * (blocks - 1)).floor()  # the first block with another style
        other = style.flip(0)
        return [torch.where(block >= first, other, style) for block in range(blocks)]

    @torch.no_grad()
    def truncate(self, factor: float, random: torch.Generator) -> None:
        """Draw styles nearer to their mean, by a factor below 1, from now on."""
        noise = torch.randn(MEAN_OF, self.noise_dim, generator=random).to(self.mean.device)
        style: Tensor = super().forward(of_unit_power(noise))  # type: ignore[no-untyped-call]
        self.mean.copy_(style.mean(0))
        self.truncation = factor


def truncated(generator: nn.Module, factor: float, random: torch.Generator) -> nn.Module:
    """Return the generator, whose styles are drawn nearer to their mean by a factor below 1."""
    for part in generator.modules():
        if factor < 1 and isinstance(part, Styles):
            part.truncate(factor, random)
    return generator


def of_unit_power(noise: Tensor) -> Tensor:
    """Return noise (B, N), each row scaled to unit root mean square."""
    return noise * torch.rsqrt(noise.square().mean(dim=1, keepdim=True) + 1e-6)
