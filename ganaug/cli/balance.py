"""``ganaug balance``: copy a class folder or a table, and add samples until its classes are equally large."""

from typing import TYPE_CHECKING

import click

from ganaug.cli.data_files import files_of_model, files_of_source
from ganaug.cli.options import csv_options, path, samples_output, seed_option, share
from ganaug.cli.streams import tell
from ganaug.cli.text import counted
from ganaug.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from ganaug.data.tables.csv_format import CsvFormat


@click.command(
    "balance",
    short_help="Fill a folder or a table up to equally large classes.",
    help="""Copy SOURCE, a class folder or a table, and add synthetic samples until its classes are equally large.

    A model of images or signals may record a dose: the share of each class that was measured to be best synthetic. Then
    that share is synthetic, and copies of real files, whose names begin with "repeat-", fill up the rest.

    In a table the synthetic rows come last, and the column "synthetic" is true for them. A table that has this
    column already needs --real-only. Files in folders
    are copied unchanged. A file of a nested folder goes into the folder of its class, and its name begins with the
    names of the nested folders. The file manifest.csv lists every added file and its class.
    """,
)
@click.argument("source", type=path)
@click.argument("model", type=path, metavar="MODEL.onnx")
@samples_output()
@click.option("--target", metavar="COLUMN", help="The table's column of classes.  [default: the model's]")
@click.option(
    "--synthetic-share",
    type=share,
    metavar="auto|S",
    help="For files: largest synthetic share of the whole, from 0 to 1; 1 adds synthetic ones alone.  "
    "[default: auto, the measured dose of each class]",
)
@click.option("--real-only", is_flag=True, help="For tables: leave out SOURCE's synthetic rows, and draw fresh ones.")
@csv_options
@seed_option("The same seed adds the same samples.")
def command(
    source: "Path",
    model: "Path",
    output: "Path",
    target: str | None,
    synthetic_share: float | str | None,
    seed: int,
    csv: "CsvFormat | None",
    real_only: bool,
) -> None:
    """Run the command."""
    from ganaug.runtime.generator import Generator

    files = files_of_source(source)
    files.check_options(target=target, synthetic_share=synthetic_share, csv=csv, only_real_rows=real_only or None)
    files.check_output(output, source)
    generator = Generator.load(model)
    if files_of_model(generator) is not files:
        raise DataError(
            f"the model must make {files.modality}s like SOURCE, but {model} makes {generator.modality}s: name the "
            "model that was fitted to SOURCE"
        )
    number = synthetic_share if isinstance(synthetic_share, float) else None
    written = files.write_balanced(
        source, generator, output, target=target, share=number, seed=seed, csv=csv, real_only=real_only
    )
    repeats = f", and {counted(written.repeats, 'copy', 'copies')} of real {files.noun}s" if written.repeats else ""
    synthetic = counted(written.synthetic, f"synthetic {files.noun}")
    tell(f"Wrote {written.real:,} real and {synthetic}{repeats} to {output}.")
