"""What every family of generators shares: its networks, its optimisers, and the averaged generator that is exported."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from copy import deepcopy

import torch
from torch import Tensor, nn

from ganaug.compute.engine import Engine
from ganaug.networks.modality import Modality
from ganaug.networks.samples import Batch


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

    def __init__(self, modality: Modality, engine: Engine, generator: nn.Module) -> None:
        self.modality, self.engine, self.generator = modality, engine, generator
        self.average = deepcopy(generator).requires_grad_(False).eval()
        # Walking the modules at every step would take longer than averaging: the lists are made once.
        self._parameters: tuple[list[Tensor], list[Tensor]] = (
            list(self.average.parameters()),
            list(generator.parameters()),
        )
        own, learned = self.average.state_dict(), generator.state_dict()
        names = own.keys() - dict(generator.named_parameters()).keys()
        self._buffers = [(own[name], learned[name]) for name in names]

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

    def set_rate(self, share: float) -> None:
        """Set the learning rates to a share of their peaks."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = group.setdefault("peak_lr", group["lr"]) * share

    @torch.no_grad()
    def track(self, decay: float) -> None:
        """Move the average towards the generator: average = decay * average + (1 - decay) * generator.

        Buffers, such as the statistics of a normalisation, are copied.
        """
        torch._foreach_lerp_(*self._parameters, 1 - decay)
        for own, learned in self._buffers:
            own.copy_(learned)
