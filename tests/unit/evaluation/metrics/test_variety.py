"""Variety."""

import numpy as np
import pytest

from ganaug.evaluation.metrics.variety import mean_pairwise_distance, variety


def test_the_mean_distance_is_of_rows_from_all_over() -> None:
    rng = np.random.default_rng(0)
    real = np.concatenate([rng.normal(0, 1, (2_000, 3)), rng.normal(9, 1, (2_000, 3))])
    assert mean_pairwise_distance(np.sort(real, axis=0)) == pytest.approx(mean_pairwise_distance(real), rel=0.2)


def test_the_variety_of_samples_half_as_far_apart_is_one_half() -> None:
    points = np.random.default_rng(0).normal(size=(50, 4))
    assert variety(points, points / 2) == pytest.approx(0.5)
