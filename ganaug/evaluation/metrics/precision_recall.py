"""Precision, recall, density and coverage: how the samples lie among the real items."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ganaug.evaluation.metrics.base import Features, Metric, MetricLine, mean, random_rows
from ganaug.evaluation.wording import is_known, number

NEIGHBOURS = 5
"""The k of the k-th neighbour; smaller where there are too few rows."""
MAX_ROWS = 1_500
"""Rows of each side that are compared: bounds time and memory."""
SHARES = {
    "precision": ("Precision", "Share of synthetic samples that lie among real ones. Low: they look wrong."),
    "recall": ("Recall", "Share of real samples that lie among synthetic ones. Low: variety is lost."),
    "density": ("Density", "How many real samples lie around a synthetic one. 1: as many as around a real one."),
    "coverage": ("Coverage", "Share of real samples with a synthetic one nearby. Near 0: the generator collapsed."),
}
"""By key of the JSON, name and meaning."""


def precision_recall(real: Features, synthetic: Features) -> dict[str, float]:
    """Return precision, recall, density and coverage, from a ball around each row that reaches its k-th neighbour.

    - *Precision* is the share of synthetic rows inside the ball of at least one real row.
    - *Recall* is the share of real rows inside the ball of at least one synthetic row.
    - *Density* is the mean number of balls of real rows that a synthetic row lies in, divided by k.
    - *Coverage* is the share of real rows whose ball holds at least one synthetic row.

    At most `MAX_ROWS` random rows of each side are used. The result is empty where a side has fewer than three rows.

    T. Kynkaanniemi et al.: Improved precision and recall metric for assessing generative models. NeurIPS 2019.
    M. Naeem et al.: Reliable fidelity and diversity metrics for generative models. ICML 2020.
    """
    from sklearn.metrics import pairwise_distances

    real, synthetic = random_rows(real, MAX_ROWS), random_rows(synthetic, MAX_ROWS)
    if min(len(real), len(synthetic)) < 3:
        return {}

    def radius(points: Features) -> Features:
        k = min(NEIGHBOURS, len(points) - 1)
        found: Features = np.partition(pairwise_distances(points), k, axis=1)[:, k]  # a row is its own neighbour 0
        return found

    across = pairwise_distances(real, synthetic)  # (n, m)
    inside = across <= radius(real)[:, None]
    return {
        "precision": float(inside.any(axis=0).mean()),
        "recall": float((across <= radius(synthetic)[None, :]).any(axis=1).mean()),
        "density": float(inside.sum(axis=0).mean() / min(NEIGHBOURS, len(real) - 1)),
        "coverage": float(inside.any(axis=1).mean()),
    }


def _pool(results: Sequence[dict[str, float]]) -> dict[str, Any]:
    return {name: mean([one.get(name, np.nan) for one in results]) for name in SHARES}


def _lines(figures: Mapping[str, Any]) -> list[MetricLine]:
    return [
        MetricLine(name, number(figures[key]), "", "ideal 1", meaning)
        for key, (name, meaning) in SHARES.items()
        if is_known(figures.get(key))
    ]


METRIC = Metric(
    _pool, lambda fold: precision_recall(fold.real_features, fold.synthetic_features), precision_recall, _lines
)
