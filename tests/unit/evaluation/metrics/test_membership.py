"""Membership inference."""

import numpy as np

from ganaug.evaluation.metrics.membership import membership_auc


def test_samples_beside_their_training_rows_reveal_these() -> None:
    train, held_out = np.random.default_rng(0).normal(size=(2, 100, 5))
    assert membership_auc(train + 0.01, train, held_out).value > 0.9
