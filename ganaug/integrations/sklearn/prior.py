"""Probabilities learned from resampled rows, taken back to the classes' own shares (Saerens et al. 2002)."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.metaestimators import available_if

__all__ = ["PriorCorrected", "class_shares", "has", "restore_prior"]


def restore_prior(probabilities: NDArray[Any], ratio: NDArray[Any]) -> NDArray[Any]:
    """Multiply each class's probability by the ratio of its true to its learned share, and normalise.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_classes)
        As a classifier gives them that learned from resampled rows.
    ratio : ndarray of shape (n_classes,)
        True share over learned share.

    Returns
    -------
    ndarray of shape (n, n_classes)

    References
    ----------
    M. Saerens, P. Latinne, C. Decaestecker: Adjusting the outputs of a classifier to new a priori probabilities: a
    simple procedure. Neural Computation 14(1), 2002.

    Examples
    --------
    >>> restore_prior(np.array([[0.5, 0.5]]), np.array([1.8, 0.2])).round(3).tolist()
    [[0.9, 0.1]]
    """
    scaled = probabilities * ratio
    total = scaled.sum(axis=1, keepdims=True)
    # A row whose every possible class has no share says nothing that could be corrected.
    restored: NDArray[Any] = np.where(total > 0, scaled / np.where(total > 0, total, 1), probabilities)
    return restored


def class_shares(y: NDArray[Any], weights: NDArray[Any] | None, classes: NDArray[Any]) -> NDArray[np.float64]:
    """Return each class's part of the whole weight.

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
    """Return a check for `available_if` that the estimator found by `where` has a method."""

    def check(owner: Any) -> bool:
        getattr(where(owner), name)  # its AttributeError says more than a False would
        return True

    return check


def _inner(owner: Any) -> Any:
    return owner.estimator


class PriorCorrected(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A fitted classifier whose probabilities are corrected; its decisions stay as they are.

    Parameters
    ----------
    estimator : classifier
        Fitted.
    ratio : ndarray of shape (n_classes,)
        See `restore_prior`; in the order of its `classes_`.
    """

    def __init__(self, estimator: Any, ratio: NDArray[Any]) -> None:
        self.estimator = estimator
        self.ratio = ratio

    @property
    def classes_(self) -> NDArray[Any]:
        """The classifier's labels."""
        classes: NDArray[Any] = self.estimator.classes_
        return classes

    def predict(self, X: Any) -> Any:
        """Return the classifier's decisions."""
        return self.estimator.predict(X)

    @available_if(has("predict_proba", _inner))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return the corrected probabilities."""
        return restore_prior(self.estimator.predict_proba(X), self.ratio)

    @available_if(has("predict_proba", _inner))  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Return their logarithms."""
        with np.errstate(divide="ignore"):
            logarithms: NDArray[Any] = np.log(self.predict_proba(X))
        return logarithms

    @available_if(has("decision_function", _inner))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Any:
        """Return the classifier's scores."""
        return self.estimator.decision_function(X)
