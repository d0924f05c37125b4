"""Differentiable augmentation of what the discriminator sees, real and synthetic images alike (Zhao et al. 2020).

Only changes that keep any label: small shifts, rotations, zooms and bends, and changes of light and saturation for
colour images. Bends differ at every showing, so a discriminator cannot memorise a few images. There are no flips, which
change the class of digits and text, and no cutout, which leaks into the samples.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ganaug.compute.draws import Random, uniform
from ganaug.techniques.displacement import KNOTS, field

DRAWS = 9 + 2 * KNOTS**2
"""Random numbers for one image."""
PLAIN = 0.25
"""Share of images that are shown unchanged: interpolation smooths all others, and would never ask for sharp strokes."""
MAX_SHIFT = 0.12
"""Largest shift, as a share of the side."""
MAX_TURN = math.radians(12)  # in radians
MAX_ZOOM = 0.12  # logarithm of the largest factor
MAX_SHEAR = 0.12  # tangent of the largest angle
MAX_BEND = 0.15
"""Largest displacement of a knot, in units of half the side."""


def augment(images: Tensor, strength: Tensor) -> Tensor:
    """Warp and relight images of shape (B, C, H, W) by `strength`, uniform in [-1, 1] of shape (B, DRAWS)."""
    images = warp(images, strength)
    return relight(images, strength[:, 6:9]) if images.shape[1] == 3 else images


def strengths(count: int, random: Random) -> Tensor:
    """Draw the strengths for so many images, (count, DRAWS); a share of the images stays `PLAIN`."""
    strength = uniform((count, DRAWS), random) * 2 - 1
    return strength * (uniform((count, 1), random) >= PLAIN)


def distort(images: Tensor, random: Random) -> Tensor:
    """Warp and relight most images of a batch (B, C, H, W), each by its own random strength."""
    return augment(images, strengths(len(images), random).to(images.device))


def warp(images: Tensor, strength: Tensor) -> Tensor:
    """Warp images, or maps that can be warped like images, of shape (B, C, H, W) by `strength`, as `augment` does."""
    u, bends = strength[:, :6], strength[:, 9:]
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


def relight(images: Tensor, u: Tensor) -> Tensor:
    """Change brightness, saturation and contrast of images (B, 3, H, W) by strengths (B, 3) in [-1, 1]."""
    brightness, saturation, contrast = (u * u.new_tensor([0.2, 0.5, 0.3]))[:, :, None, None, None].unbind(1)
    images = images + brightness
    grey = images.mean(dim=1, keepdim=True)
    images = grey + (images - grey) * (1 + saturation)
    middle = images.mean(dim=(1, 2, 3), keepdim=True)
    return middle + (images - middle) * (1 + contrast)
