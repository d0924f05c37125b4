"""Probabilities that were learned from resampled rows, mapped to the original class shares (Saerens et al. 2002)."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.metaestimators import available_if


def restore_prior(probabilities: NDArray[Any], ratio: NDArray[Any]) -> NDArray[Any]:
    """Multiply probabilities (n, n_classes) by the ratio of true to learned class shares (n_classes,), and normalise.

    M. Saerens, P. Latinne, C. Decaestecker: Adjusting the outputs of a classifier to new a priori probabilities: a
    simple procedure. Neural Computation 14(1), 2002.

    Examples
    --------
    >>> restore_prior(np.array([[0.5, 0.5]]), np.array([1.8, 0.2])).round(3).tolist()
    [[0.9, 0.1]]
    """
    scaled = probabilities * ratio
    total = scaled.sum(axis=1, keepdims=True)
    # A row whose possible classes all have no share is left as it is.
    restored: NDArray[Any] = np.where(total > 0, scaled / np.where(total > 0, total, 1), probabilities)
    return restored


def class_shares(y: NDArray[Any], weights: NDArray[Any] | None, classes: NDArray[Any]) -> NDArray[np.float64]:
    """Return the share of each class in the total weight, (n_classes,).

    Examples
    --------
    >>> class_shares(np.array([0, 0, 0, 1]), None, np.array([0, 1])).tolist()
    [0.75, 0.25]
    """
    weights = np.ones(len(y)) if weights is None else weights
    sums = np.array([weights[y == label].sum() for label in classes], dtype=np.float64)
    shares: NDArray[np.float64] = sums / sums.sum()
    return shares


def has(name: str, where: Callable[[Any], Any]) -> Callable[[Any], bool]:
    """Return a check for `available_if`: whether the estimator that `where` finds has the method `name`."""

    def check(owner: Any) -> bool:
        getattr(where(owner), name)  # raises an AttributeError that names the estimator
        return True

    return check


def _inner(owner: Any) -> Any:
    return owner.estimator


class PriorCorrected(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A fitted classifier with corrected probabilities and unchanged decisions.

    `ratio` (n_classes,) is that of `restore_prior`, in the order of ``estimator.classes_``.
    """

    def __init__(self, estimator: Any, ratio: NDArray[Any]) -> None:
        self.estimator = estimator
        self.ratio = ratio

    @property
    def classes_(self) -> NDArray[Any]:
        """The labels."""
        classes: NDArray[Any] = self.estimator.classes_
        return classes

    def predict(self, X: Any) -> Any:
        """Return the decisions of the classifier."""
        return self.estimator.predict(X)

    @available_if(has("predict_proba", _inner))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return the corrected probabilities."""
        return restore_prior(self.estimator.predict_proba(X), self.ratio)

    @available_if(has("predict_proba", _inner))  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Return the logarithms of the corrected probabilities."""
        with np.errstate(divide="ignore"):
            logarithms: NDArray[Any] = np.log(self.predict_proba(X))
        return logarithms

    @available_if(has("decision_function", _inner))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Any:
        """Return the decision function of the classifier."""
        return self.estimator.decision_function(X)
