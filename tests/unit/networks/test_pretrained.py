"""The weights that networks of latents begin with."""

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from ganaug.data.images.dataset import from_arrays
from ganaug.networks.latents import LatentImageModality
from ganaug.networks.pretrained import SIDES, WEIGHTS

NAMES = ("generator", "discriminator")


def modality(side: int, channels: int = 3, **settings: int) -> LatentImageModality:
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (6, 4 * side, 4 * side, channels), generator=random, dtype=torch.uint8)
    return LatentImageModality(from_arrays(images.numpy(), [0, 1] * 3, size=4 * side), seed=0, **settings)


def network(name: str, images: LatentImageModality) -> nn.Module:
    torch.manual_seed(0)
    return images.new_generator() if name == "generator" else images.new_discriminator()


def begun(network: nn.Module, name: str, side: int) -> dict[str, bool]:
    """Return for each layer whether it begins with the stored weights."""
    stored = load_file(WEIGHTS)
    return {
        layer: (key := f"{name}.{side}.{layer}") in stored and torch.equal(value, stored[key].float())
        for layer, value in network.state_dict().items()
    }


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", NAMES)
def test_all_layers_but_the_classes_begin_with_the_stored_weights(name: str, side: int) -> None:
    layers = begun(network(name, modality(side)), name, side)
    assert {layer for layer, same in layers.items() if not same} == {"embed.weight"}


@pytest.mark.parametrize("name", NAMES)
def test_larger_images_begin_with_the_layers_of_the_largest_stored_side(name: str) -> None:
    layers = begun(network(name, modality(32)), name, SIDES[-1])
    fresh = {layer.rsplit(".", 1)[0] for layer, same in layers.items() if not same}
    assert layers["block.2.conv.0.weight"]
    assert fresh >= {"embed", "block.3.conv.0"}
    assert not any(layer.startswith(("block.0", "block.1", "block.2")) for layer in fresh)


def test_images_with_alpha_begin_with_all_layers_but_those_at_the_latents() -> None:
    layers = begun(network("generator", modality(8, channels=4)), "generator", 8)
    fresh = {layer.split(".")[0] for layer, same in layers.items() if not same}
    assert fresh == {"embed", "draw"}


@pytest.mark.parametrize("name", NAMES)
def test_wider_networks_begin_anew(name: str) -> None:
    layers = begun(network(name, modality(8, capacity=2)), name, 8)
    assert not any(same for layer, same in layers.items() if layer.endswith("weight"))


def test_the_generator_varies_before_it_is_trained() -> None:
    generator = network("generator", modality(8)).eval()
    with torch.no_grad():
        drawn = generator(torch.randn(20, 64, generator=torch.Generator().manual_seed(0)), torch.zeros(20).long())
    assert drawn.std(dim=0).mean() > 0.2
