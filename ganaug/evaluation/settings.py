"""The settings of an evaluation, checked before any work is done."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from sklearn.ensemble import RandomForestClassifier

from ganaug.errors import DataError
from ganaug.evaluation.arms import Arm
from ganaug.evaluation.metrics.features import NamedExtractor
from ganaug.evaluation.splits import REPEATS
from ganaug.evaluation.trainers import Trainer, train_generator

MAX_SEED = 2**32 - 1  # the largest seed of scikit-learn


@dataclass(frozen=True)
class Settings:
    """The settings of an evaluation, as `evaluate` describes them; `DataError` if one is not usable."""

    estimator: Any = None
    trainer: Trainer = train_generator
    model: str = "gan"  # the family of the generators, for the names of arms
    trained: bool = False  # whether `trainer` returns a generator trained before, so that no time is planned for it
    extractor: NamedExtractor | None = None  # computes features of images; None trains a classifier in each split
    arms: Sequence[Arm] | None = None  # None stands for all arms of the kind of data
    repeats: int = REPEATS  # how often the data are cut into folds
    budget: float | None = None
    seed: int = 0  # from 0 to 4294967295
    device: str = "auto"

    def __post_init__(self) -> None:
        _check_estimator(self.estimator)
        if not callable(self.trainer):
            raise DataError(
                f"trainer must be a function that learns from a training part, but is {self.trainer!r:.80}: leave it "
                "out for a GAN"
            )
        if self.estimator is None:
            object.__setattr__(self, "estimator", RandomForestClassifier())
        object.__setattr__(self, "budget", _checked_budget(self.budget))
        object.__setattr__(self, "seed", _checked_seed(self.seed))


def _check_estimator(estimator: Any) -> None:
    """Raise `DataError` unless the estimator is an object that can be cloned, fitted and asked for probabilities."""
    if estimator is None:
        return
    rule = "estimator must be a scikit-learn classifier with predict_proba"
    if isinstance(estimator, type):
        raise DataError(f"{rule}, but is the class {estimator.__name__}: give an object, {estimator.__name__}()")
    if lacking := [name for name in ("fit", "predict_proba", "get_params") if not hasattr(estimator, name)]:
        raise DataError(
            f"{rule}, but {estimator!r:.80} has no {lacking[0]}: leave it out for a random forest, or wrap a "
            "classifier that gives no probabilities in CalibratedClassifierCV"
        )


def _checked_budget(budget: Any) -> float | None:
    """Return the budget as a float, or None."""
    if budget is None:
        return None
    if not isinstance(budget, Real) or isinstance(budget, bool) or not 0 < float(budget) < math.inf:
        raise DataError(
            f"budget must be a number of seconds above 0, or None for no limit, but is {budget!r:.80}: give a number "
            "such as 600"
        )
    return float(budget)


def _checked_seed(seed: Any) -> int:
    """Return the seed as an int. It cannot be None, because the report states it."""
    if not isinstance(seed, Integral) or isinstance(seed, bool) or not 0 <= int(seed) <= MAX_SEED:
        raise DataError(
            f"random_state must be a whole number from 0 to {MAX_SEED}, but is {seed!r:.80}: leave it out for 0, "
            "so that the evaluation can be repeated"
        )
    return int(seed)
