"""How many threads torch uses, decided by measurement while it works.

A parallel step waits many hundred times for its slowest thread. Beside other busy programs several threads can be far
slower than one; on an idle machine they are faster.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from types import TracebackType
from typing import Self

import torch

TRIAL_STEPS = 6  # counted steps for each number of threads
SECONDS_BETWEEN_TRIALS = 15.0  # a trial may be slow, and must cost little of the time
CLEARLY_SLOWER = 1.5  # ratio of times at which a trial ends early


class ThreadTuner:
    """Sets torch's number of threads to the faster of one and all, as measured by calls of `tick` inside the context.

    A trial takes a few steps on one thread, then a few on all threads, and ends early if the latter are clearly slower.
    The number of threads is restored at the end of the context.

    If it is not `enabled`, nothing is changed: results can differ in their last digits with the number of threads, so a
    run that must repeat exactly keeps the number that it finds.
    """

    def __init__(self, enabled: bool) -> None:
        self.most = torch.get_num_threads()
        self.enabled = enabled and self.most > 1
        self._settled: float | None = None
        self._trying_alone = True
        self._alone: list[float] = []
        self._together: list[float] = []

    def __enter__(self) -> Self:
        if self.enabled:
            self._begin_trial()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.enabled:
            torch.set_num_threads(self.most)

    def tick(self, seconds: float) -> None:
        """Record how long a step took."""
        if not self.enabled:
            return
        if self._settled is not None:
            if time.perf_counter() - self._settled > SECONDS_BETWEEN_TRIALS:
                self._begin_trial()
            return
        times = self._alone if self._trying_alone else self._together
        times.append(seconds)
        if self._trying_alone:
            if len(times) > TRIAL_STEPS:
                self._trying_alone = False
                torch.set_num_threads(self.most)
            return
        # The first step after a change of the number is slower, and is not counted.
        alone = median(self._alone[1:])
        too_slow = sum(times) > CLEARLY_SLOWER * alone * (TRIAL_STEPS + 1)
        if too_slow or len(times) > TRIAL_STEPS:
            torch.set_num_threads(1 if too_slow or median(times[1:]) > alone else self.most)
            self._settled = time.perf_counter()

    def _begin_trial(self) -> None:
        self._settled, self._trying_alone = None, True
        self._alone, self._together = [], []
        torch.set_num_threads(1)


@contextmanager
def single_thread() -> Iterator[None]:
    """Let torch use one thread inside the context: in small steps several threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
