"""Scores of a classifier's probabilities on test rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, f1_score

METRICS = ("balanced_accuracy", "macro_f1", "average_precision", "brier", "calibration_error")
BINS = 10
"""Bins of confidence in the calibration error."""
POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Powers of the class shares that threshold tuning tries."""


@dataclass(frozen=True)
class Score:
    """The scores of one classifier on the test rows of one split."""

    metrics: Mapping[str, float]  # by the names in `METRICS`
    recall: NDArray[np.float64]  # (n_classes,); NaN for a class without test rows
    hit: NDArray[np.bool_]  # (n,), whether the predicted class is the true one


def score(probability: NDArray[np.floating], labels: NDArray[np.int64], *, decide_by: NDArray[np.floating]) -> Score:
    """Score class probabilities.

    Parameters
    ----------
    probability : ndarray of shape (n, n_classes)
        The probabilities of the classifier. Average precision (the mean over the classes), Brier score and calibration
        error are computed from them.
    labels : ndarray of int64, shape (n,)
        The true classes.
    decide_by : ndarray of shape (n, n_classes)
        The largest value of a row decides the predicted class. These are the probabilities, unless a threshold was
        tuned.

    Examples
    --------
    >>> probability = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    >>> one = score(probability, np.array([0, 1, 1]), decide_by=probability)
    >>> one.metrics["balanced_accuracy"], one.recall.tolist()
    (0.75, [1.0, 0.5])
    """
    n_classes = probability.shape[1]
    predicted, present = decide_by.argmax(axis=1), np.unique(labels)
    truth = np.eye(n_classes)[labels]  # (n, n_classes)
    hit = predicted == labels
    recall = np.array([hit[labels == c].mean() if (labels == c).any() else np.nan for c in range(n_classes)])
    precision = [average_precision_score(truth[:, c], probability[:, c]) for c in present]
    metrics = {
        "balanced_accuracy": np.nanmean(recall),
        "macro_f1": f1_score(labels, predicted, labels=present, average="macro", zero_division=0),
        "average_precision": np.mean(precision),
        "brier": ((probability - truth) ** 2).sum(axis=1).mean(),
        "calibration_error": _calibration_error(probability, labels),
    }
    return Score({name: float(value) for name, value in metrics.items()}, recall, hit)


def _calibration_error(probability: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """Return the expected calibration error (Guo et al. 2017): the mean of |confidence - accuracy| over the bins."""
    confidence, hit = probability.max(axis=1), probability.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    differences = [abs(float((hit[bins == b] - confidence[bins == b]).sum())) for b in np.unique(bins)]
    return sum(differences) / len(labels)


def balancing_power(
    probability: NDArray[np.floating], labels: NDArray[np.int64], shares: NDArray[np.floating]
) -> float:
    """Return the power p for which the decision by ``probability / shares**p`` has the best balanced accuracy.

    For two classes this tunes the decision threshold.

    Parameters
    ----------
    probability : ndarray of shape (n, n_classes)
        Of rows that the classifier was not trained on.
    labels : ndarray of int64, shape (n,)
    shares : ndarray of shape (n_classes,)
        The share of each class among the training rows.

    References
    ----------
    A. Menon et al.: Long-tail learning via logit adjustment. ICLR 2021.

    Examples
    --------
    >>> probability = np.array([[0.9, 0.1], [0.85, 0.15], [0.7, 0.3], [0.65, 0.35]])
    >>> balancing_power(probability, np.array([0, 0, 1, 1]), np.array([0.8, 0.2]))
    0.75
    """
    found = [score(probability, labels, decide_by=probability / shares**power) for power in POWERS]
    return POWERS[int(np.argmax([one.metrics["balanced_accuracy"] for one in found]))]
