"""The verdict on the scores of several splits."""

import numpy as np
import pytest

from ganaug.evaluation.arms import Arm
from ganaug.evaluation.scores import METRICS, Score, score
from ganaug.evaluation.verdict import compare, decision_table


def test_no_figure_is_certain_where_splits_agree_to_the_last_digit() -> None:
    def of(value: float) -> Score:
        return Score(dict.fromkeys(METRICS, value), np.array([value, 1.0]), np.zeros(0, bool))

    arms = [Arm("nothing", "nothing"), Arm("GAN", "gan")]
    found = compare([{"nothing": of(0.75), "GAN": of(0.75)}] * 2, arms, np.array([8, 40]), test_per_train=0.25)
    figures = [*found.metrics["GAN"].values(), *found.recall["GAN"], found.difference, *found.class_difference]
    for one in figures:
        assert one.low is not None
        assert one.low < one.high  # type: ignore[operator]
    rare, common = found.recall["GAN"]
    assert rare.low < 0.6 < 0.9 < rare.high  # type: ignore[operator]
    assert common.low > 0.8  # type: ignore[operator]
    assert common.high == 1.0
    brier, balanced = found.metrics["GAN"]["brier"], found.metrics["GAN"]["balanced_accuracy"]
    assert brier.high - brier.low < balanced.high - balanced.low  # type: ignore[operator]


@pytest.mark.slow
def test_the_same_test_rows_again_and_again_are_no_more_certain_for_it() -> None:
    """Classifiers that guess, and say the same whatever their seed: which of them is the better one is luck."""
    labels = np.repeat([0, 1], 30)
    arms = [Arm("nothing", "nothing"), Arm("GAN", "gan")]
    outcomes = {True: 0, False: 0}
    for seed in range(100):
        rng, scores = np.random.default_rng(seed), {}
        for arm in arms:
            guess = rng.random((60, 2))
            scores[arm.name] = score(guess, labels, decide_by=guess)
        for known in outcomes:
            found = compare(
                [scores] * 5,
                arms,
                np.array([30, 30]),
                test_per_train=0.25,
                test_labels=labels if known else None,
            )
            outcomes[known] += found.verdict != "no difference"
            assert found.difference.low < found.difference.mean < found.difference.high  # type: ignore[operator]
    assert outcomes[True] <= 5  # one in twenty
    assert outcomes[False] > 50


def test_a_verdict_needs_five_splits() -> None:
    def of(value: float) -> Score:
        return Score(dict.fromkeys(METRICS, value), np.array([value, value]), np.zeros(0, bool))

    rng = np.random.default_rng(0)
    scores = [{"nothing": of(0.7 + e), "GAN": of(0.8 + e)} for e in rng.normal(0, 0.01, 10)]
    arms = [Arm("nothing", "nothing"), Arm("GAN", "gan")]
    assert compare(scores, arms, np.array([100, 100]), test_per_train=0.25).verdict == "helps"
    assert compare(scores[:3], arms, np.array([100, 100]), test_per_train=0.25).verdict == "no difference"


def test_an_arm_that_is_better_on_every_split_is_chosen() -> None:
    arms = [Arm("nothing", "nothing"), Arm("SMOTE", "classical", filled="altered")]
    table = decision_table(arms, {"nothing": [0.6, 0.7, 0.6], "SMOTE": [0.8, 0.9, 0.8]}, folds=3)
    assert table[table["chosen"]]["candidate"].item() == "SMOTE"
