"""``ganaug sample``: a model file in, a folder of synthetic images out."""

from typing import TYPE_CHECKING

import click

from ganaug.cli.options import SEED, check_folder_output, path
from ganaug.cli.text import listing
from ganaug.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]

MOST = 1_000_000
"""Images in all; a folder of more serves nobody."""


@click.command("sample", short_help="Draw synthetic images from a model.")
@click.argument("model", type=path, metavar="MODEL.onnx")
@click.option("--output", type=path, required=True, metavar="DIR", help="The folder to write; it must be new or empty.")
@click.option(
    "--per-class",
    type=click.IntRange(1, MOST),
    default=16,
    show_default=True,
    metavar="N",
    help="Images of each class.",
)
@click.option("--class", "names", multiple=True, metavar="NAME", help="Only this class; may be given several times.")
@click.option(
    "--seed", type=SEED, metavar="N", default=0, show_default=True, help="The same seed draws the same images."
)
def command(model: "Path", output: "Path", per_class: int, names: tuple[str, ...], seed: int) -> None:
    """Draw synthetic images from a model, as PNG files in a folder for each class.

    The images are screened: a sample that the model's own classifier does not read as its class is drawn again, up to
    four times. manifest.csv names every file and its class.
    """
    check_folder_output(output)

    from ganaug.cli.pictures import Manifest, draw, encode
    from ganaug.files import atomic_folder, safe_names
    from ganaug.generator import Generator

    generator = Generator.load(model)
    known = {str(label): label for label in generator.classes}
    if unknown := [name for name in names if name not in known]:
        raise DataError(f"--class must name a class of the model ({listing(list(known))}), but is {listing(unknown)}")
    # Safe names are chosen among all classes, so that a class has the same folder whichever others are drawn.
    folders = dict(zip(generator.classes, safe_names([str(label) for label in generator.classes]), strict=True))
    wanted = [known[name] for name in dict.fromkeys(names)] or list(generator.classes)
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
    click.echo(f"Wrote {len(wanted) * per_class:,} images of {len(wanted)} classes to {output}.")
