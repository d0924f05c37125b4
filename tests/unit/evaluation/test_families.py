"""An evaluation of a model of another family than the GAN: what the arms are called, and what is trained."""

from typing import Any

import pytest

from ganaug.evaluation.arms import IMAGE_ARMS
from ganaug.evaluation.evaluate import begin
from ganaug.training import Run
from tests.conftest import striped_images


def test_arms_are_named_after_the_family_that_draws_their_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the generators of the folds are of the family and the space of the model that is judged."""
    data = striped_images({"lying": 24, "upright": 12}, 32, 3)
    generator = Run(data, model="vae", space="latent", max_steps=2, random_state=0).run().export()
    session = begin((data.images, data.label_values), generator)
    assert {arm.name for arm in session.arms if arm.kind == "gan"} == {
        arm.name.replace("GAN", "VAE") for arm in IMAGE_ARMS if arm.kind == "gan"
    }
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr("ganaug.evaluation.trainers.Run", lambda *_, **settings: asked.append(settings) or Stop())
    with pytest.raises(AttributeError):
        session.settings.trainer(data, seed=0, seconds=1.0)
    assert (asked[0]["model"], asked[0]["space"]) == ("vae", "latent")


class Stop:
    """Stands for a run, and has none of its methods."""
