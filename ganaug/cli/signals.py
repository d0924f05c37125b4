"""Signal folders and models of signals: what the commands read and write."""

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
from ganaug.data.signals.dataset import LabelledSignals, load_folder
from ganaug.data.signals.sample_format import SignalFormat
from ganaug.data.signals.signal_file import FileForm, encoded, read_signal
from ganaug.runtime.generator import Generator


class _SignalFiles(ClassFolders):
    """Folders of .wav or .npy files, with a subfolder of each class."""

    modality = "signal"
    noun = "signal"
    source_form = "a folder of .wav or .npy files"
    file_form = "WAV or NPY"
    foreign_options: ClassVar[Mapping[str, str]] = {
        "only_real_rows": NO_REAL_ROWS,
        "rules": "--rule is about columns of a table; a folder of signals has none.",
        "target": "--target names a column of a table; the classes of a signal folder are its subfolders.",
        "ignore": "--ignore names a column of a table; take files out of a signal folder to ignore them.",
        "csv": NO_CSV,
        "features": "--features compares images; signals are compared by a classifier that is trained on them.",
    }
    unit = "values"
    min_budget = 15.0
    draw_preview = staticmethod(draw_preview)

    def claims(self, source: Path) -> bool:
        return source.is_dir() and folder_modality(source) == self.modality

    def load(self, source: Path, size: int | None, real_only: bool) -> LabelledSignals:
        return load_folder(source, size, real_only=real_only)

    def load_names(self, source: Path) -> LabelledSignals:
        return load_folder(source)

    def described(self, data: LabelledSignals) -> str:
        form = data.codec.form
        rate = f" at {form.sample_rate:,} Hz" if form.sample_rate else ""
        return (
            f"{counted(len(data), 'signal')} of {len(data.classes)} classes, taken at {data.codec.length:,} values in "
            f"{counted(data.codec.channels, 'channel')}{rate}."
        )

    def usual_form(self, generator: Generator) -> FileForm:
        return _format_of(generator).form

    def forms(self, data: LabelledSignals, files: Sequence[Path], generator: Generator) -> list[FileForm]:
        usual = self.usual_form(generator)
        # The numbers of other data may have another scale, which no dtype may cut off.
        return [read_signal(file)[1] for file in files] if data.codec.form == usual else [usual]

    def encoded(self, sample: NDArray[np.float32], form: FileForm) -> bytes:
        return encoded(sample, form)

    def note_differences(self, data: LabelledSignals, generator: Generator) -> None:
        synthetic, real = _format_of(generator), data.codec
        if synthetic.signal_shape != real.shape or synthetic.form != real.form:
            click.echo(
                f"Note: synthetic signals are {synthetic} in {synthetic.form}, and the real ones are "
                f"{real.length}x{real.channels} in {real.form}. Bring all to one form before training, "
                "or a classifier may tell classes by it.",
                err=True,
            )

    def schema_lines(self, schema: Mapping[str, Any]) -> Lines:
        made = SignalFormat.from_schema(schema)
        length, channels = made.signal_shape
        shape = f"{counted(length, 'value')} in {counted(channels, 'channel')}"
        return [("signal size", shape), ("written as", str(made.form))]


FILES = _SignalFiles()


def _format_of(generator: Generator) -> SignalFormat:
    made = generator.format
    assert isinstance(made, SignalFormat)  # noqa: S101 - the commands ask these files about models of signals alone
    return made
