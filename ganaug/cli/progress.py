"""What a user sees while a run goes on: a bar on a terminal, a line now and then elsewhere."""

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

__all__ = ["Patience", "progress"]

REFRESH_SECONDS = 0.25
LOSS_NAMES = {"variety": "sameness"}
"""What a user sees: the variety of a class is another figure, and larger where it is better."""
FIRST = "learning to tell the classes apart"
"""What is done before the first step."""
LINES = 10
"""Lines that a whole run prints where there is no terminal."""


class Patience:
    """Makes of the first SIGINT or SIGTERM a wish to stop, which the loop grants between steps; the second interrupts.

    Until `armed` is set there is nothing worth keeping, and the first one interrupts as well.
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
    """Give a function that shows each step of a run, on standard error."""
    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _bar() as show:
            yield show
    else:
        click.echo(f"{FIRST.capitalize()}.", err=True)
        yield _Lines().show


class _Run:
    """What is remembered from step to step: the speed of late, and what was measured last."""

    def __init__(self) -> None:
        self.measure: ValidationResult | None = None
        self.rate = 0.0
        self._last = (0, 0.0)

    def note(self, step: "Step") -> None:
        self.measure = step.validation or self.measure

    def describe(self, step: "Step", *, brief: bool) -> str:
        """Say where a run is, the most telling figures first, for a narrow terminal cuts the line."""
        number, seconds = self._last
        if step.seconds > seconds and number:
            latest = (step.number - number) / (step.seconds - seconds)
            self.rate = 0.7 * self.rate + 0.3 * latest if self.rate else latest
        elif not number:
            self.rate = step.number / max(step.seconds, 1e-9)
        self._last = (step.number, step.seconds)

        left = step.seconds * (1 - step.progress) / max(step.progress, 1e-9)
        side = [f"{step.resolution} px"] if step.resolution > 1 else []  # of images alone
        parts = [f"{clock(left)} left", *side, f"{self.rate:.1f} steps/s"]
        if self.measure:
            mean = sum(self.measure.agreement) / len(self.measure.agreement)
            share = f" ({mean:.0%})" if brief else f", {mean:.0%} read as their label"
            parts.append(f"score {self.measure.score:.3f}{share}")
        named = {LOSS_NAMES.get(name, name): float(loss) for name, loss in step.losses.items()}
        losses = {name[:1].upper() if brief else name: loss for name, loss in named.items()}
        parts.append(" ".join(f"{name} {loss:.2f}" for name, loss in losses.items()))
        return ("  " if brief else " · ").join(parts)


class _Lines:
    """One line for each tenth of the run."""

    def __init__(self) -> None:
        self._run = _Run()
        self._shown = 0

    def show(self, step: "Step") -> None:
        self._run.note(step)
        reached = int(step.progress * LINES)
        if reached > self._shown:
            self._shown = reached
            text = self._run.describe(step, brief=False)
            click.echo(f"{step.progress:4.0%} · step {step.number:,} · {text}", err=True)


@contextmanager
def _bar() -> Iterator["Callable[[Step], None]"]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.table import Column

    run, due = _Run(), 0.0
    # On a narrow terminal the text is cut, and never the bar.
    text = TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True))
    with Progress(
        BarColumn(8),
        TaskProgressColumn(),
        text,
        console=Console(stderr=True),
        expand=True,
        transient=True,
        refresh_per_second=1 / REFRESH_SECONDS,
    ) as bar:
        task = bar.add_task(FIRST, total=None)

        def show(step: "Step") -> None:
            nonlocal due
            run.note(step)
            # Reading a loss waits for the device, and drawing takes the processor from training: not at every step.
            if time.perf_counter() >= due:
                due = time.perf_counter() + REFRESH_SECONDS
                bar.update(task, total=1, completed=step.progress, description=run.describe(step, brief=True))

        yield show
