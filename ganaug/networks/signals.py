"""Signals as networks see them: the modality of labelled signals."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.compute.draws import Random, normal
from ganaug.data.signals.dataset import LabelledSignals
from ganaug.networks.array_modality import ArrayModality
from ganaug.networks.classifiers import ConvClassifier1d
from ganaug.networks.convolutional_1d import Layout, SignalDiscriminator, SignalGenerator
from ganaug.networks.mapping import truncated
from ganaug.networks.modality import DEFAULT_TECHNIQUES, Bounds, Decoder, Drawn, refuse_image_settings
from ganaug.networks.projection import ProjectionDiscriminator
from ganaug.networks.samples import Samples
from ganaug.techniques.losses import variety_and_energy_loss
from ganaug.techniques.signal_augmentation import distort
from ganaug.techniques.switches import Techniques

DEFAULT_SECONDS = 120.0  # of a training for which the user gives no length
SCREEN_WIDTHS = (32, 64, 64)  # channels of the screen's convolutions
OUTLINED = 16
"""Windows of a signal by which variety and energy are measured."""
ENERGY_WEIGHT = 0.2  # of the energy distance, relative to the pairing loss
SPREAD = 0.02
"""Deviation of the noise on values that are taken as points, in standard deviations of a channel."""


class Waves(Samples):
    """Standardised signals, float32 of shape (N, C, L), continued to the length that the networks need."""

    def inputs(self, rows: Tensor) -> Tensor:
        """Return the signals unchanged, float32 (len(rows), C, L)."""
        return self.values[rows]


class SignalDecoder(Decoder):
    """Maps noise and labels to finished signals, ``signal``, float32 (B, length, channels), in the user's units.

    No value lies outside of the range of its channel in the training data.

    Parameters
    ----------
    generator : nn.Module
        Draws standardised signals (B, C, L).
    length : int
        Values of a finished signal in each channel.
    mean, deviation, low, high : Tensor of shape (C,)
        The scale of each channel in the user's units, and its range.
    """

    output_names = ("signal",)
    mean: Tensor
    deviation: Tensor
    low: Tensor
    high: Tensor

    def __init__(
        self, generator: nn.Module, length: int, *, mean: Tensor, deviation: Tensor, low: Tensor, high: Tensor
    ) -> None:
        super().__init__()
        self.generator, self.length = generator, length
        for name, value in (("mean", mean), ("deviation", deviation), ("low", low), ("high", high)):
            self.register_buffer(name, value)

    def forward(self, noise: Tensor, label: Tensor) -> Drawn:
        """Return standardised signals, and signals in the user's units."""
        drawn = self.generator(noise, label)
        values = drawn[:, :, : self.length].transpose(1, 2) * self.deviation + self.mean  # (B, length, C)
        return Drawn(drawn, drawn, (torch.minimum(torch.maximum(values, self.low), self.high),))


class SignalModality(ArrayModality):
    """Labelled signals and one-dimensional convolutional networks that grow with the length."""

    mixed = False
    export_seconds = 2.0

    data: LabelledSignals

    def __init__(self, data: LabelledSignals, *, seed: int, techniques: Techniques = DEFAULT_TECHNIQUES) -> None:
        super().__init__(data, seed=seed, techniques=techniques)
        self.length, self.channels = data.codec.shape
        self.layout = Layout.of(self.length)
        self.stages = self.grown(self.layout.lengths)

    @property
    def output_shape(self) -> tuple[int, int]:
        """Shape of a signal: channels and length, without what continues it."""
        return self.channels, self.length

    @staticmethod
    def default_bounds(data: LabelledSignals) -> Bounds:  # noqa: ARG004
        """Return two minutes."""
        return Bounds(DEFAULT_SECONDS, None)

    def encoded(self, data: LabelledSignals, device: torch.device) -> Waves:  # type: ignore[override]
        """Return signals, standardised by the channels of the training signals."""
        mean, deviation = self.data.scale
        values = torch.from_numpy((data.signals - mean) / deviation).transpose(1, 2)  # (N, C, length)
        return Waves(self._continued(values).to(device), torch.from_numpy(data.labels).to(device), self.n_classes)

    def new_network(self) -> SignalGenerator:
        """Return an untrained convolutional generator."""
        return SignalGenerator(self.n_classes, self.layout, self.channels, **self.network_settings)

    def new_discriminator(self) -> ProjectionDiscriminator:
        """Return an untrained convolutional discriminator."""
        return SignalDiscriminator(self.n_classes, self.layout, self.channels)

    def new_classifier(self) -> ConvClassifier1d:
        """Return a classifier of 40,000 parameters that works on patches, as the generator does."""
        return ConvClassifier1d(self.channels, self.n_classes, SCREEN_WIDTHS, patch=self.layout.patch)

    def at_stage(self, real: Tensor, stage: int) -> Tensor:
        """Return signals averaged down to the length that is being trained."""
        return real if stage == self.layout.lengths[-1] else F.avg_pool1d(real, self.layout.lengths[-1] // stage)

    def points(self, real: Tensor, random: Random) -> Tensor:
        """Return the values of each signal in a row, (B, C * length), with a little noise: some may be constant."""
        if real.shape[-1] < self.stages[-1]:  # a stage of the growth
            real = F.interpolate(real, self.stages[-1], mode="linear", align_corners=False)
        values = real[:, :, : self.length].flatten(1)
        return values + SPREAD * normal(values.shape, random).to(real.device)

    def outputs_of(self, points: Tensor) -> Tensor:
        """Return signals (B, C, L)."""
        return self._continued(points.view(-1, *self.output_shape))

    def distort(self, samples: Tensor, random: Random) -> Tensor:
        """Return signals shifted, warped and scaled."""
        return distort(samples, random)

    def discrepancy(self, real: Tensor, synthetic: Tensor, label: Tensor) -> Tensor:
        """Return the lack of variety within a class and the energy distance of outlines, in one scalar."""
        return variety_and_energy_loss(outline(real), outline(synthetic), label, ENERGY_WEIGHT)

    def corrected(self, generator: nn.Module, learned: Samples, random: torch.Generator) -> nn.Module:  # noqa: ARG002
        """Return the generator as it is, or with truncated styles."""
        return truncated(generator, self.techniques.truncation, random)

    def decoder(self, generator: nn.Module) -> Decoder:
        """Return the generator with the scaling to the user's units."""
        mean, deviation = (torch.from_numpy(values) for values in self.data.scale)
        low, high = (torch.from_numpy(bound) for bound in self.data.range)
        return SignalDecoder(generator, self.length, mean=mean, deviation=deviation, low=low, high=high)

    def schema(self) -> Mapping[str, Any]:
        """Return the shape of the signals, and the form of their files."""
        form = self.data.codec.form
        rate = {} if form.sample_rate is None else {"sample_rate": form.sample_rate}
        shape = {"length": self.length, "channels": self.channels}
        return shape | {"ending": form.ending, "dtype": form.dtype, "axes": form.axes} | rate

    def settings(self) -> dict[str, object]:
        """Return the length."""
        return {"length": self.length}

    def _continued(self, values: Tensor) -> Tensor:
        """Return signals (N, C, length) as the networks need them, (N, C, L), continued by their last value."""
        return F.pad(values, (0, self.layout.lengths[-1] - self.length), mode="replicate")


def outline(signals: Tensor) -> Tensor:
    """Return the mean and the deviation in each window of signals (B, C, L), flat: (B, 2 * C * windows)."""
    signals = signals.float()
    windows = min(OUTLINED, signals.shape[-1])
    mean = F.adaptive_avg_pool1d(signals, windows)
    square = F.adaptive_avg_pool1d(signals.square(), windows)
    return torch.cat([mean, ((square - mean.square()).clamp_min(0) + 1e-4).sqrt()], dim=1).flatten(1)


def modality(
    data: LabelledSignals,
    *,
    seed: int,
    augment: Any,
    space: str,
    capacity: int,  # noqa: ARG001
    techniques: Techniques,
) -> SignalModality:
    """Return the modality of signals. It has one space, and its networks one width."""
    refuse_image_settings("signals", augment, space)
    return SignalModality(data, seed=seed, techniques=techniques)


MODALITY = SignalModality
