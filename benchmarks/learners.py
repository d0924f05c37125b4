"""The classifiers of the benchmark of tables, their metrics, and the best threshold for a metric."""

from __future__ import annotations

import importlib.util
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
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

from ganaug.integrations.sklearn.prior import class_shares, restore_prior

__all__ = [
    "LEARNERS",
    "METRICS",
    "Fitted",
    "best_thresholds",
    "calibration_error",
    "fit",
    "installed_learners",
    "scores",
]

Labels = NDArray[np.int64]  # (n,), 1 is the rare class
Probabilities = NDArray[np.float64]  # (n,), of the rare class

CLASSES = np.array([0, 1])
CALIBRATION_BINS = 10


def lightgbm(seed: int) -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_jobs=1, verbose=-1, random_state=seed)


def catboost(seed: int) -> Any:
    """Return CatBoost with 300 trees, because its default of 1,000 would take most of a cell's time."""
    from catboost import CatBoostClassifier

    return CatBoostClassifier(
        iterations=300, thread_count=1, random_seed=seed, verbose=False, allow_writing_files=False
    )


LEARNERS: dict[str, Callable[[int], Any]] = {
    "logistic": lambda seed: LogisticRegression(max_iter=1_000, random_state=seed),
    "knn": lambda _: KNeighborsClassifier(),
    "forest": lambda seed: RandomForestClassifier(random_state=seed),
    "boosting": lambda seed: HistGradientBoostingClassifier(random_state=seed),
    "mlp": lambda seed: MLPClassifier(random_state=seed),
    "lightgbm": lightgbm,
    "catboost": catboost,
}
PACKAGES = ("lightgbm", "catboost")
"""Learners that are packages of the same name."""

METRICS = {
    "average_precision": +1,
    "roc_auc": +1,
    "balanced_accuracy": +1,
    "macro_f1": +1,
    "brier": -1,
    "calibration_error": -1,
    "balanced_accuracy_corrected": +1,
    "macro_f1_corrected": +1,
    "brier_corrected": -1,
    "calibration_error_corrected": -1,
    "balanced_accuracy_tuned": +1,
    "macro_f1_tuned": +1,
}
"""+1 for a metric that is better if greater, -1 otherwise. The threshold is .5, or tuned on training rows.

Corrected metrics are those of the probabilities that `restore_prior` maps back to the class shares before resampling.
Average precision and ROC AUC do not change by it.
"""


def installed_learners() -> list[str]:
    """Return the names of the learners whose package is installed."""
    return [name for name in LEARNERS if name not in PACKAGES or importlib.util.find_spec(name) is not None]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted learner, the class shares that it has learned from, and the seconds of the fit."""

    learner: Any
    shares: NDArray[np.float64]  # (2,)
    seconds: float

    def probabilities(self, X: Any) -> Probabilities:
        """Return the predicted probabilities of the rare class."""
        return np.asarray(self.learner.predict_proba(X)[:, 1], dtype=np.float64)

    def corrected(self, p: Probabilities, y: Labels) -> Probabilities:
        """Return the probabilities, mapped back to the class shares of the labels `y`."""
        ratio = class_shares(y, None, CLASSES) / self.shares
        restored: Probabilities = restore_prior(np.column_stack([1 - p, p]), ratio)[:, 1]
        return restored


def fit(name: str, X: NDArray[np.float64], y: Labels, weights: NDArray[np.float64] | None, seed: int) -> Fitted:
    """Fit a learner. A learner without sample weights ignores `weights`."""
    learner = LEARNERS[name](seed)
    used = weights if has_fit_parameter(learner, "sample_weight") else None
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the MLP stops after its default of 200 epochs
        learner.fit(X, y, **({} if used is None else {"sample_weight": used}))
    return Fitted(learner, class_shares(y, used, CLASSES), time.perf_counter() - began)


def scores(
    y: Labels, p: Probabilities, corrected: Probabilities | None = None, thresholds: dict[str, float] | None = None
) -> dict[str, float]:
    """Return the metrics on test rows.

    Parameters
    ----------
    p : ndarray of shape (n_rows,)
        Probabilities of the rare class.
    corrected : ndarray of shape (n_rows,), optional
        The same, after the correction of the prior.
    thresholds : dict of float, optional
        Tuned thresholds for `p`, by metric.
    """
    found = {"average_precision": average_precision_score(y, p), "roc_auc": roc_auc_score(y, p)}
    for suffix, own in (("", p), ("_corrected", corrected)):
        if own is not None:
            found[f"brier{suffix}"] = brier_score_loss(y, own)
            found[f"calibration_error{suffix}"] = calibration_error(y, own)
            found |= {f"{name}{suffix}": function(y, own > 0.5) for name, function in _THRESHOLDED.items()}
    for name, threshold in (thresholds or {}).items():
        found[f"{name}_tuned"] = _THRESHOLDED[name](y, p > threshold)
    return {name: round(float(value), 6) for name, value in found.items()}


def calibration_error(y: Labels, p: Probabilities) -> float:
    """Return the expected calibration error over ten bins of about as many rows each; equal probabilities share a bin.

    Examples
    --------
    >>> round(calibration_error(np.array([0, 0, 0, 1]), np.array([0.2, 0.2, 0.2, 1.0])), 3)
    0.15
    """
    edges = np.unique(np.quantile(p, np.linspace(0, 1, CALIBRATION_BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, p)  # (n_rows,)
    return float(np.abs(np.bincount(bins, p - y)).sum() / len(y))


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
