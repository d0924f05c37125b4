"""Scores of class probabilities."""

import numpy as np

from ganaug.evaluation.scores import balancing_power, score


def test_recall_is_that_of_each_class() -> None:
    probability = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    one = score(probability, np.array([0, 1, 1]), decide_by=probability)
    assert (one.metrics["balanced_accuracy"], one.recall.tolist()) == (0.75, [1.0, 0.5])


def test_the_power_balances_the_classes() -> None:
    probability = np.array([[0.9, 0.1], [0.85, 0.15], [0.7, 0.3], [0.65, 0.35]])
    assert balancing_power(probability, np.array([0, 0, 1, 1]), np.array([0.8, 0.2])) == 0.75
