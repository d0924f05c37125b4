"""The tones of what is drawn, matched to those of real images."""

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["Tone", "Toned", "level_shares", "matching_tone"]

LEVELS = 256
PLAIN = 0.05
"""A channel of whose real pixels this share is quite black or quite white has its tones matched."""
TIE = 1e-9
"""Ranks that differ by less are the same but for rounding."""


class Tone(nn.Module):
    """Pixel values to others, each channel by a curve of its own that never falls.

    Parameters
    ----------
    curve : Tensor of shape (C, 256)
        What the 256 levels from -1 to 1 become; between them it is linear.
    """

    curve: Tensor

    def __init__(self, curve: Tensor) -> None:
        super().__init__()
        self.register_buffer("curve", curve)

    def forward(self, image: Tensor) -> Tensor:
        """Return images (B, C, H, W) in [-1, 1] in their new tones."""
        level = ((image + 1) * ((LEVELS - 1) / 2)).clamp(0, LEVELS - 1)
        below = level.floor().clamp(max=LEVELS - 2)
        row = LEVELS * torch.arange(len(self.curve), device=image.device).view(-1, 1, 1)
        index, curve = below.long() + row, self.curve.flatten()
        return torch.lerp(curve[index], curve[index + 1], level - below)


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
    """Return what part of each channel of images (B, C, H, W) in [-1, 1] has which of the 256 levels: (C, 256).

    Examples
    --------
    >>> level_shares(torch.tensor([-1.0, -1.0, 1.0, -1.0]).view(1, 1, 2, 2))[0, [0, 255]].tolist()
    [0.75, 0.25]
    """
    level = ((image + 1) * ((LEVELS - 1) / 2)).round().clamp(0, LEVELS - 1).long()
    channels = level.transpose(0, 1).flatten(1)  # (C, B * H * W)
    return torch.stack([torch.bincount(one, minlength=LEVELS) for one in channels]).double() / channels.shape[1]


def matching_tone(drawn: Tensor, real: Tensor) -> Tone:
    """Return the tone that gives what is drawn the levels of real images.

    A generator's background is never quite black nor are its strokes quite white: its last layer is smooth, and it
    learns from images that distortion has smoothed. Who looks at the pictures hardly sees it, but a classifier that is
    trained on them beside real ones does. So each level becomes the one of the same rank among real pixels: histogram
    specification (Gonzalez and Woods, Digital Image Processing). Channels of photographs, few of whose pixels are at
    either end, stay as they are.

    Parameters
    ----------
    drawn, real : Tensor of shape (C, 256)
        `level_shares` of the two.

    Examples
    --------
    >>> drawn = level_shares(torch.tensor([-0.93, -0.98, -0.95, 0.81]).view(1, 1, 2, 2))
    >>> real = level_shares(torch.tensor([-1.0, -1.0, -1.0, 1.0]).view(1, 1, 2, 2))
    >>> matching_tone(drawn, real)(torch.tensor([-0.95, 0.81]).view(1, 1, 1, 2)).round(decimals=2).tolist()
    [[[[-1.0, 1.0]]]]
    """
    rank = drawn.cumsum(1) - drawn / 2 - TIE  # of the middle of each level, from 0 to 1
    matched = torch.searchsorted(real.cumsum(1), rank).clamp(max=LEVELS - 1).numpy()
    curve = np.tile(np.arange(LEVELS, dtype=np.float64), (len(drawn), 1))
    for channel in torch.where((real[:, [0, -1]] >= PLAIN).any(dim=1))[0].tolist():
        # Levels that were not drawn, but may be one day, lie between their neighbours.
        seen = np.flatnonzero(drawn[channel])
        curve[channel] = np.interp(curve[channel], seen, matched[channel][seen])
    return Tone(torch.from_numpy(curve).float() * (2 / (LEVELS - 1)) - 1)
