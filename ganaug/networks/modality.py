"""How one kind of data enters and leaves the networks."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from ganaug.compute.draws import Random
from ganaug.compute.engine import Engine
from ganaug.data.dataset import Dataset
from ganaug.data.modalities import part_of
from ganaug.errors import DataError
from ganaug.networks.projection import Encoder, ProjectionDiscriminator
from ganaug.networks.samples import Batch, Samples
from ganaug.techniques.switches import Techniques

DEFAULT_TECHNIQUES = Techniques()


class Bounds(NamedTuple):
    """The length of a training: seconds, steps, or both; the bound that is reached first ends it."""

    seconds: float | None = None
    steps: int | None = None

    def progress(self, step: int, seconds: float) -> float:
        """Return how much of the training is done, from 0 to 1."""
        by_clock = seconds / self.seconds if self.seconds else 0.0
        by_steps = step / self.steps if self.steps else 0.0
        return min(1.0, max(by_clock, by_steps))


class Drawn(NamedTuple):
    """One batch of synthetic samples in the forms that the parts of a model file need.

    Attributes
    ----------
    learned : Tensor
        As the family learned them: what a discriminator judges.
    samples : Tensor
        As the data are encoded: what the screen reads.
    outputs : tuple of Tensor
        As a model file promises them, in the order of `Decoder.output_names`.
    """

    learned: Tensor
    samples: Tensor
    outputs: tuple[Tensor, ...]


class Decoder(nn.Module, ABC):
    """A finished generator with the decoding to what a model file promises; it is what gets exported.

    Attributes
    ----------
    output_names : tuple of str
        Names of the decoded outputs.
    """

    output_names: tuple[str, ...]
    generator: nn.Module

    def learned(self, noise: Tensor, label: Tensor) -> Tensor:
        """Return synthetic samples in the form that the family learned, which alone is enough for a discriminator."""
        samples: Tensor = self.generator(noise, label)
        return samples

    @abstractmethod
    def forward(self, noise: Tensor, label: Tensor) -> Drawn:
        """Return a batch of synthetic samples."""


class Modality(ABC):
    """How one kind of data is encoded, distorted, compared, corrected after training, decoded and described.

    A family of generators reaches the data through this class alone, and does not know which kind it is. To add a kind
    of data, write a subclass in a module of `ganaug.networks`, the folder in `ganaug.data`, and the line in
    `ganaug.data.modalities`.

    Parameters
    ----------
    data : Dataset
        The training data.
    seed : int
        The seed of all random draws of the encoding.
    augment : albumentations transform, optional
        The user's own augmentation of real images.
    techniques : Techniques, optional
        The settings of the techniques of training.

    Attributes
    ----------
    space : str or None
        What is learned, for data that can be learned in several forms: "pixels" or "latent" for images.
    space_reason : str
        Why this space was chosen, in a clause.
    rival : str or None
        Another space, if it may suit the data better: a short trial of both then decides.
    code_dim : int
        Length of the vector that a network of `new_network` draws a sample from.
    stages : tuple of int
        The resolutions that training grows through, smallest first. One number where there is no growth.
    batch_size : int
        Samples in a step.
    mixed : bool
        Whether the networks are large enough to gain from mixed precision.
    export_seconds : float
        Time that the export needs, kept free of a budget; at most a quarter of the budget.
    clear_agreement : float
        Agreement of the screen that makes a sample clear. Samples below it do not pass the screen, as long as half of
        the samples of their class reach it.
    """

    space: str | None = None
    space_reason: str = ""
    rival: str | None = None
    code_dim: int
    stages: tuple[int, ...]
    batch_size: ClassVar[int]
    mixed: ClassVar[bool]
    export_seconds: ClassVar[float]
    clear_agreement: ClassVar[float]

    def __init__(
        self, data: Dataset, *, seed: int, augment: Any = None, techniques: Techniques = DEFAULT_TECHNIQUES
    ) -> None:
        self.data, self.seed, self.augment, self.techniques = data, seed, augment, techniques

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.data.classes)

    @property
    def counts(self) -> list[int]:
        """The number of training samples of each class."""
        return list(self.data.counts.values())

    @staticmethod
    @abstractmethod
    def default_bounds(data: Any) -> Bounds:
        """Return the length of a training on this data if the user gives none."""

    @abstractmethod
    def encoded(self, data: Dataset, device: torch.device) -> Samples:
        """Return data of the same form as the training data, as the networks see it."""

    def samples(self, device: torch.device) -> Samples:
        """Return the training data as the networks learn from it."""
        return self.encoded(self.data, device)

    @abstractmethod
    def new_network(self) -> nn.Module:
        """Return a new network that draws, called as ``network(code, label)`` with codes (B, code_dim).

        Its *outputs* (B, ...) are samples in the form that a family learns, before any choice among options is made.
        """

    def new_generator(self, network: nn.Module | None = None) -> nn.Module:
        """Return a generator, called as ``generator(noise, label)``, that draws with a network, by default a new one.

        Generator and network have the same parameters. The attribute `noise_dim` of the generator is the length of its
        noise, whose first numbers are the code of the network.
        """
        return self.new_network() if network is None else network

    @abstractmethod
    def new_discriminator(self) -> ProjectionDiscriminator:
        """Return a new discriminator."""

    def new_encoder(self, width: int) -> Encoder:
        """Return a new encoder, called as ``encoder(samples, label)``, that returns vectors (B, width)."""
        return Encoder(self.new_discriminator(), width)

    @abstractmethod
    def new_classifier(self) -> nn.Module:
        """Return a small untrained classifier: `features`, (B, F), their `head`, and logits when it is called."""

    def at_stage(self, real: Tensor, stage: int) -> Tensor:  # noqa: ARG002
        """Return real samples at the resolution that is being trained."""
        return real

    @abstractmethod
    def synthesise(self, generator: nn.Module, batch: Batch) -> Tensor:
        """Return synthetic samples of the batch's classes and resolution, through which gradients pass."""

    def reconstruct(self, network: nn.Module, code: Tensor, batch: Batch) -> Tensor:
        """Return the outputs (B, ...) of a network for codes (B, code_dim), at the batch's resolution."""
        outputs: Tensor = network(code, batch.label)
        return outputs

    def relaxed(self, outputs: Tensor, batch: Batch) -> Tensor:  # noqa: ARG002
        """Return the samples (B, ...) of the outputs of a network, through which gradients pass."""
        return outputs

    @abstractmethod
    def reconstruction_loss(self, outputs: Tensor, real: Tensor) -> Tensor:
        """Return the negative log likelihood of real samples given the outputs of a network, (B,), up to a constant."""

    @property
    @abstractmethod
    def point_dim(self) -> int:
        """Length of a sample as a point."""

    @abstractmethod
    def points(self, real: Tensor, random: Random) -> Tensor:
        """Return real samples as points (B, D) that have a density: what is discrete is spread by a little noise."""

    def outputs_of(self, points: Tensor) -> Tensor:
        """Return the outputs (B, ...) of a network that draws these points (B, D): the inverse of `points`."""
        return points

    def prepare(self, samples: Samples, random: torch.Generator, *, steps: int, engine: Engine) -> None:  # noqa: B027
        """Fit what a training needs besides the networks of the family to encoded samples, in so many steps at most."""

    def learnable(self, samples: Samples, random: torch.Generator | None = None) -> Samples:  # noqa: ARG002
        """Return encoded samples in the form that a family learns; with `random`, in several distorted views each."""
        return samples

    def distort(self, samples: Tensor, random: Random) -> Tensor:  # noqa: ARG002
        """Return encoded samples under random changes that keep their label."""
        return samples

    def distort_learnable(self, samples: Tensor, random: Random) -> Tensor:
        """Do the same for samples in the form that a family learns, real and synthetic ones alike."""
        return self.distort(samples, random)

    @abstractmethod
    def discrepancy(self, real: Tensor, synthetic: Tensor, label: Tensor) -> Tensor:
        """Return how far a set of synthetic samples differs from a real set: a scalar loss without own parameters."""

    @abstractmethod
    def corrected(self, generator: nn.Module, learned: Samples, random: torch.Generator) -> nn.Module:
        """Return a generator of encoded samples: the trained one, with simple statistics matched to the real ones."""

    def validated(self, generator: nn.Module, learned: Samples, random: torch.Generator) -> nn.Module:  # noqa: ARG002
        """Return the generator in the form that a validation during training judges; it draws encoded samples."""
        return generator

    @abstractmethod
    def decoder(self, generator: nn.Module) -> Decoder:
        """Return a generator as `corrected` returns it, with the decoding to what a model file promises."""

    @abstractmethod
    def schema(self) -> Mapping[str, Any]:
        """Return what the metadata of a model file says of the form of the data."""

    def form(self) -> dict[str, Any]:
        """Return what data must share, as plain JSON, so that networks that learned one set can go on with another."""
        return {**self.schema(), "space": self.space}

    def settings(self) -> dict[str, object]:
        """Return what a resumed training must share besides the data."""
        return {}


def refuse_image_settings(kind: str, augment: Any, space: str = "auto") -> None:
    """Raise `DataError` if settings that only images have are given for data of another kind, such as "signals"."""
    if augment is not None:
        raise DataError(f"augment must be None for {kind}, because it is a pipeline for images: leave it out")
    if space != "auto":
        raise DataError(f"space must be 'auto' for {kind}, but is {space!r}: the other spaces are for images")


def noise_dim_of(generator: nn.Module) -> int:
    """Return the length of the noise vector of a generator."""
    return int(generator.noise_dim)  # type: ignore[arg-type]


def modality_of(
    data: Dataset,
    *,
    seed: int,
    augment: Any = None,
    space: str = "auto",
    capacity: int = 1,
    techniques: Techniques = DEFAULT_TECHNIQUES,
) -> Modality:
    """Return the modality of a data set.

    `space` is "pixels" or "latent" for images, or "auto". `capacity` is a factor on the width of the networks of
    images. See `Modality` for the other parameters.
    """
    build = part_of(data.modality, "networks.{}").modality
    found: Modality = build(data, seed=seed, augment=augment, space=space, capacity=capacity, techniques=techniques)
    return found
