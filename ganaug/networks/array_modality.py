"""What the modalities of images, signals and clips share: samples are arrays, and networks grow with them."""

import math
from abc import abstractmethod

import torch
from torch import Tensor, nn

from ganaug.compute.draws import Random
from ganaug.networks.growing import Settings
from ganaug.networks.modality import Modality, noise_dim_of
from ganaug.networks.samples import Batch, Samples
from ganaug.techniques.histogram_matching import HistogramMatched, level_shares, matching_curve
from ganaug.techniques.losses import gaussian_loss


class ArrayModality(Modality):
    """Labelled arrays and convolutional networks that grow with their resolution."""

    code_dim = 64
    batch_size = 16
    clear_agreement = 0.6

    @property
    @abstractmethod
    def output_shape(self) -> tuple[int, ...]:
        """Shape of a sample in the form that a family learns, at the full resolution: channels first."""

    @property
    def network_settings(self) -> Settings:
        """The settings of a network that draws."""
        chosen = self.techniques
        return {
            "noise_dim": self.code_dim,
            "mapping_layers": chosen.mapping_layers,
            "shared_blocks": chosen.shared_blocks,
            "style_mixing": chosen.style_mixing,
        }

    def grown(self, stages: tuple[int, ...]) -> tuple[int, ...]:
        """Return the stages of the training: all of them, or without growing the last."""
        return stages if self.techniques.growing else stages[-1:]

    def synthesise(self, generator: nn.Module, batch: Batch) -> Tensor:
        """Return synthetic samples (B, C, ...).

        The samples of one class share half of the noise that bends them. Otherwise bending alone could provide the
        variety that the loss asks for, and the drawing before it would not vary.
        """
        noise = batch.noise_by_class(int(generator.bending) // 2)  # type: ignore[arg-type]
        synthetic: Tensor = generator(noise, batch.label, batch.real.shape[-1])
        return synthetic

    def reconstruct(self, network: nn.Module, code: Tensor, batch: Batch) -> Tensor:
        """Return samples (B, C, ...)."""
        samples: Tensor = network(code, batch.label, batch.real.shape[-1])
        return samples

    def reconstruction_loss(self, outputs: Tensor, real: Tensor) -> Tensor:
        """Return the loss of a normal distribution of every value."""
        return gaussian_loss((outputs.float() - real).flatten(1), together=True)

    @property
    def point_dim(self) -> int:
        """The number of values of a sample."""
        return math.prod(self.output_shape)

    def points(self, real: Tensor, random: Random) -> Tensor:  # noqa: ARG002
        """Return the values of each sample in a row."""
        return real.flatten(1)

    def outputs_of(self, points: Tensor) -> Tensor:
        """Return samples (B, C, ...), clipped to [-1, 1]."""
        return points.view(-1, *self.output_shape).clamp(-1, 1)


@torch.no_grad()
def histogram_matched(
    generator: nn.Module, learned: Samples, random: torch.Generator, *, count: int, at_once: int
) -> nn.Module:
    """Return a generator with the histogram of real samples in [-1, 1], where these have plain black or white parts.

    The histograms are those of `count` samples of either kind, `at_once` of them in one pass.
    """
    levels, noise_dim = [], noise_dim_of(generator)
    for _ in range(count // at_once):
        real, label = learned.draw(at_once, random)
        drawn = generator(torch.randn(at_once, noise_dim, generator=random), label.cpu())
        if not torch.isfinite(drawn).all():  # the training failed, and the runtime will refuse the model
            return generator
        levels.append(torch.stack([level_shares(drawn), level_shares(real.cpu())]))
    curve = matching_curve(*torch.stack(levels).mean(0))
    return HistogramMatched(generator, curve) if curve else generator
