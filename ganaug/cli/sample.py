"""``ganaug sample``: a model file in, a folder of synthetic images or a table of synthetic rows out."""

from typing import TYPE_CHECKING, Any

import click

from ganaug.cli.notes import note_alarms
from ganaug.cli.options import SEED, check_output, path
from ganaug.cli.text import counted, listing
from ganaug.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from ganaug.runtime.generator import Generator

__all__ = ["command"]

MOST = 1_000_000
"""Images in all; a folder of more serves nobody."""
MOST_ROWS = 1_000_000_000


@click.command("sample", short_help="Draw synthetic samples from a model.")
@click.argument("model", type=path, metavar="MODEL.onnx")
@click.option(
    "--output",
    type=path,
    required=True,
    metavar="DIR_OR_FILE",
    help="For images a folder, which must be new or empty; for a table a .csv or .parquet file, which is replaced.",
)
@click.option(
    "--per-class",
    type=click.IntRange(1, MOST_ROWS),
    default=16,
    show_default=True,
    metavar="N",
    help="Samples of each class.",
)
@click.option("--class", "names", multiple=True, metavar="NAME", help="Only this class; may be given several times.")
@click.option(
    "--seed", type=SEED, metavar="N", default=0, show_default=True, help="The same seed draws the same samples."
)
def command(model: "Path", output: "Path", per_class: int, names: tuple[str, ...], seed: int) -> None:
    """Draw synthetic samples from a model: PNG files in a folder for each class, or rows of one table.

    The samples are screened: one that the model's own classifier does not read as its class is drawn again, up to four
    times. Beside images, manifest.csv names every file and its class.
    """
    from ganaug.runtime.generator import Generator

    generator = Generator.load(model)
    check_output(output, generator.modality)
    known = {str(label): label for label in generator.classes}
    if unknown := [name for name in names if name not in known]:
        raise DataError(f"--class must name a class of the model ({listing(list(known))}), but is {listing(unknown)}")
    wanted = [known[name] for name in dict.fromkeys(names)] or list(generator.classes)
    note_alarms(generator, wanted)
    number, classes = len(wanted) * per_class, counted(len(wanted), "class", "classes")
    if generator.modality == "table":
        from ganaug.cli.tables import sample_table

        sample_table(generator, dict.fromkeys(wanted, per_class), output, seed)
        click.echo(f"Wrote {counted(number, 'row')} of {classes} to {output}.")
        return
    _write_images(generator, wanted, output, per_class, seed)
    click.echo(f"Wrote {counted(number, 'image')} of {classes} to {output}.")


def _write_images(generator: "Generator", wanted: list[Any], output: "Path", per_class: int, seed: int) -> None:
    from ganaug.cli.pictures import Manifest, draw, encode
    from ganaug.files import atomic_folder, safe_names

    # Safe names are chosen among all classes, so that a class has the same folder whichever others are drawn.
    folders = dict(zip(generator.classes, safe_names([str(label) for label in generator.classes]), strict=True))
    if len(wanted) * per_class > MOST:
        raise DataError(
            f"--per-class must ask for at most {MOST:,} images in all, but {per_class:,} of each of {len(wanted):,} "
            f"classes are {len(wanted) * per_class:,}"
        )
    with atomic_folder(output) as temporary:
        manifest = Manifest(temporary)
        for label in wanted:
            folder = temporary / folders[label]
            folder.mkdir()
            for number, image in enumerate(draw(generator, label, per_class, seed), start=1):
                file = folder / f"{folders[label]}-{number:05}.png"
                file.write_bytes(encode(image))
                manifest.add(file, label)
        manifest.save()
