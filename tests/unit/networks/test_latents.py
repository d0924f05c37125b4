"""The latent space of images: when it is chosen, what is learned in it, and what comes out."""

from pathlib import Path
from typing import Any

import albumentations as A
import numpy as np
import pytest
import torch

from ganaug import GANAugmenter, Generator
from ganaug.data.images.dataset import LabelledImages, from_arrays
from ganaug.errors import DataError
from ganaug.networks.latents import VIEWS, LatentImageModality, Standardiser
from ganaug.training import Run

COUNTS = {"bright": 12, "dark": 6}
CPU = torch.device("cpu")


def smooth_images(side: int = 32, channels: int = 3) -> LabelledImages:
    """Return images of soft gradients, light or dark, as photographs of sky have."""
    random = np.random.default_rng(0)
    ramp = np.linspace(-1, 1, side)
    images, labels = [], []
    for name, count in COUNTS.items():
        for _ in range(count):
            slope = random.uniform(-40, 40, (2, channels))
            plane = slope[0] * ramp[:, None, None] + slope[1] * ramp[None, :, None]
            images.append((plane + (180 if name == "bright" else 70)).clip(0, 255).astype(np.uint8))
            labels.append(name)
    return from_arrays(np.stack(images), np.array(labels), sorted(COUNTS))


def modality(data: LabelledImages, **settings: Any) -> LatentImageModality:
    return LatentImageModality(data, seed=0, **settings)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_image_has_views_and_the_first_is_the_image_itself(channels: int) -> None:
    images = modality(smooth_images(channels=channels))
    samples = images.samples(CPU)
    learned = images.learnable(samples, torch.Generator().manual_seed(0))
    shape = (VIEWS, images.autoencoder.latent_channels, 8, 8)
    assert learned.values.shape == (len(samples), *shape)
    rows = torch.arange(len(samples))
    assert torch.equal(learned.inputs(rows), images.learnable(samples).inputs(rows))
    distinct = [len({view.numpy().tobytes() for view in views}) for views in learned.values]
    assert np.mean(distinct) > VIEWS / 2  # a share of the views stays plain
    again = images.learnable(samples, torch.Generator().manual_seed(0))
    assert torch.equal(learned.values, again.values)


def test_draws_come_from_all_views() -> None:
    images = modality(smooth_images())
    learned = images.learnable(images.samples(CPU), torch.Generator().manual_seed(0))
    latents, label = learned.draw(400, torch.Generator().manual_seed(0))
    assert latents.shape == (400, images.autoencoder.latent_channels, 8, 8)
    assert latents.dtype == torch.float32
    assert set(label.tolist()) == {0, 1}
    known = {view.float().numpy().tobytes() for image in learned.values for view in image}
    drawn = {one.numpy().tobytes() for one in latents}
    assert drawn <= known
    assert len(drawn) > 2 * len(learned)


def test_the_users_augmentation_is_in_every_view_but_the_first() -> None:
    black = A.Lambda(image=lambda image, **_: np.zeros_like(image))
    images = modality(smooth_images(), augment=black)
    learned = images.learnable(images.samples(CPU), torch.Generator().manual_seed(0))
    generator = images.validated(images.new_generator(), images.samples(CPU), torch.Generator())
    decoded = generator.decode(learned.values[0, :6].float())
    assert decoded[0].mean() > decoded[1:].mean() + 0.5


def test_standardised_latents_lie_in_bounds_and_come_back() -> None:
    latents = 0.2 * torch.randn(50, 3, 8, 8, generator=torch.Generator().manual_seed(0)) + 0.3
    standardiser = Standardiser.of(latents)
    standardised = standardiser(latents)
    assert standardised.abs().max() <= 1
    assert standardised.mean().abs() < 0.01
    inside = standardised.abs() < 1
    assert torch.allclose(standardiser.inverse(standardised)[inside], latents[inside].clamp(-1, 1), atol=1e-5)


def test_decoded_samples_are_those_that_the_discriminator_judged() -> None:
    images = modality(smooth_images())
    generator = images.new_generator().eval()
    drawing = images.decoder(images.corrected(generator, images.samples(CPU), torch.Generator().manual_seed(0))).eval()
    noise, label = torch.randn(5, images.code_dim), torch.tensor([0, 1, 0, 1, 0])
    with torch.no_grad():
        drawn = drawing(noise, label)
        assert torch.equal(drawn.learned, generator(noise, label))
    assert drawn.samples.shape == (5, 3, 32, 32)
    assert drawn.outputs[0].shape == (5, 32, 32, 3)
    assert drawn.outputs[0].dtype == torch.uint8
    pixels = (drawn.samples.permute(0, 2, 3, 1) + 1) * 127.5
    assert (pixels - drawn.outputs[0]).abs().max() <= 0.51


@pytest.mark.parametrize(("channels", "side"), [(1, 32), (3, 64), (4, 32)])
def test_a_generator_of_latents_writes_images_and_says_why(channels: int, side: int, tmp_path: Path) -> None:
    data = smooth_images(side, channels)
    run = Run(data, max_steps=3, random_state=0)
    run.run().export().save(tmp_path / "model.onnx")
    generator = Generator.load(tmp_path / "model.onnx")
    X, _ = generator.sample({"bright": 3, "dark": 2}, seed=0)
    assert X.shape == (5, side, side, channels)
    assert generator.metadata["space"] == "latent"
    assert "reproduces these images with" in generator.metadata["training"]["space"]


def test_the_estimator_hands_the_space_on() -> None:
    data = smooth_images()
    for space in ("pixels", "latent"):
        model = GANAugmenter(space=space, max_steps=2, random_state=0).fit(data.images, data.labels)
        assert model.generator_.metadata["space"] == space
    with pytest.raises(ValueError, match="space"):
        GANAugmenter(space="fourier").fit(data.images, data.labels)
    with pytest.raises(DataError, match=r"space must be 'auto' for a table, but is 'latent'"):
        GANAugmenter(space="latent", max_steps=2).fit(np.arange(40.0).reshape(20, 2), [0, 1] * 10)


def test_a_run_in_another_space_is_not_resumed(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"max_steps": 4, "random_state": 0, "checkpoint": tmp_path / "run"}
    next(iter(Run(smooth_images(), space="latent", **settings).steps()))
    with pytest.raises(DataError, match="space"):
        next(iter(Run(smooth_images(), space="pixels", resume=True, **settings).steps()))
