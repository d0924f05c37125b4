"""Class weights of an estimator, and weights of rows before and after resampling."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.utils.validation import has_fit_parameter

from ganaug.errors import DataError


def class_weight_settings(estimator: Any) -> dict[str, str]:
    """Return the parameters that make an estimator, or a step of a pipeline, weigh its classes equally.

    The result is empty if there is no such parameter, or if the user has set one.
    """
    parameters = estimator.get_params().items()
    found = {name: value for name, value in parameters if name.rsplit("__", 1)[-1] == "class_weight"}
    return dict.fromkeys(found, "balanced") if all(value is None for value in found.values()) else {}


def resampled_weights(
    weights: NDArray[np.float64] | None, y: NDArray[Any], y_resampled: NDArray[Any], synthetic_weight: float
) -> NDArray[np.float64] | None:
    """Return the weights of resampled rows, (n_resampled,). Real rows, which come first, keep their `weights` (n,).

    `y_resampled` is `y` followed by the labels of the added rows; if it is not, `DataError` is raised. The weight of an
    added row is `synthetic_weight` times the mean weight of the real rows of its class. None stands for ones.
    """
    if weights is None and synthetic_weight == 1:
        return None
    real = np.ones(len(y)) if weights is None else weights
    if not np.array_equal(y_resampled[: len(y)], y):
        raise DataError(
            "With weights the sampler must be one that keeps the rows and adds others after them, but this one does "
            "not: leave sample_weight out and synthetic_weight at 1.0, or use an over-sampler."
        )
    means = {label: real[y == label].mean() for label in np.unique(y)}
    return np.concatenate([real, [synthetic_weight * means[label] for label in y_resampled[len(y) :]]])


def weight_argument(estimator: Any) -> str:
    """Return the name of the argument of `estimator.fit` for the weights of rows; `DataError` if there is none."""
    if has_fit_parameter(estimator, "sample_weight"):
        return "sample_weight"
    steps: Sequence[tuple[str, Any]] = getattr(estimator, "steps", [])
    if steps and has_fit_parameter(steps[-1][1], "sample_weight"):
        return f"{steps[-1][0]}__sample_weight"
    raise DataError(
        f"The estimator must take sample_weight for rows to have weights, but {type(estimator).__name__} does not: "
        "leave sample_weight out and synthetic_weight at 1.0, or choose another estimator."
    )


def fit_weighted(estimator: Any, X: Any, y: NDArray[Any], weights: NDArray[np.float64] | None) -> None:
    """Fit an estimator, or a pipeline that passes the weights to its last step.

    With metadata routing enabled, the steps of a pipeline must request weights. Here the last step requests them, and
    the steps before it do not, unless the user has set their requests.
    """
    if weights is None:
        estimator.fit(X, y)
        return
    name = weight_argument(estimator)
    if name != "sample_weight" and get_config()["enable_metadata_routing"]:
        _request(estimator)
        name = "sample_weight"
    estimator.fit(X, y, **{name: weights})


def _request(pipeline: Any) -> None:
    *before, last = [step for _, step in pipeline.steps]
    for step in before:
        for part in (step, *getattr(step, "get_params", dict)().values()):
            if _unset(part):
                part.set_fit_request(sample_weight=False)
    if _unset(last):
        last.set_fit_request(sample_weight=True)


def _unset(part: Any) -> bool:
    """Tell whether an estimator takes weights and has no request for them set."""
    if not hasattr(part, "set_fit_request"):
        return False
    requests = part._get_metadata_request().fit.requests
    return "sample_weight" in requests and requests["sample_weight"] is None
