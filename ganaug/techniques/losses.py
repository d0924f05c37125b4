"""Losses of generators and discriminators: functions of tensors, each with its paper."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = [
    "MAX_LOGIT_GAP",
    "gradient_penalty",
    "mismatch_loss",
    "pairing_loss",
    "variety_and_energy_loss",
    "variety_loss",
]

MAX_LOGIT_GAP = 8.0
"""The generator's gradient is exp(gap) times the discriminator's; a larger gap carries no more information."""


def pairing_loss(on_real: Tensor, on_synthetic: Tensor, synthetic: Tensor) -> Tensor:
    """Return the discriminator's loss; its backward pass leaves the generator's own gradients too, not their opposite.

    With the gap d = D(real) - D(synthetic), the discriminator minimises softplus(-d) and the generator softplus(d)
    (relativistic pairing, Jolicoeur-Martineau 2019; R3GAN, Huang et al. 2024). No layer mixes samples, so both
    gradients reach a synthetic sample along the same path and differ by one factor a sample:
    softplus'(d) / -softplus'(-d) = -exp(d). Multiplying by it where the path leaves the discriminator saves a second
    pass through both networks, as in the single-step method of f-GAN (Nowozin et al. 2016).

    Parameters
    ----------
    on_real, on_synthetic : Tensor of shape (B,)
        Logits for pairs of one class.
    synthetic : Tensor of shape (B, ...)
        A view of the generator's output, from which `on_synthetic` was computed; used for nothing else.
    """
    gap = on_real - on_synthetic
    ratio = -gap.detach().clamp(-MAX_LOGIT_GAP, MAX_LOGIT_GAP).exp().view(-1, *[1] * (synthetic.ndim - 1))
    synthetic.register_hook(  # type: ignore[no-untyped-call]
        lambda gradient: gradient * ratio.to(gradient.dtype)
    )
    return F.softplus(-gap).mean()


def mismatch_loss(logits: Tensor, label: Tensor) -> Tensor:
    """Return the discriminator's loss for not telling a real sample's own class from the others.

    Pairing within a class never asks it what a class is, and a generator that draws 9s for 4s goes unnoticed as long as
    they look real. So every real sample is shown under the wrong labels too (matching-aware, Reed et al. 2016); a
    cross-entropy over them all, rather than a random one at a time, dwells on those that are hard to rule out.

    Parameters
    ----------
    logits : Tensor of shape (B, K)
        Of real samples under every label.
    label : Tensor of shape (B,)
        Their own.
    """
    return F.cross_entropy(logits, label)


def gradient_penalty(discriminator: nn.Module, samples: Tensor, label: Tensor) -> Tensor:
    """Return the mean squared gradient of the logits with respect to the samples: R1 on real, R2 on synthetic ones.

    To be called in fp32: the double backward pass of bf16 convolutions has killed processes.
    """
    samples = samples.detach().requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(samples, label).sum(), samples, create_graph=True)
    return slope.square().flatten(1).sum(dim=1).mean()


def variety_loss(real: Tensor, synthetic: Tensor, label: Tensor) -> Tensor:
    """Return by what share pairs of synthetic samples of one class are more alike than the real pairs beside them.

    Nothing else tells a generator that it draws one sample over and over: each sample is judged by itself, and a
    discriminator that knows its few real samples by heart leaves only those to imitate. Distances are taken between
    outlines, so that noise in single pixels is no way out (after mode seeking, Mao et al. 2019, but with the real
    distance as the goal, and nothing beyond it).

    Parameters
    ----------
    real, synthetic : Tensor of shape (B, D)
        Outlines of samples of the same classes.
    label : Tensor of shape (B,)
        Their classes.

    Returns
    -------
    Tensor
        A scalar from 0 to 1; 0 where no class occurs twice.
    """
    return _lack_of_variety(_distances(real, real), _distances(synthetic, synthetic), _pairs(label))


def variety_and_energy_loss(real: Tensor, synthetic: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """Return what `variety_loss` does, and the energy distance between real and synthetic samples of one class.

    Nothing is learned for the second, so it does not tire when the discriminator knows a class of ten rows by heart: it
    asks that synthetic samples be near the real ones, and as far from each other as those are (Szekely and Rizzo 2013;
    as a generator's loss, Bellemare et al. 2017). The two share most of their distances.

    Parameters
    ----------
    real, synthetic, label
        As in `variety_loss`.

    Returns
    -------
    variety, energy : Tensor
        Scalars. The expectation of the second is 0 where real and synthetic samples are distributed alike, and greater
        otherwise.
    """
    pairs = _pairs(label)
    between_real, between_synthetic = _distances(real, real), _distances(synthetic, synthetic)
    excess = 2 * _distances(real, synthetic) - between_synthetic - between_real
    energy = (excess * pairs).sum() / pairs.sum().clamp_min(1)
    return _lack_of_variety(between_real, between_synthetic, pairs), energy


def _lack_of_variety(between_real: Tensor, between_synthetic: Tensor, pairs: Tensor) -> Tensor:
    if not pairs.any():
        return between_synthetic.new_zeros(())
    return F.relu(1 - (between_synthetic * pairs).sum() / (between_real * pairs).sum().clamp_min(1e-6))


def _pairs(label: Tensor) -> Tensor:
    """Return which two different samples are of one class, (B, B)."""
    return (label[:, None] == label).fill_diagonal_(fill_value=False)


def _distances(one: Tensor, other: Tensor) -> Tensor:
    """Return all distances between rows, by one product of matrices: as exact as a mean needs, and quick."""
    squares = one.square().sum(dim=1)[:, None] + other.square().sum(dim=1) - 2 * one @ other.T
    return (squares.clamp_min(0) + 1e-6).sqrt()
