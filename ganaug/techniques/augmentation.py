"""Differentiable augmentation: what the discriminator sees, real and synthetic alike (Zhao et al. 2020).

Only changes that keep a label whatever it is: small shifts, turns, zooms and bends, and for colour images light and
saturation. Bends, which no two showings share, keep a discriminator from knowing ten images by heart. No flips (digits
and text change their class) and no cutout (it leaks into the samples).
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ganaug.techniques.displacement import KNOTS, field

__all__ = ["DRAWS", "augment", "distort"]

DRAWS = 9 + 2 * KNOTS**2
"""Random numbers that one image takes."""
PLAIN = 0.25
"""Share of images that are shown as they are. Whatever is distorted is also smoothed, for its pixels are interpolated;
a discriminator that sees nothing else never asks for sharp strokes, and lets pass what smoothing hides: of rare digits,
patterns of single pixels that others than the players read as noise."""
MAX_SHIFT = 0.12
"""Largest shift, as a part of the side."""
MAX_TURN = math.radians(12)
MAX_ZOOM = 0.12
MAX_SHEAR = 0.12
MAX_BEND = 0.15
"""How far the knots of a bend move at most, in units of half the side."""


def augment(images: Tensor, strength: Tensor) -> Tensor:
    """Warp and relight a batch of images of shape (B, C, H, W) by `strength`, uniform in [-1, 1] of shape (B, DRAWS).

    The caller draws `strength`, so that one seed repeats a run.
    """
    images = _warp(images, strength[:, :6], strength[:, 9:])
    return _relight(images, strength[:, 6:9]) if images.shape[1] == 3 else images


def distort(images: Tensor, random: torch.Generator) -> Tensor:
    """Warp and relight most images of a batch (B, C, H, W), each by a strength of its own."""
    strength = torch.rand(len(images), DRAWS, generator=random) * 2 - 1
    strength = strength * (torch.rand(len(images), 1, generator=random) >= PLAIN)
    return augment(images, strength.to(images.device))


def _warp(images: Tensor, u: Tensor, bends: Tensor) -> Tensor:
    turn, shear = u[:, 0] * MAX_TURN, u[:, 1] * MAX_SHEAR
    zoom_x, zoom_y = (u[:, 2] * MAX_ZOOM).exp(), (u[:, 3] * MAX_ZOOM).exp()
    cos, sin = turn.cos(), turn.sin()
    theta = torch.stack(
        [
            torch.stack([cos * zoom_x, shear - sin, u[:, 4] * 2 * MAX_SHIFT], dim=1),
            torch.stack([sin, cos * zoom_y, u[:, 5] * 2 * MAX_SHIFT], dim=1),
        ],
        dim=1,
    )  # (B, 2, 3)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    grid = grid + field(MAX_BEND * bends.view(-1, 2, KNOTS, KNOTS), images.shape[-1])
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _relight(images: Tensor, u: Tensor) -> Tensor:
    brightness, saturation, contrast = (u * u.new_tensor([0.2, 0.5, 0.3]))[:, :, None, None, None].unbind(1)
    images = images + brightness
    grey = images.mean(dim=1, keepdim=True)
    images = grey + (images - grey) * (1 + saturation)
    middle = images.mean(dim=(1, 2, 3), keepdim=True)
    return middle + (images - middle) * (1 + contrast)
