"""Pictures of clips, for pages and previews: a few frames in a row."""

import numpy as np
from numpy.typing import NDArray

SHOWN = 5
"""Frames of a clip in a picture, at most."""
MIN_SIDE = 40
"""Smallest side of a frame in a picture, in pixels; smaller frames are enlarged by a whole number."""
GAP = 2  # pixels between frames
PAPER = 255
"""Value of the gaps."""

Clips = NDArray[np.uint8]  # (n, frames, height, width, channels)


def draw_clips(clips: Clips) -> NDArray[np.uint8]:
    """Return pictures (n, height, width, channels) of some frames in a row, from the first to the last.

    Examples
    --------
    >>> draw_clips(np.zeros((2, 8, 16, 16, 1), np.uint8)).shape
    (2, 48, 248, 1)
    """
    n, frames, height, width, channels = clips.shape
    rows = np.unique(np.linspace(0, frames - 1, min(SHOWN, frames)).round().astype(int))
    factor = max(1, -(-MIN_SIDE // max(height, width)))
    large = clips[:, rows].repeat(factor, axis=2).repeat(factor, axis=3)
    step = width * factor + GAP
    pictures = np.full((n, height * factor, step * len(rows) - GAP, channels), PAPER, np.uint8)
    for place in range(len(rows)):
        pictures[:, :, place * step : place * step + width * factor] = large[:, place]
    return pictures
