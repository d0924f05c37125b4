"""Images in the latent space of the shipped autoencoder: what a generator of photographs learns."""

import math
from collections.abc import Callable
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Self, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.compute.draws import Random, integers
from ganaug.compute.engine import Engine
from ganaug.compute.parallel import cancellation_point
from ganaug.data.images.dataset import LabelledImages
from ganaug.networks.autoencoder import FACTOR, Autoencoder
from ganaug.networks.convolutional import resolutions
from ganaug.networks.decoder_tuning import drawn_crops, tune_decoder
from ganaug.networks.images import ImageModality, Images, Network, as_pixels, channels_last
from ganaug.networks.latent_convolutional import LatentConvDiscriminator, LatentConvGenerator
from ganaug.networks.modality import Decoder, Drawn
from ganaug.networks.pretrained import begin_pretrained
from ganaug.networks.projection import ProjectionDiscriminator
from ganaug.networks.samples import Samples
from ganaug.networks.space import FAITHFUL, decibels, reproductions
from ganaug.techniques.augmentation import augment, strengths, warp
from ganaug.techniques.histogram_matching import HistogramMatched

MEASURED_IMAGES = 128
"""Images from which the scale of the latents is measured, and whether the decoder knows their kind."""
CPU = torch.device("cpu")
VIEWS = 8
"""Encodings of each image, each under a distortion of its own that keeps the label."""
MIN_VIEWS = 4
"""Where so many do not fit in memory, images are encoded when they are drawn."""
VIEW_STRENGTH = 0.5  # of the distortion, relative to that of `distort`
MAX_NUMBERS = 2**27
"""Numbers in all encodings, at most; larger data sets have fewer of each image."""
ENCODED_AT_ONCE = 64  # images
SPREAD = 2.0
"""Standard deviations of a latent channel that map to 1: what the generator draws is bounded by 1."""


@dataclass(frozen=True)
class Latents(Samples):
    """Standardised latents of V views of each image, float16 (N, V, C, h, w). The first view is undistorted."""

    def inputs(self, rows: Tensor) -> Tensor:
        """Return the latents of the undistorted images, float32 (len(rows), C, h, w)."""
        return self.values[rows, 0].float()

    def draw(self, count: int, random: Random) -> tuple[Tensor, Tensor]:
        """Draw images and their labels as `Samples.draw` does, each in one of its views."""
        rows = self._drawn_rows(count, random)
        views = integers(self.values.shape[1], (count,), random).to(rows.device)
        return self.values[rows, views].float(), self.label[rows]


@dataclass(frozen=True)
class EncodedImages(Samples):
    """Images whose standardised latents are computed when they are needed, each draw under a distortion of its own.

    `values` has the shape of the latents alone: (0, C, h, w).
    """

    images: Images = field(kw_only=True)
    encode: Callable[[Tensor], Tensor] = field(kw_only=True)

    def inputs(self, rows: Tensor) -> Tensor:
        """Return the latents of the undistorted images, float32 (len(rows), C, h, w)."""
        parts = [self.encode(self.images.inputs(part)) for part in torch.split(rows, ENCODED_AT_ONCE)]
        return torch.cat(parts).float()

    def draw(self, count: int, random: Random) -> tuple[Tensor, Tensor]:
        """Draw images and their labels as `Samples.draw` does, each distorted."""
        rows = self._drawn_rows(count, random)
        return self.encode(_distorted(self.images, rows, random)).float(), self.label[rows]

    def subset(self, rows: Tensor) -> Self:
        """Return some of the samples."""
        return replace(self, images=self.images.subset(rows), label=self.label[rows])


class Standardiser(nn.Module):
    """Shifts and scales each channel of latents, and back."""

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)  # (C, 1, 1)
        self.register_buffer("scale", scale)  # (C, 1, 1)

    @classmethod
    def of(cls, latents: Tensor) -> "Standardiser":
        """Return the one that brings most numbers of (N, C, h, w) into [-1, 1]."""
        mean, deviation = latents.mean(dim=(0, 2, 3)), latents.std(dim=(0, 2, 3))
        return cls(mean[:, None, None], (SPREAD * deviation.clamp(min=1e-3))[:, None, None])

    def forward(self, latents: Tensor) -> Tensor:
        """Return standardised latents, clipped to [-1, 1]."""
        return ((latents - self.mean) / self.scale).clamp(-1, 1)

    def inverse(self, standardised: Tensor) -> Tensor:
        """Return latents."""
        return (standardised * self.scale + self.mean).clamp(-1, 1)


class DecodedGenerator(nn.Module):
    """A generator of standardised latents and the decoder: maps noise and labels to images (B, C, H, W) in [-1, 1]."""

    def __init__(
        self,
        generator: nn.Module,
        standardiser: Standardiser,
        autoencoder: Autoencoder,
        *,
        engine: Engine | None = None,
    ) -> None:
        super().__init__()
        self.generator, self.standardiser, self.autoencoder = generator, standardiser, autoencoder
        self.noise_dim, self.noise_parts = generator.noise_dim, getattr(generator, "noise_parts", None)
        self.precision = nullcontext if engine is None else engine.autocast  # of the decoder

    def decode(self, standardised: Tensor) -> Tensor:
        """Return the images of standardised latents."""
        with self.precision():
            return self.autoencoder.decode(self.standardiser.inverse(standardised))

    def forward(self, noise: Tensor, label: Tensor) -> Tensor:
        """Return images."""
        return self.decode(self.generator(noise, label))


class LatentDecoder(Decoder):
    """Maps noise and labels to finished pixels, as `ImageDecoder` does, and keeps the latents for the discriminator."""

    output_names = ("image",)
    generator: DecodedGenerator

    def __init__(self, generator: DecodedGenerator, curve: nn.Module) -> None:
        super().__init__()
        self.generator, self.curve = generator, curve

    def learned(self, noise: Tensor, label: Tensor) -> Tensor:
        """Return standardised latents."""
        latents: Tensor = self.generator.generator(noise, label)
        return latents

    def forward(self, noise: Tensor, label: Tensor) -> Drawn:
        """Return standardised latents, images in [-1, 1], and pixels."""
        latents = self.learned(noise, label)
        image = self.curve(self.generator.decode(latents))
        return Drawn(latents, image, (as_pixels(image),))


class LatentImageModality(ImageModality):
    """Labelled images whose latents are learned: a sixteenth of the places, and the decoder knows how edges look."""

    space = "latent"
    pretrained = True
    """Whether networks begin with the shipped weights."""

    def __init__(self, data: LabelledImages, *, seed: int, **settings: Any) -> None:
        super().__init__(data, seed=seed, **settings)
        self.autoencoder = Autoencoder.load(self.channels)
        self.side = self.size // FACTOR  # of the latents
        self.stages = self.grown(tuple(FACTOR * side for side in resolutions(self.side)))
        some = data.part(np.random.default_rng(seed).permutation(len(data))[:MEASURED_IMAGES])
        image = self.encoded(some, CPU).inputs(torch.arange(len(some)))
        self.standardiser = Standardiser.of(self.autoencoder.encode(image))

    def prepare(self, samples: Samples, random: torch.Generator, *, steps: int, engine: Engine) -> None:
        """Train the decoder on images of a kind that it does not know yet."""
        self.autoencoder = Autoencoder.load(self.channels)  # a second training begins anew
        crops = drawn_crops(samples, MEASURED_IMAGES, random)
        if decibels(crops.cpu(), reproductions(crops.cpu())) < FAITHFUL:
            autoencoder = self.autoencoder.to(engine.device)
            tune_decoder(autoencoder, samples, random, steps=steps, engine=engine)
            self.autoencoder = autoencoder.to(CPU)

    def learnable(self, samples: Samples, random: torch.Generator | None = None) -> Latents | EncodedImages:
        """Return standardised latents of the images; with `random`, of up to `VIEWS` distorted views of each.

        They are computed when they are needed without `random`, and where `MIN_VIEWS` do not fit in memory.
        """
        images = cast("Images", samples)
        device, form = images.label.device, self.output_shape
        views = min(VIEWS, MAX_NUMBERS // max(1, len(images) * math.prod(form)))
        if random is None or views < MIN_VIEWS:
            empty = torch.empty(0, *form, device=device)
            return EncodedImages(empty, images.label, images.n_classes, images=images, encode=self._encoder(device))
        seeds = [int(torch.randint(2**31, (), generator=random)) for _ in range(views)]
        tasks = [partial(self._view, images, seed) for seed in (None, *seeds[1:])]
        latents = torch.stack(Engine(device).side_by_side(tasks), dim=1)
        return Latents(latents, images.label, images.n_classes)

    def _view(self, images: Images, seed: int | None) -> Tensor:
        """Return standardised latents (N, C, h, w), float16, of the images; with a seed, of distorted images."""
        device, random = images.label.device, None if seed is None else torch.Generator().manual_seed(seed)
        encode, latents = self._encoder(device), []
        for rows in torch.split(torch.arange(len(images), device=device), ENCODED_AT_ONCE):
            cancellation_point()
            latents.append(encode(images.inputs(rows) if random is None else _distorted(images, rows, random)))
        return torch.cat(latents)

    def _encoder(self, device: torch.device) -> Callable[[Tensor], Tensor]:
        """Return a function of images (B, C, H, W) on a device: their standardised latents, float16 (B, C, h, w)."""
        autoencoder, standardiser = self._on(device)

        @torch.no_grad()
        def encode(images: Tensor) -> Tensor:
            with Engine(device).autocast():
                latents: Tensor = standardiser(autoencoder.encode(images)).half()
            return latents

        return encode

    def new_network(self) -> nn.Module:
        """Return a convolutional generator of latents."""
        channels = self.autoencoder.latent_channels
        network = LatentConvGenerator(
            self.n_classes, self.side, channels, capacity=self.capacity, **self.network_settings
        )
        return self._begun("generator", network)

    def new_discriminator(self) -> ProjectionDiscriminator:
        """Return a convolutional discriminator of latents."""
        channels = self.autoencoder.latent_channels
        network = LatentConvDiscriminator(self.n_classes, self.side, channels, capacity=self.capacity)
        return self._begun("discriminator", network)

    def _begun(self, name: str, network: Network) -> Network:
        """Return a network that begins with the stored weights of that name, if it is as wide as those."""
        if self.pretrained and self.capacity == 1:
            begin_pretrained(network, name, self.side)
        return channels_last(network)

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """Shape of the latents: channels, height, width."""
        return self.autoencoder.latent_channels, self.side, self.side

    def at_stage(self, real: Tensor, stage: int) -> Tensor:
        """Return the latents of images of the side that is being trained."""
        return real if stage == self.size else F.avg_pool2d(real, self.size // stage)

    def distort_learnable(self, samples: Tensor, random: Random) -> Tensor:
        """Return latents warped like images."""
        return warp(samples, strengths(len(samples), random).to(samples.device))

    def validated(self, generator: nn.Module, learned: Samples, random: torch.Generator) -> DecodedGenerator:  # noqa: ARG002
        """Return the generator with the decoder behind it."""
        device = next(generator.parameters()).device
        autoencoder, standardiser = self._on(device)
        return DecodedGenerator(generator, standardiser, autoencoder, engine=Engine(device))

    def corrected(self, generator: nn.Module, learned: Samples, random: torch.Generator) -> nn.Module:
        """Return the generator with the decoder behind it, and its histogram matched where `ImageModality` does so."""
        return super().corrected(DecodedGenerator(generator, self.standardiser, self.autoencoder), learned, random)

    def decoder(self, generator: nn.Module) -> Decoder:
        """Return the generator with the rounding to pixels."""
        if isinstance(generator, HistogramMatched):
            return LatentDecoder(cast("DecodedGenerator", generator.generator), generator.curve)
        return LatentDecoder(cast("DecodedGenerator", generator), nn.Identity())

    def _on(self, device: torch.device) -> tuple[Autoencoder, Standardiser]:
        """Return autoencoder and standardiser on a device; those of the modality stay on the CPU."""
        if device.type == "cpu":
            return self.autoencoder, self.standardiser
        return deepcopy(self.autoencoder).to(device), deepcopy(self.standardiser).to(device)


def _distorted(images: Images, rows: Tensor, random: Random) -> Tensor:
    """Return distorted images in [-1, 1]."""
    strength = VIEW_STRENGTH * strengths(len(rows), random)
    return augment(images.changed(rows, random), strength.to(rows.device)).clamp(-1, 1)
