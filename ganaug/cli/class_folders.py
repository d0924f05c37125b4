"""Class folders: what the commands read and write for every kind of data with a file for each sample."""

import itertools
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from os.path import realpath
from pathlib import Path
from typing import Any

import click
from numpy.typing import NDArray

from ganaug.cli import animation
from ganaug.cli.data_files import DataFiles, Reading, Written, note_alarms
from ganaug.cli.tar_archive import ENDING as TAR
from ganaug.cli.tar_archive import TarArchive
from ganaug.cli.text import listing, printable, sentence
from ganaug.data.manifest import MANIFEST, Manifest, warn_about_synthetic
from ganaug.data.tables.table_file import ENDINGS as TABLE_ENDINGS
from ganaug.errors import DataError
from ganaug.files import atomic_folder, atomic_write, check_writable, safe_name, safe_names
from ganaug.runtime.dose import dosed_counts, fill_counts, filled_sizes
from ganaug.runtime.generator import Generator

MAX_SAMPLES = 1_000_000
"""Samples in all that `ganaug sample` writes into one folder."""
BATCH_SIZE = 256
"""Samples drawn at a time."""


class ClassFolders(DataFiles):
    """Folders with a subfolder for each class."""

    file_form: str
    """The form of the files that are written, in a message."""

    @abstractmethod
    def load(self, source: Path, size: int | None, real_only: bool) -> Any:
        """Read a folder, or its real files, as a dataset, whose `files` are the file of each sample."""

    @abstractmethod
    def load_names(self, source: Path) -> Any:
        """Read a folder to find the files that can be read."""

    @abstractmethod
    def usual_form(self, generator: Generator) -> Any:
        """Return the form of a file, with its `ending`, for samples without real files to be like."""

    @abstractmethod
    def forms(self, data: Any, files: Sequence[Path], generator: Generator) -> Sequence[Any]:
        """Return for each of some real files the form of a synthetic file like it."""

    @abstractmethod
    def encoded(self, sample: NDArray[Any], form: Any) -> bytes:
        """Return a sample as the content of a file of a form.

        A library could write the file itself, but then a full disk looks like any other error.
        """

    def unmatched(self, form: Any) -> str:  # noqa: ARG002
        """Return what of a real file no synthetic file of its form has; empty if there is nothing."""
        return ""

    @abstractmethod
    def note_differences(self, data: Any, generator: Generator) -> None:
        """Note if a classifier could tell real samples from synthetic ones by size or the form of their files."""

    def check_source(self, source: Path, target: str | None) -> None:
        """Do nothing: `read` is fast enough."""

    def read(self, source: Path, reading: Reading) -> Any:
        """Read a folder to learn from it, and warn of synthetic samples in it unless only real ones are read."""
        real_only = reading.left_out.real_only
        data = self.load(source, reading.size, real_only)
        if not real_only:
            warn_about_synthetic(source, data.files, self.noun)
        return data

    def check_output(self, output: Path, source: Path | None = None) -> None:
        """Refuse a table, a folder that cannot be written, and one inside SOURCE."""
        if output.suffix.lower() in TABLE_ENDINGS:
            raise click.UsageError(
                f"{self.a_model} writes a folder of {self.file_form} files: give --output without {output.suffix!r}."
            )
        if source is None and output.suffix.lower() in animation.FORMATS:
            raise click.UsageError(f"--output must be a folder, but is {str(output)!r}: add --walk for an animation.")
        check_writable(output, folder=source is not None or output.suffix.lower() != TAR)
        if source is not None and Path(realpath(output)).is_relative_to(realpath(source)):
            raise click.UsageError(
                "--output must lie outside of SOURCE, for a folder inside SOURCE would become a class of it."
            )

    @property
    def a_model(self) -> str:
        """A model of this kind of data, at the beginning of a sentence."""
        return f"{'An' if self.noun[0] in 'aeiou' else 'A'} {self.noun} model"

    shard_ending = TAR

    def write_samples(
        self,
        generator: Generator,
        labels: Sequence[Any],
        per_class: int,
        output: Path,
        seed: int,
        where: Mapping[Any, Any] | None = None,  # noqa: ARG002
    ) -> None:
        """Write a file for each sample, in a folder for each class, and the manifest; or all in a tar archive."""
        if len(labels) * per_class > MAX_SAMPLES:
            raise DataError(
                f"--per-class must ask for at most {MAX_SAMPLES:,} {self.noun}s in all, but {per_class:,} of each of "
                f"{len(labels):,} classes are {len(labels) * per_class:,}: ask for fewer"
            )
        # Safe names are chosen among all classes, so that the folder of a class does not depend on the other labels.
        names = dict(zip(generator.classes, safe_names([str(label) for label in generator.classes]), strict=True))
        form = self.usual_form(generator)
        with _samples_in(output, [names[label] for label in labels]) as samples:
            for label, number, sample in _draw(generator, dict.fromkeys(labels, per_class), seed):
                name = f"{names[label]}/{names[label]}-{number:05}{form.ending}"
                samples.write(name, self.encoded(sample, form), label)
            samples.save()

    def check_walk_output(self, output: Path) -> None:
        """Refuse, before any work, a file that is no animation or cannot be written."""
        animation.check_output(output)

    def write_walk(self, generator: Generator, labels: Sequence[Any], steps: int, output: Path, seed: int) -> str:
        """Write an animation with a tile for each label, and return what was written."""
        return animation.write(generator, labels, steps, output, seed)

    def write_balanced(
        self, source: Path, generator: Generator, output: Path, *, share: float | None, seed: int, **_: Any
    ) -> Written:
        """Copy the files of SOURCE, and write samples and copies beside them, and the manifest.

        The files of the samples of a class have the forms of its real files, in the same shares.
        """
        data = self.load_names(source)  # as for a fit, to find the files that can be read
        labels = _labels_by_name(source, data, generator)
        self.note_differences(data, generator)
        added, n_synthetic = _filling(data.counts, {name: labels[name] for name in data.classes}, generator, share)
        repeats = {name: count - n_synthetic[name] for name, count in added.items()}
        files: dict[str, list[Path]] = {name: [] for name in data.classes}
        for file, label in zip(data.files, data.labels, strict=True):
            files[data.classes[label]].append(file)
        forms = {name: self.forms(data, files[name], generator) for name, count in n_synthetic.items() if count}
        self._note_forms(forms)
        note_alarms(generator, list(forms))
        self._note_dose(generator, [name for name, count in repeats.items() if count], share)
        with atomic_folder(output) as temporary:
            manifest, taken = Manifest(temporary), dict[str, set[str]]()
            folders = {name: temporary / name for name in data.classes}  # by the file system, never by the model
            for name, folder in folders.items():
                folder.mkdir()
                taken[name] = _copy(files[name], source / name, folder)
            numbers = {name: itertools.count(1) for name in data.classes}
            for label, number, sample in _draw(generator, {labels[name]: n for name, n in n_synthetic.items()}, seed):
                name = str(label)
                form = forms[name][(number - 1) * len(forms[name]) // n_synthetic[name]]
                free = _free_name("synthetic", form.ending, numbers[name], taken[name])
                manifest.write(f"{name}/{free}", self.encoded(sample, form), name)
            for name, folder in folders.items():
                _repeat(files[name], repeats[name], folder, taken[name])
            manifest.save()
        return Written(len(data), sum(n_synthetic.values()), sum(repeats.values()))

    def _note_forms(self, forms: Mapping[str, Sequence[Any]]) -> None:
        """Note classes whose real files differ in form, and what of the real files the synthetic ones do not have."""
        for name, of_class in forms.items():
            kinds, unmatched = Counter(map(str, of_class)), sorted({*map(self.unmatched, of_class)} - {""})
            about = printable(repr(name))
            if len(kinds) > 1:
                found = ", ".join(f"{number:,} {kind}" for kind, number in kinds.most_common())
                click.echo(
                    f"Note: the real {self.noun}s of {about} differ in form: {found}. The synthetic ones have these "
                    "forms in the same shares.",
                    err=True,
                )
            if unmatched:
                click.echo(
                    f"Note: the synthetic {self.noun}s of {about} do not match all real ones in "
                    f"{'; '.join(unmatched)}. Save all in one form before training, or a classifier may tell real from "
                    "synthetic ones by it.",
                    err=True,
                )

    def _note_dose(self, generator: Generator, repeated: Sequence[str], share: float | None) -> None:
        """Say that copies of real samples fill classes up, and why."""
        if not repeated:
            return
        dose = generator.metadata.get("dose")
        why = f"{sentence(dose['sentence'])} " if dose and share is None else ""
        names = printable(listing(repeated, limit=5))
        click.echo(
            f"Note: {why}Copies of real {self.noun}s, named repeat-*, fill up {names}: take test {self.noun}s from "
            f"SOURCE, not from here. --synthetic-share 1 fills up with synthetic {self.noun}s alone.",
            err=True,
        )


@contextmanager
def _samples_in(output: Path, folders: Sequence[str]) -> Iterator[Manifest | TarArchive]:
    """Begin a folder with some subfolders, or a tar archive."""
    if output.suffix.lower() == TAR:
        with atomic_write(output) as file:
            yield TarArchive(file)
        return
    with atomic_folder(output) as temporary:
        for name in folders:
            (temporary / name).mkdir()
        yield Manifest(temporary)


def _draw(generator: Generator, counts: Mapping[Any, int], seed: int) -> Iterator[tuple[Any, int, NDArray[Any]]]:
    """Yield label, number from 1 on, and screened sample in constant memory; a sample depends on these two alone."""
    place = {label: index for index, label in enumerate(generator.classes)}
    items = ((label, number) for label, count in counts.items() for number in range(1, count + 1))
    while batch := list(islice(items, BATCH_SIZE)):
        seeds = [(seed, place[label], number) for label, number in batch]
        samples, _ = generator.sample_each([label for label, _ in batch], seeds, screened=True)
        yield from ((label, number, sample) for (label, number), sample in zip(batch, samples, strict=True))


def _labels_by_name(source: Path, data: Any, generator: Generator) -> dict[str, Any]:
    """Return the model's labels by the names of the class folders, which must be the same classes."""
    labels = {str(label): label for label in generator.classes}
    if labels.keys() != set(data.classes):
        raise DataError(
            f"the model must have the classes of {source}, which are {listing(list(data.classes))}, but it has "
            f"{listing(list(labels))}: fit a model to this folder"
        )
    if any(name.casefold() == MANIFEST for name in data.classes):
        raise DataError(
            f"no class folder may be named {MANIFEST!r}, the name of the list of synthetic files: rename it, and fit a "
            "model to the folder again"
        )
    return labels


def _copy(files: list[Path], root: Path, folder: Path) -> set[str]:
    """Copy files unchanged into one folder; return their names in lower case, as some file systems ignore case.

    Files directly in `root` keep their names. The name of a nested file begins with those of its folders, and gets a
    number if it is taken.
    """
    taken: set[str] = set()
    for file in sorted(files, key=lambda file: len(file.relative_to(root).parts) > 1):
        *parents, name = file.relative_to(root).parts
        if parents:
            stem = safe_name("_".join([*parents, file.stem]))
            name, number = stem + file.suffix, 1
            while name.casefold() in taken:
                number += 1
                name = f"{stem}~{number}{file.suffix}"
        with (folder / name).open("xb") as copy:
            copy.write(file.read_bytes())
        taken.add(name.casefold())
    return taken


def _filling(
    sizes: Mapping[str, int], labels: Mapping[str, Any], generator: Generator, share: float | None
) -> tuple[dict[str, int], dict[str, int]]:
    """Return how many samples each class gains, and how many of these are synthetic."""
    if share is None and generator.dose is not None:
        dose = {name: generator.dose[label] for name, label in labels.items()}
        added = filled_sizes(sizes, dose)
        return added, dosed_counts(sizes, added, dose)
    added = {name: max(sizes.values()) - size for name, size in sizes.items()}
    return added, fill_counts(sum(sizes.values()), added, 1.0 if share is None else share)


def _repeat(files: Sequence[Path], count: int, folder: Path, taken: set[str]) -> None:
    """Copy files again, in turn, until there are `count` copies."""
    numbers = itertools.count(1)
    for file in islice(cycle(files), count):
        (folder / _free_name("repeat", file.suffix, numbers, taken)).write_bytes(file.read_bytes())


def _free_name(stem: str, ending: str, numbers: Iterator[int], taken: set[str]) -> str:
    """Return the first name with one of the numbers that is not taken."""
    return next(name for n in numbers if (name := f"{stem}-{n:05}{ending}").casefold() not in taken)
