"""A network that draws from codes, and the density that the codes of each class have."""

import torch
from torch import Tensor, nn


class Coded(nn.Module):
    """Maps noise (B, noise_dim) and labels (B,) to what a network draws from the codes of a density.

    Parameters
    ----------
    density : nn.Module
        Maps noise and labels to codes (B, code_dim). Has the attribute `noise_dim`, and `noise_parts` if its noise has
        other parts than a code.
    network : nn.Module
        A network of `Modality.new_network`.
    """

    def __init__(self, density: nn.Module, network: nn.Module) -> None:
        super().__init__()
        self.density, self.network = density, network
        self.noise_dim = self.code_dim = int(density.noise_dim)  # type: ignore[arg-type]
        self.n_hidden = getattr(network, "n_hidden", 0)
        self.bending = getattr(network, "bending", 0)
        self.noise_parts = getattr(density, "noise_parts", None) or getattr(network, "noise_parts", None)

    def forward(self, noise: Tensor, label: Tensor, *stage: int) -> Tensor:
        """Return the outputs of the network."""
        outputs: Tensor = self.network(self.density(noise, label), label, *stage)
        return outputs


class ClassNormal(nn.Module):
    """A normal distribution of codes for each class, with a learned mean and standard deviation of each number."""

    def __init__(self, n_classes: int, code_dim: int) -> None:
        super().__init__()
        self.noise_dim = code_dim
        self.mean = nn.Embedding(n_classes, code_dim)
        self.log_deviation = nn.Embedding(n_classes, code_dim)
        for embedding in (self.mean, self.log_deviation):
            nn.init.zeros_(embedding.weight)

    def forward(self, noise: Tensor, label: Tensor) -> Tensor:
        """Return codes (B, code_dim)."""
        return torch.addcmul(self.mean(label), self.log_deviation(label).exp(), noise)

    def standardised(self, mean: Tensor, log_deviation: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and the logarithm of the deviation of codes in units of their class."""
        own = self.log_deviation(label)
        return (mean - self.mean(label)) / own.exp(), log_deviation - own
