"""An encoder and a network that draws from its codes: the part that families with learned codes share."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganaug.compute.draws import normal
from ganaug.compute.engine import Engine
from ganaug.families.adversary import Adversary
from ganaug.networks.modality import Modality
from ganaug.networks.samples import Batch, Samples

PEAK_RATE = 1e-3  # learning rate of both networks
BETAS = (0.5, 0.99)
"""Of Adam. With the usual momentum of 0.9, samples collapse under a discriminator of this weight."""
CODE_NOISE = 0.2
"""Standard deviation of the noise on codes, whose numbers are near 1: neighbours must draw similar samples."""
CODE_WEIGHT = 0.05
"""Weight of the mean square of a code, which keeps its numbers near 1, relative to the reconstruction."""
ADVERSARIAL_WEIGHT = 1.0
"""Weight of a discriminator of reproduced samples, relative to the reconstruction of one value."""
MAX_CODES, CODED_AT_ONCE = 8192, 256  # samples


class Coder:
    """An autoencoder of the samples of a modality, whose codes may be disturbed a little.

    A discriminator of the reproduced samples asks for the details that the reconstruction averages out, as in the
    autoencoders of latent diffusion (Esser et al. 2021).

    Parameters
    ----------
    modality : Modality
        The data as networks see it.
    engine : Engine
        Where the networks learn.
    """

    def __init__(self, modality: Modality, engine: Engine) -> None:
        self.modality, self.engine = modality, engine
        self.network = engine.place(modality.new_network())
        self.encoder = engine.place(modality.new_encoder(modality.code_dim))
        self.networks: dict[str, nn.Module] = {"encoder": self.encoder}
        self.adversary = Adversary(modality, engine)
        self.networks["discriminator"] = self.adversary.discriminator
        learned = [*self.network.parameters(), *self.encoder.parameters()]
        own = {"params": learned, "lr": PEAK_RATE, "betas": BETAS}
        self.optimizer = torch.optim.Adam([own, self.adversary.group], fused=True)

    def learn(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Take one step: code the samples, disturb the codes, and draw the samples again."""
        real = self.modality.distort_learnable(batch.real, batch.random)
        with self.engine.autocast():
            code = self.encoder(real, batch.label)  # (B, code_dim)
            noise = normal(code.shape, batch.random).to(code.device)
            outputs = self.modality.reconstruct(self.network, code + CODE_NOISE * noise, batch)

        of_all = map(self.engine.gathered, (outputs, real))
        reconstruction = self.modality.reconstruction_loss(*of_all).mean() / real[0].numel()
        size = code.square().sum(dim=1).mean() / real[0].numel()
        of_adversary, more = self.adversary.loss(batch, self.modality.relaxed(outputs, batch), ADVERSARIAL_WEIGHT)
        loss = reconstruction + CODE_WEIGHT * size + of_adversary
        losses = {"reconstruction": reconstruction, "code": size} | more
        self.optimizer.zero_grad(set_to_none=True)
        self.engine.backward(loss)
        self.adversary.penalise(step)
        self.engine.step(self.optimizer)
        return {name: value.detach() for name, value in losses.items()}

    @torch.no_grad()
    def drawn_codes(self, samples: Samples, count: int) -> tuple[Tensor, Tensor]:
        """Return about `count` codes (N, code_dim) of samples that are drawn as for a batch, and their labels (N,)."""
        random = torch.Generator().manual_seed(0)  # the same ones after a run is resumed
        codes, labels = [], []
        for _ in range(max(1, min(MAX_CODES, count) // CODED_AT_ONCE)):
            real, label = samples.draw(CODED_AT_ONCE, random)
            codes.append(self.encoder(real, label))
            labels.append(label)
        return torch.cat(codes), torch.cat(labels)


@torch.no_grad()
def codes_of(samples: Samples, encoder: Callable[[Tensor, Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """Return codes (N, code_dim) of at most `MAX_CODES` of the samples by an encoder, and their labels (N,)."""
    rows = torch.arange(len(samples), device=samples.label.device)
    rows = rows[:: -(-len(rows) // MAX_CODES)]
    codes = [encoder(samples.inputs(part), samples.label[part]) for part in torch.split(rows, CODED_AT_ONCE)]
    return torch.cat(codes), samples.label[rows]
