"""The animation of ``ganaug sample --walk``: one tile for each class, which walks through the noise and comes back."""

import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from PIL import Image, ImageDraw, features

from ganaug.cli.drawing import GAP, INK, LINE, PAGE, Pen, enlarged, tile_side
from ganaug.cli.text import counted, printable
from ganaug.errors import DataError
from ganaug.files import atomic_write, check_writable

if TYPE_CHECKING:
    from ganaug.runtime.generator import Generator

FORMATS = {".webp": "WEBP", ".gif": "GIF"}
"""The format of a file by its ending."""
FRAME_MS = 80
"""Milliseconds that a frame is shown: slow enough to see what changes, and without jerks."""
MIN_SIDE = 96
"""Smallest side of a tile in pixels; smaller images are enlarged by a whole number."""
MAX_PIXELS = 2**27
"""Pixels of all frames together: 400 MB of memory."""
MAX_PAGE = 16_383
"""Largest width or height in pixels, the bound of WebP."""
MARGIN = 8  # pixels around the page
COLOURS = 256  # of a GIF
QUALITY = 90  # of a WebP, of 100


def check_output(output: Path) -> None:
    """Refuse, before any work, a file that is no animation or cannot be written."""
    if output.suffix.lower() not in FORMATS:
        raise click.UsageError(
            f"--walk writes an animation: --output must end in .webp or .gif, but is {str(output)!r}."
        )
    check_writable(output, folder=False)


def write(generator: "Generator", labels: Sequence[Any], frames: int, output: Path, seed: int) -> str:
    """Write an animation of so many frames, and return what was written."""
    content = draw_animation(generator, labels, frames, output.suffix.lower(), seed)
    with atomic_write(output) as file:
        file.write(content)
    return f"{counted(frames, 'frame')} of {counted(len(labels), 'class', 'classes')}"


def draw_animation(generator: "Generator", labels: Sequence[Any], frames: int, suffix: str, seed: int) -> bytes:
    """Return an animation that never ends, as the content of a file of the format of this suffix."""
    walks = [generator.format.pictures(generator.walk(label, frames, seed)) for label in labels]
    height, width = walks[0].shape[1:3]
    side = tile_side(width, MIN_SIDE)
    columns = math.ceil(math.sqrt(len(labels)))
    rows = math.ceil(len(labels) / columns)
    step = side + GAP, side * height // width + LINE + GAP
    size = 2 * MARGIN + columns * step[0], 2 * MARGIN + rows * step[1]
    if frames * size[0] * size[1] > MAX_PIXELS or max(size) > MAX_PAGE:
        raise DataError(
            f"an animation must have at most {MAX_PIXELS:,} pixels in all frames and a side of at most {MAX_PAGE:,}, "
            f"but {frames:,} frames of {len(labels):,} classes make {frames} x {size[0]} x {size[1]}: name some "
            "classes with --class, or ask for fewer frames with --per-class"
        )
    if suffix == ".webp" and not features.check("webp"):
        raise DataError("Pillow must be built with WebP to write .webp, but here it is not: give a name in .gif")
    page = _empty(size, [str(label) for label in labels], columns, step)

    def drawn() -> Iterator[Image.Image]:
        for images in zip(*walks, strict=True):
            frame = page.copy()
            for place, image in enumerate(images):
                frame.paste(enlarged(image, side), _corner(place, columns, step, LINE))
            yield frame

    pages = drawn() if suffix == ".webp" else iter(_with_one_palette(list(drawn())))
    options: dict[str, Any] = {"quality": QUALITY} if suffix == ".webp" else {"optimize": False}
    file = io.BytesIO()
    first = next(pages)
    first.save(file, FORMATS[suffix], save_all=True, append_images=list(pages), duration=FRAME_MS, loop=0, **options)
    return file.getvalue()


def _corner(place: int, columns: int, step: tuple[int, int], down: int = 0) -> tuple[int, int]:
    return MARGIN + place % columns * step[0], MARGIN + place // columns * step[1] + down


def _empty(size: tuple[int, int], names: Sequence[str], columns: int, step: tuple[int, int]) -> Image.Image:
    """Return a page with the names of the classes and no images."""
    page, pen = Image.new("RGB", size, PAGE), Pen()
    pen.draw = ImageDraw.Draw(page)
    for place, name in enumerate(names):
        pen.text(_corner(place, columns, step), pen.shortened(printable(name), step[0] - 2 * GAP), INK)
    return page


def _with_one_palette(pages: Sequence[Image.Image]) -> list[Image.Image]:
    """Return pages in the same 256 colours: with colours of its own in each frame, an animation flickers."""
    shown = pages[:: max(1, len(pages) // 8)]
    together = Image.new("RGB", (shown[0].width, shown[0].height * len(shown)))
    for number, page in enumerate(shown):
        together.paste(page, (0, number * page.height))
    palette = together.quantize(COLOURS, dither=Image.Dither.NONE)
    return [page.quantize(palette=palette, dither=Image.Dither.NONE) for page in pages]
