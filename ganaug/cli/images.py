"""Image folders and models of images: what the commands read and write."""

import csv
import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, islice
from os.path import realpath
from pathlib import Path
from typing import Any, ClassVar

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganaug.cli import animation
from ganaug.cli.data_files import DataFiles, Lines, Written, note_alarms
from ganaug.cli.preview import draw_preview
from ganaug.cli.text import counted, listing, printable, sentence
from ganaug.data.images.dataset import LabelledImages, load_folder
from ganaug.data.images.image_file import image_size, is_deep
from ganaug.data.tables.table_file import ENDINGS as TABLE_ENDINGS
from ganaug.errors import DataError, warn
from ganaug.files import atomic_folder, atomic_write, check_writable, safe_name, safe_names
from ganaug.runtime.dose import dosed_counts, fill_counts, filled_sizes
from ganaug.runtime.generator import Generator

MAX_SAMPLES = 1_000_000
"""Images in all that `ganaug sample` writes into one folder."""
BATCH_SIZE = 64
"""Images drawn at a time."""
SMALL_SIDE = 8
"""Side in pixels at which images are read where only the names and numbers of files matter."""
MANIFEST = "manifest.csv"
HEADER = ["file", "class"]


class _ImageFiles(DataFiles):
    """Image folders, with a subfolder of each class."""

    modality = "image"
    noun = "image"
    source_form = "an image folder"
    foreign_options: ClassVar[Mapping[str, str]] = {
        "target": "--target names a column of a table; the classes of an image folder are its subfolders."
    }
    min_budget = 15.0
    draw_preview = staticmethod(draw_preview)

    def claims(self, source: Path) -> bool:
        return source.is_dir() or not (source.suffix or source.is_file())

    def check_source(self, source: Path, target: str | None) -> None:
        """Do nothing: `read` is fast enough."""

    def read(self, source: Path, *, size: int | None, **_: Any) -> LabelledImages:
        data = load_folder(source, size)
        synthetic = synthetic_files(source)
        if number := sum(file.relative_to(source).as_posix() in synthetic for file in data.files) if synthetic else 0:
            warn(
                f"the folder {source} holds {counted(number, 'synthetic image')} that ganaug made, as its manifest.csv "
                "says, and a generator that learns from them repeats their faults: give the folder of real images, "
                "unless this is what you want"
            )
        return data

    def described(self, data: LabelledImages) -> str:
        return f"{counted(len(data), 'image')} of {len(data.classes)} classes, taken at {data.codec.size} px."

    def check_output(self, output: Path, source: Path | None = None) -> None:
        if output.suffix.lower() in TABLE_ENDINGS:
            raise click.UsageError(
                f"An image model writes a folder of PNG files: give --output without {output.suffix!r}."
            )
        check_writable(output, folder=True)
        if source is not None and Path(realpath(output)).is_relative_to(realpath(source)):
            raise click.UsageError(
                "--output must lie outside of SOURCE, for a folder inside SOURCE would become a class of it."
            )

    def write_samples(
        self, generator: Generator, labels: Sequence[Any], per_class: int, output: Path, seed: int
    ) -> None:
        if len(labels) * per_class > MAX_SAMPLES:
            raise DataError(
                f"--per-class must ask for at most {MAX_SAMPLES:,} images in all, but {per_class:,} of each of "
                f"{len(labels):,} classes are {len(labels) * per_class:,}: ask for fewer"
            )
        # Safe names are chosen among all classes, so that the folder of a class does not depend on the other labels.
        names = dict(zip(generator.classes, safe_names([str(label) for label in generator.classes]), strict=True))
        with atomic_folder(output) as temporary:
            manifest = Manifest(temporary)
            for label in labels:
                folder = temporary / names[label]
                folder.mkdir()
                for number, image in enumerate(_draw(generator, label, per_class, seed), start=1):
                    manifest.write_image(folder / f"{names[label]}-{number:05}.png", image, label)
            manifest.save()

    def check_walk_output(self, output: Path) -> None:
        if output.suffix.lower() not in animation.FORMATS:
            raise click.UsageError(
                f"--walk writes an animation of images: --output must end in .webp or .gif, but is {str(output)!r}."
            )
        check_writable(output, folder=False)

    def write_walk(self, generator: Generator, labels: Sequence[Any], steps: int, output: Path, seed: int) -> str:
        content = animation.draw_animation(generator, labels, steps, output.suffix.lower(), seed)
        with atomic_write(output) as file:
            file.write(content)
        return f"{counted(steps, 'frame')} of {counted(len(labels), 'class', 'classes')}"

    def write_balanced(
        self, source: Path, generator: Generator, output: Path, *, share: float | None, seed: int, **_: Any
    ) -> Written:
        # Images are read as for a fit, to find the files that can be read; small, because their pixels are not used.
        data = load_folder(source, size=SMALL_SIDE)
        labels = _labels_by_name(source, data, generator)
        _note_differences(data, generator)
        added, n_synthetic = _filling(data.counts, {name: labels[name] for name in data.classes}, generator, share)
        repeats = {name: count - n_synthetic[name] for name, count in added.items()}
        note_alarms(generator, [name for name, count in n_synthetic.items() if count])
        _note_dose(generator, [name for name, count in repeats.items() if count], share)
        with atomic_folder(output) as temporary:
            manifest = Manifest(temporary)
            for index, name in enumerate(data.classes):
                folder = temporary / name  # a name from the file system, never from the model
                folder.mkdir()
                files = [file for file, label in zip(data.files, data.labels, strict=True) if label == index]
                taken, number = _copy(files, source / name, folder), 0
                for image in _draw(generator, labels[name], n_synthetic[name], seed):
                    number += 1
                    while f"synthetic-{number:05}.png" in taken:
                        number += 1
                    manifest.write_image(folder / f"synthetic-{number:05}.png", image, name)
                _repeat(files, repeats[name], folder, taken)
            manifest.save()
        return Written(len(data), sum(n_synthetic.values()), sum(repeats.values()))

    def schema_lines(self, schema: Mapping[str, Any]) -> Lines:
        return [("image size", f"{schema['width']} x {schema['height']}, {schema['channels']} channels")]


FILES = _ImageFiles()


class Manifest:
    """``manifest.csv``: the file, relative to the folder, and the class of every synthetic image in the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines = [_csv_line(*HEADER)]

    def write_image(self, file: Path, image: NDArray[np.uint8], label: Any) -> None:
        """Write an image (H, W, C) to a PNG file, and list the file."""
        file.write_bytes(encode(image))
        self._lines.append(_csv_line(file.relative_to(self._folder).as_posix(), label))

    def save(self) -> None:
        """Write the manifest."""
        (self._folder / MANIFEST).write_text("".join(self._lines), encoding="utf-8", newline="")


def synthetic_files(folder: Path) -> set[str]:
    """Return the files, relative to a folder, that its manifest lists; none if it has no manifest of ganaug's."""
    try:
        with (folder / MANIFEST).open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            return {row[0] for row in rows if row} if next(rows, None) == HEADER else set()
    except (OSError, ValueError, csv.Error):  # another file of that name
        return set()


def encode(image: NDArray[np.uint8]) -> bytes:
    """Return an image (H, W, C) as the content of a PNG file.

    Pillow could write the file itself, but then a full disk looks like any other error.
    """
    buffer = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(buffer, "PNG")
    return buffer.getvalue()


def _draw(generator: Generator, label: Any, count: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Yield screened images of one class in constant memory; they do not depend on the other classes."""
    own_seed = (seed, generator.classes.index(label))
    batches = generator.stream(min(BATCH_SIZE, max(count, 1)), labels=[label], seed=own_seed, screened=True)
    yield from islice((image for images, _ in batches for image in images), count)


def _csv_line(*fields: object) -> str:
    """Return a CSV line that ends in a line feed; the csv module quotes a carriage return only if lines end in it."""
    text = io.StringIO(newline="")
    csv.writer(text).writerow(fields)
    return text.getvalue().removesuffix("\r\n") + "\n"


def _labels_by_name(source: Path, data: LabelledImages, generator: Generator) -> dict[str, Any]:
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
    """Return how many images each class gains, and how many of these are synthetic."""
    if share is None and generator.dose is not None:
        dose = {name: generator.dose[label] for name, label in labels.items()}
        added = filled_sizes(sizes, dose)
        return added, dosed_counts(sizes, added, dose)
    added = {name: max(sizes.values()) - size for name, size in sizes.items()}
    return added, fill_counts(sum(sizes.values()), added, 1.0 if share is None else share)


def _note_dose(generator: Generator, repeated: Sequence[str], share: float | None) -> None:
    """Say that copies of real images fill classes up, and why."""
    if not repeated:
        return
    dose = generator.metadata.get("dose")
    why = f"{sentence(dose['sentence'])} " if dose and share is None else ""
    names = printable(listing(repeated, limit=5))
    click.echo(
        f"Note: {why}Copies of real images, named repeat-*, fill up {names}: take test images from "
        "SOURCE, not from here. --synthetic-share 1 fills up with synthetic images alone.",
        err=True,
    )


def _repeat(files: Sequence[Path], count: int, folder: Path, taken: set[str]) -> None:
    """Copy files again, in turn, until there are `count` copies."""
    numbers = itertools.count(1)
    for file in islice(cycle(files), count):
        name = next(name for number in numbers if (name := f"repeat-{number:05}{file.suffix}").casefold() not in taken)
        (folder / name).write_bytes(file.read_bytes())


def _note_differences(data: LabelledImages, generator: Generator) -> None:
    """Note if a classifier could tell real images from synthetic ones by their size or their bits."""
    height, width, _ = generator.image_shape
    if any(image_size(file) != (height, width) for file in data.files):
        click.echo(
            f"Note: synthetic images have {width} x {height} pixels, and some real images have another size. Resize "
            "all images alike before training, or a classifier may tell classes by the size.",
            err=True,
        )
    if any(is_deep(file) for file in data.files):
        click.echo(
            "Note: synthetic images have 8 bits a channel, and some real images have more. Bring all images to one "
            "range before training, or a classifier may tell classes by the brightness.",
            err=True,
        )
