"""Losses of generators and discriminators: functions of tensors, each with its paper."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MAX_LOGIT_GAP = 8.0
"""The generator's gradient is exp(gap) times the discriminator's; a larger gap carries no more information."""

MIN_VARIANCE = 1e-4
"""Least variance of a reconstruction: a smaller one would let a few exact values outweigh all others."""


def pairing_loss(on_real: Tensor, on_synthetic: Tensor, synthetic: Tensor, weight: float = 1.0) -> Tensor:
    """Return the discriminator's loss, whose backward pass also gives the generator the gradient of its own loss.

    With the gap d = D(real) - D(synthetic), the discriminator minimises softplus(-d) and the generator softplus(d)
    (relativistic pairing, Jolicoeur-Martineau 2019; R3GAN, Huang et al. 2024). No layer mixes samples, so both
    gradients reach a synthetic sample along the same path, and differ by one factor for each sample:
    softplus'(d) / -softplus'(-d) = -exp(d). A hook multiplies by this factor where the path leaves the discriminator,
    which saves a second pass through both networks (the single-step method of f-GAN, Nowozin et al. 2016).

    The logits (B,) are of pairs of one class. `synthetic`, (B, ...), is a view of the generator's output from which
    `on_synthetic` was computed, and nothing else. `weight` is that of the generator's loss.
    """
    gap = on_real - on_synthetic
    ratio = -weight * gap.detach().clamp(-MAX_LOGIT_GAP, MAX_LOGIT_GAP).exp().view(-1, *[1] * (synthetic.ndim - 1))
    synthetic.register_hook(  # type: ignore[no-untyped-call]
        lambda gradient: gradient * ratio.to(gradient.dtype)
    )
    return F.softplus(-gap).mean()


def mismatch_loss(logits: Tensor, label: Tensor) -> Tensor:
    """Return the discriminator's loss for not telling the class of a real sample from the others.

    Pairing within a class never asks the discriminator what a class is: a generator could draw 9s for 4s, as long as
    they look real. So every real sample is shown under the wrong labels too (matching-aware discriminator, Reed et al.
    2016). A cross-entropy over all labels concentrates on those that are hard to rule out. The logits (B, K) are of
    real samples under every label, or what the labels add to them, which has the same softmax. `label`, (B,), is
    their own.
    """
    return F.cross_entropy(logits, label)


def gradient_penalty(discriminator: nn.Module, samples: Tensor, label: Tensor) -> Tensor:
    """Return the mean squared gradient of the logits with respect to the samples: R1 on real, R2 on synthetic ones.

    Call it outside autocast: the double backward pass of bfloat16 convolutions has killed processes.
    """
    samples = samples.detach().requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(samples, label).sum(), samples, create_graph=True)
    return slope.square().flatten(1).sum(dim=1).mean()


def feature_matching_loss(features: Tensor, shown: Tensor, synthetic: Tensor) -> Tensor:
    """Return a loss for the generator alone: the distance between the mean features of real and synthetic samples.

    See Salimans et al. 2016. `features` (2B, F) are those of real and of synthetic samples. They depend on `shown`, a
    view of the `synthetic` samples (B, ...). The gradient reaches the synthetic samples, and not the discriminator,
    which would learn to have no features. Call the function before `pairing_loss`, whose hook changes gradients.
    """
    of_real, of_synthetic = features.float().chunk(2)
    distance = (of_real.mean(0).detach() - of_synthetic.mean(0)).square().mean()
    (slope,) = torch.autograd.grad(distance, shown, retain_graph=True)
    return distance.detach() + ((synthetic - synthetic.detach()) * slope.detach()).sum()


def deviation_of_halves(features: Tensor) -> Tensor:
    """Return the mean standard deviation of the features (2B, F) of each half of a batch, (2,).

    A discriminator that sees how much a batch varies finds out a generator that repeats itself (Karras et al. 2018).
    Real samples, the first half, and synthetic samples are told apart.
    """
    halves = torch.stack(features.float().chunk(2))  # (2, B, F)
    deviation: Tensor = (halves.var(dim=1, unbiased=False) + 1e-6).sqrt().mean(dim=1)
    return deviation


def class_gain_penalty(generator: nn.Module) -> Tensor:
    """Return the mean squared spectral norm of the weights through which the classes act in a generator.

    The gains of rare classes grow without bound where they memorise their samples (gSR, Rangwani et al. 2022). A module
    with an attribute `by_class`, a layer or several, has gains.
    """
    squares = []
    for module in generator.modules():
        by_class = getattr(module, "by_class", None)
        for layer in by_class if isinstance(by_class, nn.ModuleList) else [by_class]:
            if isinstance(layer, nn.Linear | nn.Embedding):
                weight = layer.weight
                small = weight @ weight.T if weight.shape[0] < weight.shape[1] else weight.T @ weight
                squares.append(torch.linalg.eigvalsh(small)[-1])
    return torch.stack(squares).mean()


def variety_loss(real: Tensor, synthetic: Tensor, label: Tensor) -> Tensor:
    """Return how much more alike two synthetic samples of one class are than two real samples.

    A discriminator judges each sample by itself, and does not see that a generator repeats one sample. The loss is
    after mode seeking (Mao et al. 2019), but asks for the real distance and no more. Pass outlines of the samples, so
    that noise in single pixels does not count as variety.

    Real and synthetic samples, (B, D) each, have the same labels (B,). The loss is a scalar from 0 to 1: the missing
    share of the real distance, and 0 where no class occurs twice.
    """
    return _lack_of_variety(_distances(real, real), _distances(synthetic, synthetic), _pairs(label))


def variety_and_energy_loss(real: Tensor, synthetic: Tensor, label: Tensor, weight: float = 1.0) -> Tensor:
    """Return the `variety_loss` and `weight` times the energy distance of real and synthetic samples of one class.

    The energy distance asks that synthetic samples be near the real ones, and as far from each other as those are
    (Szekely and Rizzo 2013; as a generator's loss, Bellemare et al. 2017). Nothing is learned for it, so it goes on
    working when a discriminator has memorised a class of ten rows. The expected energy is 0 where real and synthetic
    samples have one distribution, and greater otherwise.

    Both losses are sums of distances, whose gradient is written out: it takes half of the time that a backward pass
    takes.
    """
    loss: Tensor = _VarietyAndEnergy.apply(real, synthetic, label, weight)  # type: ignore[no-untyped-call]
    return loss


class _VarietyAndEnergy(torch.autograd.Function):
    """See `variety_and_energy_loss`; the gradient is for the synthetic samples alone."""

    @staticmethod
    def forward(ctx: Any, real: Tensor, synthetic: Tensor, label: Tensor, weight: float) -> Tensor:
        pairs = _pairs(label).to(real.dtype)  # (B, B)
        count = pairs.sum().clamp_min(1)
        both = torch.cat([synthetic, real])
        distances = _distances(synthetic, both)  # (B, 2B)
        among, across = distances.chunk(2, dim=1)  # (B, B) each
        of_synthetic, of_pairs = (among * pairs).sum(), (across * pairs).sum()
        of_real = (_distances(real, real) * pairs).sum()
        lack = F.relu(1 - of_synthetic / of_real.clamp_min(1e-6)) * pairs.any()

        # A distance |a - b| has the gradient (a - b) / |a - b|. Each pair of synthetic samples counts twice.
        pull = 2 * weight / count
        push = pull + 2 * (lack > 0) / of_real.clamp_min(1e-6)
        weights = torch.cat([-push * pairs, pull * pairs], dim=1) / distances
        ctx.save_for_backward(weights.sum(dim=1, keepdim=True) * synthetic - weights @ both)
        return lack + weight * (2 * of_pairs - of_synthetic - of_real) / count

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, None, None]:
        slope: Tensor = ctx.saved_tensors[0]
        return None, gradient * slope, None, None


def gaussian_loss(error: Tensor, *, weight: Tensor | None = None, together: bool = False) -> Tensor:
    """Return the negative log likelihood (B,) of errors (B, D) under a normal distribution, up to a constant.

    The standard deviation is that of the errors themselves, of each column or of all columns `together`, so that
    nothing has to be balanced by hand (optimal sigma VAE, Rybkin et al. 2021). Its gradient is left out, because at the
    optimum it is zero. `weight` (B, D) tells how far each error counts.
    """
    squares = error.square() if weight is None else weight * error.square()
    counted = torch.ones_like(squares) if weight is None else weight
    axes = (0, 1) if together else (0,)
    variance = (squares.sum(axes, keepdim=True) / counted.sum(axes, keepdim=True).clamp_min(1)).detach()
    variance = variance.clamp_min(MIN_VARIANCE)
    return ((squares / variance + counted * variance.log()) / 2).sum(dim=1)


def normal_divergence(mean: Tensor, log_deviation: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence (B, D) of normal distributions from the standard normal one, in nats."""
    return (mean.square() + (2 * log_deviation).exp() - 1) / 2 - log_deviation


def _lack_of_variety(between_real: Tensor, between_synthetic: Tensor, pairs: Tensor) -> Tensor:
    if not pairs.any():
        return between_synthetic.new_zeros(())
    return F.relu(1 - (between_synthetic * pairs).sum() / (between_real * pairs).sum().clamp_min(1e-6))


def _pairs(label: Tensor) -> Tensor:
    """Return which pairs of different samples have one class, bool (B, B)."""
    return (label[:, None] == label).fill_diagonal_(fill_value=False)


def _distances(one: Tensor, other: Tensor) -> Tensor:
    """Return the distances between all rows, (B, B'), by one matrix product: exact enough for a mean, and quick."""
    squares = one.square().sum(dim=1)[:, None] + other.square().sum(dim=1)
    return torch.addmm(squares, one, other.T, alpha=-2).clamp_min(1e-6).sqrt()
