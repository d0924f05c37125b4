"""The classifier two-sample test: whether a classifier can tell real items from synthetic ones."""

import math
from typing import TYPE_CHECKING

import numpy as np

from ganaug.evaluation.metrics.base import Features, auc_metric

if TYPE_CHECKING:
    from ganaug.evaluation.statistics import Auc

FOLDS = 5  # of the cross-fitting
MAX_ROWS = 1_000
"""Rows of each side that the classifier gets: bounds the time."""
TREES = 50  # in a forest
MIN_LEAF = 3
"""Rows in a leaf of a tree."""


def two_sample_auc(real: Features, synthetic: Features, *, seed: int = 0) -> "Auc":
    """Return how well a cross-fitted classifier tells real from synthetic rows: 0.5 is chance, 1 is always.

    A forest of extremely randomised trees is fitted to four fifths of both sides, in equal numbers, and tested on the
    last fifth. The areas of the five folds are averaged rather than their scores pooled, because the scores of
    different forests are not on one scale. The folds share training rows, so the standard error is enlarged by Nadeau
    and Bengio's correction. The area is NaN where either side has fewer than ten rows.

    D. Lopez-Paz, M. Oquab: Revisiting classifier two-sample tests. ICLR 2017.
    """
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.model_selection import StratifiedKFold

    from ganaug.evaluation.statistics import Auc, area, pooled_areas

    rng = np.random.default_rng(seed)
    count = min(len(real), len(synthetic), MAX_ROWS)
    if count < 2 * FOLDS:
        return Auc(math.nan, math.nan)
    sides = [side[rng.permutation(len(side))[:count]] for side in (real, synthetic)]
    X, is_synthetic = np.concatenate(sides), np.repeat([False, True], count)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    areas = []
    for train, test in folds.split(X, is_synthetic):
        forest = ExtraTreesClassifier(TREES, min_samples_leaf=MIN_LEAF, random_state=seed)
        score = forest.fit(X[train], is_synthetic[train]).predict_proba(X[test])[:, 1]
        areas.append(area(score, is_synthetic[test]))
    pooled = pooled_areas(areas)
    return Auc(pooled.value, pooled.error * math.sqrt(1 + FOLDS / (FOLDS - 1)))


METRIC = auc_metric(
    "two_sample_auc",
    lambda fold: two_sample_auc(fold.real_features, fold.synthetic_features, seed=fold.seed),
    title="Told apart by a classifier (AUC)",
    meaning="A classifier learns to tell real from synthetic samples and is tested on samples that it has not seen. "
    "0.5: it cannot; 1: it always can.",
    is_nullable=False,
)
