"""A deterministic autoencoder with a density of its codes, fitted afterwards (Ghosh et al. 2020)."""

import torch
from torch import Tensor, nn

from ganaug.compute.engine import Engine
from ganaug.families.base import Family
from ganaug.families.coder import Coder, codes_of
from ganaug.networks.coded import Coded
from ganaug.networks.mixture import ClassMixture
from ganaug.networks.modality import Modality
from ganaug.networks.samples import Batch, Samples


class DensityAutoencoder(Family):
    """An encoder, a network that draws from its codes, and a mixture of normal distributions of the codes of a class.

    Nothing is asked of the codes while both networks learn, but to be small and to forgive noise. The density is fitted
    when the average is validated or exported, and is part of the exported generator.
    """

    def __init__(self, modality: Modality, engine: Engine) -> None:
        self.coder = Coder(modality, engine)
        density = ClassMixture(modality.counts, modality.code_dim)
        generator = modality.new_generator(Coded(density, self.coder.network))
        super().__init__(modality, engine, engine.place(generator))
        self.average_encoder = self.averaged(self.coder.encoder)

    @property
    def networks(self) -> nn.ModuleDict:
        """Return generator, coder, and the averages of generator and encoder."""
        own = {"generator": self.generator, "average": self.average, "average_encoder": self.average_encoder}
        return nn.ModuleDict(own | dict(self.coder.networks))

    @property
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Return the one optimiser."""
        return {"adam": self.coder.optimizer}

    def begin(self, samples: Samples) -> None:
        """Take note of the samples."""
        self._samples = samples

    def learn(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Take one step of encoder and network."""
        return self.coder.learn(batch, step)

    def complete(self) -> None:
        """Fit the density of the average to the codes of the samples."""
        [density] = [part for part in self.average.modules() if isinstance(part, ClassMixture)]
        density.fit(*codes_of(self._samples, self.average_encoder))
