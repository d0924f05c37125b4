"""A smooth deformation of feature maps, learned from all classes together."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.techniques.displacement import KNOTS, field

__all__ = ["Warp", "bend"]

FURTHEST = 0.3
"""A knot moves, in units of half the image's side."""
HIDDEN = 64


class Warp(nn.Module):
    """Noise to displacements that are the same for every class.

    A class of five pictures does not show how its kind varies, but the common classes do, and much of that, slant,
    width, posture, is alike. Here it is learned from all of them; and since this noise goes nowhere else, a rare class
    can neither undo its deformation nor make do with a few. Deforming apart from drawing is the idea of Shu et al.
    (Deforming Autoencoders, 2018), bending feature maps that of Jaderberg et al. (Spatial Transformer Networks, 2015).

    Parameters
    ----------
    noise_dim : int
        Length of its noise.
    """

    def __init__(self, noise_dim: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(noise_dim, HIDDEN)
        self.knots = nn.Linear(HIDDEN, 2 * KNOTS**2)
        nn.init.zeros_(self.knots.weight)

    def forward(self, noise: Tensor) -> Tensor:
        """Return displacements at the knots, (B, 2, KNOTS, KNOTS), x before y, in units of half the image's side."""
        moved = torch.tanh(self.knots(F.leaky_relu(self.hidden(noise), 0.2)))
        return FURTHEST * moved.float().view(-1, 2, KNOTS, KNOTS)


def bend(x: Tensor, displacement: Tensor, side: int, *, by_product: bool = False) -> Tensor:
    """Return square maps twice as large, each place showing what lies where its displacement points.

    Maps are interpolated linearly, and beyond the edge lies the edge: without displacements this is `interpolate`.

    Parameters
    ----------
    x : Tensor of shape (B, C, side, side)
        The maps.
    displacement : Tensor of shape (B, 2, KNOTS, KNOTS)
        What a `Warp` returns.
    side : int
        That of the maps.
    by_product : bool, default=False
        Whether to multiply the maps by the weights of each place, which for many channels of few places is quicker than
        to look up its neighbours in each: ONNX Runtime draws a sixth more images. The way back takes what that saves.
    """
    wide = 2 * side
    centres = (torch.arange(wide, device=x.device, dtype=torch.float32) + 0.5) * (2 / wide) - 1
    places = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), dim=-1)  # (wide, wide, 2)
    grid = places + field(displacement, wide)  # (B, wide, wide, 2)
    if by_product:
        bent = x.flatten(2) @ _weights(grid, side).to(x.dtype).transpose(1, 2)  # (B, C, wide * wide)
        return bent.view(x.shape[0], -1, wide, wide)
    bent = F.grid_sample(x.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)
    return bent.to(x.dtype)


def _weights(grid: Tensor, side: int) -> Tensor:
    """Return how much each place of a map, of so many a side, says at those of a grid (B, H, W, 2).

    The weights, (B, H * W, side**2), are those of bilinear interpolation: along each side they fall from 1 to 0 within
    one place.
    """
    at = (((grid + 1) * side - 1) / 2).clamp(0, side - 1).flatten(1, 2)  # (B, H * W, 2), x before y
    near = (1 - (at[..., None] - torch.arange(side, device=grid.device)).abs()).clamp(min=0)  # (B, H * W, 2, side)
    return (near[:, :, 1].unsqueeze(3) * near[:, :, 0].unsqueeze(2)).flatten(2)
