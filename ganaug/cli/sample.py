"""``ganaug sample``: a model file in, a folder of synthetic images or signals, or a table of synthetic rows out."""

from typing import TYPE_CHECKING

import click

from ganaug.cli.data_files import files_of_model, note_alarms
from ganaug.cli.options import SAMPLES_OUTPUT, path, seed_option
from ganaug.cli.text import counted, listing
from ganaug.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

MAX_PER_CLASS = 1_000_000_000  # samples: more would fill a disk


@click.command("sample", short_help="Draw synthetic samples from a model.")
@click.argument("model", type=path, metavar="MODEL.onnx")
@SAMPLES_OUTPUT
@click.option(
    "--per-class",
    type=click.IntRange(1, MAX_PER_CLASS),
    default=16,
    show_default=True,
    metavar="N",
    help="Samples of each class.",
)
@click.option("--class", "names", multiple=True, metavar="NAME", help="Only this class; may be given several times.")
@seed_option("The same seed draws the same samples.")
def command(model: "Path", output: "Path", per_class: int, names: tuple[str, ...], seed: int) -> None:
    """Draw synthetic samples from a model: PNG, WAV or NPY files in a folder for each class, or rows of one table.

    The samples are screened: if the classifier in the model does not read a sample as its class, the sample is drawn
    again, with at most four draws for each sample. Beside images and signals, the file manifest.csv lists every file
    and its class.
    """
    from ganaug.runtime.generator import Generator

    generator = Generator.load(model)
    files = files_of_model(generator)
    files.check_output(output)
    known = {str(label): label for label in generator.classes}
    if unknown := [name for name in names if name not in known]:
        raise DataError(f"--class must name a class of the model ({listing(list(known))}), but is {listing(unknown)}")
    labels = [known[name] for name in dict.fromkeys(names)] or list(generator.classes)
    note_alarms(generator, labels)
    files.write_samples(generator, labels, per_class, output, seed)
    number, classes = counted(len(labels) * per_class, files.noun), counted(len(labels), "class", "classes")
    click.echo(f"Wrote {number} of {classes} to {output}.")
