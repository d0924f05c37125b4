"""Progress of a command on standard error: a bar on a terminal, a few lines elsewhere."""

import signal
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import click

from ganaug.cli.text import clock

if TYPE_CHECKING:
    from ganaug.evaluation.budget import Moment
    from ganaug.training.loop import Step, ValidationResult

REFRESH_SECONDS = 0.25
LINE_SECONDS = 10.0
"""Seconds between two lines of an evaluation where there is no terminal."""
FIRST = "learning to tell the classes apart"
"""What happens before the first step: the classifier of the screen is trained."""
LINES = 10
"""Lines of a whole run where there is no terminal."""
LOSS_NAMES = {"variety": "sameness"}
"""The loss that asks for variety falls as samples get more varied, while the variety of a class rises."""
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
def interruptible() -> Iterator[None]:
    """Let SIGINT and SIGTERM interrupt at once inside the context, within a `Patience` too."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Display(ABC):
    """Describes the states of a piece of work. Each state has a `progress` from 0 to 1."""

    beginning: str
    """The text of the bar before the first state."""

    @abstractmethod
    def is_due(self, state: Any, *, on_terminal: bool) -> bool:
        """Tell whether to show a state. It is asked about every state."""

    @abstractmethod
    def parts(self, state: Any, *, brief: bool) -> list[str]:
        """Describe a state, the most useful figures first, because a narrow terminal cuts the line."""


@contextmanager
def shown(display: Display, *, quiet: bool) -> Iterator[Callable[[Any], None]]:
    """Yield a function that shows a state: on a bar on a terminal, as a line elsewhere."""
    if quiet:
        yield lambda _: None
        return
    if not sys.stderr.isatty():

        def print_line(state: Any) -> None:
            if display.is_due(state, on_terminal=False):
                click.echo(" · ".join([f"{state.progress:4.0%}", *display.parts(state, brief=False)]), err=True)

        yield print_line
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.table import Column

    # A narrow terminal cuts the text, never the bar.
    text = TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True))
    columns, rate = (BarColumn(8), TaskProgressColumn(), text), 1 / REFRESH_SECONDS
    with Progress(*columns, console=Console(stderr=True), expand=True, transient=True, refresh_per_second=rate) as bar:
        task = bar.add_task(display.beginning, total=None)

        def draw(state: Any) -> None:
            if display.is_due(state, on_terminal=True):
                described = "  ".join(display.parts(state, brief=True))
                bar.update(task, total=1, completed=state.progress, description=described)

        yield draw


def progress(*, quiet: bool, unit: str = "px") -> "AbstractContextManager[Callable[[Step], None]]":
    """Return a context whose function shows a step of a run on standard error; resolutions have this unit."""
    if not quiet and not sys.stderr.isatty():
        click.echo(f"{FIRST.capitalize()}.", err=True)
    return shown(_Steps(unit), quiet=quiet)


class _Steps(Display):
    """The steps of a run, the recent speed of the run, and its last validation."""

    beginning = FIRST

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._validation: ValidationResult | None = None
        self._rate = 0.0
        self._last = (0, 0.0)
        self._lines, self._due = 0, 0.0

    def is_due(self, step: "Step", *, on_terminal: bool) -> bool:
        self._validation = step.validation or self._validation
        if not on_terminal:
            before, self._lines = self._lines, max(self._lines, int(step.progress * LINES))
            return self._lines > before
        # Not at every step: reading a loss waits for the device, and drawing takes time from the training.
        now = time.perf_counter()
        if now < self._due:
            return False
        self._due = now + REFRESH_SECONDS
        return True

    def parts(self, step: "Step", *, brief: bool) -> list[str]:
        number, seconds = self._last
        if step.seconds > seconds and number:
            latest = (step.number - number) / (step.seconds - seconds)
            self._rate = (1 - RATE_WEIGHT) * self._rate + RATE_WEIGHT * latest if self._rate else latest
        elif not number:
            self._rate = step.number / max(step.seconds, 1e-9)
        self._last = (step.number, step.seconds)

        left = step.seconds * (1 - step.progress) / max(step.progress, 1e-9)
        parts = [] if brief else [f"step {step.number:,}"]
        parts.append(f"{clock(left)} left")
        if step.resolution > 1:  # not for tables
            parts.append(f"{step.resolution} {self._unit}")
        parts.append(f"{self._rate:.1f} steps/s")
        if self._validation:
            mean = sum(self._validation.agreement) / len(self._validation.agreement)
            share = f" ({mean:.0%})" if brief else f", {mean:.0%} read as their label"
            parts.append(f"score {self._validation.score:.3f}{share}")
        named = [(LOSS_NAMES.get(name, name), float(loss)) for name, loss in step.losses.items()]
        return [*parts, "loss " + " ".join(f"{name[:1].upper() if brief else name} {loss:.2f}" for name, loss in named)]


class Moments(Display):
    """The moments of an evaluation, or of a dose. Where there is no terminal, one is printed every `LINE_SECONDS`."""

    def __init__(self, beginning: str) -> None:
        self.beginning, self._due = beginning, 0.0

    def is_due(self, moment: "Moment", *, on_terminal: bool) -> bool:  # noqa: ARG002
        """Let every moment be drawn on a terminal, and one in `LINE_SECONDS` be printed elsewhere."""
        now = time.perf_counter()
        if now < self._due and not on_terminal:
            return False
        self._due = now + LINE_SECONDS
        return True

    def parts(self, moment: "Moment", *, brief: bool) -> list[str]:  # noqa: ARG002
        """Return the time that is left, and what begins."""
        left = [] if moment.seconds_left is None else [f"{clock(moment.seconds_left)} left"]
        return [*left, moment.doing]
