"""Image folders and models of images: what the commands read and write."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganaug.cli.class_folders import ClassFolders
from ganaug.cli.data_files import Lines
from ganaug.cli.preview import draw_preview
from ganaug.cli.text import counted
from ganaug.data.folder_kind import folder_modality
from ganaug.data.images.dataset import LabelledImages, load_folder
from ganaug.data.images.image_file import image_size, is_deep
from ganaug.runtime.generator import Generator

SMALL_SIDE = 8
"""Side in pixels at which images are read where only the names and numbers of files matter."""


class _ImageFiles(ClassFolders):
    """Image folders, with a subfolder of each class."""

    modality = "image"
    noun = "image"
    source_form = "an image folder"
    file_form = "PNG"
    foreign_options: ClassVar[Mapping[str, str]] = {
        "target": "--target names a column of a table; the classes of an image folder are its subfolders."
    }
    min_budget = 15.0
    draw_preview = staticmethod(draw_preview)

    def claims(self, source: Path) -> bool:
        if source.is_dir():
            return folder_modality(source) == self.modality
        return not (source.suffix or source.is_file())

    def load(self, source: Path, size: int | None) -> LabelledImages:
        return load_folder(source, size)

    def load_names(self, source: Path) -> LabelledImages:
        return load_folder(source, size=SMALL_SIDE)

    def described(self, data: LabelledImages) -> str:
        return f"{counted(len(data), 'image')} of {len(data.classes)} classes, taken at {data.codec.size} px."

    def ending(self, generator: Generator) -> str:  # noqa: ARG002
        return ".png"

    def encoded(self, generator: Generator, sample: NDArray[np.uint8]) -> bytes:  # noqa: ARG002
        return encode(sample)

    def note_differences(self, data: LabelledImages, generator: Generator) -> None:
        height, width, _ = generator.image_shape
        if any(image_size(file) != (height, width) for file in data.files):
            click.echo(
                f"Note: synthetic images have {width} x {height} pixels, and some real images have another size. "
                "Resize all images alike before training, or a classifier may tell classes by the size.",
                err=True,
            )
        if any(is_deep(file) for file in data.files):
            click.echo(
                "Note: synthetic images have 8 bits a channel, and some real images have more. Bring all images to one "
                "range before training, or a classifier may tell classes by the brightness.",
                err=True,
            )

    def schema_lines(self, schema: Mapping[str, Any]) -> Lines:
        return [("image size", f"{schema['width']} x {schema['height']}, {schema['channels']} channels")]


FILES = _ImageFiles()


def encode(image: NDArray[np.uint8]) -> bytes:
    """Return an image (H, W, C) as the content of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(buffer, "PNG")
    return buffer.getvalue()
