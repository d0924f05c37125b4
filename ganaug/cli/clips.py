"""Clip folders and models of clips: what the commands read and write."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import click
import numpy as np
from numpy.typing import NDArray

from ganaug.cli.class_folders import ClassFolders
from ganaug.cli.data_files import Lines
from ganaug.cli.preview import draw_preview
from ganaug.cli.text import counted
from ganaug.data.clips.clip_file import ClipForm, encoded, read_clip
from ganaug.data.clips.dataset import LabelledClips, load_folder
from ganaug.data.clips.sample_format import ClipFormat
from ganaug.data.folder_kind import folder_modality
from ganaug.runtime.generator import Generator


class _ClipFiles(ClassFolders):
    """Folders of .npy files, animated images or TIFF stacks, with a subfolder of each class."""

    modality = "clip"
    noun = "clip"
    source_form = "a folder of clips (.npy, animated .gif, .webp or .png, .tiff stacks)"
    file_form = "clip"
    foreign_options: ClassVar[Mapping[str, str]] = {
        "target": "--target names a column of a table; the classes of a clip folder are its subfolders.",
        "features": "--features compares images; clips are compared by a classifier that is trained on them.",
    }
    min_budget = 30.0
    draw_preview = staticmethod(draw_preview)

    def claims(self, source: Path) -> bool:
        return source.is_dir() and folder_modality(source) == self.modality

    def load(self, source: Path, size: int | None) -> LabelledClips:
        return load_folder(source, size)

    def load_names(self, source: Path) -> LabelledClips:
        return load_folder(source)

    def described(self, data: LabelledClips) -> str:
        codec = data.codec
        return (
            f"{counted(len(data), 'clip')} of {len(data.classes)} classes, taken at {codec.frames} frames of "
            f"{codec.size} px."
        )

    def ending(self, generator: Generator) -> str:
        return _format_of(generator).form.ending

    def encoded(self, generator: Generator, sample: NDArray[np.uint8]) -> bytes:
        return encoded(sample, _format_of(generator).form)

    def note_differences(self, data: LabelledClips, generator: Generator) -> None:
        frames, height, width, _ = _format_of(generator).clip_shape
        ending = self.ending(generator)
        found = [read_clip(file) for file in data.files]
        if any((one.n_frames, *one.sides, one.form.ending) != (frames, height, width, ending) for one in found):
            click.echo(
                f"Note: synthetic clips are {ending} files of {frames} frames of {width} x {height} pixels, and some "
                "real clips are not. Bring all to one form before training, or a classifier may tell classes by it.",
                err=True,
            )

    def schema_lines(self, schema: Mapping[str, Any]) -> Lines:
        made = ClipFormat.from_schema(schema)
        frames, height, width, channels = made.clip_shape
        shape = f"{frames} frames of {width} x {height}, {counted(channels, 'channel')}"
        return [("clip size", shape), ("written as", _described(made.form))]


FILES = _ClipFiles()


def _format_of(generator: Generator) -> ClipFormat:
    made = generator.format
    assert isinstance(made, ClipFormat)  # noqa: S101 - the commands ask these files about models of clips alone
    return made


def _described(form: ClipForm) -> str:
    if form.ending == ".npy":
        return f".npy files of {form.dtype}"
    timed = "" if form.ending.startswith(".tif") else f" with {form.duration:,} ms a frame"
    return f"{form.ending} files{timed}"
