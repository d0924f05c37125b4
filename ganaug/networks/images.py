"""Images as networks see them: the modality of labelled images."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.compute.draws import Random, integers
from ganaug.data.images.dataset import LabelledImages
from ganaug.data.images.pipeline import Pipeline
from ganaug.data.images.stored import StoredImages
from ganaug.networks.array_modality import ArrayModality, histogram_matched
from ganaug.networks.classifiers import ConvClassifier
from ganaug.networks.convolutional import SMALLEST, ConvDiscriminator, ConvGenerator, resolutions
from ganaug.networks.mapping import truncated
from ganaug.networks.modality import DEFAULT_TECHNIQUES, Bounds, Decoder, Drawn
from ganaug.networks.projection import ProjectionDiscriminator
from ganaug.networks.samples import Samples
from ganaug.techniques.augmentation import distort
from ganaug.techniques.losses import variety_loss
from ganaug.techniques.switches import Techniques

Network = TypeVar("Network", bound=nn.Module)

DEFAULT_SECONDS = 180.0  # of a training for which the user gives no length
SCREEN_WIDTHS = (32, 48, 64)  # channels of the screen's convolutions
MATCHED_NUMBERS = 2**20
"""Numbers in the images that histograms are taken from, within the bounds below."""
MIN_MATCHED = 16  # images
MAX_MATCHED = 512  # images
MAX_MATCHED_AT_ONCE = 32
"""Images drawn in one pass for the histograms."""
VARIETY_WEIGHT = 1.0  # of the variety loss, relative to the pairing loss


@dataclass(frozen=True)
class Images(Samples):
    """Images as uint8 of shape (N, C, H, W), which a pipeline may change at each draw. The networks see [-1, 1]."""

    pipeline: Pipeline | None = None

    def pixels(self, rows: Tensor) -> Tensor:
        """Return images as uint8 (len(rows), C, H, W)."""
        return self.values[rows]

    def inputs(self, rows: Tensor) -> Tensor:
        """Return images in [-1, 1], float32 (len(rows), C, H, W)."""
        return scaled_pixels(self.pixels(rows))

    def downscaled(self, side: int) -> Self:
        """Return images averaged down to at most `side` pixels, unless a pipeline needs them at their own size."""
        factor = self.values.shape[-1] // side
        if factor <= 1 or self.pipeline is not None:
            return self
        return replace(self, values=averaged_down(self.values, factor))

    def draw(self, count: int, random: Random) -> tuple[Tensor, Tensor]:
        """Draw images and their labels as `Samples.draw` does, each image changed by the pipeline."""
        rows = self._drawn_rows(count, random)
        return self.changed(rows, random), self.label[rows]

    def changed(self, rows: Tensor, random: Random) -> Tensor:
        """Return images as `inputs` does, each changed by the pipeline, if there is one."""
        if self.pipeline is None:
            return self.inputs(rows)
        seed = int(integers(2**31, (1,), random))
        pixels = self.pipeline(self.pixels(rows).cpu().permute(0, 2, 3, 1).numpy(), seed)
        return scaled_pixels(torch.from_numpy(pixels).permute(0, 3, 1, 2).to(self.label.device))


@dataclass(frozen=True)
class ImagesOnDisk(Images):
    """Images in a file, read when they are needed. `values` has their shape alone: (0, C, H, W)."""

    stored: StoredImages = field(kw_only=True)

    def pixels(self, rows: Tensor) -> Tensor:
        """Return images as uint8 (len(rows), C, H, W)."""
        pixels = torch.from_numpy(np.asarray(self.stored[rows.cpu().numpy()])).permute(0, 3, 1, 2)
        factor = pixels.shape[-1] // self.values.shape[-1]
        pixels = averaged_down(pixels, factor) if factor > 1 else pixels.contiguous()
        return pixels.to(self.label.device)

    def downscaled(self, side: int) -> Self:
        """Return images as `Images.downscaled` does, averaged down when they are needed."""
        own = self.values.shape[-1]
        if own // side <= 1 or self.pipeline is not None:
            return self
        return replace(self, values=self.values.new_empty(*self.values.shape[:2], side, side))

    def subset(self, rows: Tensor) -> Self:
        """Return some of the images, without reading them."""
        return replace(self, stored=self.stored[rows.cpu().numpy()], label=self.label[rows])


def scaled_pixels(pixels: Tensor) -> Tensor:
    """Return uint8 as float32 in [-1, 1]."""
    return pixels.float() / 127.5 - 1


def averaged_down(pixels: Tensor, factor: int) -> Tensor:
    """Return images (N, C, H, W), uint8, with the means of squares of `factor` pixels a side."""
    parts = [F.avg_pool2d(part.float(), factor).round().to(torch.uint8) for part in torch.split(pixels, 256)]
    return torch.cat(parts)


def as_pixels(image: Tensor) -> Tensor:
    """Return images (B, C, H, W) in [-1, 1] as uint8 (B, H, W, C)."""
    return ((image + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


class ImageDecoder(Decoder):
    """Maps noise (B, noise_dim) and labels (B,) to finished pixels, ``image``, uint8 (B, H, W, C)."""

    output_names = ("image",)

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, noise: Tensor, label: Tensor) -> Drawn:
        """Return images in [-1, 1] and as pixels."""
        image = self.generator(noise, label)
        return Drawn(image, image, (as_pixels(image),))


class ImageModality(ArrayModality):
    """Labelled images and convolutional networks that grow with the resolution."""

    mixed = True
    export_seconds = 2.0
    space = "pixels"

    data: LabelledImages

    def __init__(
        self,
        data: LabelledImages,
        *,
        seed: int,
        augment: Any = None,
        capacity: int = 1,
        space_reason: str = "",
        techniques: Techniques = DEFAULT_TECHNIQUES,
    ) -> None:
        super().__init__(data, seed=seed, augment=augment, techniques=techniques)
        self.capacity = capacity
        self.space_reason = space_reason
        self.pipeline = None if augment is None else Pipeline(augment, data.images[0])
        self.size, self.channels = data.codec.size, data.codec.channels
        self.stages = self.grown(resolutions(self.size))

    @staticmethod
    def default_bounds(data: LabelledImages) -> Bounds:  # noqa: ARG004
        """Return three minutes."""
        return Bounds(DEFAULT_SECONDS, None)

    def encoded(self, data: LabelledImages, device: torch.device) -> Images:  # type: ignore[override]
        """Return images on the device, or those in a file where they are."""
        label = torch.from_numpy(data.labels).to(device)
        if isinstance(data.images, StoredImages):
            empty = torch.empty(0, self.channels, self.size, self.size, dtype=torch.uint8)
            return ImagesOnDisk(empty, label, self.n_classes, stored=data.images)
        pixels = torch.from_numpy(data.images).permute(0, 3, 1, 2).contiguous()
        return Images(pixels.to(device), label, self.n_classes)

    def samples(self, device: torch.device) -> Images:
        """Return the training images, with the user's pipeline."""
        return replace(self.encoded(self.data, device), pipeline=self.pipeline)

    def new_network(self) -> nn.Module:
        """Return an untrained convolutional generator."""
        network = ConvGenerator(
            self.n_classes, self.size, self.channels, capacity=self.capacity, **self.network_settings
        )
        return channels_last(network)

    def new_discriminator(self) -> ProjectionDiscriminator:
        """Return an untrained convolutional discriminator."""
        return channels_last(ConvDiscriminator(self.n_classes, self.size, self.channels, capacity=self.capacity))

    def new_classifier(self) -> ConvClassifier:
        """Return a classifier of 40,000 parameters that works on 2x2 patches, as the generator does."""
        return ConvClassifier(self.channels, self.n_classes, SCREEN_WIDTHS, max_side=32, patch=2)

    def at_stage(self, real: Tensor, stage: int) -> Tensor:
        """Return images averaged down to the side that is being trained."""
        return real if stage == self.size else F.avg_pool2d(real, self.size // stage)

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """Shape of what a network draws: channels, height, width."""
        return self.channels, self.size, self.size

    def distort(self, samples: Tensor, random: Random) -> Tensor:
        """Return images warped and relit."""
        return distort(samples, random)

    def discrepancy(self, real: Tensor, synthetic: Tensor, label: Tensor) -> Tensor:
        """Return the lack of variety within a class, seen at `SMALLEST` pixels."""
        seen, drawn = (F.avg_pool2d(x.float(), x.shape[-1] // SMALLEST).flatten(1) for x in (real, synthetic))
        return VARIETY_WEIGHT * variety_loss(seen, drawn, label)  # of (B, C * 64) each

    def corrected(self, generator: nn.Module, learned: Samples, random: torch.Generator) -> nn.Module:
        """Return the generator with the histogram of the real images, where these have plain black or white parts."""
        truncated(generator, self.techniques.truncation, random)
        affordable = MATCHED_NUMBERS // self.data.images[0].size
        at_once = max(1, min(MAX_MATCHED_AT_ONCE, affordable))
        count = max(MIN_MATCHED, min(MAX_MATCHED, affordable))
        return histogram_matched(generator, learned, random, count=count, at_once=at_once)

    def decoder(self, generator: nn.Module) -> Decoder:
        """Return the generator with the rounding to pixels."""
        return ImageDecoder(generator)

    def schema(self) -> Mapping[str, Any]:
        """Return the shape of the images."""
        return {"height": self.size, "width": self.size, "channels": self.channels}

    def settings(self) -> dict[str, object]:
        """Return the size, the space, the capacity and the user's augmentation."""
        own = {} if self.pipeline is None else {"augment": repr(self.pipeline)}
        return {"size": self.size, "space": self.space, "capacity": self.capacity} | own


def channels_last(network: Network) -> Network:
    """Return a network with its weights in the memory format that convolutions on a CPU prefer."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def modality(
    data: LabelledImages, *, seed: int, augment: Any, space: str, capacity: int, techniques: Techniques
) -> ImageModality:
    """Return the modality of images in the space of their pixels, or of the latents of the shipped autoencoder."""
    from ganaug.networks.latents import LatentImageModality
    from ganaug.networks.space import choose_space

    choice = choose_space(data, space)
    kind = LatentImageModality if choice.space == "latent" else ImageModality
    settings: dict[str, Any] = {"seed": seed, "augment": augment, "capacity": capacity, "techniques": techniques}
    found = kind(data, space_reason=choice.reason, **settings)
    found.rival = choice.rival
    return found


MODALITY = ImageModality
