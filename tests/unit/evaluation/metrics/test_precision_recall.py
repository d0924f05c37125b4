"""Precision, recall, density and coverage."""

import numpy as np

from ganaug.evaluation.metrics.precision_recall import precision_recall


def test_overlap_is_of_rows_from_all_over() -> None:
    rng = np.random.default_rng(0)
    low, high = rng.normal(0, 1, (4, 2_000, 3))[:2], rng.normal(9, 1, (2, 2_000, 3))
    real, synthetic = np.concatenate([low[0], high[0]]), np.concatenate([high[1], low[1]])  # sorted, each its own way
    assert min(precision_recall(real, synthetic).values()) > 0.85


def test_a_single_point_covers_little() -> None:
    real = np.random.default_rng(0).normal(size=(200, 2))
    assert precision_recall(real, real)["coverage"] == 1.0
    assert precision_recall(real, np.zeros((200, 2)))["coverage"] < 0.2
