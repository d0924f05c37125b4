"""Trials on clips: every arm trains, and the arms differ in what they say."""

from typing import Any

import numpy as np
import pytest
import torch

from ganaug.data.clips.dataset import LabelledClips
from ganaug.errors import DataError
from ganaug.evaluation.arms import CLIP_ARMS, Arm
from ganaug.evaluation.trials.clips import ClipTrial
from tests.conftest import moving_squares


class Fake:
    """Clips that are recognised by their pixels: all are white."""

    def sample(self, n: dict[Any, int], seed: Any = None, *, screened: bool = False) -> tuple[Any, Any]:
        return np.full((sum(n.values()), 4, 8, 8, 1), 255, np.uint8), np.repeat(list(n), list(n.values()))


@pytest.fixture(scope="module")
def sides() -> tuple[LabelledClips, LabelledClips]:
    return moving_squares({"down": 20, "right": 6}), moving_squares({"down": 10, "right": 10}, seed=1)


@pytest.fixture(scope="module")
def trial(sides: tuple[LabelledClips, LabelledClips]) -> ClipTrial:
    return ClipTrial(*sides, Fake(), seed=0, steps=3)


@pytest.mark.parametrize("arm", CLIP_ARMS, ids=lambda arm: arm.name)
def test_every_arm_is_scored(arm: Arm, trial: ClipTrial) -> None:
    assert 0 <= trial.score(arm).metrics["balanced_accuracy"] <= 1


def synthetic_share(trial: ClipTrial, arm: Arm) -> float:
    batches = trial._batches(arm, trial.train)
    shares = [(next(batches)[0] == 1).all(dim=(1, 2, 3, 4)).float().mean() for _ in range(20)]
    return float(torch.stack(shares).mean())


def test_a_share_of_every_batch_is_synthetic(trial: ClipTrial) -> None:
    assert synthetic_share(trial, Arm("a", "classical", filled="repeats")) == 0
    assert synthetic_share(trial, Arm("a", "gan", share=0.3, filled="repeats")) == pytest.approx(0.3, abs=0.05)
    assert synthetic_share(trial, Arm("a", "synthetic only", share=1.0)) == 1


def test_arms_that_fill_up_draw_all_classes_alike(trial: ClipTrial) -> None:
    for filled, share in (("", 6 / 26), ("repeats", 0.5), ("altered", 0.5)):
        batches = trial._batches(Arm("a", "classical", filled=filled), trial.train)  # type: ignore[arg-type]
        labels = torch.cat([next(batches)[1] for _ in range(30)])
        assert float((labels == 1).float().mean()) == pytest.approx(share, abs=0.05)


def test_a_pipeline_of_images_is_refused(sides: tuple[LabelledClips, LabelledClips]) -> None:
    with pytest.raises(DataError, match="augment must be None for clips"):
        ClipTrial(*sides, None, seed=0, augment=print)


@pytest.mark.slow
def test_a_classifier_learns_the_direction(sides: tuple[LabelledClips, LabelledClips]) -> None:
    trial = ClipTrial(moving_squares({"down": 60, "right": 40}), sides[1], None, seed=0, steps=60)
    scored = trial.score(Arm("repeats", "classical", filled="repeats"))
    assert scored.metrics["balanced_accuracy"] > 0.8
