"""A conditional normalising flow: an invertible network whose density is exact (Dinh et al. 2017)."""

import torch
from torch import Tensor, nn

from ganaug.compute.draws import integers, normal, whole
from ganaug.compute.engine import Engine
from ganaug.families.base import Family
from ganaug.families.coder import Coder, codes_of
from ganaug.networks.coded import Coded
from ganaug.networks.flow import PointFlow
from ganaug.networks.modality import Modality
from ganaug.networks.samples import Batch, Samples

PEAK_RATE = 1e-3  # learning rate
WEIGHT_DECAY = 1e-2  # of AdamW
MAX_POINT_DIM = 256
"""Longest points that the flow learns as they are. Of longer ones it learns the codes of an autoencoder."""
CODING = 0.8
"""Share of the run in which the autoencoder learns, where there is one; then the flow learns its codes."""
NOISE = 0.2
"""Standard deviation of the noise on the codes, whose own is 1: without it a flow puts its mass on few samples."""
VIEWS = 8
"""Codes that the flow learns from, for each sample: images have several views."""
CODES_IN_BATCH = 128  # a step of the flow is cheap


class Flow(Family):
    """A flow from noise to points, trained by maximum likelihood.

    The points are the samples themselves, or where these are long, such as images, their codes (as in latent diffusion,
    Rombach et al. 2022, with a flow for the diffusion).
    """

    def __init__(self, modality: Modality, engine: Engine) -> None:
        is_short = modality.point_dim <= MAX_POINT_DIM
        self.coder = None if is_short else Coder(modality, engine)
        self.flow = PointFlow(modality.counts, modality.point_dim if is_short else modality.code_dim)
        network = Outputs(modality) if self.coder is None else self.coder.network
        super().__init__(modality, engine, engine.place(modality.new_generator(Coded(self.flow, network))))
        self.average_encoder = None if self.coder is None else self.averaged(self.coder.encoder)
        self._bank: tuple[Tensor, Tensor] | None = None
        self.grows = self.coder is not None  # a density has one number of dimensions
        self.optimizer = torch.optim.AdamW(self.flow.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY, fused=True)

    @property
    def networks(self) -> nn.ModuleDict:
        """Return generator and average, and the networks of the coder if there is one."""
        own: dict[str, nn.Module] = {"generator": self.generator, "average": self.average}
        if self.coder is not None and self.average_encoder is not None:
            own |= {"average_encoder": self.average_encoder} | self.coder.networks
        return nn.ModuleDict(own)

    @property
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Return the optimiser of the flow, and that of the coder if there is one."""
        return {"flow": self.optimizer} | ({} if self.coder is None else {"coder": self.coder.optimizer})

    def begin(self, samples: Samples) -> None:
        """Take note of the samples."""
        self._samples = samples

    def learn(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Take one step of the coder, or one of the flow towards a greater likelihood of the points."""
        if self.coder is not None and batch.progress < CODING:
            return self.coder.learn(batch, step)
        if not self.flow.has_begun:
            self._begin_flow(whole(batch.random))
        points, label = self._points(batch)
        noise = NOISE * normal(points.shape, batch.random).to(points.device)
        loss = -self.flow.log_prob(points, label, noise).mean() / points.shape[1]
        self.optimizer.zero_grad(set_to_none=True)
        self.engine.backward(loss)
        self.engine.step(self.optimizer)
        return {"likelihood": loss.detach()}

    def complete(self) -> None:
        """Let the average draw normal codes of each class as long as the flow has not begun."""
        if not self.flow.has_begun:
            [flow] = [part for part in self.average.modules() if isinstance(part, PointFlow)]
            flow.begin(*self._all_points(torch.Generator().manual_seed(0)))

    def _begin_flow(self, random: torch.Generator) -> None:
        """Stop the coder at its average, and let the flow begin at normal distributions."""
        if self.coder is not None and self.average_encoder is not None:
            self.coder.encoder.load_state_dict(self.average_encoder.state_dict())
            self.generator.load_state_dict(self.average.state_dict())
        self.flow.begin(*self._all_points(random))

    @torch.no_grad()
    def _points(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return points (N, D) to learn from in one step, and their labels (N,)."""
        if self.coder is None:
            real = self.modality.distort_learnable(batch.real, batch.random)
            return self.modality.points(real, batch.random), batch.label
        if self._bank is None:  # the coder learns no more
            self._bank = self.coder.drawn_codes(self._samples, VIEWS * len(self._samples))
        rows = integers(len(self._bank[1]), (self.engine.part(CODES_IN_BATCH),), batch.random)
        return self._bank[0][rows], self._bank[1][rows]

    @torch.no_grad()
    def _all_points(self, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return the points (N, D) of the samples, and their labels (N,)."""
        if self.average_encoder is not None:
            return codes_of(self._samples, self.average_encoder)
        return codes_of(self._samples, lambda real, _: self.modality.points(real, random))


class Outputs(nn.Module):
    """In the place of a network: maps points to the outputs of a network that draws them."""

    def __init__(self, modality: Modality) -> None:
        super().__init__()
        self._modality = modality

    def __deepcopy__(self, _: dict[int, object]) -> "Outputs":
        """Return a module of the same modality, whose data are not copied."""
        return Outputs(self._modality)

    def forward(self, points: Tensor, label: Tensor) -> Tensor:  # noqa: ARG002
        """Return outputs (B, ...)."""
        return self._modality.outputs_of(points)
