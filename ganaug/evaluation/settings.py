"""The settings of an evaluation, checked before any work is done for them."""

import math
from numbers import Integral, Real
from typing import Any

from ganaug.errors import DataError

__all__ = ["checked_budget", "checked_estimator", "checked_seed", "checked_trainer"]

NEEDED = ("fit", "predict_proba", "get_params")
LARGEST_SEED = 2**32 - 1


def checked_estimator(estimator: Any) -> Any:
    """Return a scikit-learn classifier, or the None that stands for the default.

    Raises
    ------
    DataError
        If it is no object that can be copied, fitted and asked for probabilities.

    Examples
    --------
    >>> from sklearn.svm import LinearSVC
    >>> checked_estimator(LinearSVC())
    Traceback (most recent call last):
    ...
    ganaug.errors.DataError: estimator must be a scikit-learn classifier with predict_proba, but LinearSVC() has ...
    """
    if estimator is None:
        return None
    rule = "estimator must be a scikit-learn classifier with predict_proba"
    if isinstance(estimator, type):
        raise DataError(f"{rule}, but is the class {estimator.__name__}: give an object, {estimator.__name__}()")
    if lacking := [name for name in NEEDED if not hasattr(estimator, name)]:
        raise DataError(
            f"{rule}, but {estimator!r:.80} has no {lacking[0]}: leave it out for a random forest, or wrap a "
            "classifier that gives no probabilities in CalibratedClassifierCV"
        )
    return estimator


def checked_trainer(trainer: Any) -> Any:
    """Return a trainer; `DataError` if it cannot be called.

    Examples
    --------
    >>> checked_trainer("gan")
    Traceback (most recent call last):
    ...
    ganaug.errors.DataError: trainer must be a function that learns from a training part, but is 'gan': ...
    """
    if not callable(trainer):
        raise DataError(
            f"trainer must be a function that learns from a training part, but is {trainer!r:.80}: leave it out for a "
            "GAN"
        )
    return trainer


def checked_budget(budget: Any) -> float | None:
    """Return seconds, or the None that stands for no limit; `DataError` if it is not a time of more than 0.

    Examples
    --------
    >>> checked_budget("60s")
    Traceback (most recent call last):
    ...
    ganaug.errors.DataError: budget must be a number of seconds above 0, or None for no limit, but is '60s': ...
    """
    if budget is None:
        return None
    if not isinstance(budget, Real) or isinstance(budget, bool) or not 0 < float(budget) < math.inf:
        raise DataError(
            f"budget must be a number of seconds above 0, or None for no limit, but is {budget!r:.80}: give a number "
            "such as 600"
        )
    return float(budget)


def checked_seed(seed: Any) -> int:
    """Return the seed of an evaluation, which its figures name, so that there has to be one.

    Raises
    ------
    DataError
        If it is not a whole number from 0 to 4294967295.

    Examples
    --------
    >>> checked_seed(None)
    Traceback (most recent call last):
    ...
    ganaug.errors.DataError: random_state must be a whole number from 0 to 4294967295, but is None: ...
    """
    if not isinstance(seed, Integral) or isinstance(seed, bool) or not 0 <= int(seed) <= LARGEST_SEED:
        raise DataError(
            f"random_state must be a whole number from 0 to {LARGEST_SEED}, but is {seed!r:.80}: leave it out for 0, "
            "so that the evaluation can be repeated"
        )
    return int(seed)
