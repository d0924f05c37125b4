"""``ganaug demo``: every step on data that come with scikit-learn, and whether synthetic samples helped."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from ganaug.cli.memory import check_memory
from ganaug.cli.options import duration, path
from ganaug.cli.streams import tell
from ganaug.families import MODELS

if TYPE_CHECKING:
    from pathlib import Path

    from ganaug.evaluation.session import Session

IMAGE_BUDGET = 90.0
"""Default training time of the generator of images, in seconds."""
EVALUATION_SECONDS = 120.0
"""A bound for the evaluation, in seconds. It usually ends earlier, when all five splits are done."""
IMAGE_FILES = ("train", "test", "digits.onnx", "balanced")
TABLE_FILES = ("train.csv", "test.csv", "breast-cancer.onnx", "balanced.csv")
SHOWN_ARMS = ("nothing", "random oversampling", "GAN, 30 % of a batch", "jittered copies, 30 % of a batch")
"""The arms for images: few enough to train five classifiers of each in time. On the table, all arms are compared."""


@click.command(
    "demo",
    short_help="See every step on data that come with scikit-learn.",
    help="""See every step on data that come with scikit-learn. Nothing is downloaded.

    The digits become an image folder with a long tail, from 100 images of the commonest class to 5 of the rarest. With
    --table, the breast cancer data become a table with 200 benign and 10 malignant tumours. A generator is trained, the
    classes are balanced, and a classifier is trained with and without synthetic samples. The recall of every class is
    printed, with the verdict, and the report of the same evaluation is written for the browser. A folder that an
    earlier demo wrote is replaced.
    """,
)
@click.option(
    "--output", type=path, default="ganaug-demo", show_default=True, metavar="DIR", help="The folder to write."
)
@click.option("--table", is_flag=True, help="Use a table in place of images.")
@click.option(
    "--budget",
    type=duration,
    metavar="TIME",
    help="Time for training the generator; the evaluation takes up to two minutes more.  [default: 90s for images, "
    "900 steps for the table]",
)
@click.option(
    "--model", type=click.Choice(MODELS), default=MODELS[0], show_default=True, help="The family of the generator."
)
def command(output: "Path", table: bool, budget: float | None, model: str) -> None:
    """Run the command."""
    seconds = IMAGE_BUDGET if budget is None and not table else budget
    run(output, table=table, time_budget=seconds, model=model)


def run(
    output: "Path",
    *,
    table: bool = False,
    max_steps: int | None = None,
    time_budget: float | None = None,
    model: str = MODELS[0],
    evaluation_seconds: float = EVALUATION_SECONDS,
) -> None:
    """Run the demo on images or on a table; tests bound it by `max_steps`."""
    check_memory()
    click.echo("Loading torch and scikit-learn.", err=True)
    from ganaug.cli.data_files import Reading, files_of_model
    from ganaug.cli.demo_data import TARGET, prepare_folder, write_digits, write_tumours
    from ganaug.cli.fit_outputs import preview_path
    from ganaug.cli.lead import train
    from ganaug.data.tables.left_out import LeftOut
    from ganaug.evaluation.arms import IMAGE_ARMS
    from ganaug.evaluation.evaluate import begin

    prepare_folder(output)
    real, test, file, balanced = (output / name for name in (TABLE_FILES if table else IMAGE_FILES))
    preview, target = preview_path(file), TARGET if table else None
    (write_tumours if table else write_digits)(real, test)
    bounds: dict[str, Any] = {"time_budget": time_budget, "max_steps": max_steps, "started": time.perf_counter()}
    fit_settings = bounds | {"model": model}
    reading = Reading(LeftOut(), target)
    generator = train(real, file, reading, preview=not table, quiet=False, resume=False, seed=0, **fit_settings)
    with _telling_what_is_there(real, test, file, preview, balanced):
        files = files_of_model(generator)
        added = files.write_balanced(real, generator, balanced, target=target, share=None, seed=0).synthetic
        click.echo("Training classifiers with and without synthetic samples.", err=True)
        arms = None if table else [arm for arm in IMAGE_ARMS if arm.name in SHOWN_ARMS]
        settings: dict[str, Any] = {"target": target, "arms": arms, "budget": evaluation_seconds}
        report = _evaluate(begin(real, generator, held_out=test, **settings), real, output, f"{files.noun}s")
    if table:
        tell(f"\nThe tables trained and tested on: {real} and {test}")
        tell(f"The balanced table, {added:,} synthetic rows at its end: {balanced}")
    else:
        tell(f"\nReal and synthetic images side by side: {preview}")
        tell(f"The balanced folder, {added:,} synthetic images in it: {balanced}")
    tell(f"The report, with likeness, copies and a quiz: {report}")


@contextmanager
def _telling_what_is_there(*made: "Path") -> Iterator[None]:
    """On an interrupt, list the files and folders that the demo has written."""
    try:
        yield
    except KeyboardInterrupt:
        there = [str(place) for place in made if place.exists()]
        click.echo(f"The demo ended before its report. It wrote: {', '.join(there)}.", err=True)
        raise


def _evaluate(session: "Session", real: "Path", output: "Path", noun: str) -> "Path":
    """Evaluate, print the verdict, write the report, and return its path.

    If the user interrupts the evaluation after its first results, these are printed and written before the exit.
    """
    import numpy as np

    from ganaug.cli.evaluate import run as evaluate

    report, interrupted = evaluate(session, source=str(real), quiet=True)
    figures, data = report.to_dict(), session.data
    counts = np.bincount(data.labels[session.splits[0].train], minlength=len(data.classes)).tolist()
    if figures["arms"]:
        tell(f"\nRecall in percent on {noun} that were not trained on, by the arm of the comparison:\n")
        tell(recall_table(figures, counts, noun))
    tell(f"\n{report.sentence}")
    tell("These figures are of one split and one generator: evaluate your own data before you rely on them.")
    file = output / "report.html"
    report.save_html(file)
    if interrupted:
        raise click.exceptions.Exit(interrupted)
    return file


def recall_table(figures: dict[str, Any], counts: list[int], noun: str) -> str:
    """Return a table of the recall of each class and their mean, in percent: with nothing done, and in the best arms.

    `counts` are the numbers of training items of each class, and `noun` is the word for these items.
    """
    accuracy = {arm["name"]: arm["metrics"]["balanced_accuracy"]["mean"] for arm in figures["arms"]}
    classical = [arm["name"] for arm in figures["arms"] if arm["kind"] == "classical"]
    best, comparison = sorted(classical, key=lambda name: -accuracy[name])[:1], figures["comparison"]
    shown = dict.fromkeys(["nothing", *best, comparison["rival"], comparison["chosen"]])
    arms = [name for name in shown if name in accuracy]
    rows = [["class", noun, *arms]]
    for entry, count in zip(figures["classes"], counts, strict=True):
        rows.append([entry["name"], str(count), *(_percent(entry["recall"][arm]["mean"]) for arm in arms)])
    rows.append(["balanced", str(sum(counts)), *(_percent(accuracy[arm]) for arm in arms)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
