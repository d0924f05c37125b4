"""The preview: one picture with a row for each class: real samples, synthetic ones, and the nearest pairs of both.

Samples are shown as the pictures that `Dataset.items` gives: images as they are, signals as line charts, clips as a few
frames in a row.
"""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from ganaug.cli.drawing import FAINT, GAP, INK, LINE, PAGE, Pen, enlarged, tile_side
from ganaug.cli.text import counted, printable, sentence
from ganaug.data.dataset import Dataset

if TYPE_CHECKING:
    from ganaug.runtime.generator import Generator

REAL, SYNTHETIC = 6, 8
"""Samples in a row."""
PAIRS = 2
"""Synthetic samples that are shown beside the real one nearest to them: those whose distance is smallest."""
MAX_ROWS = 30  # classes on the page
MAX_COMPARED = 1_000
"""Real samples of a class among which the nearest ones are looked for."""
WIDE = 2
"""Pictures that are so many times as wide as high, or more, are shown half as many in a row."""
MIN_SIDE = 64
"""Smallest side of a picture on the page in pixels; smaller ones are enlarged by a whole number."""
GUTTER = 18  # pixels between the blocks of a row
MARGIN = 14  # pixels around the page
NAMES = 190  # pixels for the names of classes
HEADING = 26  # pixels above the rows, for the names of the blocks
MARK = ("Software", "ganaug preview")
"""Text in the head of the file, which tells that ganaug may replace the file."""
HEAD_BYTES = 256  # at the start of a file, among which `MARK` is looked for


def draw_preview(data: Dataset, generator: "Generator") -> bytes:
    """Return the preview as the content of a PNG file; of many classes it shows the largest and the smallest."""
    counts, training = data.counts, generator.metadata["training"]
    rows = _rows(list(counts.values()))
    height, wide = data.item(0).shape[:2]
    factor = tile_side(wide, MIN_SIDE) // wide
    height, wide = factor * height, factor * wide
    step = max(height, 2 * LINE) + GAP
    fewer = 2 if wide >= WIDE * height else 1
    n_real, n_synthetic, n_pairs = REAL // fewer, SYNTHETIC // fewer, PAIRS // fewer
    blocks = {"real": n_real, "synthetic": n_synthetic, "synthetic | nearest real": 2 * n_pairs}
    lefts = MARGIN + NAMES + np.cumsum([0, *(columns * (wide + GAP) + GUTTER for columns in blocks.values())])
    width = int(lefts[-1]) - GUTTER + MARGIN
    pen = Pen()
    caption = [line for text in _caption(data, generator) for line in pen.wrapped(text, width - 2 * MARGIN)]
    top = MARGIN + LINE * len(caption) + HEADING
    page = Image.new("RGB", (width, top + len(rows) * step + MARGIN), PAGE)
    pen.draw = ImageDraw.Draw(page)
    for number, line in enumerate(caption):
        pen.text((MARGIN, MARGIN + number * LINE), line, INK)
    for left, block in zip(lefts, blocks, strict=False):
        pen.text((int(left), top - LINE), block, FAINT)

    for row, label in enumerate(rows):
        name, at = data.classes[label], top + row * step
        figures = _figures(training, name, counts[name], data.modality)
        _write_row(pen, (MARGIN, at + max(0, height // 2 - LINE)), f"{label}: {name}", figures)
        chosen = np.sort(np.random.default_rng(label).permutation(np.flatnonzero(data.labels == label))[:n_real])
        synthetic, _ = generator.sample({name: n_synthetic}, seed=label, screened=True)
        drawn = data.like(synthetic, np.full(len(synthetic), label))
        pictures = data.items(chosen), drawn.items(np.arange(len(drawn))), _nearest_pairs(data, label, drawn, n_pairs)
        for left, images in zip(lefts, pictures, strict=False):
            for column, image in enumerate(images):
                page.paste(enlarged(image, wide), (int(left) + column * (wide + GAP), at))
    mark = PngInfo()
    mark.add_text(*MARK)
    file = io.BytesIO()
    page.save(file, "PNG", pnginfo=mark)
    return file.getvalue()


def is_preview(file: Path) -> bool:
    """Tell whether `draw_preview` made a file."""
    with file.open("rb") as content:
        return "\0".join(MARK).encode() in content.read(HEAD_BYTES)


def _write_row(pen: Pen, at: tuple[int, int], name: str, figures: str) -> None:
    """Write the name of a class, and a smaller line below."""
    pen.text(at, pen.shortened(printable(name), NAMES - GUTTER), INK)
    pen.text((at[0], at[1] + LINE), figures, FAINT, small=True)


def _caption(data: Dataset, generator: "Generator") -> list[str]:
    """Return what the model is, and what its samples are worth."""
    metadata = generator.metadata
    space = f", learned as {metadata['space'].replace('latent', 'latents')}" if metadata.get("space") else ""
    steps = counted(metadata["training"].get("steps", 0), "training step")
    described = f"{len(data):,} {data.modality}s of {len(data.classes)} classes{space}; {steps}."
    measured = (metadata.get("dose") or {}).get("sentence")
    return [described, sentence(measured)] if measured else [described]


def _figures(training: dict[str, Any], name: str, count: int, noun: str) -> str:
    figures = [counted(count, noun)]
    if (share := training.get("agreement", {}).get(name)) is not None:
        figures.append(f"{share:.0%} read right".replace("%", " %"))
    return ", ".join(figures)


def _nearest_pairs(data: Dataset, label: int, drawn: Dataset, count: int) -> list[NDArray[np.uint8]]:
    """Return pictures of the synthetic samples that are nearest to a real one of their class, each followed by that."""
    own = np.flatnonzero(data.labels == label)
    real = data.part(own if len(own) <= MAX_COMPARED else np.random.default_rng(label).choice(own, MAX_COMPARED, False))
    distance = ((drawn.points(real)[:, None] - real.points(real)[None]) ** 2).sum(axis=2)  # (n_synthetic, n_real)
    closest = np.argsort(distance.min(axis=1), kind="stable")[:count]
    return [image for row in closest for image in (drawn.item(int(row)), real.item(int(distance[row].argmin())))]


def _rows(counts: list[int]) -> list[int]:
    """Return the classes to show, in their order."""
    order = sorted(range(len(counts)), key=lambda label: -counts[label])
    return sorted(order if len(order) <= MAX_ROWS else order[: MAX_ROWS // 2] + order[-MAX_ROWS // 2 :])
