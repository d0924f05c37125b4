"""``ganaug sample``: a model file in, a folder of synthetic images, signals or clips, or a table of rows out."""

from typing import TYPE_CHECKING

import click

from ganaug.cli.data_files import files_of_model, note_alarms
from ganaug.cli.options import path, samples_output, seed_option
from ganaug.cli.streams import tell
from ganaug.cli.text import counted, listing
from ganaug.cli.where import conditions_of
from ganaug.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

MAX_SHARDS = 100_000  # more files in a folder would be slow to list
MAX_PER_CLASS = 1_000_000_000  # samples: more would fill a disk
PER_CLASS, STEPS = 16, 60
"""Samples of each class if the user says nothing: alone, and along a walk."""
MAX_STEPS = 10_000  # samples of a class along a walk: nobody watches more


@click.command(
    "sample",
    short_help="Draw synthetic samples from a model.",
    help="""Draw synthetic samples from a model: files in a folder for each class, or rows of one table.

    The samples are screened: if the classifier in the model does not read a sample as its class, the sample is drawn
    again, with at most four draws for each sample. Beside files, the file manifest.csv lists every file and its
    class.

    With --where, rows of a table are drawn until enough fit: at most 100,000 of a class for the first one, and 1,000
    more for each one found.

    With --walk, the samples lie along a closed way through the noise, which is the same in every class, and are not
    screened. Images, signals and clips become an animation with a tile for each class; a table becomes a plot with a
    panel for each column and a line for each class.
    """,
)
@click.argument("model", type=path, metavar="MODEL.onnx")
@samples_output("With --walk, an animation in .webp or .gif, or for a table a plot in .png or .svg.")
@click.option(
    "--per-class",
    type=click.IntRange(1, MAX_PER_CLASS),
    metavar="N",
    help=f"Samples of each class.  [default: {PER_CLASS}, with --walk {STEPS}]",
)
@click.option("--class", "names", multiple=True, metavar="NAME", help="Only this class; may be given several times.")
@click.option(
    "--where",
    "conditions",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="Only rows of a table with this value, or with one in a range: COLUMN=LOW..HIGH, of which one end may be left "
    "out. May be repeated: for one column, any of its values will do. COLUMN= asks for a missing value.",
)
@click.option(
    "--shards",
    type=click.IntRange(1, MAX_SHARDS),
    metavar="N",
    help="Divide the samples among N files in the folder --output: .parquet for a table, otherwise .tar. The same "
    "command again writes those that are missing; it may run on several machines at once.",
)
@click.option("--walk", is_flag=True, help="Show how the samples change along a closed walk through the noise.")
@seed_option("The same seed draws the same samples.")
def command(
    model: "Path",
    output: "Path",
    per_class: int | None,
    names: tuple[str, ...],
    conditions: tuple[str, ...],
    shards: int | None,
    walk: bool,
    seed: int,
) -> None:
    """Run the command."""
    from ganaug.runtime.generator import Generator

    generator = Generator.load(model)
    files = files_of_model(generator)
    if shards and walk:
        raise click.UsageError("--shards divides samples, and --walk shows a way through them: leave one of them out.")
    if not shards:
        (files.check_walk_output if walk else files.check_output)(output)
    known = {str(label): label for label in generator.classes}
    if unknown := [name for name in names if name not in known]:
        raise DataError(f"--class must name a class of the model ({listing(list(known))}), but is {listing(unknown)}")
    labels = [known[name] for name in dict.fromkeys(names)] or list(generator.classes)
    where = conditions_of(conditions, generator) if conditions else None
    if where is not None and walk:
        raise click.UsageError("--where draws rows at random, and --walk along a way: leave one of them out.")
    note_alarms(generator, labels)
    count = per_class or (STEPS if walk else PER_CLASS)
    if walk:
        if count > MAX_STEPS:
            raise DataError(f"--per-class must be at most {MAX_STEPS:,} with --walk, but is {count:,}: ask for fewer")
        tell(f"Wrote {files.write_walk(generator, labels, count, output, seed)} to {output}.")
        return
    if shards:
        from ganaug.cli.shards import request_of, write_shards

        settings = {"classes": list(map(str, labels)), "per_class": count, "seed": seed, "where": sorted(conditions)}
        request = request_of(model, **settings, shards=shards)
        written, there = write_shards(files, generator, labels, count, output, seed, where, request)
        tell(f"Wrote {counted(written, 'shard')} of {there:,} to {output}.")
        return
    files.write_samples(generator, labels, count, output, seed, where)
    number, classes = counted(len(labels) * count, files.noun), counted(len(labels), "class", "classes")
    tell(f"Wrote {number} of {classes} to {output}.")
