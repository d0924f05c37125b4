"""Weights of rows, through resampling."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import has_fit_parameter

from ganaug.errors import DataError

__all__ = ["resampled_weights", "weight_argument"]


def resampled_weights(
    weights: NDArray[np.float64] | None, y: NDArray[Any], y_resampled: NDArray[Any], synthetic_weight: float
) -> NDArray[np.float64] | None:
    """Return weights for rows of which the first are real: these keep theirs, the others have a part of a class mean.

    Parameters
    ----------
    weights : ndarray of shape (n,) or None
        Weights of the real rows; None stands for ones.
    y : ndarray of shape (n,)
        Their labels.
    y_resampled : ndarray of shape (n_resampled,)
        The same labels, followed by those of the added rows.
    synthetic_weight : float
        Weight of an added row, in terms of the mean weight of its class.

    Returns
    -------
    ndarray of shape (n_resampled,) or None
        None where all weights are one.

    Raises
    ------
    DataError
        If the labels do not begin with those of the real rows.

    Examples
    --------
    >>> resampled_weights(np.array([1.0, 3.0]), np.array(["a", "b"]), np.array(["a", "b", "b"]), 0.5).tolist()
    [1.0, 3.0, 1.5]
    """
    if weights is None and synthetic_weight == 1:
        return None
    real = np.ones(len(y)) if weights is None else weights
    if not np.array_equal(y_resampled[: len(y)], y):
        raise DataError(
            "Weights need a sampler that keeps the rows and adds others after them, and this one does not: leave "
            "sample_weight out and synthetic_weight at 1.0, or use an over-sampler."
        )
    means = {label: real[y == label].mean() for label in np.unique(y)}
    return np.concatenate([real, [synthetic_weight * means[label] for label in y_resampled[len(y) :]]])


def weight_argument(estimator: Any) -> str:
    """Return what `estimator.fit` calls the weights of rows; `DataError` if it does not take any.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> weight_argument(make_pipeline(LogisticRegression()))
    'logisticregression__sample_weight'
    """
    if has_fit_parameter(estimator, "sample_weight"):
        return "sample_weight"
    steps: Sequence[tuple[str, Any]] = getattr(estimator, "steps", [])
    if steps and has_fit_parameter(steps[-1][1], "sample_weight"):
        return f"{steps[-1][0]}__sample_weight"
    raise DataError(
        f"The estimator must take sample_weight for rows to have weights, but {type(estimator).__name__} does not: "
        "leave sample_weight out and synthetic_weight at 1.0, or choose another estimator."
    )
