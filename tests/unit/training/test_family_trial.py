"""The trial of the families before a training: how long it is, what decides it, and what comes of it."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from ganaug.compute.engine import Engine
from ganaug.data.images.dataset import LabelledImages
from ganaug.errors import FormatError
from ganaug.families import AUTO, FAMILIES
from ganaug.networks.modality import Bounds
from ganaug.training import Run, family_trial
from ganaug.training.family_trial import SHARE, STEPS_SHARE, TIE, best_family, bounds_of_trial, chosen_of
from tests.checkpoints import write_signed

ENGINE = Engine(torch.device("cpu"))


def test_trials_share_a_part_of_the_time_and_of_the_steps() -> None:
    assert bounds_of_trial(Bounds(100.0, None), 4, cores=2) == Bounds(SHARE * 100 / 2, None)
    assert bounds_of_trial(Bounds(100.0, None), 3, cores=2) == Bounds(SHARE * 100 / 2, None)
    assert bounds_of_trial(Bounds(None, 1000), 4, cores=1) == Bounds(None, STEPS_SHARE * 1000)
    assert bounds_of_trial(Bounds(10.0, 1000), 4, cores=2) is None
    assert bounds_of_trial(Bounds(100.0, 50), 4, cores=2) is None


def test_the_smallest_score_wins_and_of_equal_ones_the_first() -> None:
    names = ["a", "b", "c"]
    assert chosen_of(names, [1.0, 0.5, 0.9]) == "b"
    assert chosen_of(names, [1.0, 1.0 - TIE / 2, 1.2]) == "a"
    assert chosen_of(names, [-1.0, -2.0, -1.99]) == "b"


def test_the_reason_states_every_score() -> None:
    scores = {"gan": 2.0, "vae": 1.0}
    name, reason = best_family(scores, lambda name, _: scores[name], Bounds(None, 1000), ENGINE)
    assert name == "vae"
    assert "2.000 for gan, 1.000 for vae" in reason
    name, reason = best_family(scores, lambda name, _: scores[name], Bounds(None, 10), ENGINE)
    assert name == "gan"
    assert "too short" in reason


@pytest.fixture
def short_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a run of 20 steps begin with trials of 3."""
    monkeypatch.setattr(family_trial, "MIN_STEPS", 20)


def auto(data: LabelledImages, **settings: Any) -> Run:
    return Run(data, **({"model": AUTO, "max_steps": 20, "random_state": 0} | settings))


@pytest.mark.usefixtures("short_trial")
def test_a_run_takes_the_family_that_its_trial_prefers(stripes: LabelledImages) -> None:
    run = auto(stripes)
    assert not run.family_chosen.is_set()
    generator = run.run().export()
    assert run.family_chosen.is_set()
    about = generator.metadata
    assert about["family"] == run.model in FAMILIES
    scores = {part.split(" for ")[1]: float(part.split()[-3]) for part in about["training"]["family"].split(", ")[1:]}
    assert set(scores) == set(FAMILIES)
    assert scores[run.model] <= min(scores.values()) + TIE * abs(min(scores.values())) + 1e-3
    asked = Run(stripes, model=run.model, max_steps=20, random_state=0).run().export()
    assert (asked.sample(6, seed=0)[0] == generator.sample(6, seed=0)[0]).all()


@pytest.mark.usefixtures("short_trial")
def test_a_resumed_run_keeps_the_family_without_another_trial(
    stripes: LabelledImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = auto(stripes).run()
    run = auto(stripes, checkpoint=tmp_path)
    for step in run.steps():
        if step.number == 5:
            run.save_checkpoint()
            break
    monkeypatch.setattr("ganaug.training.run.best_family", lambda *_: pytest.fail("a trial began"))
    resumed = auto(stripes, checkpoint=tmp_path, resume=True)
    assert resumed.model == whole.model
    ended = resumed.run()
    assert ended.summary()["family"] == whole.summary()["family"]
    assert (ended.export().sample(6, seed=0)[0] == whole.export().sample(6, seed=0)[0]).all()


@pytest.mark.usefixtures("short_trial")
def test_a_checkpoint_of_an_unknown_family_is_refused(stripes: LabelledImages, tmp_path: Path) -> None:
    run = auto(stripes, checkpoint=tmp_path)
    next(iter(run.steps()))
    text = (tmp_path / "checkpoint.json").read_text().replace(f'"model": "{run.model}"', '"model": "../gan"')
    write_signed(tmp_path, json.loads(text), b"")
    with pytest.raises(FormatError, match="must have a known model: leave out --resume"):
        auto(stripes, checkpoint=tmp_path, resume=True)
