"""One split of a comparison: a generator of the training part, and the same classifier trained in every arm."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganaug.data.dataset import Dataset
from ganaug.evaluation.arms import Arm
from ganaug.evaluation.samples import Sampler, draw
from ganaug.evaluation.selection import splits_of

__all__ = ["Opinion", "Trial"]

TUNING_FOLDS = 3


class Opinion(NamedTuple):
    """What a classifier says of the test rows: probabilities, and what the largest of decides; both (n, n_classes)."""

    probability: NDArray[np.floating]
    decide_by: NDArray[np.floating]


class Trial(ABC):
    """One split.

    Parameters
    ----------
    train, test : LabelledImages or LabelledTable
        The two parts.
    sampler : Sampler
        Trained on `train` alone.
    seed : int
        Shared by all arms.
    """

    most_drawn: ClassVar[int] = sys.maxsize
    """Synthetic samples of one class; where they must do for more, some are seen twice."""

    def __init__(self, train: Any, test: Any, sampler: Sampler, *, seed: int) -> None:
        self.train, self.test, self.sampler, self.seed = train, test, sampler, seed
        self.counts = np.bincount(train.labels, minlength=len(train.classes))
        wanted = np.full(len(self.counts), min(int(self.counts.max()), self.most_drawn))
        self.synthetic = draw(sampler, train, wanted, [seed, 1])
        self.jittered = self._placebo(wanted)
        self._plain: NDArray[np.floating] | None = None

    def predict(self, arm: Arm) -> Opinion:
        """Train the classifier as the arm says, and let it judge the test part."""
        if arm.tuned:
            plain = self._fit_and_judge(Arm("nothing", "nothing")) if self._plain is None else self._plain
            return Opinion(plain, plain / (self.counts / self.counts.sum()) ** self._power())
        probability = self._fit_and_judge(arm)
        if arm.kind == "nothing":
            self._plain = probability
        return Opinion(probability, probability)

    @abstractmethod
    def class_probabilities(self, data: Dataset) -> NDArray[np.floating]:
        """Return what a classifier of the training part reads in other items, (n, n_classes)."""

    @abstractmethod
    def _fit_and_judge(self, arm: Arm) -> NDArray[np.floating]: ...

    @abstractmethod
    def _power(self) -> float:
        """Return the power of the class shares by which the plain classifier's probabilities are divided."""

    def _placebo(self, wanted: NDArray[np.int64]) -> Any:
        """Return slightly altered copies of training items, as many as there are synthetic ones."""
        rng = np.random.default_rng([self.seed, 2])
        rows = [
            rng.choice(np.flatnonzero(self.train.labels == label), count)
            for label, count in enumerate(wanted)
            if self.counts[label]
        ]
        return self.train.part(np.concatenate(rows)).jittered(rng)

    def _tuning_splits(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        folds = min(TUNING_FOLDS, int(np.sort(self.counts)[-2]))
        if folds < 2:
            return iter(())
        return splits_of(self.train.labels, folds, np.random.RandomState(self.seed % 2**32))
