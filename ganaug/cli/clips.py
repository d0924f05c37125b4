"""Clip folders and models of clips: what the commands read and write."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from ganaug.cli.class_folders import ClassFolders
from ganaug.cli.data_files import NO_CSV, NO_REAL_ROWS, Lines
from ganaug.cli.preview import draw_preview
from ganaug.cli.text import counted
from ganaug.data.clips.clip_file import encoded, read_clip
from ganaug.data.clips.clip_form import ClipForm
from ganaug.data.clips.dataset import LabelledClips, load_folder
from ganaug.data.clips.sample_format import ClipFormat
from ganaug.data.folder_kind import folder_modality
from ganaug.data.images.codec import with_channels
from ganaug.runtime.generator import Generator


class _LikeClip(NamedTuple):
    """The form of a file, and the channels of its frames."""

    file: ClipForm
    channels: int

    @property
    def ending(self) -> str:
        return self.file.ending

    def __str__(self) -> str:
        return f"{'grey' if self.channels == 1 else 'colour'} {self.file}"


class _ClipFiles(ClassFolders):
    """Folders of .npy files, animated images or TIFF stacks, with a subfolder of each class."""

    modality = "clip"
    noun = "clip"
    source_form = "a folder of clips (.npy, animated .gif, .webp or .png, .tiff stacks)"
    file_form = "clip"
    foreign_options: ClassVar[Mapping[str, str]] = {
        "only_real_rows": NO_REAL_ROWS,
        "rules": "--rule is about columns of a table; a folder of clips has none.",
        "target": "--target names a column of a table; the classes of a clip folder are its subfolders.",
        "ignore": "--ignore names a column of a table; take files out of a clip folder to ignore them.",
        "csv": NO_CSV,
        "features": "--features compares images; clips are compared by a classifier that is trained on them.",
    }
    min_budget = 30.0
    draw_preview = staticmethod(draw_preview)

    def claims(self, source: Path) -> bool:
        return source.is_dir() and folder_modality(source) == self.modality

    def load(self, source: Path, size: int | None, real_only: bool) -> LabelledClips:
        return load_folder(source, size, real_only=real_only)

    def load_names(self, source: Path) -> LabelledClips:
        return load_folder(source)

    def described(self, data: LabelledClips) -> str:
        codec = data.codec
        return (
            f"{counted(len(data), 'clip')} of {len(data.classes)} classes, taken at {codec.frames} frames of "
            f"{codec.size} px."
        )

    def usual_form(self, generator: Generator) -> _LikeClip:
        made = _format_of(generator)
        return _LikeClip(made.form, made.clip_shape[3])

    def forms(self, data: LabelledClips, files: Sequence[Path], generator: Generator) -> list[_LikeClip]:  # noqa: ARG002
        found = (read_clip(file) for file in files)
        return [_LikeClip(one.form, one.clip.shape[3]) for one in found]

    def encoded(self, sample: NDArray[np.uint8], form: _LikeClip) -> bytes:
        return encoded(np.stack([with_channels(frame, form.channels) for frame in sample]), form.file)

    def note_differences(self, data: LabelledClips, generator: Generator) -> None:
        frames, height, width, _ = _format_of(generator).clip_shape
        found = (read_clip(file) for file in data.files)
        if any((one.n_frames, *one.sides) != (frames, height, width) for one in found):
            click.echo(
                f"Note: synthetic clips have {frames} frames of {width} x {height} pixels, and some real clips do not. "
                "Bring all to one form before training, or a classifier may tell classes by it.",
                err=True,
            )

    def schema_lines(self, schema: Mapping[str, Any]) -> Lines:
        made = ClipFormat.from_schema(schema)
        frames, height, width, channels = made.clip_shape
        shape = f"{frames} frames of {width} x {height}, {counted(channels, 'channel')}"
        return [("clip size", shape), ("written as", str(made.form))]


FILES = _ClipFiles()


def _format_of(generator: Generator) -> ClipFormat:
    made = generator.format
    assert isinstance(made, ClipFormat)  # noqa: S101 - the commands ask these files about models of clips alone
    return made
