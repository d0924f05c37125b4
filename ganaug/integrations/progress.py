"""Progress of long work on standard error: a bar on a terminal or in a notebook, a few lines elsewhere."""

import io
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from html import escape
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from ganaug.training.loop import Step, ValidationResult

REFRESH_SECONDS = 0.25
FIRST = "learning to tell the classes apart"
"""What happens before the first step: the classifier of the screen is trained."""
LINES = 10
"""Lines of a whole run where there is no terminal."""
LOSS_NAMES = {"variety": "sameness"}
"""The loss that asks for variety falls as samples get more varied, while the variety of a class rises."""
RATE_WEIGHT = 0.3
"""Weight of the latest step in the average speed."""


def clock(seconds: float) -> str:
    """Return seconds as minutes and seconds, 1:15, or as hours, minutes and seconds, 1:00:00."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Forgiving:
    """A stream that loses what cannot be written: a line of progress is not worth the work that it is about.

    Parameters
    ----------
    stream : file, optional
        What to write to; None, as Python has for a closed standard stream, loses everything.
    """

    def __init__(self, stream: IO[Any] | None) -> None:
        self._stream: IO[Any] = io.StringIO() if stream is None else stream
        self._lost = stream is None

    def write(self, text: Any) -> int:
        """Write a text, or lose it."""
        with suppress(OSError, ValueError):
            if not self._lost:
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered, or leave it."""
        with suppress(OSError, ValueError):
            self._stream.flush()

    @property
    def buffer(self) -> "Forgiving":
        """The binary stream below, which loses as well."""
        return Forgiving(self._stream.buffer)  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


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
    """Yield a function that shows a state: on a bar on a terminal or in a notebook, as a line elsewhere."""
    if quiet:
        yield lambda _: None
    elif (jupyter := _jupyter()) is not None:
        with _in_notebook(display, jupyter) as show:
            yield show
    elif Forgiving(sys.stderr).isatty():
        with _on_terminal(display) as show:
            yield show
    else:
        yield lambda state: _print_line(display, state)


def _print_line(display: Display, state: Any) -> None:
    if display.is_due(state, on_terminal=False):
        parts = display.parts(state, brief=False)
        print(" · ".join([f"{state.progress:4.0%}", *parts]), file=Forgiving(sys.stderr), flush=True)


def terminal() -> "Console":
    """Return a console on standard error."""
    from rich.console import Console

    return Console(stderr=True, file=Forgiving(sys.stderr))  # type: ignore[arg-type]


@contextmanager
def _on_terminal(display: Display) -> Iterator[Callable[[Any], None]]:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.table import Column

    # A narrow terminal cuts the text, never the bar.
    text = TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True))
    columns, rate = (BarColumn(8), TaskProgressColumn(), text), 1 / REFRESH_SECONDS
    with Progress(*columns, console=terminal(), expand=True, transient=True, refresh_per_second=rate) as bar:
        task = bar.add_task(display.beginning, total=None)

        def draw(state: Any) -> None:
            if display.is_due(state, on_terminal=True):
                described = "  ".join(display.parts(state, brief=True))
                bar.update(task, total=1, completed=state.progress, description=described)

        yield draw


@contextmanager
def _in_notebook(display: Display, jupyter: Any) -> Iterator[Callable[[Any], None]]:
    """Show a bar of HTML, which needs no widgets, and remove it at the end."""
    handle = jupyter.DisplayHandle()
    handle.display(_drawn("", display.beginning), raw=True)

    def draw(state: Any) -> None:
        if display.is_due(state, on_terminal=True):
            described = " · ".join(display.parts(state, brief=False))
            handle.update(_drawn(f' value="{state.progress:.3f}"', f"{state.progress:.0%} · {described}"), raw=True)

    try:
        yield draw
    finally:
        handle.update({"text/plain": "", "text/html": ""}, raw=True)


def _drawn(value: str, text: str) -> dict[str, str]:
    return {"text/plain": text, "text/html": f"<progress{value}></progress> {escape(text)}"}


def _jupyter() -> Any:
    """Return IPython's module of displays in the kernel of a notebook; None elsewhere."""
    if (python := sys.modules.get("IPython")) is None or getattr(python.get_ipython(), "kernel", None) is None:
        return None
    import IPython.display

    return IPython.display


def progress(*, quiet: bool, unit: str = "px") -> "AbstractContextManager[Callable[[Step], None]]":
    """Return a context whose function shows a step of a run on standard error; resolutions have this unit."""
    if not quiet and _jupyter() is None and not Forgiving(sys.stderr).isatty():
        print(f"{FIRST.capitalize()}.", file=Forgiving(sys.stderr), flush=True)
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
