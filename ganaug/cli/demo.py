"""``ganaug demo``: the whole job on images that come with scikit-learn, and what it was worth."""

import time
from typing import TYPE_CHECKING, Any

import click

from ganaug.cli.options import duration, path

if TYPE_CHECKING:
    from pathlib import Path

    from ganaug.generator import Generator

__all__ = ["command", "run"]


REPORT_SECONDS = 40.0
"""Time for the report's own comparison."""


@click.command("demo", short_help="See it all done on scikit-learn's digits.")
@click.option(
    "--output", type=path, default="ganaug-demo", show_default=True, metavar="DIR", help="The folder to write."
)
@click.option(
    "--budget", type=duration, metavar="TIME", default="90s", show_default=True, help="Time for training the generator."
)
def command(output: "Path", budget: float) -> None:
    """See the main job done on scikit-learn's digits: no data of your own, and no download.

    The digits become an image folder with a long tail, 100 images of the commonest and 5 of the rarest. A generator is
    trained on it, the folder is balanced, and a small classifier is trained with and without the synthetic images. The
    recall of every class is printed, whatever it is, and a report for the browser is written. A folder that an earlier
    demo wrote is replaced.
    """
    run(output, time_budget=budget)


def run(
    output: "Path",
    *,
    max_steps: int | None = None,
    time_budget: float | None = None,
    report_seconds: float = REPORT_SECONDS,
    **compare_settings: Any,
) -> None:
    """Do what the command does; the tests do it in a few steps."""
    click.echo("Loading torch and scikit-learn.", err=True)
    from ganaug.cli.balance import write_balanced
    from ganaug.cli.fit import preview_path, train
    from ganaug.demo import compare, prepare_folder, write_digits

    prepare_folder(output)
    real, test, model, balanced = (output / name for name in ("train", "test", "digits.onnx", "balanced"))
    write_digits(real, test)
    fit_settings: dict[str, Any] = {"time_budget": time_budget, "max_steps": max_steps, "started": time.perf_counter()}
    generator = train(real, model, preview=True, quiet=False, resume=False, seed=0, **fit_settings)
    _, added = write_balanced(real, generator, balanced, seed=0)

    click.echo("Training a small classifier with and without synthetic images.", err=True)
    comparison = compare(real, test, generator, **compare_settings)
    click.echo("\nRecall in percent on images that were not trained on, by what the classifier was trained on:\n")
    click.echo(comparison.table())
    click.echo(f"\n{comparison.verdict()}")
    report = output / "report.html"
    _write_report(report, real, test, generator, report_seconds)
    click.echo(f"\nReal and synthetic images side by side: {preview_path(model)}")
    click.echo(f"The balanced folder, {added:,} synthetic images in it: {balanced}")
    click.echo(f"The report, with likeness, copies and a quiz: {report}")


def _write_report(file: "Path", real: "Path", test: "Path", generator: "Generator", seconds: float) -> None:
    """Judge the generator by the images that it has not seen, within so many seconds."""
    from ganaug.cli.evaluate import run as evaluate
    from ganaug.evaluation import begin
    from ganaug.quality.arms import IMAGE_ARMS

    click.echo("Writing the report.", err=True)
    shown = {"nothing", "random oversampling", "GAN, 30 % of a batch", "jittered copies, 30 % of a batch"}
    arms = [arm for arm in IMAGE_ARMS if arm.name in shown]
    report, _ = evaluate(begin(real, generator, held_out=test, arms=arms, budget=seconds), source=str(real), quiet=True)
    report.save_html(file)
