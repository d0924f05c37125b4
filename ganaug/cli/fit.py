"""``ganaug fit``: a folder of images, signals or clips, or a table in, a model file out."""

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from ganaug.cli.data_files import Reading
from ganaug.cli.lead import train
from ganaug.cli.options import (
    csv_options,
    duration,
    left_out_options,
    path,
    processes_options,
    seed_option,
    technique,
    tracker,
)
from ganaug.compute.launched import leads_here
from ganaug.data.modalities import SPACES
from ganaug.families import MODELS

if TYPE_CHECKING:
    from pathlib import Path

    from ganaug.compute.processes import Processes
    from ganaug.data.tables.csv_format import CsvFormat
    from ganaug.data.tables.left_out import LeftOut

ALONE = 1, 1
"""One process on one machine."""
OF_THE_LEADER = ("quiet", "keep_checkpoint", "log")
"""Options that concern only the process that leads."""
MAX_STEPS = 10**9  # training steps: more would run for years


@click.command(
    "fit",
    short_help="Train a generator on images, signals, clips or a table.",
    help="""Train a generator on SOURCE: a folder with a subfolder for each class, or a .csv or .parquet table.

    A folder holds images, .wav or .npy signals, or clips: .npy, animated images, TIFF stacks. A fifth of the time or of
    the steps measures what synthetic images or signals are worth on SOURCE. The model file records how much of each
    class is best synthetic, the dose, which `ganaug balance` and the loaders follow.

    Ctrl-C ends the training early and keeps the best generator so far. Until the run is complete, it is kept in
    MODEL.onnx.checkpoint beside the model; with --keep-checkpoint, longer. An existing model file is replaced when the
    new one is complete.
    """,
)
@click.argument("source", type=path)
@click.option("--output", type=path, required=True, metavar="MODEL.onnx", help="The model file to write.")
@click.option("--target", metavar="COLUMN", help="The column of a table that holds the classes.")
@left_out_options
@csv_options
@click.option(
    "--rule",
    "rules",
    multiple=True,
    metavar="RULE",
    help='A rule that holds in every row of a table, and shall in synthetic rows: "admitted <= discharged" or "total = '
    'price * pieces". With "not" before it, one that shall not be learned. "none" learns none. May be repeated.',
)
@click.option(
    "--size",
    type=int,
    metavar="N",
    help="Side of images or clips in pixels: 8, 16, ...; or the length of signals.  [default: by the data]",
)
@click.option(
    "--model",
    type=click.Choice(MODELS),
    default=MODELS[0],
    show_default=True,
    help="The family of the generator; auto tries each for a short time.",
)
@click.option(
    "--space",
    type=click.Choice(SPACES),
    default="auto",
    show_default=True,
    help="What a generator of images learns: pixels, or the latents of an autoencoder that ganaug brings.",
)
@click.option(
    "--technique",
    "techniques",
    type=technique,
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a technique of training, such as feature_matching=0.5 or growing=off. May be repeated.",
)
@click.option(
    "--budget",
    type=duration,
    metavar="TIME",
    help="Time for all, such as 90s, 5m or 1h.  [default: --steps, or 3m for images and clips, 2m for signals, "
    "700 to 2,000 steps for tables]",
)
@click.option("--steps", type=click.IntRange(1, MAX_STEPS), metavar="N", help="Train for at most N steps.")
@seed_option("The same seed and --steps repeat a run exactly.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@processes_options
@click.option("--resume", is_flag=True, help="Continue a run that was interrupted or killed.")
@click.option("--keep-checkpoint", is_flag=True, help="Keep MODEL.onnx.checkpoint after the run, for --from.")
@click.option(
    "--from",
    "initial",
    type=path,
    metavar="FOLDER",
    help="Begin with the weights of a kept checkpoint. Its classes may be others, but not the form of its data.",
)
@click.option("--no-preview", is_flag=True, help="Do not draw the preview, a picture beside the model.")
@click.option(
    "--log",
    type=tracker,
    metavar="tensorboard:DIR|mlflow|jsonl:FILE",
    help="Write losses and validations to TensorBoard, MLflow or a file of JSON lines.",
)
@click.option("--quiet", is_flag=True, help="Print warnings and errors only.")
def command(
    source: "Path",
    output: "Path",
    target: str | None,
    left_out: "LeftOut",
    csv: "CsvFormat | None",
    size: int | None,
    no_preview: bool,
    processes: tuple[int, int],
    budget: float | None,
    steps: int | None,
    techniques: tuple[tuple[str, Any], ...],
    rules: tuple[str, ...],
    **settings: Any,
) -> None:
    """Run the command."""
    from ganaug.cli import STARTED

    settings |= {"time_budget": budget, "max_steps": steps, "techniques": dict(techniques), "started": STARTED}
    reading = Reading(left_out, target, csv, size, rules)
    join = partial(_joined, processes, settings["device"])
    leads, is_first_here = leads_here() if processes != ALONE else (True, True)
    if leads:
        train(source, output, reading, preview=not no_preview, join=join, **settings)
    else:
        from ganaug.cli.follow import follow

        for name in OF_THE_LEADER:
            del settings[name]
        follow(source, output, reading, join=join, speaks=is_first_here, **settings)


def _joined(processes: tuple[int, int], device: str) -> "AbstractContextManager[Processes | None]":
    """Return the context of a run of one process or several."""
    if processes == ALONE:
        return nullcontext()
    from ganaug.compute.joining import joined

    return joined(*processes, device)
