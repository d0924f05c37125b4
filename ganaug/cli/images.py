"""Image folders and models of images: what the commands read and write."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import click
import numpy as np
from numpy.typing import NDArray

from ganaug.cli.class_folders import ClassFolders
from ganaug.cli.data_files import NO_CSV, NO_REAL_ROWS, Lines
from ganaug.cli.preview import draw_preview
from ganaug.cli.text import counted
from ganaug.data.folder_kind import folder_modality
from ganaug.data.images.dataset import LabelledImages, load_folder
from ganaug.data.images.image_file import image_size
from ganaug.data.images.image_form import ImageForm, encoded, form_of, plain_form
from ganaug.runtime.generator import Generator

MAX_LEARNED = 2**24
"""Images of a fit: torch draws a batch from no more samples."""
SMALL_SIDE = 8
"""Side in pixels at which images are read where only the names and numbers of files matter."""


class _ImageFiles(ClassFolders):
    """Image folders, with a subfolder of each class."""

    modality = "image"
    noun = "image"
    source_form = "an image folder"
    file_form = "PNG"
    foreign_options: ClassVar[Mapping[str, str]] = {
        "target": "--target names a column of a table; the classes of an image folder are its subfolders.",
        "ignore": "--ignore names a column of a table; take files out of an image folder to ignore them.",
        "csv": NO_CSV,
        "only_real_rows": NO_REAL_ROWS,
        "rules": "--rule is about columns of a table; an image folder has none.",
    }
    min_budget = 15.0
    draw_preview = staticmethod(draw_preview)

    def claims(self, source: Path) -> bool:
        return source.is_dir() and folder_modality(source) == self.modality

    def load(self, source: Path, size: int | None, real_only: bool) -> LabelledImages:
        return load_folder(source, size, real_only=real_only, most=MAX_LEARNED)

    def load_names(self, source: Path) -> LabelledImages:
        return load_folder(source, size=SMALL_SIDE)

    def described(self, data: LabelledImages) -> str:
        return f"{counted(len(data), 'image')} of {len(data.classes)} classes, taken at {data.codec.size} px."

    def usual_form(self, generator: Generator) -> ImageForm:
        return plain_form(generator.image_shape[2])

    def forms(self, data: LabelledImages, files: Sequence[Path], generator: Generator) -> list[ImageForm]:  # noqa: ARG002
        return [form_of(file, generator.image_shape) for file in files]

    def unmatched(self, form: ImageForm) -> str:
        return form.unmatched

    def encoded(self, sample: NDArray[np.uint8], form: ImageForm) -> bytes:
        return encoded(sample, form)

    def note_differences(self, data: LabelledImages, generator: Generator) -> None:
        height, width, _ = generator.image_shape
        if any(image_size(file) != (height, width) for file in data.files):
            click.echo(
                f"Note: synthetic images have {width} x {height} pixels, and some real images have another size. "
                "Resize all images alike before training, or a classifier may tell classes by the size.",
                err=True,
            )

    def schema_lines(self, schema: Mapping[str, Any]) -> Lines:
        return [("image size", f"{schema['width']} x {schema['height']}, {schema['channels']} channels")]


FILES = _ImageFiles()
