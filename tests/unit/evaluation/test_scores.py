"""Scores of class probabilities."""

import numpy as np

from ganaug.evaluation.scores import balancing_power, calibrated_log_loss, score


def test_recall_is_that_of_each_class() -> None:
    probability = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    one = score(probability, np.array([0, 1, 1]), decide_by=probability)
    assert (one.metrics["balanced_accuracy"], one.recall.tolist()) == (0.75, [1.0, 0.5])


def test_the_power_balances_the_classes() -> None:
    probability = np.array([[0.9, 0.1], [0.85, 0.15], [0.7, 0.3], [0.65, 0.35]])
    assert balancing_power(probability, np.array([0, 0, 1, 1]), np.array([0.8, 0.2])) == 0.75


def test_the_calibrated_log_loss_does_not_reward_mere_caution() -> None:
    """Guesses of two classes: at their own confidence the bold guesses lose by far, at the best one nothing."""
    rng = np.random.default_rng(0)
    labels, lean = rng.integers(0, 2, 400), rng.random(400) < 0.5
    losses = []
    for confidence in (0.55, 0.999):
        own = np.where(lean, confidence, 1 - confidence)
        losses.append(calibrated_log_loss(np.stack([own, 1 - own], axis=1), labels).mean())
    assert abs(losses[0] - losses[1]) < 0.01
    assert abs(losses[0] - np.log(2)) < 0.01


def test_the_calibrated_log_loss_tells_a_better_classifier() -> None:
    labels = np.arange(200) % 2
    good, bad = (np.where(np.arange(200) % k == 0, 1 - labels, labels) for k in (20, 4))
    losses = [calibrated_log_loss(np.eye(2)[said] * 0.8 + 0.1, labels).mean() for said in (good, bad)]
    assert losses[0] < losses[1] - 0.1
