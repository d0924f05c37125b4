"""Histogram matching: synthetic images get the shares of black, white and grey that real images have."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

LEVELS = 256  # of grey, as in images of 8 bits
ENDS = (-1.0, 1.0)
"""Black and white."""
PLAIN = 0.05
"""Share of the visible pixels of real images that must be exactly black, or exactly white, for a match to be made."""
TIE = 1e-9
"""Ranks that differ by less are equal up to rounding."""
_IDENTITY = np.linspace(0, 1, LEVELS)


class HistogramCurve(nn.Module):
    """A monotone curve that changes how far the pixels of an image are from black, or from white.

    The distance of a pixel is that of its farthest channel, and all three channels move in proportion. So a pixel
    becomes plain as a whole, and colours keep their hue. Alpha has a curve of its own.

    Parameters
    ----------
    end : float
        -1 for black, 1 for white.
    curves : Tensor of shape (1, 256) or (2, 256)
        The new distances, in [0, 1], for 256 evenly spaced distances from none to that of the other end. The second
        row, for images with alpha, has the new alpha for 256 levels. No curve falls; between the levels it is linear.
    """

    curves: Tensor

    def __init__(self, end: float, curves: Tensor) -> None:
        super().__init__()
        self.end = end
        self.register_buffer("curves", curves)

    def forward(self, image: Tensor) -> Tensor:
        """Return images (B, C, H, W) in [-1, 1] with the new distances."""
        colour, alpha = image[:, :3], image[:, 3:]
        distance = _distance(colour, self.end)  # (B, 1, H, W)
        colour = self.end + (colour - self.end) * (_along(self.curves[0], distance) / distance.clamp(min=1e-6))
        if not alpha.shape[1]:
            return colour
        return torch.cat([colour, 2 * _along(self.curves[1], (alpha + 1) / 2) - 1], dim=1)


class HistogramMatched(nn.Module):
    """A generator of images (B, C, H, W) in [-1, 1] and the curve that its images pass through."""

    def __init__(self, generator: nn.Module, curve: HistogramCurve) -> None:
        super().__init__()
        self.generator, self.curve = generator, curve
        self.noise_dim, self.noise_parts = generator.noise_dim, getattr(generator, "noise_parts", None)

    def forward(self, noise: Tensor, label: Tensor) -> Tensor:
        """Return matched images."""
        image: Tensor = self.curve(self.generator(noise, label))
        return image


def level_shares(image: Tensor) -> Tensor:
    """Return the histogram of the distances from black and from white in images (B, C, H, W) in [-1, 1].

    Returns
    -------
    Tensor of shape (2, 256) or (3, 256)
        The share of all pixels at each of 256 distances from black, then from white; each pixel counts by its alpha,
        where there is alpha. The third row has the shares of the levels of alpha.

    Examples
    --------
    >>> level_shares(torch.tensor([-1.0, -1.0, 1.0, -1.0]).view(1, 1, 2, 2))[:, [0, 255]].tolist()
    [[0.75, 0.25], [0.25, 0.75]]
    """
    colour, alpha = image[:, :3], (image[:, 3:] + 1) / 2
    seen = alpha if alpha.shape[1] else torch.ones_like(image[:, :1])
    shares = [_shares(_distance(colour, end), seen) for end in ENDS]
    return torch.stack(shares + [_shares(alpha, torch.ones_like(alpha))] * alpha.shape[1])


def matching_curve(drawn: Tensor, real: Tensor) -> HistogramCurve | None:
    """Return the curve that gives synthetic images the histogram of real ones; None where no real part is plain.

    The last layer of a generator is smooth, and the generator learns from images that distortion has smoothed. So its
    backgrounds are never exactly black and its strokes never exactly white. People hardly see this, but a classifier
    that learns from synthetic images beside real ones does. Each distance from black or from white, whichever is more
    common among the real pixels, is replaced by the real distance of the same rank (histogram specification, Gonzalez
    and Woods, Digital Image Processing). Photographs have few exactly black or white pixels and are left unchanged.

    Parameters
    ----------
    drawn, real : Tensor of shape (2, 256) or (3, 256)
        The `level_shares` of synthetic and of real images.

    Examples
    --------
    >>> drawn = level_shares(torch.tensor([-0.93, -0.98, -0.95, 0.81]).view(1, 1, 2, 2))
    >>> real = level_shares(torch.tensor([-1.0, -1.0, -1.0, 1.0]).view(1, 1, 2, 2))
    >>> curve = matching_curve(drawn, real)
    >>> curve(torch.tensor([-0.95, 0.81]).view(1, 1, 1, 2)).round(decimals=2).tolist()
    [[[[-1.0, 1.0]]]]
    """
    end = int(real[1, 0] > real[0, 0])
    plain = [bool(real[end, 0] >= PLAIN), *(bool((alpha[[0, -1]] >= PLAIN).any()) for alpha in real[len(ENDS) :])]
    if not any(plain):
        return None
    rows = [end, *range(len(ENDS), len(real))]
    curves = [_matched(drawn[row], real[row]) if own else _IDENTITY for row, own in zip(rows, plain, strict=True)]
    return HistogramCurve(ENDS[end], torch.from_numpy(np.stack(curves)).float())


def _distance(colour: Tensor, end: float) -> Tensor:
    """Return the distance of the farthest channel of each pixel from an end, (B, 1, H, W), in [0, 1]."""
    return (colour - end).abs().amax(dim=1, keepdim=True) / 2


def _along(curve: Tensor, value: Tensor) -> Tensor:
    """Return the values of a curve of 256 levels at places in [0, 1]."""
    level = (value * (LEVELS - 1)).clamp(0, LEVELS - 1)
    below = level.floor().clamp(max=LEVELS - 2)
    index = below.long()
    return torch.lerp(curve[index], curve[index + 1], level - below)


def _shares(value: Tensor, weight: Tensor) -> Tensor:
    level = (value * (LEVELS - 1)).round().clamp(0, LEVELS - 1).long()
    found = torch.bincount(level.flatten(), weight.flatten().double(), minlength=LEVELS)
    total = found.sum()  # zero, where everything is transparent
    return found / total if total else found


def _matched(drawn: Tensor, real: Tensor) -> NDArray[np.float64]:
    rank = drawn.cumsum(0) - drawn / 2 - TIE  # of the middle of each level, from 0 to 1
    matched = torch.searchsorted(real.cumsum(0), rank).clamp(max=LEVELS - 1).numpy()
    seen = np.flatnonzero(drawn)
    if not len(seen):
        return _IDENTITY
    # Levels that were not drawn lie between their neighbours: they may be drawn another time.
    curve: NDArray[np.float64] = np.interp(np.arange(LEVELS), seen, matched[seen]) / (LEVELS - 1)
    return curve
