"""The two-sample test: whether a classifier that never saw a sample can tell that it is real."""

import math

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import StratifiedKFold

from ganaug.evaluation.statistics import Auc, area, pooled_areas

__all__ = ["two_sample_auc"]

FOLDS = 5
MOST = 1_000
"""Rows of each side that are looked at."""
TREES, LEAF = 50, 3


def two_sample_auc(real: NDArray[np.floating], synthetic: NDArray[np.floating], *, seed: int = 0) -> Auc:
    """Return how well a cross-fitted classifier tells real from synthetic: 0.5 is not at all, 1 is always.

    A forest of extremely randomised trees learns on four fifths of both, as many of each, and judges the last; the
    areas of the five folds are averaged, for scores of different forests are not on one scale. The folds are not
    independent, since each is learned from when the others are judged: the error is widened as Nadeau and Bengio do.

    Parameters
    ----------
    real, synthetic : ndarray of shape (n, d), (m, d)
        Features.
    seed : int

    Returns
    -------
    Auc
        NaN where there are fewer than ten of either.

    References
    ----------
    D. Lopez-Paz, M. Oquab: Revisiting classifier two-sample tests. ICLR 2017.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> same = two_sample_auc(rng.normal(size=(100, 3)), rng.normal(size=(100, 3))).estimate()
    >>> other = two_sample_auc(rng.normal(size=(100, 3)), rng.normal(3, 1, size=(100, 3)))
    >>> same.low < 0.5 < same.high, other.value > 0.95
    (True, True)
    """
    rng = np.random.default_rng(seed)
    count = min(len(real), len(synthetic), MOST)
    if count < 2 * FOLDS:
        return Auc(float("nan"), float("nan"))
    sides = [side[rng.permutation(len(side))[:count]] for side in (real, synthetic)]
    X, is_synthetic = np.concatenate(sides), np.repeat([False, True], count)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    areas = []
    for train, test in folds.split(X, is_synthetic):
        forest = ExtraTreesClassifier(TREES, min_samples_leaf=LEAF, random_state=seed)
        score = forest.fit(X[train], is_synthetic[train]).predict_proba(X[test])[:, 1]
        areas.append(area(score, is_synthetic[test]))
    pooled = pooled_areas(areas)
    return Auc(pooled.value, pooled.error * math.sqrt(1 + FOLDS / (FOLDS - 1)))
