"""Progress of a training run: a bar on a terminal, a few lines elsewhere."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from ganaug.cli.text import clock

if TYPE_CHECKING:
    from ganaug.training.loop import Step, ValidationResult

REFRESH_SECONDS = 0.25
FIRST = "learning to tell the classes apart"
"""What happens before the first step: the classifier of the screen is trained."""
LINES = 10
"""Lines of a whole run where there is no terminal."""
RATE_WEIGHT = 0.3
"""Weight of the latest step in the average speed."""


class Patience:
    """Turns the first SIGINT or SIGTERM into a request to stop between steps; the second one interrupts.

    Until `armed` is set, nothing is worth saving, and the first signal interrupts as well.
    """

    def __init__(self) -> None:
        self.armed = self.asked = False

    def __enter__(self) -> "Patience":
        self._before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, *_: object) -> None:
        if self.asked or not self.armed:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def progress(*, quiet: bool) -> Iterator["Callable[[Step], None]"]:
    """Yield a function that shows a step of a run on standard error."""
    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _bar() as show:
            yield show
    else:
        click.echo(f"{FIRST.capitalize()}.", err=True)
        yield _StepLines().show


class _Status:
    """The recent speed of a run, and its last validation."""

    def __init__(self) -> None:
        self.validation: ValidationResult | None = None
        self.rate = 0.0
        self._last = (0, 0.0)

    def note(self, step: "Step") -> None:
        self.validation = step.validation or self.validation

    def describe(self, step: "Step", *, brief: bool) -> str:
        """Describe the state of a run, the most useful figures first, because a narrow terminal cuts the line."""
        number, seconds = self._last
        if step.seconds > seconds and number:
            latest = (step.number - number) / (step.seconds - seconds)
            self.rate = (1 - RATE_WEIGHT) * self.rate + RATE_WEIGHT * latest if self.rate else latest
        elif not number:
            self.rate = step.number / max(step.seconds, 1e-9)
        self._last = (step.number, step.seconds)

        left = step.seconds * (1 - step.progress) / max(step.progress, 1e-9)
        side = [f"{step.resolution} px"] if step.resolution > 1 else []  # for images only
        parts = [f"{clock(left)} left", *side, f"{self.rate:.1f} steps/s"]
        if self.validation:
            mean = sum(self.validation.agreement) / len(self.validation.agreement)
            share = f" ({mean:.0%})" if brief else f", {mean:.0%} read as their label"
            parts.append(f"score {self.validation.score:.3f}{share}")
        losses = {name[:1].upper() if brief else name: float(loss) for name, loss in step.losses.items()}
        parts.append("loss " + " ".join(f"{name} {loss:.2f}" for name, loss in losses.items()))
        return ("  " if brief else " · ").join(parts)


class _StepLines:
    """Prints a line after each tenth of the run."""

    def __init__(self) -> None:
        self._status = _Status()
        self._shown = 0

    def show(self, step: "Step") -> None:
        self._status.note(step)
        reached = int(step.progress * LINES)
        if reached > self._shown:
            self._shown = reached
            text = self._status.describe(step, brief=False)
            click.echo(f"{step.progress:4.0%} · step {step.number:,} · {text}", err=True)


@contextmanager
def _bar() -> Iterator["Callable[[Step], None]"]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.table import Column

    status, due = _Status(), 0.0
    # A narrow terminal cuts the text, never the bar.
    text = TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True))
    columns, rate = (BarColumn(8), TaskProgressColumn(), text), 1 / REFRESH_SECONDS
    with Progress(*columns, console=Console(stderr=True), expand=True, transient=True, refresh_per_second=rate) as bar:
        task = bar.add_task(FIRST, total=None)

        def show(step: "Step") -> None:
            nonlocal due
            status.note(step)
            # Not at every step: reading a loss waits for the device, and drawing takes time from the training.
            if time.perf_counter() >= due:
                due = time.perf_counter() + REFRESH_SECONDS
                bar.update(task, total=1, completed=step.progress, description=status.describe(step, brief=True))

        yield show
