"""The switches of the techniques: what they may be set to, and that each changes the training that it should change."""

from typing import Any

import numpy as np
import pytest
import torch

from ganaug.cli.options import technique
from ganaug.data.images.dataset import LabelledImages
from ganaug.errors import DataError
from ganaug.networks.mapping import Styles
from ganaug.techniques.losses import class_gain_penalty, deviation_of_halves, feature_matching_loss
from ganaug.techniques.spectral_norm import normalise_spectra, without_parametrisations
from ganaug.techniques.switches import RANGES, Techniques
from ganaug.training import Run
from ganaug.training.loop import ValidationResult
from tests.conftest import striped_images
from tests.modalities import new_gan

OTHER: dict[str, Any] = {
    "growing": False,
    "averaging": False,
    "early_stopping": False,
    "gradient_penalty": 0.0,
    "spectral_norm": True,
    "consistency": 1.0,
    "feature_matching": 1.0,
    "adaptive_augmentation": True,
    "minibatch_deviation": 1.0,
    "transition": 0.5,
    "shared_blocks": 1,
    "class_gain_penalty": 1.0,
    "mapping_layers": 3,
    "style_mixing": 0.9,
    "truncation": 0.5,
}


@pytest.fixture(scope="module")
def images() -> LabelledImages:
    return striped_images({"lying": 24, "upright": 12}, 16)


def drawn(images: LabelledImages, techniques: dict[str, Any] | None, **settings: Any) -> np.ndarray[Any, Any]:
    trained = Run(images, max_steps=12, random_state=0, techniques=techniques, **settings).run()
    generator = trained.export()
    assert generator.metadata["training"]["techniques"] == (techniques or {})
    samples: np.ndarray[Any, Any] = generator.sample({"lying": 8, "upright": 8}, seed=0)[0]
    return samples


@pytest.fixture(scope="module")
def usual(images: LabelledImages) -> np.ndarray[Any, Any]:
    return drawn(images, None)


def test_every_technique_is_tried_here_and_has_a_range() -> None:
    assert set(OTHER) == set(Techniques.__dataclass_fields__)
    assert set(RANGES) == {name for name, value in OTHER.items() if not isinstance(value, bool)}


@pytest.mark.parametrize("name", [name for name in OTHER if name != "early_stopping"])
def test_each_technique_changes_what_is_learned(name: str, images: LabelledImages, usual: np.ndarray[Any, Any]) -> None:
    """After the same steps from the same seed, with finite samples and a file that agrees with torch."""
    assert not np.array_equal(drawn(images, {name: OTHER[name]}), usual)


def test_without_early_stopping_the_last_weights_are_kept(
    images: LabelledImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter(range(1, 99))
    judge = lambda *_: ValidationResult(float(next(scores)), (1.0, 1.0), (1.0, 1.0))  # noqa: E731
    monkeypatch.setattr("ganaug.training.validation.Validation.judge", judge)
    for on in (True, False):
        trained = Run(images, max_steps=60, random_state=0, techniques={"early_stopping": on}).run()
        assert (trained.state.step < 60) is on
        assert (trained.result[0] == 1.0) is not on


@pytest.mark.parametrize("name", ["spectral_norm", "adaptive_augmentation", "style_mixing"])
def test_a_run_with_a_technique_is_resumed_exactly(name: str, images: LabelledImages, tmp_path: Any) -> None:
    settings: dict[str, Any] = {"max_steps": 12, "random_state": 0, "techniques": {name: OTHER[name]}}
    whole = Run(images, **settings).run().export().sample(8, seed=0)[0]
    run = Run(images, checkpoint=tmp_path, **settings)
    for step in run.steps():
        if step.number == 5:
            run.save_checkpoint()
            break
    resumed = Run(images, checkpoint=tmp_path, resume=True, **settings).run().export().sample(8, seed=0)[0]
    np.testing.assert_array_equal(resumed, whole)
    with pytest.raises(DataError, match="the techniques"):
        next(iter(Run(images, checkpoint=tmp_path, resume=True, **(settings | {"techniques": None})).steps()))


def test_numbers_may_be_those_of_numpy() -> None:
    settings = {"feature_matching": np.float32(0.5), "mapping_layers": np.int64(3)}
    assert Techniques.of(settings).changed == {"feature_matching": 0.5, "mapping_layers": 3}


@pytest.mark.parametrize(
    ("written", "value"), [("gradient_penalty=off", 0), ("growing=off", False), ("transition=0.3", 0.3)]
)
def test_weights_can_be_switched_off_on_the_command_line(written: str, value: Any) -> None:
    assert technique(written) == (written.partition("=")[0], value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"feature_maching": 1}, "techniques must be among growing, .* but one is 'feature_maching'"),
        ({"growing": 1}, "the technique growing must be on or off .True or False., but is 1"),
        ({"truncation": 1.5}, "the technique truncation must be a number from 0 to 1, but is 1.5"),
        ({"mapping_layers": 2.0}, "mapping_layers must be a whole number from 1 to 8, but is 2.0"),
        ({"consistency": True}, "consistency must be a number from 0 to 100, but is True"),
        ({"consistency": float("nan")}, "consistency must be a number from 0 to 100, but is nan"),
        ([("growing", False)], "techniques must be a mapping"),
    ],
)
def test_what_cannot_be_is_refused(settings: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Techniques.of(settings)


def test_feature_matching_reaches_the_samples_and_not_the_discriminator() -> None:
    layer, real = torch.nn.Linear(3, 2), torch.ones(4, 3)
    synthetic = torch.zeros(4, 3, requires_grad=True)
    shown = synthetic.view_as(synthetic)
    features = layer(torch.cat([real, shown]))
    loss = feature_matching_loss(features, shown, synthetic)
    loss.backward()
    assert layer.weight.grad is None
    wanted = (features[:4].mean(0) - features[4:].mean(0)).square().mean()
    torch.testing.assert_close(loss, wanted)
    gap = (features[4:].mean(0) - features[:4].mean(0)).detach()
    torch.testing.assert_close(synthetic.grad, (gap @ layer.weight.detach() / 4).expand(4, 3))


def test_the_deviation_tells_a_repeated_sample_from_varied_ones() -> None:
    features = torch.cat([torch.randn(8, 5), torch.ones(8, 5)])
    deviation = deviation_of_halves(features)
    assert deviation.shape == (2,)
    assert float(deviation[0]) > 0.5
    assert float(deviation[-1]) < 0.01


def test_gains_are_penalised_by_their_spectral_norm() -> None:
    generator = new_gan().generator
    penalty = class_gain_penalty(generator)
    penalty.backward()
    assert float(penalty.detach()) == 0.0
    gains = [layer.by_class.weight for layer in generator.modules() if hasattr(layer, "by_class")]
    assert all(torch.isfinite(weight.grad).all() for weight in gains)
    for weight in gains:
        weight.data[0, 0] = 3.0
    assert float(class_gain_penalty(generator).detach()) == pytest.approx(9.0)


def test_spectral_norms_are_one_and_can_be_written_into_the_weights() -> None:
    discriminator = new_gan().discriminator
    normalise_spectra(discriminator)
    image, label = torch.randn(2, 1, 16, 16), torch.tensor([0, 1])
    for _ in range(30):  # power iterations
        discriminator(image, label)
    discriminator.eval()
    before = discriminator(image, label)
    plain = without_parametrisations(discriminator)
    torch.testing.assert_close(plain(image, label), before)
    weight = plain.flatten.weight
    assert float(torch.linalg.matrix_norm(weight, ord=2)) == pytest.approx(1.0, abs=0.05)


def test_mixed_styles_change_the_later_blocks_of_some_samples() -> None:
    styles = Styles(4, 3, mixing=0.5)
    noise = torch.randn(2000, 6, generator=torch.Generator().manual_seed(0))
    first, second, third = styles(noise[:, :4], noise, 3)
    plain = styles.eval()(noise[:, :4], noise, 3)[0]
    torch.testing.assert_close(first, plain)
    changed = [float((one != plain).any(dim=1).float().mean()) for one in (second, third)]
    assert changed == pytest.approx([0.25, 0.5], abs=0.05)


def test_truncated_styles_lie_nearer_to_their_mean() -> None:
    styles, noise = Styles(4, 3).eval(), torch.randn(500, 4)
    noise = noise / noise.square().mean(1, keepdim=True).sqrt()
    before = styles(noise, noise, 1)[0]
    styles.truncate(0.5, torch.Generator().manual_seed(0))
    after = styles(noise, noise, 1)[0]
    torch.testing.assert_close(after, styles.mean + 0.5 * (before - styles.mean))
