"""The conditional variational autoencoder with a discriminator of its samples (VAE-GAN, Larsen et al. 2016)."""

import torch
from torch import Tensor, nn

from ganaug.compute.draws import normal
from ganaug.compute.engine import Engine
from ganaug.families.adversary import Adversary
from ganaug.families.base import Family
from ganaug.networks.coded import ClassNormal, Coded
from ganaug.networks.modality import Modality
from ganaug.networks.samples import Batch
from ganaug.techniques.losses import normal_divergence

PEAK_RATE = 1e-3  # learning rate of encoder and network
BETAS = (0.5, 0.99)  # of Adam
DIVERGENCE_WEIGHT = 6.0
"""Weight of the divergence, relative to the reconstruction (beta-VAE, Higgins et al. 2017). 1 would be the bound on the
likelihood; more leaves less room between the codes of few samples, where the prior would draw what no sample taught."""
WARM_UP = 0.1
"""Share of the run in which this weight rises, so that codes say something before they must be normal."""
FREE_NATS = 0.05
"""Divergence of each number of a code that costs nothing (free bits, Kingma et al. 2016)."""
ADVERSARIAL_WEIGHT = 1.0
"""Weight of the discriminator, relative to the bound of one value; 0 for none."""


class VAE(Family):
    """An encoder and a network that draws from its codes, which are asked to be normal in every class.

    The codes of each class have a normal distribution with a learned mean and deviation (conditional prior, Sohn et al.
    2015). The exported generator draws from this prior. Likelihood alone gives blurred samples; a discriminator of
    reproductions and of samples drawn from the prior sharpens them.
    """

    def __init__(self, modality: Modality, engine: Engine) -> None:
        self.prior, self.network = ClassNormal(modality.n_classes, modality.code_dim), modality.new_network()
        generator = modality.new_generator(Coded(self.prior, self.network))
        super().__init__(modality, engine, engine.place(generator))
        self.encoder = engine.place(modality.new_encoder(2 * modality.code_dim))
        groups = [{"params": [*generator.parameters(), *self.encoder.parameters()], "lr": PEAK_RATE, "betas": BETAS}]
        self.adversary = Adversary(modality, engine) if ADVERSARIAL_WEIGHT else None
        if self.adversary is not None:
            self.discriminator = self.adversary.discriminator
            groups.append(self.adversary.group)
        self.optimizer = torch.optim.Adam(groups, fused=True)

    @property
    def networks(self) -> nn.ModuleDict:
        """Return generator, average and encoder, and the discriminator if there is one."""
        own = {"generator": self.generator, "average": self.average, "encoder": self.encoder}
        return nn.ModuleDict(own if self.discriminator is None else own | {"discriminator": self.discriminator})

    @property
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Return the one optimiser of all networks."""
        return {"adam": self.optimizer}

    def learn(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Take one step: draw one half of a batch from the codes of its samples, and the other from the prior."""
        half = len(batch.label) - len(batch.label) // 2
        real, label = self.modality.distort_learnable(batch.real[:half], batch.random), batch.label[:half]
        with self.engine.autocast():
            mean, log_deviation = self.encoder(real, label).chunk(2, dim=1)  # (half, code_dim) each
            noise = normal((len(batch.label), mean.shape[1]), batch.random).to(mean.device)
            drawn = self.prior(noise[half:], batch.label[half:])  # (B - half, code_dim)
            code = torch.cat([mean + log_deviation.exp() * noise[:half], drawn])
            outputs = self.modality.reconstruct(self.network, code, batch)  # (B, ...)

        # The bound on the likelihood, for each value of a sample.
        size = real[0].numel()
        of_all = map(self.engine.gathered, (outputs[:half], real))
        reconstruction = self.modality.reconstruction_loss(*of_all).mean() / size
        divergence = normal_divergence(*self.prior.standardised(mean, log_deviation, label))
        divergence = self.engine.gathered(divergence).mean(0)  # (code_dim,)
        warm = min(1.0, batch.progress / WARM_UP)
        loss = reconstruction + warm * DIVERGENCE_WEIGHT * divergence.clamp_min(FREE_NATS).sum() / size
        losses = {"reconstruction": reconstruction, "divergence": divergence.sum()}

        if self.adversary is not None:
            synthetic = self.modality.relaxed(outputs, batch)
            of_adversary, more = self.adversary.loss(batch, synthetic, ADVERSARIAL_WEIGHT)
            variety = self.modality.discrepancy(*map(self.engine.gathered, (batch.real, synthetic, batch.label)))
            loss, losses = loss + of_adversary + variety, losses | more | {"variety": variety}
        self.optimizer.zero_grad(set_to_none=True)
        self.engine.backward(loss)
        if self.adversary is not None:
            self.adversary.penalise(step)
        self.engine.step(self.optimizer)
        return {name: value.detach() for name, value in losses.items()}
