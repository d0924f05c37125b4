"""Scores of a classifier's probabilities on test rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from sklearn.metrics import average_precision_score, f1_score

METRICS = ("balanced_accuracy", "macro_f1", "average_precision", "brier", "calibration_error")
BINS = 10
"""Bins of confidence in the calibration error."""
TEMPERATURES = np.geomspace(0.25, 100.0, 60)
"""Temperatures that `calibrated_log_loss` tries."""
MIN_PROBABILITY = 1e-12
POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Powers of the class shares that threshold tuning tries."""


@dataclass(frozen=True)
class Score:
    """The scores of one classifier on the test rows of one split."""

    metrics: Mapping[str, float]  # by the names in `METRICS`
    recall: NDArray[np.float64]  # (n_classes,); NaN for a class without test rows
    hit: NDArray[np.bool_]  # (n,), whether the predicted class is the true one


def score(probability: NDArray[np.floating], labels: NDArray[np.int64], *, decide_by: NDArray[np.floating]) -> Score:
    """Score class probabilities (n, n_classes) against the true classes (n,).

    The largest value of a row of `decide_by` (n, n_classes) decides the predicted class. These are the probabilities,
    unless a threshold was tuned. Average precision is the mean over the classes.
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


def calibrated_log_loss(probability: NDArray[np.floating], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the log loss of each row (n,) at the temperature with the least loss on average over the classes.

    This is the part of the log loss that no change of the confidence can mend. With the other part, a classifier that
    has learned nothing could win over one that is overconfident.

    References
    ----------
    C. Guo et al.: On calibration of modern neural networks. ICML 2017.
    """
    logits = np.log(np.maximum(probability, MIN_PROBABILITY).astype(np.float64))  # (n, n_classes)
    heated = logits / TEMPERATURES[:, None, None]  # (temperatures, n, n_classes)
    own = np.take_along_axis(heated, labels[None, :, None], axis=2)[..., 0]
    losses = logsumexp(heated, axis=2) - own  # (temperatures, n)
    weights = 1 / np.bincount(labels)[labels]
    best: NDArray[np.float64] = losses[int((losses @ weights).argmin())]
    return best


def balancing_power(
    probability: NDArray[np.floating], labels: NDArray[np.int64], shares: NDArray[np.floating]
) -> float:
    """Return the power p for which the decision by ``probability / shares**p`` has the best balanced accuracy.

    For two classes this tunes the decision threshold. The probabilities (n, n_classes) are those of rows that the
    classifier was not trained on, and `shares` (n_classes,) those of the classes among the training rows.

    References
    ----------
    A. Menon et al.: Long-tail learning via logit adjustment. ICLR 2021.
    """
    found = [score(probability, labels, decide_by=probability / shares**power) for power in POWERS]
    return POWERS[int(np.argmax([one.metrics["balanced_accuracy"] for one in found]))]
