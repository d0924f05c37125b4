"""The short training of the decoder: on images of a kind that it does not know, and on no others."""

from typing import Any

import numpy as np
import pytest
import torch

from ganaug.compute.engine import Engine
from ganaug.data.images.dataset import LabelledImages, from_arrays
from ganaug.networks.autoencoder import Autoencoder
from ganaug.networks.decoder_tuning import CROP, drawn_crops
from ganaug.networks.latents import LatentImageModality
from ganaug.networks.space import decibels, reproductions
from ganaug.training import Run

CPU = torch.device("cpu")


def crosses(channels: int = 3, side: int = 32, *, fine: bool = True) -> LabelledImages:
    """Return images of crosses in two colours, with fine stripes that the decoder does not know, or without."""
    random = np.random.default_rng(0)
    images = np.zeros((24, side, side, channels), np.uint8)
    for number, image in enumerate(images):
        row, column = random.integers(4, side - 8, 2)
        level = 250 if number % 2 else 120
        image[row : row + 4], image[:, column : column + 4] = level, level
        if fine:
            image[1::2] //= 4
    return from_arrays(images, np.arange(24) % 2, size=side)


def prepared(data: LabelledImages, steps: int = 30, **settings: Any) -> LatentImageModality:
    images = LatentImageModality(data, seed=0, **settings)
    random = torch.Generator().manual_seed(0)
    images.prepare(images.samples(CPU), random, steps=steps, engine=Engine(CPU))
    return images


def quality(autoencoder: Autoencoder, images: torch.Tensor) -> float:
    with torch.no_grad():
        return decibels(images, autoencoder.decode(autoencoder.encode(images)))


def changed(autoencoder: Autoencoder) -> set[str]:
    shipped = Autoencoder.load(autoencoder.channels).state_dict()
    return {name for name, value in autoencoder.state_dict().items() if not torch.equal(value, shipped[name])}


@pytest.mark.parametrize(("channels", "side"), [(1, 32), (3, 64), (4, 32)])
def test_an_unknown_kind_of_image_is_reproduced_better(channels: int, side: int) -> None:
    data = crosses(channels, side)
    images = prepared(data)
    shown = images.samples(CPU).inputs(torch.arange(len(data)))
    assert quality(images.autoencoder, shown) > decibels(shown, reproductions(shown)) + 1
    assert changed(images.autoencoder)
    assert all(name.startswith("decoder.") for name in changed(images.autoencoder))
    assert not any(parameter.requires_grad for parameter in images.autoencoder.parameters())


def test_a_known_kind_of_image_needs_no_training() -> None:
    assert not changed(prepared(crosses(fine=False)).autoencoder)


def test_without_steps_nothing_is_trained() -> None:
    assert not changed(prepared(crosses(), steps=0).autoencoder)


def test_the_training_repeats_also_in_the_same_modality() -> None:
    images, again = prepared(crosses()), prepared(crosses())
    again.prepare(again.samples(CPU), torch.Generator().manual_seed(0), steps=30, engine=Engine(CPU))
    for one, other in zip(images.autoencoder.parameters(), again.autoencoder.parameters(), strict=True):
        assert torch.equal(one, other)


def test_crops_are_parts_of_the_images() -> None:
    images = LatentImageModality(crosses(side=64), seed=0)
    samples = images.samples(CPU)
    crops = drawn_crops(samples, 5, torch.Generator().manual_seed(0))
    assert crops.shape == (5, 3, CROP, CROP)
    drawn, _ = samples.draw(5, torch.Generator().manual_seed(0))
    windows = drawn.unfold(2, CROP, 1).unfold(3, CROP, 1).permute(0, 2, 3, 1, 4, 5)
    found = (windows == crops[:, None, None]).all(dim=(3, 4, 5))
    assert found.flatten(1).any(dim=1).all()


def test_the_exported_model_has_the_trained_decoder() -> None:
    run = Run(crosses(), space="latent", max_steps=50, random_state=0)
    assert isinstance(run.modality, LatentImageModality)
    generator = run.run().export()
    assert changed(run.modality.autoencoder)
    weights = run.modality.autoencoder.decoder.end.bias.detach().numpy()
    assert any(
        value.shape == weights.shape and np.allclose(value, weights, atol=1e-6)
        for value in stored(generator.to_bytes())
    )


def stored(model: bytes) -> list[np.ndarray[Any, Any]]:
    """Return the weights in an ONNX model."""
    import onnx

    return [onnx.numpy_helper.to_array(tensor) for tensor in onnx.load_from_string(model).graph.initializer]
