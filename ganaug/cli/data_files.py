"""What the commands read and write: one subclass of `DataFiles` for each kind of data.

The commands depend on no kind of data. SOURCE or the model determines the subclass, by the registry of modalities.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import click

from ganaug.cli.text import listing, printable, sentence
from ganaug.data.modalities import MODALITIES, part_of
from ganaug.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from ganaug.data.dataset import Dataset
    from ganaug.data.tables.csv_format import CsvFormat
    from ganaug.data.tables.left_out import LeftOut
    from ganaug.runtime.generator import Generator

Lines = list[tuple[str, str]]
"""Pairs of a title and a text, which `ganaug inspect` prints as two columns."""


NO_CSV = "--missing, --delimiter, --decimal and --encoding are for tables; files in folders have none of these."

NO_REAL_ROWS = (
    "--real-only of ganaug balance is for tables; give the folder of real files, from which the balanced one was made."
)


class Reading(NamedTuple):
    """How a command reads SOURCE to learn from it."""

    left_out: "LeftOut"
    """The columns of a table that are left out, and whether synthetic samples and copies are."""
    target: str | None = None
    """The column of a table that holds the classes."""
    csv: "CsvFormat | None" = None
    """What is known of the format of a table's file."""
    size: int | None = None
    """The side of images and clips in pixels, or the length of signals."""
    rules: tuple[str, ...] = ()
    """The rules of a table that are declared or switched off."""


class Written(NamedTuple):
    """The numbers of samples in a balanced output."""

    real: int
    synthetic: int
    repeats: int = 0
    """Copies of real samples."""


class DataFiles(ABC):
    """The files of one kind of data. The module of each kind has an instance named `FILES`."""

    modality: ClassVar[str]
    noun: ClassVar[str]
    """The word for one sample."""
    source_form: ClassVar[str]
    """What SOURCE must be."""
    shard_ending: ClassVar[str]
    """The ending of a file with many samples, one of several."""
    foreign_options: ClassVar[Mapping[str, str]]
    """For each option that only other kinds of data have, the sentence that refuses it."""
    unit: ClassVar[str] = "px"
    """Of the resolutions that a training grows through."""
    min_budget: ClassVar[float] = 0.0
    """Seconds that loading, screening and export take in a fit; a smaller budget is warned about."""
    draw_preview: "Callable[[Any, Generator], bytes] | None" = None
    """Draws real and synthetic samples as the content of a PNG file; None if there is no such picture."""

    def check_options(self, **options: object) -> None:
        """Refuse an option that has a value although only other kinds of data have it."""
        for name, value in options.items():
            if value not in (None, ()) and name in self.foreign_options:
                raise click.UsageError(self.foreign_options[name])

    @abstractmethod
    def check_source(self, source: "Path", target: str | None) -> None:
        """Refuse a SOURCE that does not exist, and a missing target, before anything slow is loaded."""

    def target_of(self, generator: "Generator") -> str | None:  # noqa: ARG002
        """Return the column of classes of the table that a model was fitted to; None for other data."""
        return None

    @abstractmethod
    def claims(self, source: "Path") -> bool:
        """Tell whether SOURCE holds this kind of data. If SOURCE does not exist, its name decides."""

    @abstractmethod
    def read(self, source: "Path", reading: Reading) -> "Dataset":
        """Read SOURCE to learn from it."""

    @abstractmethod
    def described(self, data: Any) -> str:
        """Say in a line what was read."""

    @abstractmethod
    def check_output(self, output: "Path", source: "Path | None" = None) -> None:
        """Refuse, before any work, an output that cannot be written, or that would change SOURCE."""

    @abstractmethod
    def write_samples(
        self,
        generator: "Generator",
        labels: Sequence[Any],
        per_class: int,
        output: "Path",
        seed: int,
        where: Mapping[Any, Any] | None = None,
    ) -> None:
        """Write `per_class` screened samples of each label, which do not depend on the other labels.

        `output` has the ending of a shard, or is as `check_output` has it.
        `where` has conditions on the rows of a table; it is None for other data.
        """

    @abstractmethod
    def check_walk_output(self, output: "Path") -> None:
        """Refuse, before any work, an output that `write_walk` cannot write."""

    @abstractmethod
    def write_walk(self, generator: "Generator", labels: Sequence[Any], steps: int, output: "Path", seed: int) -> str:
        """Show `steps` samples of each label along a closed walk through the noise; return what was written."""

    @abstractmethod
    def write_balanced(
        self,
        source: "Path",
        generator: "Generator",
        output: "Path",
        *,
        target: str | None,
        share: float | None,
        seed: int,
        csv: "CsvFormat | None" = None,
        real_only: bool = False,
    ) -> Written:
        """Write SOURCE, and samples until its classes are equal.

        If `real_only`, the synthetic rows of a table are replaced.
        At most `share` of the whole is synthetic. If it is None, the dose that the model records decides or, without a
        dose, all added samples are synthetic.
        """

    @abstractmethod
    def schema_lines(self, schema: Mapping[str, Any]) -> Lines:
        """Describe the form of the samples for `ganaug inspect`."""

    def constraint_lines(self, schema: Mapping[str, Any]) -> Lines:  # noqa: ARG002
        """Describe for `ganaug inspect` the constraints that hold in every sample, if there are any."""
        return []


def files_of_model(generator: "Generator") -> DataFiles:
    """Return the files of the kind of data that a model makes."""
    files: DataFiles = part_of(generator.modality, "cli.{}").FILES
    return files


def files_of_source(source: "Path") -> DataFiles:
    """Return the files of the kind of data in SOURCE; `DataError` if no kind of data is in it."""
    kinds: list[DataFiles] = [part_of(modality, "cli.{}").FILES for modality in MODALITIES]
    for files in kinds:
        if files.claims(source):
            return files
    *first, last = (files.source_form for files in kinds)
    forms = f"{', '.join(first)}, or {last}"
    found = "is a file of another kind: convert it" if source.is_file() else "does not exist: check the name"
    raise DataError(f"SOURCE must be {forms}, but SOURCE is {str(source)!r}, which {found}")


def note_alarms(generator: "Generator", labels: Iterable[Any]) -> None:
    """Print the alarms of the training if they concern a class in `labels`.

    The model file is untrusted: values of an unexpected form are ignored.
    """
    training = generator.metadata["training"]
    alarms, alarmed = training.get("alarms"), training.get("alarmed")
    names = [str(label) for label in labels]
    if isinstance(alarmed, list):  # otherwise the alarms may concern any class
        names = [name for name in names if name in alarmed]
    texts = [sentence(alarm) for alarm in alarms if isinstance(alarm, str)] if isinstance(alarms, list) else []
    if texts and names:
        about = printable(listing(names, limit=5))
        click.echo(f"Note: the training of this model ended with an alarm about {about}. {' '.join(texts)}", err=True)
