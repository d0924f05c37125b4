"""A discriminator and what it is asked: pairing within a class, classes told apart, R1 and R2 penalties."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ganaug.compute.engine import Engine
from ganaug.networks.modality import Modality
from ganaug.networks.projection import ProjectionDiscriminator
from ganaug.networks.samples import Batch
from ganaug.techniques.losses import gradient_penalty, mismatch_loss, pairing_loss

PEAK_RATE = 1e-3  # learning rate
BETAS = (0.0, 0.99)  # of Adam: no momentum, as is usual for GANs
MISMATCH_WEIGHT = 0.4  # of the mismatch loss, relative to the pairing loss
PENALTY_WEIGHT = 0.3  # of the gradient penalty, relative to the pairing loss
PENALTY_EVERY = 8
"""Steps between penalties, whose weight grows in proportion (lazy regularisation, Karras et al. 2020)."""
PENALTY_SAMPLES = 8
"""Real samples in a penalty, and as many synthetic ones: enough for a mean, and quick."""


class Adversary:
    """What a family adds that lets a discriminator judge its samples.

    Parameters
    ----------
    modality : Modality
        The data as networks see it.
    engine : Engine
        Where the discriminator learns.
    """

    def __init__(self, modality: Modality, engine: Engine) -> None:
        self.modality, self.engine = modality, engine
        self.discriminator: ProjectionDiscriminator = engine.place(modality.new_discriminator())

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
        label, shown = batch.label, synthetic.view_as(synthetic)
        self._label = torch.cat([label, label])  # (2B,)
        with self.engine.autocast():
            self._judged = self.modality.distort_learnable(torch.cat([batch.real, shown]), batch.random)  # (2B, ...)
            features = self.discriminator.features(self._judged)  # (2B, F)
            on_real, on_synthetic = self.discriminator.judge(features, self._label).chunk(2)  # (B,) each
            loss = pairing_loss(on_real, on_synthetic, shown, weight)
        mismatch = mismatch_loss(self.discriminator.judge_all(features[: len(label)]), label)
        losses = {
            "discriminator": loss,
            "generator": F.softplus(on_real - on_synthetic).mean(),
            "mismatch": mismatch,
        }
        return loss + MISMATCH_WEIGHT * mismatch, losses

    def penalise(self, step: int) -> None:
        """Flatten the discriminator around what it was shown last, in every `PENALTY_EVERY` steps."""
        if step % PENALTY_EVERY == 0:
            half = len(self._label) // 2
            some = torch.arange(min(PENALTY_SAMPLES, half), device=self._label.device)
            some = torch.cat([some, some + half])
            penalty = gradient_penalty(self.discriminator, self._judged[some], self._label[some])
            self.engine.backward(PENALTY_WEIGHT * PENALTY_EVERY * penalty)
