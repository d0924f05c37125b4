"""The choice between pixels and latents: by how well images survive the autoencoder, and whether their class does."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import pytest
import torch

from ganaug.data.images.dataset import LabelledImages, from_arrays
from ganaug.errors import DataError
from ganaug.networks.images import ImageModality
from ganaug.networks.modality import modality_of
from ganaug.networks.space import FAITHFUL, HOPELESS, MIN_SIDE, choose_space
from ganaug.training import Run
from tests.conftest import striped_images

SIDE = 32  # pixels


def noisy_images(noise: float, *, told_by: str = "brightness", count: int = 160) -> LabelledImages:
    """Return images of noise in two classes, which differ in brightness, or in the direction of faint, fine stripes."""
    random = np.random.default_rng(0)
    labels, fine = np.arange(count) % 2, np.where(np.arange(SIDE) % 2, 1, -1)
    stripes = np.stack([np.tile(fine[:, None], (1, SIDE)), np.tile(fine, (SIDE, 1))])  # (2, SIDE, SIDE)
    change = stripes[labels] if told_by == "stripes" else 2 * (2 * labels[:, None, None] - 1)
    colours = 10 * np.array([1, -1, 1]) if told_by == "stripes" else 10
    images = 128 + random.normal(0, noise, (count, SIDE, SIDE, 3)) + change[..., None] * colours
    return from_arrays(images.clip(0, 255).astype(np.uint8), labels, ["a", "b"])


def decibels_in(reason: str) -> float:
    return float(reason.split(" dB")[0].split()[-1])


def test_images_that_the_autoencoder_reproduces_are_learned_as_latents() -> None:
    space, reason, rival = choose_space(noisy_images(1), "auto")
    assert space == "latent"
    assert decibels_in(reason) >= FAITHFUL
    assert "classifier" not in reason
    assert rival is None


def test_images_that_it_does_not_reproduce_are_learned_as_pixels() -> None:
    space, reason, rival = choose_space(noisy_images(80), "auto")
    assert space == "pixels"
    assert decibels_in(reason) < HOPELESS
    assert rival is None


@pytest.mark.parametrize(("told_by", "wanted"), [("brightness", "latent"), ("stripes", "pixels")])
def test_in_between_it_matters_whether_the_class_can_still_be_seen(told_by: str, wanted: str) -> None:
    space, reason, rival = choose_space(noisy_images(40, told_by=told_by), "auto")
    assert HOPELESS < decibels_in(reason) < FAITHFUL
    assert "of their class in the reproductions" in reason
    assert space == wanted
    assert rival == ("pixels" if wanted == "latent" else None)


@pytest.fixture
def quick_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the classifier of the choice take few steps: what it chooses does not matter."""
    monkeypatch.setattr("ganaug.networks.space.READER_STEPS", 5)


@pytest.mark.usefixtures("quick_reader")
@pytest.mark.parametrize("count", [2, 3, 5])
def test_few_images_suffice_for_a_choice(count: int) -> None:
    assert choose_space(noisy_images(40, count=count), "auto")[0] in ("latent", "pixels")


@pytest.mark.usefixtures("quick_reader")
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_the_choice_repeats_in_any_mode(mode: Callable[[], AbstractContextManager[None]]) -> None:
    data = noisy_images(40, count=48)
    with mode():
        chosen = Run(data, max_steps=1).modality
    assert isinstance(chosen, ImageModality)
    assert (chosen.space, chosen.space_reason, chosen.rival) == choose_space(data, "auto")


def test_small_images_have_no_latents() -> None:
    small = striped_images({"a": 4, "b": 4}, size=MIN_SIDE // 2)
    assert choose_space(small, "auto")[:2] == ("pixels", "images of fewer than 32 pixels have no latents")
    with pytest.raises(DataError, match=r"space='latent' needs images of 32 pixels or more, but these have 16"):
        choose_space(small, "latent")


@pytest.mark.parametrize("space", ["pixels", "latent"])
def test_a_space_that_is_asked_for_is_obeyed(space: str) -> None:
    for noise in (1, 80):
        assert modality_of(noisy_images(noise, count=8), seed=0, space=space).space == space


def test_an_unknown_space_is_refused() -> None:
    with pytest.raises(DataError, match=r"space must be one of 'auto', 'pixels', 'latent', but is 'fourier'"):
        choose_space(noisy_images(1, count=8), "fourier")
