"""The base class of the callbacks that write the numbers of a training to another tool."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from ganaug.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from ganaug.training.loop import Step

EVERY = 10
"""Steps from one record to the next: to read a loss waits for the device."""


class Tracker(ABC):
    """A callback that writes the numbers of the first step, of every so-many-th step, and of each validation.

    Use it as a context manager, or call `close` after the training. Copies share what the original writes to, so that
    scikit-learn's `clone` does not cut it off. One tracker is for one training.
    """

    path: "Path | None" = None
    """The file or folder that is written to, if there is one."""

    def __init__(self, every: int = EVERY) -> None:
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise DataError(f"every must be a number of steps, 1 or more, but is {every!r:.80}: leave it out")
        self.every = every

    def __call__(self, step: "Step") -> None:
        """Write the numbers of a step if it is due."""
        if step.number == 1 or step.number % self.every == 0 or step.validation or step.progress >= 1:
            self.write(step.number, numbers_of(step))

    def prepare(self) -> None:  # noqa: B027 - MLflow has nothing to prepare
        """Raise an `OSError` if nothing could be written to `path`."""

    @abstractmethod
    def write(self, number: int, numbers: dict[str, float]) -> None:
        """Write the numbers of the step with this number."""

    @abstractmethod
    def close(self) -> None:
        """Complete what was written; a later step begins anew."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close()

    def __deepcopy__(self, _: Any) -> Self:
        return self


def numbers_of(step: "Step") -> dict[str, float]:
    """Return the numbers of a step by name: its time, its stage, its losses, and the validation if there was one."""
    numbers = {"progress": step.progress, "seconds": step.seconds, "stage": step.resolution}
    numbers |= {f"loss/{name}": float(loss) for name, loss in step.losses.items()}
    if (validation := step.validation) is not None:
        means = {"agreement": _mean(validation.agreement), "variety": _mean(validation.variety)}
        numbers |= {f"validation/{name}": value for name, value in {"score": validation.score, **means}.items()}
    return numbers


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan
