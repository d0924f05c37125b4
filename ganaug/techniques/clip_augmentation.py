"""Alterations of clips that keep their label: those of images, the same in all frames, and a small shift in time.

All take clips (B, C, T, H, W) in [-1, 1] and are differentiable. A discriminator sees real and synthetic clips alike
through `distort` (Zhao et al. 2020). Clips are not reversed and not mirrored, because the
class may be the direction of a motion.
"""

import torch
from torch import Tensor

from ganaug.compute.draws import Random, uniform
from ganaug.techniques.augmentation import relight, strengths, warp

MAX_DELAY = 0.1
"""Largest shift in time, as a share of the frames."""
MAX_SHIFT = 0.12
"""Largest shift of a classical alteration, as a share of the side."""
MAX_BRIGHTNESS = 0.15
"""Largest change of brightness of a classical alteration; black and white are -1 and 1."""


def distort(clips: Tensor, random: Random) -> Tensor:
    """Warp, relight and delay most clips of a batch, each by its own random strength."""
    strength = strengths(len(clips), random).to(clips.device)
    channels = clips.shape[1]
    warped = warp(clips.flatten(1, 2), strength).view_as(clips)
    if channels == 3:
        warped = relight(warped.flatten(2, 3), strength[:, 6:9]).view_as(warped)
    delay = MAX_DELAY * clips.shape[2] * (2 * uniform((len(clips),), random) - 1)
    changed = (strength != 0).any(dim=1)  # the others are shown as they are
    return in_time(warped, delay.to(clips.device) * changed)


def shift_and_relight(clips: Tensor, random: torch.Generator) -> Tensor:
    """Shift clips in the plane, the same in all frames, and make them brighter or darker: a classical alteration."""
    moved, lit = 2 * torch.rand(len(clips), 2, generator=random) - 1, 2 * torch.rand(len(clips), generator=random) - 1
    side = clips.shape[-1]
    pixels = (MAX_SHIFT * side * moved).round().long().to(clips.device)  # (B, 2)
    places = torch.arange(side, device=clips.device)
    rows, columns = ((places + pixels[:, axis, None]).clamp(0, side - 1) for axis in (0, 1))  # (B, side) each
    batch = torch.arange(len(clips), device=clips.device)[:, None, None]
    shifted = clips.permute(0, 3, 4, 1, 2)[batch, rows[:, :, None], columns[:, None]]  # (B, H, W, C, T)
    brightness = MAX_BRIGHTNESS * lit.to(clips.device)[:, None, None, None, None]
    return (shifted.permute(0, 3, 4, 1, 2) + brightness).clamp(-1, 1)


def in_time(clips: Tensor, delay: Tensor) -> Tensor:
    """Return clips that begin so many frames later, (B,), or earlier; an end is continued by its frame.

    Examples
    --------
    >>> in_time(torch.tensor([0.0, 1.0, 2.0]).view(1, 1, 3, 1, 1), torch.tensor([1.0])).flatten().tolist()
    [0.0, 0.0, 1.0]
    """
    last = clips.shape[2] - 1
    at = (torch.arange(last + 1, device=clips.device) - delay[:, None]).clamp(0, last)  # (B, T)
    before = at.floor().long()
    share = (at - before).to(clips.dtype)[:, :, None, None, None]
    rows, by_frame = torch.arange(len(clips), device=clips.device)[:, None], clips.transpose(1, 2)  # (B, T, C, H, W)
    return torch.lerp(by_frame[rows, before], by_frame[rows, (before + 1).clamp(max=last)], share).transpose(1, 2)
