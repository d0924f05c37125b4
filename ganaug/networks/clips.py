"""Clips as networks see them: the modality of labelled clips."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.data.clips.dataset import LabelledClips
from ganaug.errors import DataError
from ganaug.networks.classifiers import ConvClassifier3d
from ganaug.networks.convolutional import truncated
from ganaug.networks.convolutional_3d import ClipDiscriminator, ClipGenerator, Stages
from ganaug.networks.modality import DEFAULT_TECHNIQUES, Bounds, Decoder, Drawn, Modality, noise_dim_of
from ganaug.networks.projection import ProjectionDiscriminator
from ganaug.networks.samples import Batch, Samples
from ganaug.techniques.clip_augmentation import distort
from ganaug.techniques.histogram_matching import HistogramMatched, level_shares, matching_curve
from ganaug.techniques.losses import gaussian_loss, variety_loss
from ganaug.techniques.switches import Techniques

DEFAULT_SECONDS = 180.0  # of a training for which the user gives no length
SCREEN_WIDTHS = (16, 32, 48)  # channels of the screen's convolutions
SCREEN_SIDE = 32
"""Side in pixels to which the screen averages larger clips."""
MATCHED = 64
"""Clips of either kind that histograms are taken from."""
MATCHED_AT_ONCE = 16  # clips
VARIETY_SIDE, VARIETY_FRAMES = 8, 4
"""Pixels a side and frames at which variety is measured."""
VARIETY_WEIGHT = 1.0  # of the variety loss, relative to the pairing loss


class Clips(Samples):
    """Clips as uint8 of shape (N, C, T, H, W). The networks see [-1, 1]."""

    def inputs(self, rows: Tensor) -> Tensor:
        """Return clips in [-1, 1], float32 (len(rows), C, T, H, W)."""
        return self.values[rows].float() / 127.5 - 1

    def downscaled(self, side: int) -> Self:
        """Return clips whose frames are averaged down to at most `side` pixels; no frame is left out."""
        factor = self.values.shape[-1] // side
        if factor <= 1:
            return self
        kernel = 1, factor, factor
        parts = [F.avg_pool3d(part.float(), kernel).round().to(torch.uint8) for part in torch.split(self.values, 64)]
        return replace(self, values=torch.cat(parts))


class ClipDecoder(Decoder):
    """Maps noise (B, noise_dim) and labels (B,) to finished clips, ``clip``, uint8 (B, T, H, W, C)."""

    output_names = ("clip",)

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, noise: Tensor, label: Tensor) -> Drawn:
        """Return clips in [-1, 1] and as pixels."""
        clip = self.generator(noise, label)
        pixels = ((clip + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 4, 1)
        return Drawn(clip, clip, (pixels,))


class ClipModality(Modality):
    """Labelled clips and convolutional networks that grow in the plane and in time."""

    code_dim = 64
    batch_size = 16
    mixed = True
    export_seconds = 4.0
    clear_agreement = 0.6

    data: LabelledClips

    def __init__(
        self, data: LabelledClips, *, seed: int, augment: Any = None, techniques: Techniques = DEFAULT_TECHNIQUES
    ) -> None:
        if augment is not None:
            raise DataError("augment must be None for clips, because it is a pipeline for images: leave it out")
        super().__init__(data, seed=seed, techniques=techniques)
        codec = data.codec
        self.shape = codec.channels, codec.frames, codec.size, codec.size
        self.growth = Stages.of(codec.frames, codec.size)
        self.stages = self.growth.sides if self.techniques.growing else self.growth.sides[-1:]

    @staticmethod
    def default_bounds(data: LabelledClips) -> Bounds:  # noqa: ARG004
        """Return three minutes."""
        return Bounds(DEFAULT_SECONDS, None)

    def encoded(self, data: LabelledClips, device: torch.device) -> Clips:  # type: ignore[override]
        """Return clips on the device."""
        pixels = torch.from_numpy(data.clips).permute(0, 4, 1, 2, 3).contiguous()
        return Clips(pixels.to(device), torch.from_numpy(data.labels).to(device), self.n_classes)

    def new_network(self) -> ClipGenerator:
        """Return an untrained convolutional generator."""
        names = "mapping_layers", "shared_blocks", "style_mixing"
        settings: dict[str, Any] = {name: getattr(self.techniques, name) for name in names}
        network = ClipGenerator(self.n_classes, self.growth, self.shape[0], noise_dim=self.code_dim, **settings)
        return network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload,no-any-return]

    def new_discriminator(self) -> ProjectionDiscriminator:
        """Return an untrained convolutional discriminator."""
        network = ClipDiscriminator(self.n_classes, self.growth, self.shape[0])
        return network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload,no-any-return]

    def new_classifier(self) -> ConvClassifier3d:
        """Return a classifier of 57,000 parameters that works on 2x2 patches, as the generator does."""
        return ConvClassifier3d(self.shape[0], self.n_classes, SCREEN_WIDTHS, max_side=SCREEN_SIDE)

    def at_stage(self, real: Tensor, stage: int) -> Tensor:
        """Return clips averaged down to the side and the frames that are being trained."""
        frames = self.growth.frames[self.growth.sides.index(stage)]
        if real.shape[-1] == stage:
            return real
        factor = self.shape[3] // stage
        return F.avg_pool3d(real, (self.shape[1] // frames, factor, factor))

    def synthesise(self, generator: nn.Module, batch: Batch) -> Tensor:
        """Return synthetic clips (B, C, T, H, W) in [-1, 1].

        The clips of one class share half of the noise that bends them. Otherwise bending alone could provide the
        variety that the loss asks for, and the drawing before it would not vary.
        """
        noise, shared = batch.noise(), generator.bending // 2  # type: ignore[operator]
        noise[:, :shared] = noise[batch.label % len(noise), :shared]
        synthetic: Tensor = generator(noise, batch.label, batch.real.shape[-1])
        return synthetic

    def reconstruct(self, network: nn.Module, code: Tensor, batch: Batch) -> Tensor:
        """Return clips (B, C, T, H, W) in [-1, 1]."""
        clips: Tensor = network(code, batch.label, batch.real.shape[-1])
        return clips

    def reconstruction_loss(self, outputs: Tensor, real: Tensor) -> Tensor:
        """Return the loss of a normal distribution of every value."""
        return gaussian_loss((outputs.float() - real).flatten(1), together=True)

    @property
    def point_dim(self) -> int:
        """The number of values of a clip."""
        return math.prod(self.shape)

    def points(self, real: Tensor, random: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return the values of each clip in a row, (B, C * T * H * W)."""
        if real.shape[1:] != self.shape:  # a stage of the growth
            real = F.interpolate(real, self.shape[1:], mode="trilinear", align_corners=False)
        return real.flatten(1)

    def outputs_of(self, points: Tensor) -> Tensor:
        """Return clips (B, C, T, H, W), clipped to [-1, 1]."""
        return points.view(-1, *self.shape).clamp(-1, 1)

    def distort(self, samples: Tensor, random: torch.Generator) -> Tensor:
        """Return clips warped, relit and shifted in time."""
        return distort(samples, random)

    def discrepancy(self, real: Tensor, synthetic: Tensor, label: Tensor) -> Tensor:
        """Return the lack of variety within a class, seen at a few frames of a few pixels."""
        size = min(VARIETY_FRAMES, real.shape[2]), VARIETY_SIDE, VARIETY_SIDE
        seen, drawn = (F.adaptive_avg_pool3d(x.float(), size).flatten(1) for x in (real, synthetic))
        return VARIETY_WEIGHT * variety_loss(seen, drawn, label)  # of (B, C * 256) each

    @torch.no_grad()
    def corrected(self, generator: nn.Module, learned: Samples, random: torch.Generator) -> nn.Module:
        """Return the generator with the histogram of the real clips, where these have plain black or white parts."""
        truncated(generator, self.techniques.truncation, random)
        levels, noise_dim = [], noise_dim_of(generator)
        for _ in range(MATCHED // MATCHED_AT_ONCE):
            real, label = learned.draw(MATCHED_AT_ONCE, random)
            drawn = generator(torch.randn(MATCHED_AT_ONCE, noise_dim, generator=random), label.cpu())
            if not torch.isfinite(drawn).all():  # the training failed, and the runtime will refuse the model
                return generator
            levels.append(torch.stack([level_shares(drawn), level_shares(real.cpu())]))
        curve = matching_curve(*torch.stack(levels).mean(0))
        return HistogramMatched(generator, curve) if curve else generator

    def decoder(self, generator: nn.Module) -> Decoder:
        """Return the generator with the rounding to pixels."""
        return ClipDecoder(generator)

    def schema(self) -> Mapping[str, Any]:
        """Return the shape of the clips, and the form of their files."""
        channels, frames, height, width = self.shape
        form = self.data.codec.form
        written = {"ending": form.ending, "dtype": form.dtype, "axes": form.axes, "duration": form.duration}
        return {"frames": frames, "height": height, "width": width, "channels": channels} | written

    def settings(self) -> dict[str, object]:
        """Return the number of frames and the size."""
        return {"frames": self.shape[1], "size": self.shape[3]}


def modality(
    data: LabelledClips,
    *,
    seed: int,
    augment: Any,
    space: str,
    capacity: int,  # noqa: ARG001
    techniques: Techniques,
) -> ClipModality:
    """Return the modality of clips. It has one space, and its networks one width."""
    if space != "auto":
        raise DataError(f"space must be 'auto' for clips, but is {space!r}: the other spaces are for images")
    return ClipModality(data, seed=seed, augment=augment, techniques=techniques)


MODALITY = ClipModality
