"""Clips as points in Euclidean space, for distances between clips."""

import numpy as np
from numpy.typing import NDArray

POINT_SIDE = 8
"""Pixels a side of clips whose distances are measured: at this size, a shift by one pixel changes little."""
POINT_FRAMES = 4
"""Frames of clips whose distances are measured, each the mean of several."""


def clip_points(clips: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return clips (n, frames, H, W, C), averaged to `POINT_FRAMES` of `POINT_SIDE` pixels, as flat rows from 0 to 1.

    Examples
    --------
    >>> clip_points(np.full((2, 8, 16, 16, 3), 255, np.uint8)).shape
    (2, 768)
    """
    n, frames, height, width, channels = clips.shape
    pooled = POINT_FRAMES, POINT_SIDE, POINT_SIDE
    sizes = zip((frames, height, width), pooled, strict=True)
    blocks = [part for size, count in sizes for part in (count, size // count)]
    means: NDArray[np.float32] = clips.reshape(n, *blocks, channels).mean(axis=(2, 4, 6), dtype=np.float32)
    return np.divide(means.reshape(n, POINT_FRAMES * POINT_SIDE**2 * channels), np.float32(255))
