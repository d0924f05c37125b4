"""What every family shares: the networks, their optimiser, the averaged generator, and the batch they learn from."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

__all__ = ["Batch", "Family", "Precision", "mixed_precision"]

Precision = AbstractContextManager[object]
"""The autocast context, entered anew by each forward pass."""


@dataclass(frozen=True)
class Batch:
    """Real samples of shape (B, ...), their class indices (B,), and the run's source of randomness."""

    real: Tensor
    label: Tensor
    noise_dim: int
    random: torch.Generator

    def noise(self) -> Tensor:
        """Draw standard normal noise of shape (B, noise_dim)."""
        return torch.randn(len(self.label), self.noise_dim, generator=self.random).to(self.label.device)


class Family(ABC):
    """A generator, its partners, and how they learn.

    Attributes
    ----------
    generator : nn.Module
        Called as ``generator(noise, label, size)``.
    average : nn.Module
        The generator's exponential moving average: what is measured, kept and exported.
    networks : nn.ModuleDict
        Every module that a checkpoint must hold.
    """

    name: ClassVar[str]
    mixed: ClassVar[bool] = True
    """Whether its networks are large enough to gain from bf16."""

    @property
    def discriminator(self) -> nn.Module | None:
        """What can tell how real a sample looks, if the family has it."""
        return None

    def __init__(
        self,
        generator: nn.Module,
        partners: Mapping[str, nn.Module],
        *,
        learning_rate: float,
        betas: tuple[float, float],
    ) -> None:
        self.generator = generator
        self.average = deepcopy(generator).requires_grad_(False).eval()
        # Walking the modules for these takes longer than what is done with them at every step.
        self._tracked: tuple[list[Tensor], list[Tensor]] = list(self.average.parameters()), list(generator.parameters())
        self.networks = nn.ModuleDict({"generator": generator, "average": self.average, **partners})
        self.peak_rate = learning_rate
        learned = [*generator.parameters(), *(p for partner in partners.values() for p in partner.parameters())]
        self.optimizer = torch.optim.Adam(learned, lr=learning_rate, betas=betas, fused=True)

    @abstractmethod
    def learn(self, batch: Batch, step: int, precision: Precision) -> dict[str, Tensor]:
        """Take one step and return the losses by name, each a scalar on the device."""

    def precision(self, device: torch.device) -> Precision:
        """Return the autocast context that its networks gain from on this device."""
        return mixed_precision(device) if self.mixed else nullcontext()

    def distort(self, samples: Tensor, random: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return samples as classifiers are to see them, real and synthetic alike: here, as they are."""
        return samples

    def zero_grad(self) -> None:
        """Forget the last step's gradients."""
        self.optimizer.zero_grad(set_to_none=True)

    def update(self) -> None:
        """Let the optimiser move all networks."""
        self.optimizer.step()

    def set_rate(self, share: float) -> None:
        """Set the learning rate to a share of its peak."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.peak_rate * share

    @torch.no_grad()
    def track(self, decay: float) -> None:
        """Move the average towards the generator: average = decay * average + (1 - decay) * generator."""
        torch._foreach_lerp_(*self._tracked, 1 - decay)


def mixed_precision(device: torch.device) -> Precision:
    """Return the autocast context that is faster on this device and safe, or one that does nothing."""
    if device.type == "cuda":
        gains = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "cpu":
        features = torch.cpu.get_capabilities()
        gains = bool(features.get("amx_bf16") or features.get("avx512_bf16"))
    else:
        gains = False
    return torch.autocast(device.type, torch.bfloat16) if gains else nullcontext()
