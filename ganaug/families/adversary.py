"""A discriminator and what it is asked: pairing within a class, classes told apart, R1 and R2 penalties."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ganaug.compute.draws import Random, uniform
from ganaug.compute.engine import Engine
from ganaug.networks.modality import Modality
from ganaug.networks.projection import ProjectionDiscriminator, own_logits
from ganaug.networks.samples import Batch
from ganaug.techniques.losses import (
    deviation_of_halves,
    feature_matching_loss,
    gradient_penalty,
    mismatch_loss,
    pairing_loss,
)
from ganaug.techniques.spectral_norm import normalise_spectra

PEAK_RATE = 1e-3  # learning rate
BETAS = (0.0, 0.99)  # of Adam: no momentum, as is usual for GANs
MISMATCH_WEIGHT = 0.4  # of the mismatch loss, relative to the pairing loss
PENALTY_WEIGHT = 0.3  # of the gradient penalty, relative to the pairing loss
PENALTY_EVERY = 8
"""Steps between penalties, whose weight grows in proportion (lazy regularisation, Karras et al. 2020)."""
KNOWN_PAIRS = 0.8
"""Share of pairs in which the real sample has the larger logit, from which a discriminator knows too much by heart."""
ADAPTATION = 0.005  # change of the share of distorted samples in a step
PENALTY_SAMPLES = 8
"""Real samples in a penalty, and as many synthetic ones: enough for a mean, and quick."""


class Adversary:
    """What a family adds that lets a discriminator judge its samples, with the techniques that stabilise it.

    Parameters
    ----------
    modality : Modality
        The data as networks see it, and the settings of the techniques.
    engine : Engine
        Where the discriminator learns.
    """

    def __init__(self, modality: Modality, engine: Engine) -> None:
        self.modality, self.engine, self.techniques = modality, engine, modality.techniques
        self.discriminator: ProjectionDiscriminator = engine.place(modality.new_discriminator())
        if self.techniques.spectral_norm:
            normalise_spectra(self.discriminator)
        if self.techniques.adaptive_augmentation:  # a checkpoint must hold the share that has been reached
            self.discriminator.register_buffer("distorted_share", torch.zeros((), device=engine.device))

    @property
    def group(self) -> dict[str, Any]:
        """The parameters of the discriminator with their settings of Adam, for an optimiser."""
        return {"params": list(self.discriminator.parameters()), "lr": PEAK_RATE, "betas": BETAS}

    def loss(self, batch: Batch, synthetic: Tensor, weight: float = 1.0) -> tuple[Tensor, dict[str, Tensor]]:
        """Judge the real samples of a batch and synthetic samples (B, ...) of the same classes, all distorted alike.

        Returns
        -------
        loss : Tensor
            A scalar. Its backward pass gives the discriminator its gradient, and the samples that of the generator's
            loss, `weight` times.
        losses : dict of str to Tensor
            The losses of both, and of the mismatch, by name.
        """
        label, shown, chosen = batch.label, synthetic.view_as(synthetic), self.techniques
        classes = min(1.0, batch.progress / chosen.transition) if chosen.transition else 1.0
        self._label = torch.cat([label, label])  # (2B,)
        plain = torch.cat([batch.real, shown])  # (2B, ...)
        with self.engine.autocast():
            self._judged = self._distorted(plain, batch.random)
            features = self.discriminator.features(self._judged)  # (2B, F)
            classless, by_class = self.discriminator.judge_all(features)  # (2B, 1), (2B, n_classes)
            logits = own_logits(classless, by_class, self._label, classes)
            if chosen.minibatch_deviation:
                deviation = deviation_of_halves(self._of_all(features)).repeat_interleave(len(label))  # (2B,)
                logits = logits + chosen.minibatch_deviation * deviation
            on_real, on_synthetic = logits.chunk(2)  # (B,) each
            matching = None
            if chosen.feature_matching:
                matching = feature_matching_loss(self._of_all(features), shown, synthetic)
            loss = pairing_loss(on_real, on_synthetic, shown, weight)
        mismatch = mismatch_loss(by_class[: len(label)], label)
        losses = {
            "discriminator": loss,
            "generator": F.softplus((on_real - on_synthetic).detach()).mean(),
            "mismatch": mismatch,
        }
        loss = loss + classes * MISMATCH_WEIGHT * mismatch
        if chosen.adaptive_augmentation:
            self._adapt(on_real, on_synthetic)
        if chosen.consistency:
            loss = loss + chosen.consistency * self._inconsistency(plain.detach(), logits, classes)
        if matching is not None:
            loss, losses = loss + weight * chosen.feature_matching * matching, losses | {"features": matching}
        return loss, losses

    def penalise(self, step: int) -> None:
        """Flatten the discriminator around what it was shown last, in every `PENALTY_EVERY` steps."""
        weight = PENALTY_WEIGHT * self.techniques.gradient_penalty
        if weight and step % PENALTY_EVERY == 0:
            half = len(self._label) // 2
            some = torch.arange(min(self.engine.part(PENALTY_SAMPLES), half), device=self._label.device)
            some = torch.cat([some, some + half])
            penalty = gradient_penalty(self.discriminator, self._judged[some], self._label[some])
            self.engine.backward(weight * PENALTY_EVERY * penalty)

    @property
    def _distorted_share(self) -> Tensor:
        share: Tensor = self.discriminator.distorted_share  # type: ignore[assignment]
        return share

    def _of_all(self, features: Tensor) -> Tensor:
        """Return the features of the real and of the synthetic samples (2B, F) of all processes."""
        halves = features.view(2, -1, *features.shape[1:])
        return self.engine.gathered(halves, dim=1).flatten(0, 1)

    def _distorted(self, samples: Tensor, random: Random) -> Tensor:
        """Return the samples, each distorted with the probability that is due."""
        distorted = self.modality.distort_learnable(samples, random)
        if not self.techniques.adaptive_augmentation:
            return distorted
        changed = uniform((len(samples),), random).to(samples.device) < self._distorted_share
        return torch.where(changed.view(-1, *[1] * (samples.ndim - 1)), distorted, samples)

    def _adapt(self, on_real: Tensor, on_synthetic: Tensor) -> None:
        """Distort more often while the discriminator knows more pairs than `KNOWN_PAIRS`, and more seldom otherwise."""
        known = float(self.engine.gathered((on_real.detach() > on_synthetic.detach()).float()).mean())
        self._distorted_share.add_(ADAPTATION if known > KNOWN_PAIRS else -ADAPTATION).clamp_(0.0, 1.0)

    def _inconsistency(self, plain: Tensor, logits: Tensor, classes: float) -> Tensor:
        """Return the mean squared difference between the logits of samples and of their distortions."""
        with self.engine.autocast():
            of_plain = self.discriminator.judge(self.discriminator.features(plain), self._label, classes)
        return (of_plain - logits).square().mean()
