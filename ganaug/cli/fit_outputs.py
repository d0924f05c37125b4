"""The files of ``ganaug fit``: where they go, and which of them are refused before the training begins."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os.path import realpath
from typing import TYPE_CHECKING

import click

from ganaug.cli.options import path
from ganaug.cli.text import sentence
from ganaug.errors import warn

if TYPE_CHECKING:
    from pathlib import Path

    from ganaug.integrations.tracking.tracker import Tracker
    from ganaug.training.loop import Step


def preview_path(model: "Path") -> "Path":
    """Return where the preview of a model file goes: photos.onnx, photos.preview.png."""
    return model.with_suffix(".preview.png")


def check_outputs(source: "Path", output: "Path", preview: bool) -> None:
    """Refuse, before the training, outputs that cannot be written, and outputs that must not be."""
    from ganaug.files import check_writable

    if output.suffix.lower() != ".onnx":
        raise click.UsageError(f"--output must be a file name that ends in .onnx, but is {str(output)!r}.")
    if source.is_dir() and path(realpath(output)).is_relative_to(realpath(source)):
        raise click.UsageError(
            "--output must lie outside of SOURCE: inside it, the preview would count as an image, and the folder of "
            "the checkpoint as a class."
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


def check_log(log: "Tracker | None", source: "Path", output: "Path") -> None:
    """Refuse, before the training, a log that cannot be written, and one that would spoil other files."""
    if log is None:
        return
    if log.path is not None:
        place, taken = realpath(log.path), map(realpath, (output, preview_path(output)))
        if path(place).is_relative_to(realpath(source)) or place in taken:
            raise click.UsageError(f"--log must name a place of its own outside of SOURCE, but is {str(log.path)!r}.")
    log.prepare()


@contextmanager
def logging_to(log: "Tracker | None") -> Iterator[Callable[["Step"], None]]:
    """Yield a function that writes a step to a log; if the log fails, warn, because the training is worth more."""
    at, failed = 0, False

    def tried(do: Callable[[], object]) -> None:
        nonlocal failed
        try:
            do()
        except Exception as error:  # whatever the tool raises
            if not failed:
                reason = sentence(f"{type(log).__name__} failed at step {at:,}: {error}")
                warn(f"{reason} The training goes on without this log")
            failed = True

    def write(step: "Step") -> None:
        nonlocal at
        at = step.number
        if log and not failed:
            tried(lambda: log(step))

    try:
        yield write
    finally:
        if log:
            ended = sys.exc_info()
            tried(lambda: log.__exit__(*ended))


@contextmanager
def checkpoint_in_use(
    checkpoint: "Path", resume: bool, initial: "Path | None", say: Callable[[str], None]
) -> Iterator[None]:
    """Refuse a checkpoint that cannot be written, or that a living run writes; say if it replaces that of another run.

    Inside the context, the folder is there, and no other run writes to it.
    """
    from ganaug.files import check_writable, sole_use
    from ganaug.training.checkpoint_index import kept_step

    if initial is not None and realpath(initial) == realpath(checkpoint):
        raise click.UsageError("--from must not be the checkpoint of --output, which this run replaces: rename one.")

    is_there, index = checkpoint.is_dir(), checkpoint / "checkpoint.json"
    check_writable(index if is_there else checkpoint, folder=not is_there)
    refusal = f"Another run writes to {checkpoint}: wait for its end, or choose another --output."
    with sole_use(checkpoint, refusal):
        if index.exists() and not resume:
            kept = kept_step(checkpoint)
            at = "" if kept is None else f" at step {kept:,}"
            say(
                f"Beginning anew over the run{at} that is kept in {checkpoint}: to continue that run, stop now "
                "and add --resume."
            )
        yield
