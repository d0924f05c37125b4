"""A smooth deformation of feature maps, learned from all classes together."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.techniques.displacement import KNOTS, field

FURTHEST = 0.3
"""Largest displacement of a knot, in units of half the side of the image."""
HIDDEN = 64  # units of the hidden layer


class Warp(nn.Module):
    """Maps noise to displacements that do not depend on the class.

    Five images of a rare class do not show how such images vary. The common classes do, and much of their variation,
    such as slant, width and posture, is shared. The warp learns it from all classes. Its noise goes nowhere else, so a
    rare class can neither undo its deformation nor use only a few of them. Separating deformation from drawing is the
    idea of Deforming Autoencoders (Shu et al. 2018); bending feature maps, of Spatial Transformer Networks (Jaderberg
    et al. 2015).
    """

    def __init__(self, noise_dim: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(noise_dim, HIDDEN)
        self.knots = nn.Linear(HIDDEN, 2 * KNOTS**2)
        nn.init.zeros_(self.knots.weight)

    def forward(self, noise: Tensor) -> Tensor:
        """Return displacements at the knots, (B, 2, KNOTS, KNOTS), x before y, in units of half the side."""
        moved = torch.tanh(self.knots(F.leaky_relu(self.hidden(noise), 0.2)))
        return FURTHEST * moved.float().view(-1, 2, KNOTS, KNOTS)


def bend(x: Tensor, displacement: Tensor, side: int, *, by_product: bool = False) -> Tensor:
    """Enlarge square feature maps to twice their side; each place shows what lies where its displacement points.

    Interpolation is bilinear, and places beyond the edge show the edge: without displacements this is `interpolate`.

    The maps `x` are (B, C, side, side), the displacements those of a `Warp`. With `by_product` the maps are multiplied
    by interpolation weights instead of looking up neighbours. For many channels on a small grid this is quicker in ONNX
    Runtime; in training the backward pass would be slower.
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
    """Return weights (B, H * W, side**2) that interpolate a map bilinearly at the places of a grid (B, H, W, 2)."""
    at = (((grid + 1) * side - 1) / 2).clamp(0, side - 1).flatten(1, 2)  # (B, H * W, 2), x before y
    near = (1 - (at[..., None] - torch.arange(side, device=grid.device)).abs()).clamp(min=0)  # (B, H * W, 2, side)
    return (near[:, :, 1].unsqueeze(3) * near[:, :, 0].unsqueeze(2)).flatten(2)
