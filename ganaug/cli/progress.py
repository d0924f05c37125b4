"""The moments of a command that are shown."""

import time
from typing import TYPE_CHECKING

from ganaug.integrations.progress import Display, clock

if TYPE_CHECKING:
    from ganaug.evaluation.budget import Moment

LINE_SECONDS = 10.0
"""Seconds between two lines of an evaluation where there is no terminal."""


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
