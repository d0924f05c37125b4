"""What every family of generators shares: its networks, its optimisers, and the averaged generator that is exported."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from copy import deepcopy
from typing import TypeVar

import torch
from torch import Tensor, nn

from ganaug.compute.engine import Engine
from ganaug.networks.modality import Modality, noise_dim_of
from ganaug.networks.samples import Batch, Samples

Network = TypeVar("Network", bound=nn.Module)


class Family(ABC):
    """A generator, the networks that it learns with, and one step of its training.

    A subclass builds its networks from what a `Modality` offers, places them with the `Engine`, and owns its
    optimisers. It never asks which kind of data the modality stands for.

    Parameters
    ----------
    modality : Modality
        The data as networks see it.
    engine : Engine
        Where the networks learn.
    generator : nn.Module
        Called as ``generator(noise, label)``.

    Attributes
    ----------
    average : nn.Module
        The exponential moving average of the generator: it is validated, kept and exported.
    discriminator : nn.Module or None
        What tells how real a sample looks. It is exported with the average, if the family has one.
    """

    discriminator: nn.Module | None = None
    grows: bool = True
    """Whether training goes through the stages of the modality; otherwise it learns at the last from the start."""

    def __init__(self, modality: Modality, engine: Engine, generator: nn.Module) -> None:
        self.modality, self.engine, self.generator = modality, engine, generator
        self._averages: list[_Average] = []
        self.average = self.averaged(generator)

    @property
    def noise_dim(self) -> int:
        """Length of the generator's noise vector."""
        return noise_dim_of(self.generator)

    def averaged(self, network: Network) -> Network:
        """Return the exponential moving average of a network, which `track` moves."""
        average = deepcopy(network).requires_grad_(False).eval()
        self._averages.append(_Average(average, network))
        return average

    @property
    @abstractmethod
    def networks(self) -> nn.ModuleDict:
        """Every module that a checkpoint must hold, the generator and the average among them."""

    @property
    @abstractmethod
    def optimizers(self) -> Mapping[str, torch.optim.Optimizer]:
        """The optimisers by name, for checkpoints and for the learning rate."""

    @abstractmethod
    def learn(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Take one step of training.

        Parameters
        ----------
        batch : Batch
            Real samples, their labels, and the source of randomness.
        step : int
            The number of the step, from 0.

        Returns
        -------
        dict of str to Tensor
            The losses by name, each a scalar on the device.
        """

    def begin(self, samples: Samples) -> None:  # noqa: B027
        """Take note of the samples before the first step of a run, or of a resumed one."""

    def complete(self) -> None:  # noqa: B027
        """Fit what the average needs besides its weights, such as a density of codes.

        The loop calls this before the average is validated or kept.
        """

    def set_rate(self, share: float) -> None:
        """Set the learning rates to a share of their peaks."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = group.setdefault("peak_lr", group["lr"]) * share

    @torch.no_grad()
    def track(self, decay: float) -> None:
        """Move every average towards its network: average = decay * average + (1 - decay) * network.

        Buffers, such as the statistics of a normalisation, are copied.
        """
        for average in self._averages:
            torch._foreach_lerp_(average.own, average.learned, 1 - decay)
            for own, learned in average.buffers:
                own.copy_(learned)


class _Average:
    """The tensors of an average and those of its network: walking the modules at every step would take longer."""

    def __init__(self, average: nn.Module, network: nn.Module) -> None:
        self.own: list[Tensor] = list(average.parameters())
        self.learned: list[Tensor] = list(network.parameters())
        own, learned = average.state_dict(), network.state_dict()
        names = own.keys() - dict(network.named_parameters()).keys()
        self.buffers = [(own[name], learned[name]) for name in names]
