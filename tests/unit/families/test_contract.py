"""The contract of every family on every kind of data: learns, repeats, resumes, exports, stops, refuses bad input.

What the loop, the checkpoints and the export do for all alike is tested with each family and each kind of data once.
"""

import math
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch

from ganaug import Generator
from ganaug.data.dataset import Dataset
from ganaug.data.modalities import MODALITIES
from ganaug.data.tables.dataset import from_frame
from ganaug.errors import DataError, ExportError
from ganaug.families import FAMILIES
from ganaug.training import Run, Trained
from ganaug.training.loop import ValidationResult
from tests.conftest import moving_squares, striped_images, waves

TOY = "toy"
COUNTS = {"lying": 24, "upright": 12}
STEPS = 6


@pytest.fixture(autouse=True)
def a_family_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAMILIES, TOY, "tests.toy_family:EnergyGenerator")
    monkeypatch.setattr("ganaug.training.run.MIN_SCREEN_STEPS", 2)


def table() -> Dataset:
    random = np.random.default_rng(0)
    n = sum(COUNTS.values())
    labels = np.repeat(list(COUNTS), list(COUNTS.values()))
    columns = {"size": random.normal(size=n) + 2 * (labels == "upright"), "kind": random.choice(["a", "b", "c"], n)}
    return from_frame(pd.DataFrame(columns), labels)


DATA = {
    "image": lambda: striped_images(COUNTS),
    "latents": lambda: striped_images(COUNTS, 32, 3),
    "table": table,
    "signal": lambda: waves(COUNTS),
    "clip": lambda: moving_squares(COUNTS, frames=8),
}
SPACE = {"latents": {"space": "latent"}}

every_family_and_modality = pytest.mark.parametrize(
    ("model", "modality"), [(model, modality) for model in (*FAMILIES, TOY) for modality in DATA]
)
each_family_and_each_modality = pytest.mark.parametrize(
    ("model", "modality"),
    [
        *((model, "table") for model in (*FAMILIES, TOY)),
        *(("gan", modality) for modality in DATA if modality != "table"),
    ],
)


def run_of(modality: str, **settings: Any) -> Run:
    return Run(DATA[modality](), **SPACE.get(modality, {}), **settings)


def content(generator: Generator) -> bytes:
    X, _ = generator.sample(dict.fromkeys(generator.classes, 6), seed=1)
    return X.tobytes() if isinstance(X, np.ndarray) else X.to_csv().encode()


def trained(model: str, modality: str, **settings: Any) -> Trained:
    return run_of(modality, **({"model": model, "max_steps": STEPS, "random_state": 0} | settings)).run()


class Learned(NamedTuple):
    """A family that learned from a kind of data."""

    trained: Trained
    generator: Generator
    changed_state: bool  # of torch, in the process


class OnDemand(dict[tuple[str, str], Learned]):
    """What was learned, by family and kind of data; each is trained when a test first asks for it."""

    def __missing__(self, key: tuple[str, str]) -> Learned:
        torch.manual_seed(3)
        before, threads = torch.get_rng_state(), torch.get_num_threads()
        result = trained(*key)
        generator = result.export()
        changed = not torch.equal(torch.get_rng_state(), before) or torch.get_num_threads() != threads
        self[key] = Learned(result, generator, changed)
        return self[key]


@pytest.fixture(scope="module")
def learned() -> dict[tuple[str, str], Learned]:
    """Each family on each kind of data, trained once."""
    return OnDemand()


def test_every_modality_has_data_here() -> None:
    assert {build().modality for build in DATA.values()} == set(MODALITIES)


@every_family_and_modality
def test_the_file_says_what_was_trained(
    model: str, modality: str, learned: dict[tuple[str, str], Learned], tmp_path: Path
) -> None:
    generator = learned[model, modality].generator
    generator.save(tmp_path / "model.onnx")
    metadata = Generator.load(tmp_path / "model.onnx").metadata
    assert (metadata["family"], metadata["modality"]) == (model, DATA[modality]().modality)
    assert metadata.get("space") == {"image": "pixels", "latents": "latent"}.get(modality)
    assert metadata["training"]["steps"] == STEPS
    assert metadata["training"]["losses"]
    assert dict(zip(metadata["classes"], metadata["class_counts"], strict=True)) == COUNTS


@every_family_and_modality
def test_losses_fall(model: str, modality: str) -> None:
    steps = list(run_of(modality, model=model, max_steps=36, random_state=0).steps())
    name = next(name for name in ("energy", "reconstruction", "likelihood", "variety") if name in steps[0].losses)
    losses = [float(step.losses[name]) for step in steps if name in step.losses]
    assert np.mean(losses[-9:]) < np.mean(losses[:9])


@every_family_and_modality
def test_one_seed_repeats_exactly_and_another_does_not(
    model: str, modality: str, learned: dict[tuple[str, str], Learned]
) -> None:
    again, other = (trained(model, modality, random_state=seed) for seed in (0, 1))
    assert content(again.export()) == content(learned[model, modality].generator)
    weights = zip(again.generator.parameters(), other.generator.parameters(), strict=True)
    assert not all(torch.equal(one, another) for one, another in weights)


@every_family_and_modality
def test_a_run_that_was_resumed_twice_ends_as_an_unbroken_one(
    model: str, modality: str, learned: dict[tuple[str, str], Learned], tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"model": model, "max_steps": STEPS, "random_state": 0, "checkpoint": tmp_path / "run"}
    for after in (1, STEPS - 1):
        run = run_of(modality, **settings, resume=after > 1)
        for step in run.steps():
            if step.number == after:
                run.save_checkpoint()
                break
        assert run.state.step == after
    resumed = run_of(modality, **settings, resume=True).run()
    assert resumed.state.step == STEPS
    assert content(resumed.export()) == content(learned[model, modality].generator)


@each_family_and_each_modality
def test_a_run_of_another_family_is_not_resumed(model: str, modality: str, tmp_path: Path) -> None:
    other = next(name for name in FAMILIES if name != model)
    settings: dict[str, Any] = {"max_steps": STEPS, "random_state": 0, "checkpoint": tmp_path / "run"}
    next(iter(run_of(modality, model=other, **settings).steps()))
    with pytest.raises(DataError, match=f"the model \\('{other}', now '{model}'\\) changed"):
        next(iter(run_of(modality, model=model, **settings, resume=True).steps()))


@every_family_and_modality
@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_any_number_of_samples_is_drawn(
    model: str, modality: str, count: int, learned: dict[tuple[str, str], Learned]
) -> None:
    generator = learned[model, modality].generator
    X, y = generator.sample({"upright": count}, seed=0)
    assert len(X) == count
    assert y.tolist() == ["upright"] * count
    whole, _ = generator.sample({"upright": 64}, seed=0)
    pd.testing.assert_frame_equal(_rows(X), _rows(whole)[:count])


def _rows(X: Any) -> pd.DataFrame:
    return pd.DataFrame(X.reshape(len(X), -1)) if isinstance(X, np.ndarray) else X


@every_family_and_modality
def test_realism_is_there_where_there_is_a_discriminator(
    model: str, modality: str, learned: dict[tuple[str, str], Learned]
) -> None:
    result, generator, _ = learned[model, modality]
    realism = result.realism(DATA[modality]())
    if result.discriminator is None:
        assert realism is None
        with pytest.raises(DataError, match="has no discriminator"):
            generator.realism(3)
    else:
        assert realism is not None
        assert ((realism >= 0) & (realism <= 1)).all()
        assert len(generator.realism(3)) == 3


@each_family_and_each_modality
def test_the_run_stops_when_validation_only_gets_worse(
    model: str, modality: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([1.0, *map(float, range(2, 99))])
    judge = lambda *_: ValidationResult(next(scores), (1.0, 1.0), (1.0, 1.0))  # noqa: E731
    monkeypatch.setattr("ganaug.training.validation.Validation.judge", judge)
    result = trained(model, modality, max_steps=60)
    assert 30 < result.state.step < 60
    assert "no better since" in result.summary()["stopped_early"]
    assert result.result[1].score == 1.0


@each_family_and_each_modality
def test_a_budget_ends_the_run(model: str, modality: str) -> None:
    run = run_of(modality, model=model, time_budget=1.0, random_state=0)
    steps = list(run.steps())
    assert steps[-1].progress == 1.0 or run.state.stopped
    # A busy machine may leave time for a single step.
    longest = max((step.seconds - before.seconds for before, step in pairwise(steps)), default=steps[0].seconds)
    assert steps[-1].seconds <= 1.0 + longest


@every_family_and_modality
def test_the_best_generator_so_far_can_be_had_after_any_step(model: str, modality: str) -> None:
    run = run_of(modality, model=model, max_steps=10, random_state=0)  # no validation in the first two steps
    steps = run.steps()
    next(steps)
    first = run.trained()
    assert first.export().metadata["training"]["steps"] == 1
    said = first.summary()
    next(steps)
    assert run.trained(hurried=True).summary()["steps"] == 2
    assert first.summary() == said  # it does not change when the run goes on
    assert run.state.validations == []  # nor does the run when it is asked


@every_family_and_modality
def test_global_state_is_left_as_found(model: str, modality: str, learned: dict[tuple[str, str], Learned]) -> None:
    assert not learned[model, modality].changed_state


@each_family_and_each_modality
def test_a_generator_that_came_to_nothing_is_refused_in_a_sentence(model: str, modality: str) -> None:
    run = run_of(modality, model=model, max_steps=1, random_state=0)
    list(run.steps())
    run.state.kept = None
    for parameter in run.state.family.average.parameters():
        parameter.data.fill_(math.nan)
    with pytest.raises(ExportError, match="must be finite numbers"):
        run.trained().export()


@pytest.mark.parametrize("modality", MODALITIES)
def test_an_unknown_family_is_refused(modality: str) -> None:
    with pytest.raises(DataError, match=r"model must be one of 'gan', 'vae', 'autoencoder', .*but is 'vea'"):
        run_of(modality, model="vea")


def test_what_only_trains_is_not_exported() -> None:
    result = trained("gan", "table")
    assert {name for name, _ in result.state.family.networks.items()} == {"generator", "average", "discriminator"}
    names = {name.partition(".")[0] for name, _ in result.generator.named_parameters()}
    assert not names & {"average", "discriminator"}
