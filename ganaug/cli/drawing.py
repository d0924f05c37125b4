"""What pictures of images are drawn with: a pen for text, and images enlarged to a tile."""

from pathlib import Path
from textwrap import wrap

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

LINE = 20  # pixels for a line of text
FONT_SIZE, SMALL = 14, 12  # pixels
PAGE = (250, 250, 250)
INK, FAINT = (30, 30, 30), (110, 110, 110)
GAP = 2  # pixels between images


class Pen:
    """Writes in the font that matplotlib brings, which has the letters of most European scripts."""

    draw: ImageDraw.ImageDraw

    def __init__(self) -> None:
        import matplotlib

        file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
        self.font, self.small = (ImageFont.truetype(file, size) for size in (FONT_SIZE, SMALL))

    def text(self, at: tuple[int, int], text: str, ink: tuple[int, int, int], *, small: bool = False) -> None:
        """Write a text; `at` is its left upper corner."""
        self.draw.text(at, text, ink, self.small if small else self.font)

    def shortened(self, text: str, width: int) -> str:
        """Return a text that is no wider than so many pixels."""
        if self.font.getlength(text) <= width:
            return text
        while text and self.font.getlength(text + "...") > width:
            text = text[:-1]
        return text + "..."

    def wrapped(self, text: str, width: int) -> list[str]:
        """Return a text in lines that are no wider than so many pixels."""
        return wrap(text, max(20, int(width / self.font.getlength("n"))))


def tile_side(size: int, least: int) -> int:
    """Return the side of a tile for images of this size: a multiple of it, and no less than `least`.

    Examples
    --------
    >>> tile_side(28, 64), tile_side(128, 64)
    (84, 128)
    """
    return size * max(1, -(-least // size))


def enlarged(image: NDArray[np.uint8], side: int) -> Image.Image:
    """Return an image (H, W, C) in colours on white paper, `side` pixels wide."""
    height, _, channels = image.shape
    picture = Image.fromarray(image[..., 0] if channels == 1 else image)
    picture = picture.resize((side, side * height // image.shape[1]), Image.Resampling.NEAREST)
    if channels < 4:
        return picture.convert("RGB")
    paper = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(paper, picture).convert("RGB")
