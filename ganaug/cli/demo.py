"""``ganaug demo``: the whole job on data that come with scikit-learn, and what it was worth."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from ganaug.cli.options import duration, path

if TYPE_CHECKING:
    from pathlib import Path

    from ganaug.cli.demo_data.comparison import Comparison
    from ganaug.runtime.generator import Generator

__all__ = ["command", "run", "run_table"]

IMAGE_BUDGET = 90.0
REPORT_SECONDS = 40.0
"""Time for the report's own comparison."""


@click.command("demo", short_help="See it all done on data of scikit-learn's.")
@click.option(
    "--output", type=path, default="ganaug-demo", show_default=True, metavar="DIR", help="The folder to write."
)
@click.option("--table", is_flag=True, help="Show it on a table, and not on images.")
@click.option(
    "--budget",
    type=duration,
    metavar="TIME",
    help="Time for training the generator; comparing and the report take a few minutes more.  [default: 90s for "
    "images, 900 steps for the table]",
)
def command(output: "Path", table: bool, budget: float | None) -> None:
    """See the main job done on data that come with scikit-learn: none of your own, and no download.

    The digits become an image folder with a long tail, 100 images of the commonest and 5 of the rarest; or, with
    --table, the breast cancer data become a table with 200 benign and 10 malignant tumours. A generator is trained on
    it, the classes are balanced, and a classifier is trained with and without the synthetic samples. The recall of
    every class is printed, whatever it is, and a report for the browser is written. A folder that an earlier demo wrote
    is replaced.
    """
    if table:
        run_table(output, time_budget=budget)
    else:
        run(output, time_budget=IMAGE_BUDGET if budget is None else budget)


def run(
    output: "Path",
    *,
    max_steps: int | None = None,
    time_budget: float | None = None,
    report_seconds: float = REPORT_SECONDS,
    **compare_settings: Any,
) -> None:
    """Do what the command does with images; the tests do it in a few steps."""
    click.echo("Loading torch and scikit-learn.", err=True)
    from ganaug.cli.data_files import files_of_model
    from ganaug.cli.demo_data.folder import prepare_folder
    from ganaug.cli.demo_data.images import compare, write_digits
    from ganaug.cli.fit import preview_path, train

    prepare_folder(output)
    real, test, model, balanced = (output / name for name in ("train", "test", "digits.onnx", "balanced"))
    write_digits(real, test)
    fit_settings: dict[str, Any] = {"time_budget": time_budget, "max_steps": max_steps, "started": time.perf_counter()}
    generator = train(real, model, preview=True, quiet=False, resume=False, seed=0, **fit_settings)
    with _telling_what_is_there(real, test, model, preview_path(model), balanced):
        _, added = files_of_model(generator).write_balanced(real, generator, balanced, target=None, seed=0)
        click.echo("Training a small classifier with and without synthetic images.", err=True)
        _show(compare(real, test, generator, **compare_settings))
        report = output / "report.html"
        _write_report(report, real, test, generator, report_seconds)
    click.echo(f"\nReal and synthetic images side by side: {preview_path(model)}")
    click.echo(f"The balanced folder, {added:,} synthetic images in it: {balanced}")
    click.echo(f"The report, with likeness, copies and a quiz: {report}")


def run_table(
    output: "Path",
    *,
    max_steps: int | None = None,
    time_budget: float | None = None,
    report_seconds: float = REPORT_SECONDS,
    **compare_settings: Any,
) -> None:
    """Do what the command does with a table."""
    click.echo("Loading torch and scikit-learn.", err=True)
    from ganaug.cli.data_files import files_of_model
    from ganaug.cli.demo_data.folder import prepare_folder
    from ganaug.cli.demo_data.tables import TARGET, compare_rows, write_tumours
    from ganaug.cli.fit import train

    prepare_folder(output)
    files = ("train.csv", "test.csv", "breast-cancer.onnx", "balanced.csv")
    real, test, model, balanced = (output / name for name in files)
    write_tumours(real, test)
    fit_settings: dict[str, Any] = {"time_budget": time_budget, "max_steps": max_steps, "started": time.perf_counter()}
    generator = train(real, model, target=TARGET, preview=False, quiet=False, resume=False, seed=0, **fit_settings)
    with _telling_what_is_there(real, test, model, balanced):
        _, added = files_of_model(generator).write_balanced(real, generator, balanced, target=TARGET, seed=0)
        click.echo("Training random forests with and without synthetic rows.", err=True)
        _show(compare_rows(real, balanced, test, **compare_settings))
        report = output / "report.html"
        _write_report(report, real, test, generator, report_seconds, target=TARGET)
    click.echo(f"\nThe tables trained and tested on: {real} and {test}")
    click.echo(f"The balanced table, {added:,} synthetic rows at its end: {balanced}")
    click.echo(f"The report, with likeness, copies and a quiz: {report}")


@contextmanager
def _telling_what_is_there(*made: "Path") -> Iterator[None]:
    """Tell on an interrupt what the demo has written by then."""
    try:
        yield
    except KeyboardInterrupt:
        there = [str(place) for place in made if place.exists()]
        click.echo(f"The demo did not come to its report; these are there: {', '.join(there)}.", err=True)
        raise


def _show(comparison: "Comparison") -> None:
    noun = comparison.noun
    click.echo(f"\nRecall in percent on {noun} that were not trained on, by what the classifier was trained on:\n")
    click.echo(comparison.table())
    click.echo(f"\n{comparison.verdict()}")
    click.echo("That is one split and one generator: compare on your own data before you rely on it.")


def _write_report(
    file: "Path", real: "Path", test: "Path", generator: "Generator", seconds: float, **settings: Any
) -> None:
    """Judge the generator by the samples that it has not seen, within so many seconds."""
    from ganaug.cli.evaluate import run as evaluate
    from ganaug.evaluation.arms import IMAGE_ARMS, TABLE_ARMS
    from ganaug.evaluation.evaluate import begin

    click.echo("Writing the report.", err=True)
    shown = {"nothing", "random oversampling", "GAN, 30 % of a batch", "jittered copies, 30 % of a batch"}
    arms = TABLE_ARMS if generator.modality == "table" else [arm for arm in IMAGE_ARMS if arm.name in shown]
    session = begin(real, generator, held_out=test, arms=arms, budget=seconds, **settings)
    report, _ = evaluate(session, source=str(real), quiet=True)
    report.save_html(file)
