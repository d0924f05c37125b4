"""The base classes of trials."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ganaug.data.dataset import Dataset
from ganaug.evaluation.arms import NOTHING, Arm
from ganaug.evaluation.samples import Sampler, draw
from ganaug.evaluation.scores import Score, score
from ganaug.evaluation.splits import folds_of

if TYPE_CHECKING:
    from ganaug.data.tables.codec import TableCodec

TUNING_FOLDS = 3
"""Folds of the training part on which a threshold is tuned."""

S_co = TypeVar("S_co", covariant=True)


class Trial(ABC, Generic[S_co]):
    """One split of a comparison."""

    @abstractmethod
    def score(self, arm: Arm) -> S_co:
        """Train the classifier as the arm says, and score it on the test rows.

        Raises
        ------
        ImpossibleArmError
            If these training rows do not allow the arm.
        """


class ImpossibleArmError(Exception):
    """The training rows do not allow an arm."""


class Opinion(NamedTuple):
    """The class probabilities of test items, and the values of which the largest decides; both (n, n_classes)."""

    probability: NDArray[np.floating]
    decide_by: NDArray[np.floating]


class DatasetTrial(Trial[Score]):
    """A split of a labelled data set, and a generator that was trained on its training part.

    Parameters
    ----------
    train, test : Dataset
    sampler : Sampler or None
        Trained on `train` alone. None if no arm needs synthetic samples.
    seed : int
        The same in all arms.
    estimator : scikit-learn classifier, optional
        If the classifier of this kind of data can be chosen.
    steps : int, optional
        Training steps of the classifier; by default `usual_steps`.
    """

    arms: ClassVar[tuple[Arm, ...]]  # all arms for this kind of data
    usual_steps: ClassVar[int] = 1  # training steps of the classifier, if it is trained in steps
    probe_steps: ClassVar[int] = 1  # the same where its speed is measured
    probe_margin: ClassVar[float] = 1.0  # an arm takes longer than the measurement, by this factor
    max_drawn: ClassVar[int] = sys.maxsize  # synthetic samples of one class; an arm may use each several times
    network: ClassVar[str | None] = None  # the name of the classifier; None for an estimator of the user
    features_name: ClassVar[str]  # a description of the features that samples are compared by
    takes_extractor: ClassVar[bool] = False  # whether a user may choose other features

    def __init__(
        self,
        train: Any,
        test: Any,
        sampler: Sampler | None,
        *,
        seed: int,
        estimator: Any = None,
        steps: int | None = None,
    ) -> None:
        self.train, self.test, self.seed, self.estimator = train, test, seed, estimator
        self.steps = self.usual_steps if steps is None else steps
        self.counts = np.bincount(train.labels, minlength=len(train.classes))
        wanted = np.full(len(self.counts), min(int(self.counts.max()), self.max_drawn))
        self.synthetic = None if sampler is None else draw(sampler, train, wanted, [seed, 1])
        self.jittered = self._placebo(wanted)
        self._plain: NDArray[np.floating] | None = None

    @classmethod
    def impossible(cls, arms: Sequence[Arm], data: Any, estimator: Any) -> dict[str, str]:  # noqa: ARG003
        """Return the names of the arms that the data or the estimator does not allow, each with the reason."""
        return {}

    @abstractmethod
    def features(self, extractor: Any) -> Callable[[Any], NDArray[np.floating]]:
        """Return the function from items to the features (n, d) that samples are compared by."""

    def promised_columns(self, unseen: Any) -> "TableCodec | None":  # noqa: ARG002
        """Return the codec whose column ranges and types the samples of a table must keep; None for other data.

        The samples are those of the generator `unseen`, or of one that was trained on the training part if it is None.
        """
        return None

    def score(self, arm: Arm) -> Score:
        """Train the classifier as the arm says, and score it on the test part."""
        opinion = self.predict(arm)
        return score(opinion.probability, self.test.labels, decide_by=opinion.decide_by)

    def predict(self, arm: Arm) -> Opinion:
        """Train the classifier as the arm says, and return its output for the test part."""
        if arm.tuned:
            plain = self._fit_and_predict(NOTHING) if self._plain is None else self._plain
            return Opinion(plain, plain / (self.counts / self.counts.sum()) ** self._power())
        probability = self._fit_and_predict(arm)
        if arm.kind == "nothing":
            self._plain = probability
        return Opinion(probability, probability)

    @abstractmethod
    def class_probabilities(self, data: Dataset) -> NDArray[np.floating]:
        """Return the class probabilities (n, n_classes) that a balanced classifier of the training part predicts."""

    @abstractmethod
    def _fit_and_predict(self, arm: Arm) -> NDArray[np.floating]: ...

    @abstractmethod
    def _power(self) -> float:
        """Return the power of the class shares that the probabilities of the plain classifier are divided by."""

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
        return folds_of(self.train.labels, folds, np.random.RandomState(self.seed % 2**32))
