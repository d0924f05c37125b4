"""The shipped autoencoder: what it keeps of images, and that latents can be changed like images."""

import math

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from ganaug.networks.autoencoder import FACTOR, LATENT_CHANNELS, WEIGHTS, Autoencoder

MAX_BYTES = 8_000_000


def landscape(channels: int, side: int = 64) -> Tensor:
    """Return two smooth pictures with an edge, (2, channels, side, side)."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, side), torch.linspace(-1, 1, side), indexing="ij")
    hill = (y > 0.3 * torch.sin(3 * x)).float()
    planes = [0.5 * y + 0.3 * hill, 0.4 * x - 0.4 * hill, 0.2 * torch.cos(2 * x + y), 1.6 * hill - 0.8]
    picture = torch.stack(planes[:channels])
    return torch.stack([picture, picture.flip(2)])


def decibels(image: Tensor, reference: Tensor) -> float:
    return -10 * math.log10(float((image - reference).square().mean()) / 4)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("side", [32, 64])
def test_images_come_back(channels: int, side: int) -> None:
    autoencoder, image = Autoencoder.load(channels), landscape(channels, side)
    latents = autoencoder.encode(image)
    assert latents.shape == (2, autoencoder.latent_channels, side // FACTOR, side // FACTOR)
    assert autoencoder.latent_channels == LATENT_CHANNELS * (2 if channels == 4 else 1)
    decoded = autoencoder.decode(latents)
    assert decoded.shape == image.shape
    assert decoded.abs().max() <= 1
    assert decibels(decoded, image) > 27


@pytest.mark.parametrize("level", [-1.0, 1.0])
def test_plain_black_and_white_stay_plain(level: float) -> None:
    autoencoder = Autoencoder.load(3)
    plain = torch.full((1, 3, 32, 32), level)
    assert (autoencoder.decode(autoencoder.encode(plain)) - plain).abs().max() < 0.06


def test_latents_can_be_shrunk_and_mirrored_like_images() -> None:
    autoencoder, image = Autoencoder.load(3), landscape(3)
    latents = autoencoder.encode(image)
    assert decibels(autoencoder.decode(latents.flip(3)), image.flip(3)) > 25
    assert decibels(autoencoder.decode(F.avg_pool2d(latents, 2)), F.avg_pool2d(image, 2)) > 22


def test_small_errors_of_the_latents_are_small_errors_of_the_image() -> None:
    autoencoder, image = Autoencoder.load(3), landscape(3)
    latents = autoencoder.encode(image)
    noisy = latents + 0.05 * torch.randn(latents.shape, generator=torch.Generator().manual_seed(0))
    assert decibels(autoencoder.decode(noisy), autoencoder.decode(latents)) > 24


def test_the_weights_are_small_and_fixed() -> None:
    assert WEIGHTS.stat().st_size < MAX_BYTES
    assert {weight.dtype for weight in load_file(WEIGHTS).values()} == {torch.float16}
    assert not any(parameter.requires_grad for parameter in Autoencoder.load(3).parameters())
