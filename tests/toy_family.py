"""A family in one module, as the contract test registers it with one line: a generator that learns the energy alone."""

import torch
from torch import Tensor, nn

from ganaug.compute.engine import Engine
from ganaug.families.base import Family
from ganaug.networks.modality import Modality
from ganaug.networks.samples import Batch


class EnergyGenerator(Family):
    """No discriminator: the synthetic samples of a batch shall be like its real ones, and vary as they do."""

    def __init__(self, modality: Modality, engine: Engine) -> None:
        super().__init__(modality, engine, engine.place(modality.new_generator()))
        self.optimizer = torch.optim.Adam(self.generator.parameters(), lr=1e-3)

    @property
    def networks(self) -> nn.ModuleDict:
        return nn.ModuleDict({"generator": self.generator, "average": self.average})

    @property
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"adam": self.optimizer}

    def learn(self, batch: Batch, step: int) -> dict[str, Tensor]:
        with self.engine.autocast():
            synthetic = self.modality.synthesise(self.generator, batch)
        distance = (synthetic.float() - batch.real).square().mean()
        loss = distance + self.modality.discrepancy(batch.real, synthetic, batch.label)
        self.optimizer.zero_grad(set_to_none=True)
        self.engine.backward(loss)
        self.engine.step(self.optimizer)
        return {"energy": loss.detach()}
