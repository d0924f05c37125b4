"""Signals as points in Euclidean space, for distances between signals."""

import numpy as np
from numpy.typing import NDArray

POINT_PLACES = 64
"""Windows of a signal by which distances are measured."""


def signal_points(signals: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean and the deviation of each channel in at most `POINT_PLACES` windows, as flat rows (n, d).

    The deviation tells sounds apart, whose means are all near zero. The signals are (n, length, channels).

    Examples
    --------
    >>> signal_points(np.zeros((2, 100, 3), np.float32)).shape
    (2, 384)
    """
    length = signals.shape[1]
    edges = np.linspace(0, length, min(POINT_PLACES, length) + 1).astype(int)[:-1]
    sizes = np.diff([*edges, length]).astype(np.float32)[:, None]  # (places, 1)
    means = np.add.reduceat(signals, edges, axis=1) / sizes  # (n, places, channels)
    squares = np.add.reduceat(signals**2, edges, axis=1) / sizes
    spread = np.sqrt(np.maximum(squares - means**2, 0))
    points = np.concatenate([means, spread], axis=1)
    return points.reshape(len(signals), points.shape[1] * points.shape[2]).astype(np.float32)
