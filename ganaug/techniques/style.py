"""Style as the statistics of features: one image's features are given the mean and covariance of another's.

Adaptive instance normalisation (Huang and Belongie 2017) matches the mean and variance of every channel; a whitening
and colouring transform (Li et al. 2017) matches the covariance of the channels. Here the covariance is that of patches
of 3 x 3 cells, so that texture moves as well as colour. Among all linear maps that match it, the one that changes the
features least is taken: the optimal transport between two Gaussians (Mroueh 2020), which keeps the content.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

PATCH = 3
"""Side of the patches, in cells. Wider patches carry a fragment of the style's shapes into the content."""
CELLS = PATCH**2
NOISE = 0.06
"""Standard deviation that is added to the features before they are matched. The decoder of the shipped autoencoder
learned to overlook noise of this size, so less than this is no texture, and a plain area is not amplified into one."""
MAX_PATCHES = 4096
"""Patches that a covariance is measured on, at most; they are spread evenly. 144 numbers do not need more."""


class Style(NamedTuple):
    """The statistics of features of B images with C channels."""

    mean: Tensor
    """(B, C)"""
    cell: Tensor
    """Covariance of the channels, (B, C, C)."""
    root: Tensor
    """Square root of the covariance of the channels of 3 x 3 neighbouring cells, (B, 9C, 9C)."""


def style_of(features: Tensor, weight: Tensor | None = None) -> Style:
    """Return the statistics of features.

    Parameters
    ----------
    features : Tensor of shape (B, C, h, w)
        Features of images, such as latents.
    weight : Tensor of shape (B, 1, h, w), optional
        How much each cell counts, such as its alpha. Where all weights of an image are zero, all cells count alike.

    Examples
    --------
    >>> style = style_of(torch.arange(16.0).view(1, 1, 4, 4))
    >>> style.mean.item(), style.cell.item(), style.root.shape
    (7.5, 21.25, torch.Size([1, 9, 9]))
    """
    centred, share, mean = _centred(features, weight)
    cell = _covariance(centred.flatten(2), share.flatten(2))
    return Style(mean, cell, _power(_patch_covariance(centred, share, cell), 0.5))


def with_style(features: Tensor, style: Style, weight: Tensor | None = None) -> Tensor:
    """Return features (B, C, h, w) with the style of others.

    The mean becomes that of the style, and the covariance of the channels too, up to `NOISE`. `weight` is that of
    `style_of`.

    Examples
    --------
    >>> random = torch.Generator().manual_seed(0)
    >>> dull, bright = torch.randn(2, 1, 2, 32, 32, generator=random) * torch.tensor([0.3, 1.0]).view(2, 1, 1, 1, 1)
    >>> moved = with_style(dull, style_of(bright))
    >>> bool(torch.allclose(moved.std(dim=(2, 3)), bright.std(dim=(2, 3)), rtol=0.05))
    True
    """
    centred, share, _ = _centred(features, weight)
    own = _covariance(centred.flatten(2), share.flatten(2))  # (B, C, C)
    kernel = _as_kernel(_transport(_patch_covariance(centred, share, own), style.root), features.shape[1])
    moved, share, _ = _centred(_convolved(_extended(centred, PATCH - 1), kernel), weight)
    # Averaging over overlapping patches loses a part of the variance. A map of single cells brings the covariance to
    # what such a map alone would have reached: that of the style, and less where the content is plain.
    alone = _transport(_with_noise(own), _power(_with_noise(style.cell), 0.5))
    reached = _with_noise(alone @ own @ alone)
    matrix = _transport(_with_noise(_covariance(moved.flatten(2), share.flatten(2))), _power(reached, 0.5))
    return _convolved(moved, matrix[..., None, None]) + style.mean[:, :, None, None]


def _centred(features: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Return features minus their mean, the share of each cell (B, 1, h, w), and the mean (B, C)."""
    weight = torch.ones_like(features[:, :1]) if weight is None else weight
    weight = torch.where(weight.sum(dim=(1, 2, 3), keepdim=True) > 0, weight, 1.0)
    share = weight / weight.sum(dim=(2, 3), keepdim=True)
    mean = (features * share).sum(dim=(2, 3))
    return features - mean[:, :, None, None], share, mean


def _covariance(centred: Tensor, share: Tensor) -> Tensor:
    """Return the covariance (B, D, D) of numbers (B, D, n) whose mean is zero, by the share of each (B, 1, n)."""
    return (centred * (share / share.sum(dim=2, keepdim=True).clamp(min=1e-12))) @ centred.mT


def _patch_covariance(centred: Tensor, share: Tensor, cell: Tensor) -> Tensor:
    """Return the covariance of patches with noise, moved towards that of unrelated cells where there are few cells.

    A small image has fewer cells than a patch has numbers. Without this, chance would pass for texture.
    """
    stride = max(1, round((share[0].numel() / MAX_PATCHES) ** 0.5))
    patches = F.unfold(_extended(centred, PATCH // 2), PATCH, stride=stride)  # (B, 9C, n)
    share_of_patch = F.unfold(_extended(share, PATCH // 2), PATCH, stride=stride).mean(dim=1, keepdim=True)
    measured = _covariance(patches, share_of_patch)
    unrelated = torch.einsum("bij,kl->bikjl", cell, torch.eye(CELLS)).reshape(measured.shape)
    count = 1 / share.square().sum(dim=(1, 2, 3))  # effective number of cells, (B,)
    chance = measured.shape[1] / (measured.shape[1] + count)
    return _with_noise(torch.lerp(measured, unrelated, chance[:, None, None]))


def _with_noise(covariance: Tensor) -> Tensor:
    return covariance + NOISE**2 * torch.eye(covariance.shape[1])


def _extended(features: Tensor, cells: int) -> Tensor:
    return F.pad(features, (cells,) * 4, mode="replicate")


def _transport(own: Tensor, root: Tensor) -> Tensor:
    """Return the symmetric matrices (B, D, D) that turn covariances into others, of which the roots are given."""
    return root @ _power(root @ own @ root, -0.5) @ root


def _power(covariance: Tensor, exponent: float) -> Tensor:
    """Return a power of positive matrices (B, D, D)."""
    values, vectors = torch.linalg.eigh(covariance)
    power: Tensor = (vectors * values.clamp(min=1e-12)[:, None] ** exponent) @ vectors.mT
    return power


def _as_kernel(matrix: Tensor, n_channels: int) -> Tensor:
    """Return the convolution (B, C, C, 5, 5) that maps all 3 x 3 patches, and averages them where they overlap."""
    blocks = matrix.view(len(matrix), n_channels, PATCH, PATCH, n_channels, PATCH, PATCH)
    side = 2 * PATCH - 1
    kernel = matrix.new_zeros(len(matrix), n_channels, n_channels, side, side)
    for row in range(PATCH):
        for column in range(PATCH):
            top, left = PATCH - 1 - row, PATCH - 1 - column
            kernel[..., top : top + PATCH, left : left + PATCH] += blocks[:, :, row, column] / CELLS
    return kernel


def _convolved(features: Tensor, kernels: Tensor) -> Tensor:
    """Convolve features (B, C, h, w) with a kernel (C, C, k, k) for each image."""
    count, n_channels = features.shape[:2]
    one = F.conv2d(features.reshape(1, -1, *features.shape[2:]), kernels.flatten(0, 1), groups=count)
    return one.view(count, n_channels, *one.shape[2:])
