"""Synthetic images as files: PNGs in a folder for each class, and a manifest that names every one of them."""

import csv
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ganaug.runtime.generator import Generator

__all__ = ["Manifest", "draw", "encode", "synthetic_files"]

BATCH = 64
MANIFEST, HEADER = "manifest.csv", ["file", "class"]


def draw(generator: Generator, label: Any, count: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Yield screened samples of one class in constant memory; they do not depend on which other classes are drawn."""
    own_seed = (seed, generator.classes.index(label))
    batches = generator.stream(min(BATCH, max(count, 1)), labels=[label], seed=own_seed, screened=True)
    yield from islice((image for images, _ in batches for image in images), count)


def encode(image: Image.Image | NDArray[np.uint8], mark: PngInfo | None = None) -> bytes:
    """Return an image, or pixels of shape (H, W, C), as the content of a PNG file, with a mark in its head if any.

    Pillow's own writing to a file does not tell a full disk from other trouble.
    """
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=mark)
    return buffer.getvalue()


class Manifest:
    """``manifest.csv``: the file, relative to the folder, and the class of every synthetic image in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines = [_line(*HEADER)]

    def add(self, file: Path, label: Any) -> None:
        """Write a line for a file."""
        self._lines.append(_line(file.relative_to(self._folder).as_posix(), label))

    def save(self) -> None:
        """Write the file."""
        (self._folder / MANIFEST).write_text("".join(self._lines), encoding="utf-8", newline="")


def synthetic_files(folder: Path) -> set[str]:
    """Return the names, relative to a folder, that its manifest says are synthetic; none where it has no manifest."""
    try:
        with (folder / MANIFEST).open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            return {row[0] for row in rows if row} if next(rows, None) == HEADER else set()
    except (OSError, ValueError, csv.Error):  # somebody else's file of that name
        return set()


def _line(*fields: object) -> str:
    """Return a line of CSV; the module's own line ends make sure that a lone carriage return is quoted too."""
    text = io.StringIO(newline="")
    csv.writer(text).writerow(fields)
    return text.getvalue().removesuffix("\r\n") + "\n"
