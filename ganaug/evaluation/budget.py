"""The time of an evaluation: how much of the budget is spent, what still fits into it, and how far the work is."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ganaug.evaluation.comparison import CLASSIFYING, TRAINING, Task
from ganaug.evaluation.schedule import Schedule

REPORT_SHARE = 0.05
"""Part of the budget that is kept for the report."""
MAX_REPORT_SECONDS = 3.0
"""The report takes no longer, whatever the budget."""


@dataclass(frozen=True)
class Moment:
    """A point in an evaluation."""

    progress: float  # from 0 to 1
    seconds_left: float | None  # by the work that is done, and the budget at most; None if neither is known
    doing: str  # the work that begins now


class TimeBudget:
    """Time in seconds, or no limit, that runs from `started`, a value of `time.perf_counter`; by default, from now."""

    def __init__(self, seconds: float | None, started: float | None = None) -> None:
        self.seconds, self._started = seconds, time.perf_counter() if started is None else started
        self._progress = 0.0

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._started

    @property
    def left(self) -> float | None:
        """Seconds until the end of the budget; None without a limit."""
        return None if self.seconds is None else self.seconds - self.spent

    def fits(self, seconds: float) -> bool:
        """Tell whether work of so many seconds leaves time for the report."""
        if self.seconds is None:
            return True
        return self.spent + seconds + min(MAX_REPORT_SECONDS, REPORT_SHARE * self.seconds) <= self.seconds

    def moment(self, progress: float, doing: str) -> Moment:
        """Return the current moment. Its progress never decreases, even if more work turns out to be possible."""
        self._progress = max(self._progress, min(progress, 0.999))
        expected = self.spent * (1 - self._progress) / self._progress if self._progress > 0.02 else None
        if self.left is None:
            return Moment(self._progress, expected, doing)
        return Moment(self._progress, max(0.0, self.left if expected is None else min(expected, self.left)), doing)


class Pace:
    """The durations of the tasks of a comparison, which tell whether the next task fits into the budget.

    `schedule` has the expected seconds of tasks that were never done; `splits` is the number of all splits.
    """

    def __init__(self, budget: TimeBudget, schedule: Schedule, splits: int) -> None:
        self._budget, self._schedule, self._splits = budget, schedule, splits
        self._took: dict[str, float] = {}
        self._durations: list[float] = []

    def within(self, tasks: Iterable[Task]) -> Iterator[Task]:
        """Yield tasks, and end before one that does not fit into the budget."""
        remaining, split_begun = iter(tasks), self._budget.spent
        task = next(remaining, None)
        while task is not None and self._fits(task):
            yield task
            begun = self._budget.spent
            following = next(remaining, None)
            now = self._budget.spent
            self._took[task.doing] = now - begun
            if following is None or following.split != task.split:
                self._durations.append(now - split_begun)
                split_begun = now
            task = following

    def moment(self, task: Task, note: str = "") -> Moment:
        """Return the moment at which a task begins."""
        return self._budget.moment(
            (task.split + task.done) / self._expected_splits(), f"split {task.split + 1}: {task.doing}{note}"
        )

    def _fits(self, task: Task) -> bool:
        whole_split = _typical(self._durations) if task.done == 0 and self._durations else 0.0
        return self._budget.fits(whole_split) and self._budget.fits(self._seconds_of(task))

    def _seconds_of(self, task: Task) -> float:
        """Return the seconds that a task took the last time or, if it was never done, is expected to take."""
        if task.doing in self._took:
            return self._took[task.doing]
        if task.doing == TRAINING:
            return self._schedule.seconds or 0.0
        # The median, and not the last arm: some arms take twice as long as others, and some take no time.
        arms = [seconds for doing, seconds in self._took.items() if doing.startswith(CLASSIFYING)]
        return float(np.median(arms)) if arms else self._schedule.classifier

    def _expected_splits(self) -> int:
        """Return how many splits there will be, from the durations of those that are done."""
        if self._budget.left is None or not self._durations:
            return self._schedule.splits
        more = max(1, int(self._budget.left / _typical(self._durations)))
        return min(self._splits, len(self._durations) + more)


def _typical(durations: Sequence[float]) -> float:
    """Return the mean duration of a split without the first one, which also loads libraries and keeps the exhibits."""
    return float(np.mean(durations[1:] or durations))
