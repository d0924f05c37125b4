"""Smooth displacement fields over images, from displacements at a few knots."""

import torch
from torch import Tensor
from torch.nn import functional as F

KNOTS = 4
"""Knots along each side at which a displacement is free; between them it is interpolated."""


def field(displacement: Tensor, side: int) -> Tensor:
    """Interpolate displacements at the knots (B, 2, KNOTS, KNOTS) to every place, (B, side, side, 2)."""
    # The influence of each knot on each place never changes: a product is quicker than interpolating anew.
    knots = torch.eye(KNOTS**2, device=displacement.device).view(-1, 1, KNOTS, KNOTS)
    influence = F.interpolate(knots, size=(side, side), mode="bicubic", align_corners=True).flatten(1)
    return (displacement.flatten(2) @ influence).view(-1, 2, side, side).float().permute(0, 2, 3, 1)
