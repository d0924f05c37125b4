"""Clips as networks see them: the modality of labelled clips."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.compute.draws import Random
from ganaug.data.clips.dataset import LabelledClips
from ganaug.networks.array_modality import ArrayModality, histogram_matched
from ganaug.networks.classifiers import ConvClassifier3d
from ganaug.networks.convolutional_3d import ClipDiscriminator, ClipGenerator, Stages
from ganaug.networks.mapping import truncated
from ganaug.networks.modality import DEFAULT_TECHNIQUES, Bounds, Decoder, Drawn, refuse_image_settings
from ganaug.networks.projection import ProjectionDiscriminator
from ganaug.networks.samples import Samples
from ganaug.techniques.clip_augmentation import distort
from ganaug.techniques.losses import variety_loss
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


class ClipModality(ArrayModality):
    """Labelled clips and convolutional networks that grow in the plane and in time."""

    mixed = True
    export_seconds = 4.0

    data: LabelledClips

    def __init__(self, data: LabelledClips, *, seed: int, techniques: Techniques = DEFAULT_TECHNIQUES) -> None:
        super().__init__(data, seed=seed, techniques=techniques)
        codec = data.codec
        self.growth = Stages.of(codec.frames, codec.size)
        self.stages = self.grown(self.growth.sides)

    @property
    def output_shape(self) -> tuple[int, int, int, int]:
        """Shape of a clip: channels, frames, height, width."""
        codec = self.data.codec
        return codec.channels, codec.frames, codec.size, codec.size

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
        network = ClipGenerator(self.n_classes, self.growth, self.output_shape[0], **self.network_settings)
        return network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload,no-any-return]

    def new_discriminator(self) -> ProjectionDiscriminator:
        """Return an untrained convolutional discriminator."""
        network = ClipDiscriminator(self.n_classes, self.growth, self.output_shape[0])
        return network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload,no-any-return]

    def new_classifier(self) -> ConvClassifier3d:
        """Return a classifier of 57,000 parameters that works on 2x2 patches, as the generator does."""
        return ConvClassifier3d(self.output_shape[0], self.n_classes, SCREEN_WIDTHS, max_side=SCREEN_SIDE)

    def at_stage(self, real: Tensor, stage: int) -> Tensor:
        """Return clips averaged down to the side and the frames that are being trained."""
        frames = self.growth.frames[self.growth.sides.index(stage)]
        if real.shape[-1] == stage:
            return real
        factor = self.output_shape[3] // stage
        return F.avg_pool3d(real, (self.output_shape[1] // frames, factor, factor))

    def points(self, real: Tensor, random: Random) -> Tensor:  # noqa: ARG002
        """Return the values of each clip in a row, (B, C * T * H * W)."""
        if real.shape[1:] != self.output_shape:  # a stage of the growth
            real = F.interpolate(real, self.output_shape[1:], mode="trilinear", align_corners=False)
        return real.flatten(1)

    def distort(self, samples: Tensor, random: Random) -> Tensor:
        """Return clips warped, relit and shifted in time."""
        return distort(samples, random)

    def discrepancy(self, real: Tensor, synthetic: Tensor, label: Tensor) -> Tensor:
        """Return the lack of variety within a class, seen at a few frames of a few pixels."""
        size = min(VARIETY_FRAMES, real.shape[2]), VARIETY_SIDE, VARIETY_SIDE
        seen, drawn = (F.adaptive_avg_pool3d(x.float(), size).flatten(1) for x in (real, synthetic))
        return VARIETY_WEIGHT * variety_loss(seen, drawn, label)  # of (B, C * 256) each

    def corrected(self, generator: nn.Module, learned: Samples, random: torch.Generator) -> nn.Module:
        """Return the generator with the histogram of the real clips, where these have plain black or white parts."""
        truncated(generator, self.techniques.truncation, random)
        return histogram_matched(generator, learned, random, count=MATCHED, at_once=MATCHED_AT_ONCE)

    def decoder(self, generator: nn.Module) -> Decoder:
        """Return the generator with the rounding to pixels."""
        return ClipDecoder(generator)

    def schema(self) -> Mapping[str, Any]:
        """Return the shape of the clips, and the form of their files."""
        channels, frames, height, width = self.output_shape
        form = self.data.codec.form
        written = {"ending": form.ending, "dtype": form.dtype, "axes": form.axes, "duration": form.duration}
        return {"frames": frames, "height": height, "width": width, "channels": channels} | written

    def settings(self) -> dict[str, object]:
        """Return the number of frames and the size."""
        return {"frames": self.output_shape[1], "size": self.output_shape[3]}


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
    refuse_image_settings("clips", augment, space)
    return ClipModality(data, seed=seed, techniques=techniques)


MODALITY = ClipModality
