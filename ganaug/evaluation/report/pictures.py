"""Images as PNG data in a page, within a budget of bytes."""

import base64
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDES = (96, 64, 48, 32, 24, 16)
"""Longer sides of images in pixels, tried from the largest down until the budget is met."""
GUTTER = 4
"""Transparent pixels between the images of a sheet."""

Images = NDArray[np.uint8]
Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Sheet:
    """Several images of one size in one PNG, row after row."""

    source: str  # the ``data:`` URL of the PNG
    columns: int  # images in a row
    n: int  # images in total
    cell: tuple[int, int]  # width and height of an image, in pixels
    gutter: int  # pixels between two images
    size: tuple[int, int]  # width and height of the PNG, in pixels


def picture(image: Images, side: int) -> str:
    """Return one image of shape (H, W, C) as a ``data:`` URL; its longer side has at most `side` pixels."""
    return _data_url(_fit(image, side))


def sheet(images: Images, side: int, columns: int) -> Sheet:
    """Lay out images of shape (n, H, W, C) in rows of `columns`; fewer images leave the rest of the row empty."""
    cells = [_fit(image, side) for image in images]
    width, height = cells[0].size
    rows = -(-len(cells) // columns)
    size = (columns * (width + GUTTER) - GUTTER, rows * (height + GUTTER) - GUTTER)
    whole = Image.new({"L": "LA", "RGB": "RGBA"}.get(cells[0].mode, "RGBA"), size)
    for index, cell in enumerate(cells):
        row, column = divmod(index, columns)
        whole.paste(cell.convert(whole.mode), (column * (width + GUTTER), row * (height + GUTTER)))
    return Sheet(_data_url(whole), columns, len(cells), (width, height), GUTTER, size)


def within(
    budget: int, make: Callable[[Any], Thing], size: Callable[[Thing], int], tries: Iterable[Any] = SIDES
) -> Thing:
    """Return the result of `make` for the first try that is within the budget, or else for the last one."""
    for one in tries:
        made = make(one)
        if size(made) <= budget:
            break
    return made


def evenly(n: int, most: int) -> Sequence[int]:
    """Return at most `most` of n indices, evenly spread from the first to the last."""
    return [int(index) for index in np.linspace(0, n - 1, min(n, most)).round()] if n else []


def _fit(image: Images, side: int) -> Image.Image:
    """Shrink with averaging to the side, or enlarge by a whole factor, so that every pixel stays a sharp square."""
    pixels = np.ascontiguousarray(image)
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    longest = max(picture.size)
    if longest > side:
        width, height = (max(1, round(length * side / longest)) for length in picture.size)
        return picture.resize((width, height), Image.Resampling.BOX)
    factor = side // longest
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)


def _data_url(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
