"""Interrupts and moments of a command."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ganaug.integrations.progress import Display, clock

if TYPE_CHECKING:
    from ganaug.evaluation.budget import Moment

LINE_SECONDS = 10.0
"""Seconds between two lines of an evaluation where there is no terminal."""


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
