"""The preview: one picture with a row for each class, real images on the left and synthetic images on the right."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from ganaug.cli.text import printable
from ganaug.data.images.dataset import LabelledImages

if TYPE_CHECKING:
    from ganaug.runtime.generator import Generator

COLUMNS = 8
"""Real images in a row, and as many synthetic images."""
MAX_ROWS = 30  # classes on the page
MIN_SIDE = 48
"""Smallest side of an image on the page in pixels; smaller images are enlarged by a whole number."""
GAP = 2  # pixels between images
GUTTER = 14  # pixels between real and synthetic images
HEADER = 22  # pixels above the rows
NAMES = 150  # pixels for the names of classes
PAGE = (246, 246, 246)
INK = (40, 40, 40)
MAX_NAME = 23
"""Characters of a class name beside a row."""
MARK = ("Software", "ganaug preview")
"""Text in the head of the file, which tells that ganaug may replace the file."""
HEAD_BYTES = 256  # at the start of a file, among which `MARK` is looked for


def draw_preview(data: LabelledImages, generator: "Generator") -> bytes:
    """Return the preview as the content of a PNG file; of many classes it shows the largest and the smallest."""
    counts = data.counts
    rows = _rows(list(counts.values()))
    side = data.codec.size * max(1, -(-MIN_SIDE // data.codec.size))
    step = side + GAP
    middle = NAMES + COLUMNS * step + GUTTER
    page = Image.new("RGB", (middle + COLUMNS * step, HEADER + len(rows) * step), PAGE)
    # The bitmap font has all of Latin-1; the scalable font has only ASCII.
    pen, font = ImageDraw.Draw(page), ImageFont.load_default_imagefont()
    pen.text((NAMES, 4), "real", INK, font)
    pen.text((middle, 4), "synthetic", INK, font)
    for row, label in enumerate(rows):
        name, top = data.classes[label], HEADER + row * step
        title = _drawable(f"{label}: {name}")  # the number tells apart names that the font lacks
        pen.multiline_text((6, top + side // 2 - 12), f"{title}\n{counts[name]:,} images", INK, font)
        real = data.images[data.labels == label]
        chosen = np.random.default_rng(label).permutation(len(real))[:COLUMNS]
        synthetic, _ = generator.sample({name: COLUMNS}, seed=label, screened=True)
        for left, images in ((NAMES, real[np.sort(chosen)]), (middle, synthetic)):
            for column, image in enumerate(images):
                page.paste(_enlarged(image, side), (left + column * step, top))
    mark = PngInfo()
    mark.add_text(*MARK)
    file = io.BytesIO()
    page.save(file, "PNG", pnginfo=mark)
    return file.getvalue()


def is_preview(file: Path) -> bool:
    """Tell whether `draw_preview` made a file."""
    with file.open("rb") as content:
        return "\0".join(MARK).encode() in content.read(HEAD_BYTES)


def _rows(counts: list[int]) -> list[int]:
    """Return the classes to show, in their order."""
    order = sorted(range(len(counts)), key=lambda label: -counts[label])
    return sorted(order if len(order) <= MAX_ROWS else order[: MAX_ROWS // 2] + order[-MAX_ROWS // 2 :])


def _enlarged(image: NDArray[np.uint8], side: int) -> Image.Image:
    height, width, channels = image.shape
    picture = Image.fromarray(image[..., 0] if channels == 1 else image)
    picture = picture.resize((side, side * height // width), Image.Resampling.NEAREST)
    if channels < 4:
        return picture.convert("RGB")
    paper = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(paper, picture).convert("RGB")


def _drawable(name: str) -> str:
    """Return a name in the characters of Pillow's bitmap font."""
    known = printable(name).encode("latin-1", errors="replace").decode("latin-1")
    return known if len(known) <= MAX_NAME else known[: MAX_NAME - 3] + "..."
