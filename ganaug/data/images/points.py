"""Images as points in Euclidean space, for distances between images."""

import math

import numpy as np
from numpy.typing import NDArray

POINT_SIDE = 16
"""Side in pixels to which larger images are pooled, so that a shift by a pixel changes a point little."""


def image_points(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return images (n, H, W, C), pooled to at most `POINT_SIDE` pixels a side, as flat rows of values from 0 to 1.

    Examples
    --------
    >>> image_points(np.full((2, 32, 32, 3), 255, np.uint8)).shape
    (2, 768)
    """
    n, height, width, channels = images.shape
    pooled = images
    if min(height, width) > POINT_SIDE:
        if height % POINT_SIDE or width % POINT_SIDE:
            from PIL import Image

            size = (POINT_SIDE, POINT_SIDE)
            pooled = np.stack([np.asarray(Image.fromarray(one.squeeze()).resize(size)) for one in images])
        else:
            blocks = images.reshape(n, POINT_SIDE, height // POINT_SIDE, POINT_SIDE, width // POINT_SIDE, channels)
            pooled = blocks.mean(axis=(2, 4), dtype=np.float32)  # (n, POINT_SIDE, POINT_SIDE, channels)
    return pooled.reshape(n, math.prod(pooled.shape[1:])).astype(np.float32) / np.float32(255)
