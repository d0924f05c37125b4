"""Variety: how different the samples of a class are from one another, relative to its real items."""

import numpy as np

from ganaug.evaluation.metrics.base import Features, Metric, mean, random_rows

MIN_VARIETY = 0.5
"""A class whose variety is smaller has collapsed. Unit: the variety of its real items."""


def mean_pairwise_distance(features: Features, max_rows: int = 300) -> float:
    """Return the mean Euclidean distance between two different rows; NaN for fewer than two."""
    from scipy.spatial.distance import pdist

    chosen = np.asarray(random_rows(features, max_rows), dtype=np.float64)
    return float(pdist(chosen).mean()) if len(chosen) > 1 else float("nan")


def variety(real: Features, synthetic: Features) -> float:
    """Return the mean distance between two samples over that between two real items; NaN if these are all the same."""
    spread = mean_pairwise_distance(real)
    return mean_pairwise_distance(synthetic) / spread if spread > 0 else float("nan")


METRIC = Metric(lambda results: {"variety": mean(results)}, measure_class=variety)
