"""The convolutional autoencoder that is shipped: images <-> latents of a quarter of their side.

A generator that learns latents need not learn how to draw edges and textures: the decoder draws them. The architecture
is that of a first stage of latent diffusion (Rombach et al. 2022), reduced until a CPU decodes thousands of images a
second. Encoder and decoder are fully convolutional, so that one set of weights serves every size.

Latents are bounded by a tanh. The decoder learned under noise, so that it forgives small errors of a generator, and it
learned that shrinking, turning or mirroring the latents does the same to the image (EQ-VAE, Kouzelis et al. 2025), so
that latents can be grown and distorted as pixels can.
"""

from itertools import pairwise
from pathlib import Path
from typing import Self

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

WEIGHTS = Path(__file__).with_name("autoencoder.safetensors")
"""The trained weights, float16. ``tools/train_autoencoder.py`` made them."""
FACTOR = 4
"""Side of an image in pixels for each cell of the latents."""
LATENT_CHANNELS = 16  # of a grey or RGB image
ENCODER_WIDTHS = (64, 64, 64)  # channels of the residual blocks
DECODER_WIDTHS = (80, 80)  # channels of the residual blocks
DETAIL_WIDTH = 32
"""Channels at half the side of the image, where the edges of the 4x4 patches are joined."""


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside an identity; the second begins at zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, padding_mode="replicate")
        self.second = nn.Conv2d(width, width, 3, padding=1, padding_mode="replicate")
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return refined features (B, C, H, W)."""
        refined: Tensor = x + self.second(F.relu(self.first(F.relu(x))))
        return refined


class Encoder(nn.Module):
    """Maps RGB images (B, 3, H, W) in [-1, 1] to latents (B, LATENT_CHANNELS, H/4, W/4) in [-1, 1]."""

    def __init__(self) -> None:
        super().__init__()
        first, last = ENCODER_WIDTHS[0], ENCODER_WIDTHS[-1]
        self.begin = nn.Conv2d(3 * FACTOR**2, first, 3, padding=1, padding_mode="replicate")
        self.block = _blocks(ENCODER_WIDTHS)
        self.end = nn.Conv2d(last, LATENT_CHANNELS, 3, padding=1, padding_mode="replicate")

    def forward(self, image: Tensor) -> Tensor:
        """Return latents."""
        x = self.block(self.begin(F.pixel_unshuffle(image, FACTOR)))
        return torch.tanh(self.end(F.relu(x)).float())


class Decoder(nn.Module):
    """Maps latents (B, LATENT_CHANNELS, h, w) to RGB images (B, 3, 4h, 4w), nearly all in [-1, 1]."""

    def __init__(self) -> None:
        super().__init__()
        first, last = DECODER_WIDTHS[0], DECODER_WIDTHS[-1]
        self.begin = nn.Conv2d(LATENT_CHANNELS, first, 3, padding=1, padding_mode="replicate")
        self.block = _blocks(DECODER_WIDTHS)
        self.enlarge = nn.Conv2d(last, 4 * DETAIL_WIDTH, 3, padding=1, padding_mode="replicate")
        self.detail = nn.Conv2d(DETAIL_WIDTH, DETAIL_WIDTH, 3, padding=1, padding_mode="replicate")
        self.end = nn.Conv2d(DETAIL_WIDTH, 4 * 3, 3, padding=1, padding_mode="replicate")

    def forward(self, latents: Tensor) -> Tensor:
        """Return images."""
        x = F.relu(self.block(self.begin(latents)))
        x = F.pixel_shuffle(self.enlarge(x), 2)  # (B, DETAIL_WIDTH, 2h, 2w)
        x = x + self.detail(F.relu(x))
        return F.pixel_shuffle(self.end(F.relu(x)), 2).float()


def _blocks(widths: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = [ResidualBlock(widths[0])]
    for before, width in pairwise(widths):
        if before != width:
            layers.append(nn.Conv2d(before, width, 1))
        layers.append(ResidualBlock(width))
    return nn.Sequential(*layers)


class Autoencoder(nn.Module):
    """Encoder and decoder of images with 1, 3 or 4 channels; it draws no gradients unless it is asked to.

    A grey image is coded as an RGB image of three equal channels. The alpha of an image is coded like a grey image, in
    latents of its own behind those of the colours.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.encoder, self.decoder = Encoder(), Decoder()

    @classmethod
    def load(cls, channels: int) -> Self:
        """Return the shipped autoencoder for images of so many channels, on the CPU."""
        with torch.device("meta"):  # without first weights, which would be drawn from torch's global state
            autoencoder = cls(channels)
        weights = {name: weight.float() for name, weight in load_file(WEIGHTS).items()}
        autoencoder.load_state_dict(weights, assign=True)
        return autoencoder.eval().requires_grad_(False)

    @property
    def latent_channels(self) -> int:
        """Channels of the latents."""
        return LATENT_CHANNELS * (2 if self.channels == 4 else 1)

    def encode(self, image: Tensor) -> Tensor:
        """Return latents (B, latent_channels, H/4, W/4) of images (B, channels, H, W); both are in [-1, 1]."""
        if self.channels == 4:
            alpha = image[:, 3:].expand(-1, 3, -1, -1)
            return torch.cat([self.encoder(image[:, :3]), self.encoder(alpha)], dim=1)
        latents: Tensor = self.encoder(image.expand(-1, 3, -1, -1))
        return latents

    def decode(self, latents: Tensor) -> Tensor:
        """Return images (B, channels, 4h, 4w) of latents (B, latent_channels, h, w); both are in [-1, 1]."""
        images: list[Tensor] = [self.decoder(one).clamp(-1, 1) for one in torch.split(latents, LATENT_CHANNELS, 1)]
        if self.channels == 3:
            return images[0]
        grey = images[-1].mean(dim=1, keepdim=True)
        return grey if self.channels == 1 else torch.cat([images[0], grey], dim=1)
