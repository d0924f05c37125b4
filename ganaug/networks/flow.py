"""A conditional normalising flow over the principal components of samples, inside the exported graph."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from zuko.flows import MAF  # type: ignore[import-untyped]

from ganaug.networks.mixture import ClassMixture

TRANSFORMS = 4  # affine couplings
HIDDEN = (128, 128)  # units of the network in each coupling
MIN_VARIANCE = 1e-6
"""Least variance of a component, relative to the largest: a smaller one is rounding."""


class PointFlow(nn.Module):
    """Maps noise (B, noise_dim) and labels (B,) to points (B, dim), and gives the density of points.

    The noise of each class has a mixture of normal distributions (as in FlowGMM, Izmailov et al. 2020). A masked
    autoregressive flow (Papamakarios et al. 2017) in its coupling form (Dinh et al. 2017) maps it to principal
    components of the points. The flow begins as the identity, so that each class begins as its mixture.

    Parameters
    ----------
    counts : sequence of int
        The number of real samples of each class.
    dim : int
        Length of a point.
    """

    centre: Tensor
    basis: Tensor
    scale: Tensor
    begun: Tensor

    def __init__(self, counts: Sequence[int], dim: int) -> None:
        super().__init__()
        self.n_classes = len(counts)
        self.flow: Any = MAF(dim, self.n_classes, transforms=TRANSFORMS, passes=2, hidden_features=HIDDEN)
        for transform in self.flow.transform.transforms:
            nn.init.zeros_(transform.hyper[-1].weight)
            nn.init.zeros_(transform.hyper[-1].bias)
        self.mixture = ClassMixture(counts, dim)
        self.noise_dim, self.noise_parts = self.mixture.noise_dim, self.mixture.noise_parts
        self.register_buffer("centre", torch.zeros(dim))
        self.register_buffer("basis", torch.eye(dim))
        self.register_buffer("scale", torch.ones(dim))
        self.register_buffer("begun", torch.zeros(()))

    @property
    def has_begun(self) -> bool:
        """Whether `begin` was called."""
        return bool(self.begun)

    @torch.no_grad()
    def begin(self, points: Tensor, label: Tensor) -> None:
        """Set the principal components and the mixtures by points (N, dim) and labels (N,)."""
        self.centre.copy_(points.mean(0))
        centred = points - self.centre
        variance, basis = torch.linalg.eigh(centred.T @ centred / len(points))
        self.basis.copy_(basis)
        self.scale.copy_(variance.clamp_min(max(MIN_VARIANCE * float(variance[-1]), 1e-12)).sqrt())
        self.mixture.fit(self._scaled(points), label)
        self.begun.fill_(1.0)

    def forward(self, noise: Tensor, label: Tensor) -> Tensor:
        """Return points (B, dim)."""
        code: Tensor = self.flow(self._context(label)).transform.inv(self.mixture(noise, label))
        return (code * self.scale) @ self.basis.T + self.centre

    def log_prob(self, points: Tensor, label: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return the logarithm of the density of points, (B,); `noise` (B, dim) is added to their components."""
        code = self._scaled(points)
        disturbed = code if noise is None else code + noise
        inner, volume = self.flow(self._context(label)).transform.call_and_ladj(disturbed)
        density: Tensor = self.mixture.log_prob(inner, label) + volume - self.scale.log().sum()
        return density

    def _scaled(self, points: Tensor) -> Tensor:
        """Return the principal components of points in units of their deviation, (B, dim)."""
        return (points - self.centre) @ self.basis / self.scale

    def _context(self, label: Tensor) -> Tensor:
        return F.one_hot(label, self.n_classes).float()
