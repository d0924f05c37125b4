"""What the process does in ``ganaug fit`` that leads its run, or is alone: it learns, shows, and writes the model."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ganaug.cli.data_files import Reading, files_of_source
from ganaug.cli.fit_outputs import check_log, check_outputs, checkpoint_in_use, logging_to, preview_path
from ganaug.cli.interrupts import Patience, exit_code, interruptible
from ganaug.cli.memory import check_memory
from ganaug.cli.streams import tell
from ganaug.cli.text import counted, printable, sentence
from ganaug.errors import OutputError, ProcessLostError, warn
from ganaug.families import AS_ASKED
from ganaug.integrations.progress import clock

if TYPE_CHECKING:
    from pathlib import Path

    from ganaug.compute.processes import Processes
    from ganaug.integrations.tracking.tracker import Tracker
    from ganaug.runtime.generator import Generator
    from ganaug.training import Run, Trained

KEPT = "The run is kept in {}: the same command with --resume continues it."


def train(
    source: "Path",
    output: "Path",
    reading: Reading,
    *,
    preview: bool,
    quiet: bool,
    resume: bool,
    seed: int,
    join: "Callable[[], AbstractContextManager[Processes | None]]" = nullcontext,
    keep_checkpoint: bool = False,
    log: "Tracker | None" = None,
    time_budget: float | None = None,
    max_steps: int | None = None,
    **settings: Any,
) -> "Generator":
    """Train, measure the dose, show the progress and write the model.

    After Ctrl-C or SIGTERM, write the best generator and exit with code 130 or 143. `join` gives the processes that
    learn together. `settings` are other parameters of `Run`.
    """

    def say(line: str) -> None:
        if not quiet:
            click.echo(line, err=True)

    files = files_of_source(source)
    draw_preview = files.draw_preview if preview else None
    preview = draw_preview is not None
    check_outputs(source, output, preview)
    check_log(log, source, output)
    with _telling_what_is_kept():
        files.check_options(
            target=reading.target,
            size=reading.size,
            ignore=reading.left_out.columns,
            csv=reading.csv,
            rules=reading.rules,
        )
        data = files.read(source, reading)
        say(files.described(data))
        if time_budget is not None and time_budget < files.min_budget:
            least = f"{files.min_budget:.0f} s"
            warn(f"a budget under {least} cannot be kept: loading, screening and export take about that long")

        # Torch is loaded only here, so that a mistake in the command is reported at once.
        check_memory()
        from ganaug.evaluation.dose import divided, measuring
        from ganaug.networks.modality import Bounds
        from ganaug.training import Run
        from ganaug.training.checkpoints import checkpoint_folder, remove_checkpoint

    checkpoint = checkpoint_folder(output)
    used = checkpoint_in_use(checkpoint, resume, settings.get("initial"), say)
    with _telling_what_is_kept(checkpoint), used:
        bounds, for_dose = divided(data, Bounds(time_budget, max_steps))
        settings |= {"time_budget": bounds.seconds, "max_steps": bounds.steps, "resume": resume, "random_state": seed}
        with join() as processes:
            run = Run(data, checkpoint=checkpoint, processes=processes, **settings)
            with Patience() as patience:
                continues_at, trained = "here", None
                with measuring(run, for_dose) as measure:
                    lost = _take_steps(run, patience, log, files.unit, quiet=quiet)
                    if not (lost or patience.asked):
                        continues_at, trained = _save_last(run), run.trained()
                        trained = _with_dose(trained, measure, patience, say, quiet=quiet)
                # Here the generators of the dose have ended, and the cores are free for the export.
                if trained is None:
                    why = "Interrupted" if patience.asked else "A process ended"
                    say(f"{why}: saving the run and the model (Ctrl-C again leaves at once).")
                    continues_at = _save_last(run)
                if trained is None or patience.is_hurried:
                    dose = None if trained is None else trained.dose
                    trained = replace(run.trained(hurried=patience.is_hurried), dose=dose)
                say("Writing the model.")
                generator = _write(trained, draw_preview, output, checkpoint, patience)
        if lost or patience.asked:
            _leave_early(lost, patience.asked, generator, output, continues_at)
        if not keep_checkpoint:
            remove_checkpoint(checkpoint)
    if not quiet:
        _summarise(generator, output, preview)
    return generator


def _take_steps(
    run: "Run", patience: Patience, log: "Tracker | None", unit: str, *, quiet: bool
) -> ProcessLostError | None:
    """Train until the run ends or a signal interrupts it; return the loss of another process, if that ended it."""
    from ganaug.integrations.progress import progress

    try:
        with progress(quiet=quiet, unit=unit) as show, closing(run.steps()) as steps, logging_to(log) as write:
            for step in steps:
                patience.armed = True
                show(step)
                write(step)
                if patience.asked:
                    break
    except ProcessLostError as error:
        if not patience.armed:
            raise
        return error
    return None


def _leave_early(
    lost: ProcessLostError | None, asked: int, generator: "Generator", output: "Path", continues_at: str
) -> NoReturn:
    """Say what is kept of a run that was cut short, and leave with the code of the signal that was `asked`, or 2."""
    done = counted(generator.metadata["training"]["steps"], "step")
    line = f"The best generator of {done} is in {output}; the same command with --resume continues {continues_at}."
    if lost and not asked:
        raise ProcessLostError(f"{sentence(str(lost))} {line}")
    click.echo(line, err=True)
    raise click.exceptions.Exit(asked)


def _with_dose(
    trained: "Trained", measure: Callable[..., Any], patience: Patience, say: Callable[[str], None], *, quiet: bool
) -> "Trained":
    """Measure what the samples are worth, and show the progress; without a dose if a signal interrupts that."""
    from ganaug.cli.progress import Moments
    from ganaug.integrations.progress import shown

    try:
        with interruptible(), shown(Moments("measuring the dose"), quiet=quiet) as show:
            return replace(trained, dose=measure(trained, show))
    except KeyboardInterrupt as error:
        patience.asked = exit_code(error)
        say("Interrupted: saving the model without a dose (Ctrl-C again leaves at once).")
        return trained


@contextmanager
def _telling_what_is_kept(checkpoint: "Path | None" = None) -> Iterator[None]:
    """Say after an interrupt what is kept, and remove the checkpoint's folder if it is empty."""
    try:
        yield
    except KeyboardInterrupt:
        if checkpoint and (checkpoint / "checkpoint.json").exists():
            click.echo(KEPT.format(checkpoint), err=True)
        else:
            click.echo("Training had not begun, so there was nothing to save.", err=True)
        raise
    finally:
        if checkpoint:
            with suppress(OSError):  # the folder is missing, or not empty
                checkpoint.rmdir()


def _save_last(run: "Run") -> str:
    """Save a checkpoint, in case the model cannot be written, and say where a resumed run would continue."""
    try:
        run.save_checkpoint()
    except OSError:  # the model matters more, and there may still be space for it
        return "at the last checkpoint"
    return "here"


def _write(
    trained: "Trained",
    draw_preview: "Callable[[Any, Generator], bytes] | None",
    output: "Path",
    checkpoint: "Path",
    patience: Patience,
) -> "Generator":
    """Write the model and the preview, if there is time for it; if that fails, say where the run is kept."""
    from ganaug.files import atomic_write

    try:
        generator = trained.export()
        generator.save(output)
        if draw_preview is not None:
            picture = preview_path(output)
            content = _drawn(lambda: draw_preview(trained.modality.data, generator), patience)
            if content is None:
                picture.unlink(missing_ok=True)  # that of an earlier model
            else:
                with atomic_write(picture) as file:
                    file.write(content)
    except OutputError as error:
        from ganaug.training.checkpoint_index import kept_step

        if (step := kept_step(checkpoint)) is None:
            raise
        raise OutputError(f"{error} {KEPT.format(f'{checkpoint}, at step {step:,}')}") from error
    return generator


def _drawn(draw: Callable[[], bytes], patience: Patience) -> bytes | None:
    """Return the preview; None after SIGTERM, which leaves no time for it, or if a signal interrupts the drawing."""
    if patience.is_hurried:
        return None
    try:
        with interruptible():
            return draw()
    except KeyboardInterrupt as error:
        patience.asked = exit_code(error)
        return None


def _summarise(generator: "Generator", output: "Path", preview: bool) -> None:
    training = generator.metadata["training"]
    early = f", stopped early ({training['stopped_early']})" if training["stopped_early"] else ""
    tell(f"Trained {counted(training['steps'], 'step')} in {clock(training['seconds'])}{early}.")
    kept = f"Kept the weights of {training['kept_from']:.0%} of the run"
    tell(f"{kept}: score {training['score']:.3f} on {training['measured_on']} (smaller is better).")
    if training["family"] != AS_ASKED:
        tell(f"Family: {generator.metadata['family']}; {training['family']}.")
    _worst_and_mean("Samples read as their label", training["agreement"], "{:.0%}")
    _worst_and_mean("Variety relative to real samples", training["variety"], "{:.2f}")
    for alarm in training["alarms"]:
        tell(f"Alarm: {sentence(alarm)}")
    if not training["alarms"]:
        tell("Alarms: none.")
    if dose := generator.metadata.get("dose"):
        tell(sentence(dose["sentence"]))
    tell(f"Model: {output} ({output.stat().st_size / 1e6:.1f} MB)")
    if preview:
        tell(f"Preview: {preview_path(output)}")


def _worst_and_mean(title: str, figures: dict[str, float], form: str) -> None:
    if figures:
        worst = min(figures, key=figures.__getitem__)
        mean = form.format(sum(figures.values()) / len(figures))
        tell(f"{title}: {mean} on average, {form.format(figures[worst])} in the worst class, {printable(worst)}.")
