"""Membership inference: whether the samples tell which items the generator was trained on."""

from typing import TYPE_CHECKING

import numpy as np

from ganaug.evaluation.metrics.base import Features, auc_metric
from ganaug.evaluation.metrics.copies import CopySearch

if TYPE_CHECKING:
    from ganaug.evaluation.statistics import Auc


def membership_auc(synthetic: Features, train: Features, held_out: Features) -> "Auc":
    """Return how well the distance to the nearest sample tells training items from held-out ones: 0.5 is chance.

    D. Chen et al.: GAN-Leaks: a taxonomy of membership inference attacks against generative models. CCS 2020.
    """
    from sklearn.neighbors import NearestNeighbors

    from ganaug.evaluation.statistics import area

    index = NearestNeighbors(n_neighbors=1).fit(synthetic)
    nearness = [-index.kneighbors(side)[0][:, 0] for side in (train, held_out)]
    return area(np.concatenate(nearness), np.repeat([True, False], [len(train), len(held_out)]))


def _measure(fold: CopySearch) -> "Auc | None":
    view = fold.views[0]
    return membership_auc(view.synthetic, view.train, view.held_out) if fold.infers_membership else None


METRIC = auc_metric(
    "membership_auc",
    _measure,
    title="Training rows recognised (AUC)",
    meaning="An attack guesses from the samples which rows were trained on. 0.5: it cannot tell; 1: it always can.",
    verb="recognised",
)
