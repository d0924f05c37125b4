"""The Inception Score: how clearly and how evenly a classifier sorts samples into classes."""

import numpy as np
from numpy.typing import NDArray

from ganaug.evaluation.metrics.base import FoldData, pair_metric


def inception_score(probabilities: NDArray[np.floating]) -> float:
    """Return the exponential of the mean KL divergence of the class probabilities from their mean: 1 to n_classes.

    The probabilities, of shape (n, n_classes), are those that some classifier gives to each sample.

    T. Salimans et al.: Improved techniques for training GANs. NeurIPS 2016.
    """
    given = np.clip(np.asarray(probabilities, dtype=np.float64), 1e-12, 1)
    average = given.mean(axis=0)
    return float(np.exp((given * (np.log(given) - np.log(average))).sum(axis=1).mean()))


def _measure(fold: FoldData) -> tuple[float, float] | None:
    if fold.probabilities is None:
        return None
    return inception_score(fold.probabilities(fold.synthetic)), inception_score(fold.probabilities(fold.real))


METRIC = pair_metric(
    "inception_score",
    ("value", "real"),
    _measure,
    title="Inception Score",
    meaning="How clearly and how evenly the samples fall into classes. Compare with the score of the real data.",
)
