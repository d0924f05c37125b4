"""A generator's images as PIL images of another size and mode."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganaug.data.images.codec import unpadded

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's mode for each number of channels."""


def pil_image(pixels: NDArray[np.uint8], mode: str | None = None, size: tuple[int, int] | None = None) -> Image.Image:
    """Return a generator's image, uint8 (S, S, C), as a PIL image of a mode and a size (width, height).

    The padding of the square is cut off so that the proportions are those of the size.
    """
    pixels = pixels if size is None else unpadded(pixels, size[1], size[0])
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    return image if mode in (None, image.mode) else image.convert(mode)
