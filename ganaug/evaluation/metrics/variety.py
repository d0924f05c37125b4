"""Variety: how different the samples of a class are from one another, relative to its real items."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ganaug.evaluation.metrics.base import Features, FoldData, Metric, mean, random_rows

__all__ = ["METRIC", "MIN_VARIETY", "mean_pairwise_distance"]

MIN_VARIETY = 0.5
"""A class whose variety is smaller has collapsed. Unit: the variety of its real items."""


def mean_pairwise_distance(features: Features, max_rows: int = 300) -> float:
    """Return the mean Euclidean distance between two different rows; NaN for fewer than two."""
    from scipy.spatial.distance import pdist

    chosen = np.asarray(random_rows(features, max_rows), dtype=np.float64)
    return float(pdist(chosen).mean()) if len(chosen) > 1 else float("nan")


class Variety(Metric):
    """The mean distance between samples of a class over that between its real items: 1 is as varied."""

    is_overall = False

    def measure(self, fold: FoldData) -> None:
        """Variety describes single classes only."""

    def measure_class(self, real: Features, synthetic: Features) -> float:
        """Return the ratio; NaN where all real items are the same."""
        spread = mean_pairwise_distance(real)
        return mean_pairwise_distance(synthetic) / spread if spread > 0 else float("nan")

    def pool(self, results: Sequence[float]) -> dict[str, Any]:
        """Return the mean over the folds."""
        return {"variety": mean(results)}


METRIC = Variety()
