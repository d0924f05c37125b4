"""Small line charts of signals, for pages and previews."""

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 96, 64  # of a picture, in pixels
FINER = 3
"""A picture is drawn this many times as large, and averaged down: lines without steps."""
MARGIN = 0.06
"""Space above the highest and below the lowest value, as a share of their distance."""
PAPER, RULE = (255, 255, 255), (225, 225, 225)
COLOURS = ((38, 84, 160), (200, 92, 30), (40, 130, 80), (150, 60, 140), (110, 110, 110), (170, 140, 20))
"""Colours of channels, in turn."""
MAX_DRAWN = 12
"""Channels in one picture: more would hide each other."""

Signals = NDArray[np.float32]  # (n, length, channels)


def range_of(signals: Signals) -> NDArray[np.float32]:
    """Return the smallest and the largest value of each channel, (2, channels)."""
    return np.stack([signals.min(axis=(0, 1)), signals.max(axis=(0, 1))])


def draw_signals(signals: Signals, limits: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return pictures (n, HEIGHT, WIDTH, 3) of signals, on the scale that `limits`, (2, channels), give each channel.

    A signal with more values than a picture has columns is drawn as its smallest and largest value in each column.
    """
    pictures = [_draw(signal, limits) for signal in signals]
    return np.stack(pictures) if pictures else np.zeros((0, HEIGHT, WIDTH, 3), np.uint8)


def _draw(signal: NDArray[np.float32], limits: NDArray[np.float32]) -> NDArray[np.uint8]:
    from PIL import Image, ImageDraw

    width, height = FINER * WIDTH, FINER * HEIGHT
    picture = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(picture)
    pen.line([(0, height // 2), (width, height // 2)], RULE, FINER)
    for channel in reversed(range(min(signal.shape[1], MAX_DRAWN))):
        low, high = (float(limit) for limit in limits[:, channel])
        share = (signal[:, channel] - low) / ((high - low) or 1.0)
        y = np.clip((1 - MARGIN - (1 - 2 * MARGIN) * share) * height, 0, height - 1)
        columns = np.linspace(0, width - 1, len(y))
        if len(y) > 2 * WIDTH:
            edges = np.linspace(0, len(y), WIDTH + 1).astype(int)[:-1]
            y = np.stack([np.minimum.reduceat(y, edges), np.maximum.reduceat(y, edges)], axis=1).ravel()
            columns = np.repeat(np.linspace(0, width - 1, WIDTH), 2)
        pen.line(list(zip(columns.tolist(), y.tolist(), strict=True)), COLOURS[channel % len(COLOURS)], FINER + 1)
    return np.asarray(picture.reduce(FINER))
