"""How good a classifier's probabilities are on rows that it has not seen."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, f1_score

__all__ = ["METRICS", "Score", "balancing_power", "score"]

METRICS = ("balanced_accuracy", "macro_f1", "average_precision", "brier", "calibration_error")
BINS = 10
POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)


class Score(dict[str, float]):
    """The figures of one classifier by their names in `METRICS`.

    Attributes
    ----------
    recall : ndarray of shape (n_classes,)
        NaN for classes without test rows.
    hit : ndarray of bool, shape (n,)
        Which test rows are read as their class.
    """

    recall: NDArray[np.float64]
    hit: NDArray[np.bool_]


def score(probability: NDArray[np.floating], labels: NDArray[np.int64], *, decide_by: NDArray[np.floating]) -> Score:
    """Score probabilities.

    Parameters
    ----------
    probability : ndarray of shape (n, n_classes)
        As the classifier gives them: average precision (mean of the classes' areas), Brier score and calibration error
        are of these.
    labels : ndarray of int64, shape (n,)
        The true classes.
    decide_by : ndarray of shape (n, n_classes)
        The largest decides; the probabilities themselves unless a threshold was tuned.

    Examples
    --------
    >>> probability = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    >>> one = score(probability, np.array([0, 1, 1]), decide_by=probability)
    >>> one["balanced_accuracy"], one.recall.tolist()
    (0.75, [1.0, 0.5])
    """
    n_classes = probability.shape[1]
    predicted, present = decide_by.argmax(axis=1), np.unique(labels)
    truth = np.eye(n_classes)[labels]  # (n, n_classes)
    one = Score()
    one.hit = predicted == labels
    one.recall = np.array([one.hit[labels == c].mean() if (labels == c).any() else np.nan for c in range(n_classes)])
    one["balanced_accuracy"] = float(np.nanmean(one.recall))
    one["macro_f1"] = float(f1_score(labels, predicted, labels=present, average="macro", zero_division=0))
    precision = [average_precision_score(truth[:, c], probability[:, c]) for c in present]
    one["average_precision"] = float(np.mean(precision))
    one["brier"] = float(((probability - truth) ** 2).sum(axis=1).mean())
    one["calibration_error"] = _calibration_error(probability, labels)
    return one


def _calibration_error(probability: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """Return by how much confidence and accuracy differ, on average over ten bins of confidence (Guo et al. 2017)."""
    confidence, hit = probability.max(axis=1), probability.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [abs(float((hit[bins == b] - confidence[bins == b]).sum())) for b in np.unique(bins)]
    return sum(gaps) / len(labels)


def balancing_power(
    probability: NDArray[np.floating], labels: NDArray[np.int64], shares: NDArray[np.floating]
) -> float:
    """Return the power of the class shares that probabilities are best divided by: the threshold, for two classes.

    Parameters
    ----------
    probability : ndarray of shape (n, n_classes)
        For rows that the classifier was not trained on.
    labels : ndarray of int64, shape (n,)
    shares : ndarray of shape (n_classes,)
        Of the classes among the training rows.

    References
    ----------
    A. Menon et al.: Long-tail learning via logit adjustment. ICLR 2021.

    Examples
    --------
    >>> probability = np.array([[0.9, 0.1], [0.85, 0.15], [0.7, 0.3], [0.65, 0.35]])
    >>> balancing_power(probability, np.array([0, 0, 1, 1]), np.array([0.8, 0.2]))
    0.75
    """
    scores = [
        score(probability, labels, decide_by=probability / shares**power)["balanced_accuracy"] for power in POWERS
    ]
    return POWERS[int(np.argmax(scores))]
