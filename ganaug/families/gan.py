"""The conditional GAN: a generator and a discriminator that learn from each other in one backward pass."""

import torch
from torch import Tensor, nn

from ganaug.compute.engine import Engine
from ganaug.families.adversary import BETAS, PEAK_RATE, Adversary
from ganaug.families.base import Family
from ganaug.networks.modality import Modality
from ganaug.networks.samples import Batch
from ganaug.techniques.losses import class_gain_penalty

GAINS_EVERY = 8
"""Steps between penalties of the gains of the classes, whose weight grows in proportion."""


class GAN(Family):
    """A generator and a discriminator that learn from each other (see `Family` for the parameters)."""

    discriminator: nn.Module

    def __init__(self, modality: Modality, engine: Engine) -> None:
        super().__init__(modality, engine, engine.place(modality.new_generator()))
        self.adversary = Adversary(modality, engine)
        self.discriminator = self.adversary.discriminator
        learned = [*self.generator.parameters(), *self.discriminator.parameters()]
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
        with self.engine.autocast():
            synthetic = self.modality.synthesise(self.generator, batch)  # (B, ...)
        loss, losses = self.adversary.loss(batch, synthetic)

        # Ask that each class varies as its real samples do.
        of_all = map(self.engine.gathered, (batch.real, synthetic, batch.label))
        discrepancy = self.modality.discrepancy(*of_all)
        loss = loss + discrepancy
        if (weight := self.modality.techniques.class_gain_penalty) and step % GAINS_EVERY == 0:
            loss = loss + weight * GAINS_EVERY * class_gain_penalty(self.generator)
        self.optimizer.zero_grad(set_to_none=True)
        self.engine.backward(loss)
        self.adversary.penalise(step)
        self.engine.step(self.optimizer)
        return {name: value.detach() for name, value in (losses | {"variety": discrepancy}).items()}
