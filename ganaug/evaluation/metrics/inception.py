"""The Inception Score: how clearly and how evenly a classifier sorts samples into classes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.evaluation.metrics.base import FoldData, Metric, MetricLine, compare_with, mean_pairs
from ganaug.evaluation.wording import is_known, number

__all__ = ["METRIC", "inception_score"]


def inception_score(probabilities: NDArray[np.floating]) -> float:
    """Return the exponential of the mean KL divergence of the class probabilities from their mean: 1 to n_classes.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_classes)
        The class probabilities of each sample, by some classifier.

    References
    ----------
    T. Salimans et al.: Improved techniques for training GANs. NeurIPS 2016.

    Examples
    --------
    >>> round(inception_score(np.eye(4)), 3), round(inception_score(np.full((9, 4), 0.25)), 3)
    (4.0, 1.0)
    """
    given = np.clip(np.asarray(probabilities, dtype=np.float64), 1e-12, 1)
    average = given.mean(axis=0)
    return float(np.exp((given * (np.log(given) - np.log(average))).sum(axis=1).mean()))


def _measure(fold: FoldData) -> tuple[float, float] | None:
    if fold.probabilities is None:
        return None
    return inception_score(fold.probabilities(fold.synthetic)), inception_score(fold.probabilities(fold.real))


def _lines(figures: Mapping[str, Any]) -> list[MetricLine]:
    score = figures.get("inception_score") or {}
    if not is_known(score.get("value")):
        return []
    meaning = "How clearly and how evenly the samples fall into classes. Compare with the score of the real data."
    reference = compare_with("real", score.get("real"))
    return [MetricLine("Inception Score", number(score["value"]), "", reference, meaning)]


METRIC = Metric(mean_pairs("inception_score", ("value", "real")), _measure, lines=_lines)
