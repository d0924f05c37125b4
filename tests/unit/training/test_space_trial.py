"""The trial of two spaces before a training: when there is one, what decides it, and what comes of it."""

from collections.abc import Callable
from typing import Any

import pytest

from ganaug.networks.modality import Bounds
from ganaug.training import Run, space_trial
from ganaug.training.space_trial import MARGIN, affordable, better_space
from tests.unit.networks.test_space import noisy_images


@pytest.mark.parametrize(
    ("bounds", "wanted"),
    [
        (Bounds(144, None), True),
        (Bounds(60, None), False),
        (Bounds(None, 3000), True),
        (Bounds(None, 400), False),
        (Bounds(60, 3000), False),
    ],
)
def test_only_a_long_training_can_spare_a_trial(bounds: Bounds, wanted: bool) -> None:
    assert affordable(bounds) is wanted


@pytest.mark.parametrize(("of_pixels", "wanted"), [(0.99 - MARGIN, "pixels"), (1.01 - MARGIN, "latent"), (2, "latent")])
def test_the_rival_must_be_clearly_better(of_pixels: float, wanted: str) -> None:
    space, reason = better_space("latent", "pixels", {"latent": 1.0, "pixels": of_pixels}.__getitem__)
    assert space == wanted
    assert f"1.00 in latents and {of_pixels:.2f} in pixels" in reason


@pytest.fixture
def short_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a run of 12 steps begin with a trial of 2."""
    monkeypatch.setattr("ganaug.training.run.MIN_SCREEN_STEPS", 2)
    monkeypatch.setattr("ganaug.networks.space.READER_STEPS", 5)
    monkeypatch.setattr(space_trial, "MIN_STEPS", 12)
    monkeypatch.setattr(space_trial, "STEPS", 2)


@pytest.mark.usefixtures("short_trial")
@pytest.mark.parametrize("margin", [-1000.0, 0.999])
def test_a_run_takes_the_space_that_the_trial_prefers(margin: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space_trial, "MARGIN", margin)
    data = noisy_images(40, count=48)
    ended = Run(data, max_steps=12, random_state=0)
    wanted = "pixels" if margin < 0 else "latent"
    assert ended.modality.space == wanted
    assert "the score on held-out samples is" in ended.modality.space_reason
    generator = ended.run().export()
    assert generator.metadata["space"] == wanted
    assert "steps in each" in generator.metadata["training"]["space"]


@pytest.mark.usefixtures("short_trial")
def test_a_trial_repeats_and_leaves_the_training_as_it_is_without_one() -> None:
    data = noisy_images(40, count=48)
    first, again = (Run(data, max_steps=12, random_state=0) for _ in range(2))
    assert first.modality.space_reason == again.modality.space_reason
    asked = Run(data, max_steps=12, random_state=0, space=str(first.modality.space))
    drawn = [one.run().export().sample(6, seed=0)[0] for one in (first, asked)]
    assert (drawn[0] == drawn[1]).all()


@pytest.mark.parametrize("settings", [{"space": "latent"}, {"space": "pixels"}, {"max_steps": 11}])
@pytest.mark.usefixtures("short_trial")
def test_there_is_no_trial_where_nothing_is_in_doubt(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Callable[..., Any]:
        raise AssertionError("a trial began")

    monkeypatch.setattr(space_trial, "better_space", refuse)
    begun = Run(noisy_images(40, count=48), **({"max_steps": 12, "random_state": 0} | settings))
    assert begun.modality.space == settings.get("space", "latent")
    assert "steps in each" not in begun.modality.space_reason
