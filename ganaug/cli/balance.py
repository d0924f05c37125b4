"""``ganaug balance``: an image folder or a table and its model in, the same with equally large classes out."""

from os.path import realpath
from typing import TYPE_CHECKING

import click

from ganaug.cli.options import SEED, check_image_options, check_output, is_table, path
from ganaug.cli.text import counted, listing
from ganaug.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from ganaug.data.images.dataset import LabelledImages
    from ganaug.runtime.generator import Generator

__all__ = ["command", "write_balanced"]


@click.command("balance", short_help="Fill an image folder or a table up to equally large classes.")
@click.argument("source", type=path)
@click.argument("model", type=path, metavar="MODEL.onnx")
@click.option(
    "--output",
    type=path,
    required=True,
    metavar="DIR_OR_FILE",
    help="For images a folder, which must be new or empty; for a table a .csv or .parquet file, which is replaced.",
)
@click.option("--target", metavar="COLUMN", help="The table's column of classes.  [default: the model's]")
@click.option(
    "--seed", type=SEED, metavar="N", default=0, show_default=True, help="The same seed adds the same samples."
)
def command(source: "Path", model: "Path", output: "Path", target: str | None, seed: int) -> None:
    """Copy SOURCE, an image folder or a table, and fill its classes up with synthetic samples until they are equal.

    In a table the synthetic rows come last, and its column "synthetic" tells them apart. Real image files are copied as
    they are, those of nested folders into that of their class, their names after those of the folders; every added file
    is synthetic, and manifest.csv names them all and their classes.
    """
    if is_table(source):
        check_output(output, "table")
        if realpath(output) == realpath(source):  # pathlib's raises for a loop of links
            raise click.UsageError("--output must not be SOURCE itself, whose rows it would replace.")

        from ganaug.cli.tables import balance_table

        real, synthetic = balance_table(source, load(model, "table"), output, target, seed)
        click.echo(f"Wrote {real:,} real and {counted(synthetic, 'synthetic row')} to {output}.")
        return
    check_image_options(source, target)
    check_output(output, "image")
    if path(realpath(output)).is_relative_to(realpath(source)):
        raise click.UsageError(
            "--output must lie outside of SOURCE, for a folder inside it would become a class of it."
        )
    real, synthetic = write_balanced(source, load(model, "image"), output, seed)
    click.echo(f"Wrote {real:,} real and {counted(synthetic, 'synthetic image')} to {output}.")


def load(model: "Path", modality: str) -> "Generator":
    """Read a model file, which must make what the source holds."""
    from ganaug.runtime.generator import Generator

    generator = Generator.load(model)
    if generator.modality != modality:
        source = {"image": "an image folder", "table": "a table"}[modality]
        raise DataError(f"SOURCE is {source}, but {model} is a model of the other kind: name the one fitted to it")
    return generator


def write_balanced(source: "Path", generator: "Generator", output: "Path", seed: int) -> tuple[int, int]:
    """Do what the command does, and return how many real and synthetic images there are."""
    from ganaug.cli.notes import note_alarms
    from ganaug.cli.pictures import Manifest, draw, encode
    from ganaug.data.images.dataset import load_folder
    from ganaug.files import atomic_folder

    # The pixels are not used: this is to judge, as a fit would, which files can be read, in as little memory as may be.
    data = load_folder(source, size=8)
    known = {str(label): label for label in generator.classes}
    if known.keys() != set(data.classes):
        raise DataError(
            f"the model must have the classes of {source}, which are {listing(list(data.classes))}, but it has "
            f"{listing(list(known))}: fit a model to this folder"
        )
    if any(name.casefold() == "manifest.csv" for name in data.classes):
        raise DataError(
            "no class folder may be named 'manifest.csv', for there the synthetic files are listed: rename it, and fit "
            "a model to the folder again"
        )
    _note_differences(data, generator)
    note_alarms(generator, [name for name, count in data.counts.items() if count < max(data.counts.values())])
    added = 0
    with atomic_folder(output) as temporary:
        manifest = Manifest(temporary)
        for index, (name, count) in enumerate(data.counts.items()):
            folder = temporary / name  # the name of a real folder, as the file system gave it, never the model's
            folder.mkdir()
            files = [file for file, label in zip(data.files, data.labels, strict=True) if label == index]
            taken = _copy(files, source / name, folder)
            missing, number = max(data.counts.values()) - count, 0
            for image in draw(generator, known[name], missing, seed):
                number += 1
                while f"synthetic-{number:05}.png" in taken:
                    number += 1
                file = folder / f"synthetic-{number:05}.png"
                file.write_bytes(encode(image))
                manifest.add(file, name)
            added += missing
        manifest.save()
    return len(data.files), added


def _copy(files: "list[Path]", root: "Path", folder: "Path") -> set[str]:
    """Copy files byte for byte into one folder; return their names as a file system that ignores case sees them.

    Files directly in `root` keep their names; nested ones get their folders' before them, and a number where that is
    taken.
    """
    from ganaug.files import safe_name

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


def _note_differences(data: "LabelledImages", generator: "Generator") -> None:
    from ganaug.data.images.image_file import image_size, is_deep

    height, width, _ = generator.image_shape
    if any(image_size(file) != (height, width) for file in data.files):
        click.echo(
            f"Note: synthetic images have {width} x {height} pixels and some real ones have not: resize them all alike "
            "before you train on them, or a classifier may tell classes by the size.",
            err=True,
        )
    if any(is_deep(file) for file in data.files):
        click.echo(
            "Note: synthetic images have 8 bits a channel and some real ones have more: bring them to one range before "
            "you train on them, or a classifier may tell classes by the brightness.",
            err=True,
        )
