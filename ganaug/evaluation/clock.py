"""The time of an evaluation: what is spent of its budget, what still fits, and how far it is."""

import time
from dataclasses import dataclass

__all__ = ["Clock", "Moment"]

REPORT, REPORT_SECONDS = 0.05, 3.0
"""Share of a budget, and seconds at most, that are kept for writing the report."""


@dataclass(frozen=True)
class Moment:
    """Where an evaluation is.

    Attributes
    ----------
    progress : float
        From 0 to 1.
    seconds_left : float or None
        By what the splits so far took; None before the first.
    doing : str
        What begins now.
    """

    progress: float
    seconds_left: float | None
    doing: str


class Clock:
    """Time that runs from the start of an evaluation.

    Parameters
    ----------
    budget : float or None
        Seconds; None for no bound.
    started : float, optional
        By `time.perf_counter`; by default now.

    Examples
    --------
    >>> clock = Clock(3600.0)
    >>> clock.fits(60.0), clock.fits(7200.0)
    (True, False)
    >>> [clock.moment(progress, "working").progress for progress in (0.5, 0.2, 1.0)]
    [0.5, 0.5, 0.999]
    """

    def __init__(self, budget: float | None, started: float | None = None) -> None:
        self.budget, self._started = budget, time.perf_counter() if started is None else started
        self._done = 0.0

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._started

    def fits(self, seconds: float) -> bool:
        """Tell whether so much more work leaves time for the report."""
        if self.budget is None:
            return True
        return self.spent + seconds + min(REPORT_SECONDS, REPORT * self.budget) <= self.budget

    def moment(self, progress: float, doing: str) -> Moment:
        """Return where the evaluation is; what it expects may change, but nobody likes to see a bar go back."""
        self._done = max(self._done, min(progress, 0.999))
        return Moment(self._done, self._left(self._done), doing)

    def _left(self, progress: float) -> float | None:
        spent = self.spent
        left = spent * (1 - progress) / progress if progress > 0.02 else None
        if self.budget is None:
            return left
        return max(0.0, self.budget - spent if left is None else min(left, self.budget - spent))
