"""``ganaug fit``: an image folder or a table in, a model file out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from os.path import realpath
from typing import TYPE_CHECKING, Any

import click

from ganaug.cli.options import FAMILIES, SEED, check_image_options, duration, is_table, path
from ganaug.cli.text import clock, counted, printable, sentence
from ganaug.errors import OutputError, warn

if TYPE_CHECKING:
    from pathlib import Path

    from ganaug.data.images.dataset import LabelledImages
    from ganaug.data.tables.dataset import LabelledTable
    from ganaug.runtime.generator import Generator
    from ganaug.training.run import Run

__all__ = ["command", "preview_path", "train"]

SHORTEST = 15.0
"""Seconds below which a budget cannot be kept."""
MOST_STEPS = 10**9
KEPT = "The run is kept in {}: the same command with --resume goes on from there."


@click.command("fit", short_help="Train a generator on an image folder or a table.")
@click.argument("source", type=path)
@click.option("--output", type=path, required=True, metavar="MODEL.onnx", help="The model file to write.")
@click.option("--target", metavar="COLUMN", help="The column of a table that holds the classes.")
@click.option("--size", type=int, metavar="N", help="Side of images in pixels: 8, 16, ... 512.  [default: by the data]")
@click.option("--model", type=click.Choice(FAMILIES), default=FAMILIES[0], show_default=True, help="The kind of model.")
@click.option(
    "--budget",
    type=duration,
    metavar="TIME",
    help="Time for all, such as 90s, 5m or 1h.  [default: --steps, or 3m for images, 700 to 3,000 steps for tables]",
)
@click.option("--steps", type=click.IntRange(1, MOST_STEPS), metavar="N", help="Train for at most N steps.")
@click.option(
    "--seed",
    type=SEED,
    metavar="N",
    default=0,
    show_default=True,
    help="The same seed and --steps repeat a run exactly.",
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--resume", is_flag=True, help="Go on with a run that was interrupted or killed.")
@click.option("--no-preview", is_flag=True, help="Do not draw the preview, a picture beside the model.")
@click.option("--quiet", is_flag=True, help="Print warnings and errors only.")
def command(
    source: "Path",
    output: "Path",
    no_preview: bool,
    budget: float | None,
    steps: int | None,
    **settings: Any,
) -> None:
    """Train a generator on SOURCE: an image folder, with a subfolder for each class, or a .csv or .parquet table.

    Ctrl-C ends the training early and keeps the best generator so far. The run is kept beside the model, in
    MODEL.onnx.checkpoint, until it is done. A model file that is there already is replaced when the new one is ready.
    """
    from ganaug.cli import STARTED

    train(source, output, preview=not no_preview, time_budget=budget, max_steps=steps, started=STARTED, **settings)


def preview_path(model: "Path") -> "Path":
    """Return where the preview of a model file goes: photos.onnx, photos.preview.png."""
    return model.with_suffix(".preview.png")


def train(
    source: "Path",
    output: "Path",
    *,
    preview: bool,
    quiet: bool,
    resume: bool,
    seed: int,
    target: str | None = None,
    size: int | None = None,
    **settings: Any,
) -> "Generator":
    """Run a fit as the user sees it; after Ctrl-C, leave with code 130 once the best generator is written.

    Parameters
    ----------
    settings
        What else `Run` takes.
    """

    def say(line: str) -> None:
        if not quiet:
            click.echo(line, err=True)

    table = is_table(source)
    preview = preview and not table
    _check_outputs(source, output, preview)
    with _telling_what_is_kept():
        data: LabelledImages | LabelledTable
        if table:
            data = _load_table(source, target, size, say)
        else:
            check_image_options(source, target)
            data = _load_images(source, size, say)
            _check_budget(settings.get("time_budget"))

        # Torch is loaded only here, so that a mistake in the lines above is answered at once.
        from ganaug.cli.progress import Patience, progress
        from ganaug.files import check_writable
        from ganaug.training import ImageFit, TableFit
        from ganaug.training.checkpoints import checkpoint_folder, kept_step, remove_checkpoint

    checkpoint = checkpoint_folder(output)
    index = checkpoint / "checkpoint.json"
    if checkpoint.is_dir():
        check_writable(index, folder=False)
    else:
        check_writable(checkpoint, folder=True)
    new_fit = TableFit if table else ImageFit
    fit = new_fit(data, checkpoint=checkpoint, resume=resume, random_state=seed, **settings)
    if index.exists() and not resume:
        kept = kept_step(checkpoint)
        at = "" if kept is None else f" at step {kept:,}"
        anew = f"Beginning anew over the unfinished run{at} that is kept in {checkpoint}"
        say(f"{anew}: to go on with that one, stop now and add --resume.")
    with _telling_what_is_kept(checkpoint), Patience() as patience:
        with progress(quiet=quiet) as show:
            for step in fit.steps():
                patience.armed = True
                show(step)
                if patience.asked:
                    break
        interrupted = patience.asked
        if interrupted:
            say("Interrupted: saving what there is (Ctrl-C again to leave at once).")
        here = _save_last(fit)
        say("Writing the model.")
        generator = _write(fit, output, preview, checkpoint)
    if interrupted:
        done = counted(generator.metadata["training"]["steps"], "step")
        line = f"The best generator of {done} is in {output}; the same command with --resume goes on from {here}."
        click.echo(line, err=True)
        raise click.exceptions.Exit(130)
    remove_checkpoint(checkpoint)
    if not quiet:
        _summarise(generator, output, preview)
    return generator


@contextmanager
def _telling_what_is_kept(checkpoint: "Path | None" = None) -> Iterator[None]:
    """Tell on an interrupt what is kept, and leave no empty folder where nothing could be."""
    try:
        yield
    except KeyboardInterrupt:
        if checkpoint and (checkpoint / "checkpoint.json").exists():
            click.echo(KEPT.format(checkpoint), err=True)
        else:
            click.echo("Training had not begun, and so there was nothing to save.", err=True)
        raise
    finally:
        if checkpoint:
            with suppress(OSError):  # as there is where the folder holds anything
                checkpoint.rmdir()


def _load_images(source: "Path", size: int | None, say: Callable[[str], None]) -> "LabelledImages":
    from ganaug.data.images.dataset import load_folder

    data = load_folder(source, size)
    _check_origin(data, source)
    say(f"{counted(len(data.images), 'image')} of {len(data.classes)} classes, taken at {data.codec.size} px.")
    return data


def _load_table(source: "Path", target: str | None, size: int | None, say: Callable[[str], None]) -> "LabelledTable":
    if size is not None:
        raise click.UsageError("--size is for images; a table has none.")

    from ganaug.cli.tables import load_table

    data = load_table(source, target)
    columns = counted(len(data.frame.columns), "column")
    say(f"{counted(len(data.frame), 'row')} of {len(data.classes)} classes, with {columns}.")
    return data


def _check_outputs(source: "Path", output: "Path", preview: bool) -> None:
    """Find out now, and not after the training, that something could not or must not be written."""
    from ganaug.files import check_writable

    if output.suffix.lower() != ".onnx":
        raise click.UsageError(f"--output must be a file name that ends in .onnx, but is {str(output)!r}.")
    if source.is_dir() and path(realpath(output)).is_relative_to(realpath(source)):
        raise click.UsageError(
            "--output must lie outside of SOURCE, for its preview would become an image of it, and the run that is "
            "kept beside it a class."
        )
    check_writable(output, folder=False)
    if preview:
        from ganaug.cli.preview import is_preview

        picture = preview_path(output)
        check_writable(picture, folder=False)
        if picture.exists() and not is_preview(picture):
            raise click.UsageError(
                f"The preview would replace {str(picture)!r}, which ganaug did not draw: move it away, or add "
                "--no-preview."
            )


def _check_budget(seconds: float | None) -> None:
    if seconds is not None and seconds < SHORTEST:
        warn(f"a budget under {SHORTEST:.0f} s cannot be kept: loading, screening and export take about that long")


def _check_origin(data: "LabelledImages", source: "Path") -> None:
    """Warn where ganaug's own images are to be learned from, as in a folder that `ganaug balance` wrote."""
    from ganaug.cli.pictures import synthetic_files

    synthetic = synthetic_files(source)
    if number := sum(file.relative_to(source).as_posix() in synthetic for file in data.files) if synthetic else 0:
        warn(
            f"the folder {source} holds {counted(number, 'synthetic image')} that ganaug made, as its manifest.csv "
            "says, and a generator that learns from them repeats their faults: give the folder of real images, unless "
            "this is what you want"
        )


def _save_last(fit: "Run") -> str:
    """Save a checkpoint, in case that the model cannot be written, and return where a resumed run would go on."""
    try:
        fit.save_checkpoint()
    except OSError:  # the model is worth more, and there may still be room for it
        return "the last checkpoint"
    return "here"


def _write(fit: "Run", output: "Path", preview: bool, checkpoint: "Path") -> "Generator":
    from ganaug.files import atomic_write

    try:
        generator = fit.trained().export()
        generator.save(output)
        if preview:
            from ganaug.cli.preview import draw_preview

            with atomic_write(preview_path(output)) as file:
                file.write(draw_preview(fit.data, generator))  # type: ignore[arg-type]
    except OutputError as error:
        from ganaug.training.checkpoints import kept_step

        if (step := kept_step(checkpoint)) is None:
            raise
        raise OutputError(f"{error} {KEPT.format(f'{checkpoint}, at step {step:,}')}") from error
    return generator


def _summarise(generator: "Generator", output: "Path", preview: bool) -> None:
    training = generator.metadata["training"]
    early = f", stopped early ({training['stopped_early']})" if training["stopped_early"] else ""
    click.echo(f"Trained {counted(training['steps'], 'step')} in {clock(training['seconds'])}{early}.")
    kept = f"Kept the weights of {training['kept_from']:.0%} of the run"
    click.echo(f"{kept}: score {training['score']:.3f} on {training['measured_on']} (smaller is better).")
    _worst_and_mean("Samples read as their label", training["agreement"], "{:.0%}")
    _worst_and_mean("Variety relative to real samples", training["variety"], "{:.2f}")
    for alarm in training["alarms"]:
        click.echo(f"Alarm: {sentence(alarm)}")
    if not training["alarms"]:
        click.echo("Alarms: none.")
    click.echo(f"Model: {output} ({output.stat().st_size / 1e6:.1f} MB)")
    if preview:
        click.echo(f"Preview: {preview_path(output)}")


def _worst_and_mean(title: str, figures: dict[str, float], form: str) -> None:
    if figures:
        worst = min(figures, key=figures.__getitem__)
        mean = form.format(sum(figures.values()) / len(figures))
        click.echo(f"{title}: {mean} on average, {form.format(figures[worst])} in the worst class, {printable(worst)}.")
