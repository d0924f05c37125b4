"""The conditional GAN: relativistic pairing within a class, R1 and R2 penalties, one backward pass for both players."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.compute.engine import Engine
from ganaug.families.base import Family
from ganaug.networks.modality import Modality
from ganaug.networks.projection import ProjectionDiscriminator
from ganaug.networks.samples import Batch
from ganaug.techniques.losses import gradient_penalty, mismatch_loss, pairing_loss

PEAK_RATE = 1e-3  # learning rate of both players
BETAS = (0.0, 0.99)  # of Adam: no momentum, as is usual for GANs
MISMATCH_WEIGHT = 0.4  # of the mismatch loss, relative to the pairing loss
PENALTY_WEIGHT = 0.3  # of the gradient penalty, relative to the pairing loss
PENALTY_EVERY = 8
"""Steps between penalties, whose weight grows in proportion (lazy regularisation, Karras et al. 2020)."""
PENALTY_SAMPLES = 8
"""Real samples in a penalty, and as many synthetic ones: enough for a mean, and quick."""


class GAN(Family):
    """A generator and a discriminator that learn from each other (see `Family` for the parameters)."""

    discriminator: ProjectionDiscriminator

    def __init__(self, modality: Modality, engine: Engine) -> None:
        generator, discriminator = modality.new_generator(), modality.new_discriminator()
        super().__init__(modality, engine, engine.place(generator))
        self.discriminator = engine.place(discriminator)
        learned = [*generator.parameters(), *discriminator.parameters()]
        self.optimizer = torch.optim.Adam(learned, lr=PEAK_RATE, betas=BETAS, fused=True)

    @property
    def networks(self) -> nn.ModuleDict:
        """Return generator, average and discriminator."""
        return nn.ModuleDict(
            {"generator": self.generator, "average": self.average, "discriminator": self.discriminator}
        )

    @property
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Return the one optimiser of both players."""
        return {"adam": self.optimizer}

    def learn(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Take one step of both players."""
        labels = torch.cat([batch.label, batch.label])

        # Judge real and synthetic samples of the same classes under the same kind of distortion.
        with self.engine.autocast():
            synthetic = self.modality.synthesise(self.generator, batch)  # (B, ...)
            shown = synthetic.view_as(synthetic)
            judged = self.modality.distort_learnable(torch.cat([batch.real, shown]), batch.random)  # (2B, ...)
            features = self.discriminator.features(judged)  # (2B, F)
            on_real, on_synthetic = self.discriminator.judge(features, labels).chunk(2)  # (B,) each
            loss = pairing_loss(on_real, on_synthetic, shown)

        # Ask that classes stay apart, and that each class varies as its real samples do.
        mismatch = mismatch_loss(self.discriminator.judge_all(features[: len(batch.label)]), batch.label)
        discrepancy = self.modality.discrepancy(batch.real, synthetic, batch.label)
        self.optimizer.zero_grad(set_to_none=True)
        self.engine.backward(loss + MISMATCH_WEIGHT * mismatch + discrepancy)

        # Flatten the discriminator around what it was shown.
        if step % PENALTY_EVERY == 0:
            some = torch.arange(min(PENALTY_SAMPLES, len(batch.label)), device=labels.device)
            some = torch.cat([some, some + len(batch.label)])
            penalty = gradient_penalty(self.discriminator, judged[some], labels[some])
            self.engine.backward(PENALTY_WEIGHT * PENALTY_EVERY * penalty)

        self.engine.step(self.optimizer)
        losses = {
            "discriminator": loss,
            "generator": F.softplus(on_real - on_synthetic).mean(),
            "mismatch": mismatch,
            "variety": discrepancy,
        }
        return {name: value.detach() for name, value in losses.items()}
