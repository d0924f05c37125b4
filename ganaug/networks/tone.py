"""The darkest and brightest tones of what is drawn, matched to those of real images."""

import torch
from torch import Tensor, nn

__all__ = ["Tone", "Toned", "level_shares", "matching_tone"]

LEVELS = 256
LEAST_SHARE = 0.01
"""Of a channel's real pixels that must have the darkest or the brightest level there is, for that end to be matched."""
FURTHEST = 64
"""Levels by which an end may be moved: what is further away than noise is a mistake of the drawing, not of its tone."""


class Tone(nn.Module):
    """Stretches each channel of images in [-1, 1] so that what lies beyond two points becomes black or white.

    Parameters
    ----------
    black, white : Tensor of shape (C,)
        What becomes -1, and 1; between them it is linear.
    """

    black: Tensor
    white: Tensor

    def __init__(self, black: Tensor, white: Tensor) -> None:
        super().__init__()
        self.register_buffer("black", black.view(-1, 1, 1))
        self.register_buffer("white", white.view(-1, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Return images (B, C, H, W) in their new tones."""
        return ((image - self.black) * (2 / (self.white - self.black)) - 1).clamp(-1, 1)


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
    """Return the tone by which as many drawn pixels are quite black, and quite white, as real ones are.

    A generator's background is never quite black: its last layer is smooth, and it learns from images that distortion
    has smoothed. Who looks at the pictures hardly sees it, but a classifier that is trained on them beside real ones
    does. Photographs, of whose pixels few are at either end, stay as they are.

    Parameters
    ----------
    drawn, real : Tensor of shape (C, 256)
        `level_shares` of the two.

    Examples
    --------
    >>> drawn = level_shares(torch.tensor([-0.93, -0.98, -0.95, 0.8]).view(1, 1, 2, 2))
    >>> real = level_shares(torch.tensor([-1.0, -1.0, -1.0, 0.9]).view(1, 1, 2, 2))
    >>> tone = matching_tone(drawn, real)
    >>> tone(torch.tensor([-0.95, 1.0]).view(1, 1, 1, 2)).round(decimals=3).tolist()
    [[[[-1.0, 1.0]]]]
    """
    black = _end(drawn, real)
    white = LEVELS - 1 - _end(drawn.flip(1), real.flip(1))
    return Tone(*(ends * (2 / (LEVELS - 1)) - 1 for ends in (black, white)))


def _end(drawn: Tensor, real: Tensor) -> Tensor:
    """Return by channel the level up to which as much is drawn as really has the lowest, (C,)."""
    share = real[:, :1]
    level = (drawn.cumsum(1) < share).sum(1).clamp(max=FURTHEST)
    return torch.where(share[:, 0] >= LEAST_SHARE, level, 0).float()
