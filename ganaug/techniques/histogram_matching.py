"""The tones of what is drawn, matched to those of real images."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

__all__ = ["Tone", "Toned", "level_shares", "matching_tone"]

LEVELS = 256
ENDS = (-1.0, 1.0)
"""Black and white."""
PLAIN = 0.05
"""Where this share of what is seen of real images is quite black, or quite white, the tones are matched."""
TIE = 1e-9
"""Ranks that differ by less are the same but for rounding."""
_AS_IT_IS = np.linspace(0, 1, LEVELS)


class Tone(nn.Module):
    """Images to others whose pixels lie as far from black, or from white, as those of real images do.

    How far is what the channel says that lies farthest, and all three are moved in proportion: a pixel becomes plain
    as a whole, and colours keep their hue. Alpha goes by a curve of its own.

    Parameters
    ----------
    end : float
        -1 for black, 1 for white.
    curves : Tensor of shape (1, 256) or (2, 256)
        What 256 distances, evenly from none to that of the other end, become, in [0, 1]; then, where the images have
        alpha, what 256 levels of that become. None ever falls; between the 256 they are linear.
    """

    curves: Tensor

    def __init__(self, end: float, curves: Tensor) -> None:
        super().__init__()
        self.end = end
        self.register_buffer("curves", curves)

    def forward(self, image: Tensor) -> Tensor:
        """Return images (B, C, H, W) in [-1, 1] in their new tones."""
        colour, alpha = image[:, :3], image[:, 3:]
        distance = _distance(colour, self.end)  # (B, 1, H, W)
        colour = self.end + (colour - self.end) * (_along(self.curves[0], distance) / distance.clamp(min=1e-6))
        if not alpha.shape[1]:
            return colour
        return torch.cat([colour, 2 * _along(self.curves[1], (alpha + 1) / 2) - 1], dim=1)


class Toned(nn.Module):
    """A generator of images (B, C, H, W) in [-1, 1], and the tone that is put on what it draws."""

    def __init__(self, generator: nn.Module, tone: Tone) -> None:
        super().__init__()
        self.generator, self.tone = generator, tone

    def forward(self, noise: Tensor, label: Tensor) -> Tensor:
        """Return finished images."""
        image: Tensor = self.tone(self.generator(noise, label))
        return image


def level_shares(image: Tensor) -> Tensor:
    """Return what part of images (B, C, H, W) in [-1, 1] lies how far from black and from white.

    Returns
    -------
    Tensor of shape (2, 256) or (3, 256)
        Of each of 256 distances from black, then from white, the share of all pixels, each counted as far as it can be
        seen; where there is alpha, then those of its levels.

    Examples
    --------
    >>> level_shares(torch.tensor([-1.0, -1.0, 1.0, -1.0]).view(1, 1, 2, 2))[:, [0, 255]].tolist()
    [[0.75, 0.25], [0.25, 0.75]]
    """
    colour, alpha = image[:, :3], (image[:, 3:] + 1) / 2
    seen = alpha if alpha.shape[1] else torch.ones_like(image[:, :1])
    shares = [_shares(_distance(colour, end), seen) for end in ENDS]
    return torch.stack(shares + [_shares(alpha, torch.ones_like(alpha))] * alpha.shape[1])


def matching_tone(drawn: Tensor, real: Tensor) -> Tone | None:
    """Return the tone that gives what is drawn the levels of real images, or None where nothing of these is plain.

    A generator's background is never quite black nor are its strokes quite white: its last layer is smooth, and it
    learns from images that distortion has smoothed. Who looks at the pictures hardly sees it, but a classifier that is
    trained on them beside real ones does. So each distance from black or white, whichever real images have more of,
    becomes the one of the same rank among real pixels: histogram specification (Gonzalez and Woods, Digital Image
    Processing). Photographs, few of whose pixels are quite black or white, stay as they are.

    Parameters
    ----------
    drawn, real : Tensor of shape (2, 256) or (3, 256)
        `level_shares` of the two.

    Examples
    --------
    >>> drawn = level_shares(torch.tensor([-0.93, -0.98, -0.95, 0.81]).view(1, 1, 2, 2))
    >>> real = level_shares(torch.tensor([-1.0, -1.0, -1.0, 1.0]).view(1, 1, 2, 2))
    >>> tone = matching_tone(drawn, real)
    >>> tone(torch.tensor([-0.95, 0.81]).view(1, 1, 1, 2)).round(decimals=2).tolist()
    [[[[-1.0, 1.0]]]]
    """
    end = int(real[1, 0] > real[0, 0])
    plain = [bool(real[end, 0] >= PLAIN), *(bool((alpha[[0, -1]] >= PLAIN).any()) for alpha in real[len(ENDS) :])]
    if not any(plain):
        return None
    rows = [end, *range(len(ENDS), len(real))]
    curves = [_matched(drawn[row], real[row]) if own else _AS_IT_IS for row, own in zip(rows, plain, strict=True)]
    return Tone(ENDS[end], torch.from_numpy(np.stack(curves)).float())


def _distance(colour: Tensor, end: float) -> Tensor:
    """Return how far pixels are from an end, (B, 1, H, W), in [0, 1]: as far as the farthest of their channels."""
    return (colour - end).abs().amax(dim=1, keepdim=True) / 2


def _along(curve: Tensor, value: Tensor) -> Tensor:
    """Return what values in [0, 1] become by a curve of 256 levels."""
    level = (value * (LEVELS - 1)).clamp(0, LEVELS - 1)
    below = level.floor().clamp(max=LEVELS - 2)
    index = below.long()
    return torch.lerp(curve[index], curve[index + 1], level - below)


def _shares(value: Tensor, weight: Tensor) -> Tensor:
    level = (value * (LEVELS - 1)).round().clamp(0, LEVELS - 1).long()
    found = torch.bincount(level.flatten(), weight.flatten().double(), minlength=LEVELS)
    total = found.sum()  # nothing, where nothing can be seen
    return found / total if total else found


def _matched(drawn: Tensor, real: Tensor) -> NDArray[np.float64]:
    rank = drawn.cumsum(0) - drawn / 2 - TIE  # of the middle of each level, from 0 to 1
    matched = torch.searchsorted(real.cumsum(0), rank).clamp(max=LEVELS - 1).numpy()
    seen = np.flatnonzero(drawn)
    if not len(seen):
        return _AS_IT_IS
    # Levels that were not drawn, but may be one day, lie between their neighbours.
    curve: NDArray[np.float64] = np.interp(np.arange(LEVELS), seen, matched[seen]) / (LEVELS - 1)
    return curve
