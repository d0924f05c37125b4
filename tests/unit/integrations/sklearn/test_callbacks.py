"""Callbacks of the estimators: what they receive, how they end a training, and what stays as it was."""

import copy
import gc
import re
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier

from ganaug import StopTraining
from ganaug.errors import DataError
from ganaug.evaluation import dose
from ganaug.integrations.sklearn import AugmentedClassifier, GANAugmenter, GANSampler
from ganaug.integrations.tracking import JSONLines
from ganaug.training import Run
from ganaug.training.loop import Step
from tests.conftest import striped_images

QUICK: dict[str, Any] = {"max_steps": 3, "random_state": 0}
STRIPES = striped_images({"lying": 8, "upright": 4})
X, Y = np.random.default_rng(0).normal(size=(40, 3)), np.repeat([0, 1], [28, 12])


def stop_at(number: int, reason: str = "") -> Any:
    def callback(step: Step) -> None:
        if step.number == number:
            raise StopTraining(reason)

    return callback


def test_every_callback_receives_every_step() -> None:
    seen: list[Step] = []
    numbers: list[int] = []
    sampler = GANSampler(callbacks=[seen.append, lambda step: numbers.append(step.number)], **QUICK).fit(X, Y)
    assert numbers == [1, 2, 3]
    assert [step.number for step in seen] == numbers
    assert seen[-1].progress == 1
    assert {type(loss) for loss in seen[0].losses.values()} == {torch.Tensor}
    assert seen[-1].validation is not None
    assert seen[-1].validation.score == pytest.approx(sampler.generator_.metadata["training"]["history"][-1]["score"])


def test_callbacks_change_nothing() -> None:
    found, _ = GANSampler(callbacks=(lambda _: torch.rand(3),), **QUICK).fit_resample(X, Y)
    np.testing.assert_array_equal(found, GANSampler(**QUICK).fit_resample(X, Y)[0])


@pytest.mark.parametrize(("reason", "recorded"), [("", "a callback ended it"), ("enough", "enough")])
def test_a_callback_can_end_the_training(reason: str, recorded: str) -> None:
    augmenter = GANAugmenter(max_steps=50, random_state=0, callbacks=[stop_at(2, reason)]).fit(X, Y)
    training = augmenter.generator_.metadata["training"]
    assert (training["steps"], training["stopped_early"]) == (2, recorded)
    assert len(augmenter.sample(6)[0]) == 6


@pytest.mark.usefixtures("left_as_found")
def test_an_exception_is_raised_as_it_is_and_leaves_everything_as_it_was() -> None:
    mine = RuntimeError("of the user")

    def callback(_: Step) -> None:
        raise mine

    with torch.no_grad(), pytest.raises(RuntimeError) as caught:
        GANSampler(callbacks=[callback], **QUICK).fit(X, Y)
    assert caught.value is mine
    assert torch.get_num_threads() == 2
    mine.__traceback__ = None
    del caught
    gc.collect()  # the frames of the training, among them that of its steps
    assert torch.get_num_threads() == 2


def test_parameters_are_checked() -> None:
    with pytest.raises(DataError, match="one is 'print'"):
        GANSampler(callbacks=["print"], **QUICK).fit(X, Y)
    with pytest.raises(ValueError, match="'callbacks' parameter of GANSampler must be"):
        GANSampler(callbacks=print, **QUICK).fit(X, Y)  # type: ignore[arg-type]


def test_a_clone_keeps_callbacks_and_shares_trackers(tmp_path: Any) -> None:
    log = JSONLines(tmp_path / "log.jsonl")
    sampler = GANSampler(callbacks=[print, log])
    assert clone(sampler).get_params()["callbacks"] == [print, log]
    assert copy.deepcopy(sampler).callbacks[1] is log
    assert sampler.set_params(callbacks=()).callbacks == ()


@pytest.mark.slow
def test_generators_that_are_only_compared_call_nothing() -> None:
    numbers: list[int] = []
    sampler = GANSampler(max_steps=2, callbacks=[lambda step: numbers.append(step.number)])
    model = AugmentedClassifier(RandomForestClassifier(3), sampler, random_state=0).fit(X[::2], Y[::2])
    assert "GAN" in model.decision_.to_string()
    assert numbers in ([], [1, 2])  # those of the one that is kept


def test_generators_of_the_folds_call_nothing() -> None:
    called: list[Step] = []
    run = Run(STRIPES, callbacks=[called.append], **QUICK)
    assert dose._train_fold_of(run, STRIPES, seed=1, seconds=None, steps=2).steps == 2
    assert called == []


def test_no_dose_is_measured_after_a_callback_has_ended_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dose, "divided", lambda data, asked: (asked, asked))
    monkeypatch.setattr(dose.DoseMeasurement, "train", lambda *_, **__: [])
    monkeypatch.setattr(dose.DoseMeasurement, "dose", None)
    generator = dose.fit(STRIPES, max_steps=3, random_state=0, callbacks=[stop_at(1)])
    assert generator.metadata.get("dose") is None


def test_verbose_shows_lines_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    GANSampler(**QUICK).fit(X, Y)
    assert capsys.readouterr().err == ""
    GANSampler(verbose=1, **QUICK).fit(X, Y)
    out, err = capsys.readouterr()
    assert re.fullmatch(r"\[GANSampler\] 3 steps in [0-9.]+ seconds\n", out)
    first, *lines = err.splitlines()
    assert first == "Learning to tell the classes apart."
    assert [line.split(" · ")[:2] for line in lines] == [[" 33%", "step 1"], [" 67%", "step 2"], ["100%", "step 3"]]
    assert (out + err).replace("\n", "").isprintable()
