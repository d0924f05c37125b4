"""Trials on signals: every arm trains, and the arms differ in what they say."""

from typing import Any

import numpy as np
import pytest
import torch

from ganaug.data.signals.dataset import LabelledSignals
from ganaug.evaluation.arms import SIGNAL_ARMS, Arm
from ganaug.evaluation.trials.signals import SignalTrial
from tests.conftest import waves


class Fake:
    """Signals that are recognised by their values: all are 7."""

    def sample(self, n: dict[Any, int], seed: Any = None, *, screened: bool = False) -> tuple[Any, Any]:
        return np.full((sum(n.values()), 40, 1), 7, np.float32), np.repeat(list(n), list(n.values()))


@pytest.fixture(scope="module")
def sides() -> tuple[LabelledSignals, LabelledSignals]:
    return waves({"fast": 20, "slow": 6}), waves({"fast": 10, "slow": 10}, seed=1)


@pytest.fixture(scope="module")
def trial(sides: tuple[LabelledSignals, LabelledSignals]) -> SignalTrial:
    return SignalTrial(*sides, Fake(), seed=0, steps=3)


@pytest.mark.parametrize("arm", SIGNAL_ARMS, ids=lambda arm: arm.name)
def test_every_arm_is_scored(arm: Arm, trial: SignalTrial) -> None:
    assert 0 <= trial.score(arm).metrics["balanced_accuracy"] <= 1


def synthetic_share(trial: SignalTrial, arm: Arm) -> float:
    mean, deviation = trial.train.scale
    mark = float((7 - mean[0]) / deviation[0])
    batches = trial._batches(arm, trial.train)
    shares = [(torch.abs(next(batches)[0] - mark) < 1e-3).all(dim=(1, 2)).float().mean() for _ in range(20)]
    return float(torch.stack(shares).mean())


def test_a_share_of_every_batch_is_synthetic(trial: SignalTrial) -> None:
    assert synthetic_share(trial, Arm("a", "classical", filled="repeats")) == 0
    assert synthetic_share(trial, Arm("a", "gan", share=0.3, filled="repeats")) == pytest.approx(0.3, abs=0.05)
    assert synthetic_share(trial, Arm("a", "gan", shares=(0.0, 0.5), filled="repeats")) == pytest.approx(0.25, abs=0.05)
    assert synthetic_share(trial, Arm("a", "synthetic only", share=1.0)) == 1


def test_arms_that_fill_up_draw_all_classes_alike(trial: SignalTrial) -> None:
    for filled, share in (("", 6 / 26), ("repeats", 0.5), ("smote", 0.5), ("warped", 0.5)):
        batches = trial._batches(Arm("a", "classical", filled=filled), trial.train)  # type: ignore[arg-type]
        labels = torch.cat([next(batches)[1] for _ in range(30)])
        assert len(labels) == 30 * SignalTrial.batch
        assert float((labels == 1).float().mean()) == pytest.approx(share, abs=0.05)


def test_smote_leaves_a_class_of_one_signal_as_it_is() -> None:
    trial = SignalTrial(waves({"a": 6, "b": 3, "c": 1}), waves({"a": 2, "b": 2, "c": 2}), None, seed=0, steps=2)
    _, labels = trial._interpolated
    assert np.bincount(labels).tolist() == [6, 6, 1]
    trial.score(Arm("SMOTE", "classical", filled="smote"))


@pytest.mark.slow
def test_a_classifier_learns(sides: tuple[LabelledSignals, LabelledSignals]) -> None:
    trial = SignalTrial(*sides, None, seed=0, steps=60)
    scored = trial.score(Arm("time warp", "classical", filled="warped"))
    assert scored.metrics["balanced_accuracy"] > 0.9
