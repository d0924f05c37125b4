"""The classifiers of the benchmark of tables, their metrics, and the best threshold for a metric."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    roc_auc_score,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.utils.validation import has_fit_parameter

__all__ = ["LEARNERS", "METRICS", "best_thresholds", "fit", "probabilities", "scores"]

Labels = NDArray[np.int64]  # (n,), 1 is the rare class
Probabilities = NDArray[np.float64]  # (n,), of the rare class

LEARNERS: dict[str, Callable[[int], Any]] = {
    "logistic": lambda seed: LogisticRegression(max_iter=1_000, random_state=seed),
    "knn": lambda _: KNeighborsClassifier(),
    "forest": lambda seed: RandomForestClassifier(random_state=seed),
    "boosting": lambda seed: HistGradientBoostingClassifier(random_state=seed),
    "mlp": lambda seed: MLPClassifier(random_state=seed),
}

METRICS = {
    "average_precision": +1,
    "roc_auc": +1,
    "balanced_accuracy": +1,
    "macro_f1": +1,
    "brier": -1,
    "balanced_accuracy_tuned": +1,
    "macro_f1_tuned": +1,
}
"""+1 for a metric that is better if greater, -1 otherwise. The threshold is .5, or tuned on training rows."""


def fit(name: str, X: NDArray[np.float64], y: Labels, weights: NDArray[np.float64] | None, seed: int) -> Any:
    """Return the fitted learner. A learner without sample weights ignores `weights`."""
    learner = LEARNERS[name](seed)
    weighted = weights is not None and has_fit_parameter(learner, "sample_weight")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the MLP stops after its default of 200 epochs
        return learner.fit(X, y, **({"sample_weight": weights} if weighted else {}))


def probabilities(learner: Any, X: Any) -> Probabilities:
    """Return the predicted probabilities of the rare class."""
    return np.asarray(learner.predict_proba(X)[:, 1], dtype=np.float64)


def scores(y: Labels, p: Probabilities, thresholds: dict[str, float] | None = None) -> dict[str, float]:
    """Return the metrics on test rows; also at tuned thresholds if `thresholds` holds them, by metric."""
    found = {
        "average_precision": average_precision_score(y, p),
        "roc_auc": roc_auc_score(y, p),
        "brier": brier_score_loss(y, p),
    }
    found |= {name: function(y, p > 0.5) for name, function in _THRESHOLDED.items()}
    for name, threshold in (thresholds or {}).items():
        found[f"{name}_tuned"] = _THRESHOLDED[name](y, p > threshold)
    return {name: round(float(value), 6) for name, value in found.items()}


_THRESHOLDED: dict[str, Callable[[Labels, NDArray[np.bool_]], float]] = {
    "balanced_accuracy": balanced_accuracy_score,
    "macro_f1": lambda y, predicted: f1_score(y, predicted, average="macro", zero_division=0),
}


def best_thresholds(y: Labels, p: Probabilities) -> dict[str, float]:
    """Return, for each metric of decisions, the best threshold; rows above it are assigned to the rare class.

    A threshold lies halfway between two neighbouring probabilities. Of equally good thresholds, the one nearest to .5
    is returned.
    """
    order = np.argsort(-p, kind="stable")
    last = np.append(np.flatnonzero(np.diff(p[order])), len(p) - 1)  # row of each distinct probability
    hits = np.cumsum(y[order])[last]  # (n_thresholds,)
    alarms = last + 1 - hits
    rare, common = y.sum(), len(y) - y.sum()
    rejected = common - alarms
    balanced = (hits / rare + rejected / common) / 2
    f1 = hits / (hits + (alarms + rare - hits) / 2) + rejected / np.maximum(rejected + (alarms + rare - hits) / 2, 0.5)
    distinct = p[order][last]
    between = (distinct + np.append(distinct[1:], distinct[-1] - 1)) / 2
    return {
        name: float(between[np.lexsort((np.abs(between - 0.5), -np.round(score, 12)))[0]])
        for name, score in (("balanced_accuracy", balanced), ("macro_f1", f1))
    }


def timed_fit(
    name: str, X: NDArray[np.float64], y: Labels, weights: NDArray[np.float64] | None, seed: int
) -> tuple[Any, float]:
    """Return the result of `fit`, and its seconds."""
    began = time.perf_counter()
    learner = fit(name, X, y, weights, seed)
    return learner, time.perf_counter() - began
