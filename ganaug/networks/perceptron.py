"""Generator and discriminator of table rows: multilayer perceptrons."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.compute.draws import Random
from ganaug.data.tables.constraints.joint_choices import JointChoices
from ganaug.data.tables.layout import RowLayout
from ganaug.networks.decisions import Decisions
from ganaug.networks.projection import ProjectionDiscriminator

SLOPE = 0.2
"""Slope of every leaky ReLU."""


class RowNetwork(nn.Module):
    """Maps a code and a class index to the quantiles of a row and the logits of its decisions, side by side.

    The contribution of the class begins at zero, as in the generator of images: all classes begin as one, share what
    they can, and part only as far as the loss asks.

    Parameters
    ----------
    n_classes, code_dim, n_outputs : int
        Number of classes; length of a code; quantiles and logits together.
    width, depth : int
        Units of each hidden layer; number of hidden layers.
    """

    def __init__(self, n_classes: int, code_dim: int, n_outputs: int, *, width: int = 128, depth: int = 2) -> None:
        super().__init__()
        self.code_dim, self.n_hidden = code_dim, width * depth
        sides = [code_dim, *[width] * depth]
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sides))
        self.by_class = nn.ModuleList(nn.Embedding(n_classes, 2 * width) for _ in range(depth))
        self.head = nn.Linear(width, n_outputs)
        self.head_by_class = nn.Embedding(n_classes, n_outputs)
        for embedding in (*self.by_class, self.head_by_class):
            nn.init.zeros_(embedding.weight)

    def forward(self, code: Tensor, label: Tensor) -> Tensor:
        """Return quantiles and logits (B, n_outputs)."""
        x = code
        for layer, embedding in zip(self.hidden, self.by_class, strict=True):
            gain, shift = embedding(label).chunk(2, dim=1)
            x = F.leaky_relu(torch.addcmul(shift, layer(x), 1 + gain), SLOPE)
        outputs: Tensor = self.head(x) + self.head_by_class(label)
        return outputs


class RowGenerator(nn.Module):
    """Maps noise and a class index to a row: a network drafts it, and the noise makes its choices.

    Parameters
    ----------
    n_classes, layout : int, RowLayout
        Number of classes; what a row holds.
    joint : JointChoices, optional
        The choices that are made together, as one decision; by default each choice is a decision of its own.
    network : nn.Module, optional
        Called as ``network(code, label)``, returns quantiles and logits of decisions, (B, n_outputs). It has the
        attribute `code_dim`: the leading numbers of the noise are the code. By default a `RowNetwork`.
    code_dim : int, default=32
        Length of the code of the default network. One more number of the noise for each decision selects the option.
    """

    gate: Tensor
    derivation: Tensor
    gain: Tensor | None
    shift: Tensor | None

    def __init__(
        self,
        n_classes: int,
        layout: RowLayout,
        *,
        joint: JointChoices | None = None,
        network: nn.Module | None = None,
        code_dim: int = 32,
    ) -> None:
        super().__init__()
        self.layout, self.n_classes = layout, n_classes
        self.decisions = Decisions(joint or JointChoices.independent(layout.options), layout.options)
        self.n_outputs = layout.n_quantiles + sum(self.decisions.options)
        self.network = network or RowNetwork(n_classes, code_dim, self.n_outputs)
        self.code_dim: int = self.network.code_dim  # type: ignore[assignment]
        self.noise_dim = self.code_dim + len(self.decisions.options)
        self.n_hidden = int(getattr(self.network, "n_hidden", 0))

        none = sum(layout.options)
        gate = [layout.starts[choice] if choice >= 0 else none for choice in layout.gates]
        self.register_buffer("gate", torch.tensor(gate, dtype=torch.int64), persistent=False)
        self.register_buffer("derivation", torch.from_numpy(layout.derivation), persistent=False)
        self.register_buffer("gain", None, persistent=False)
        self.register_buffer("shift", None, persistent=False)
        self._gated = any(choice >= 0 for choice in layout.gates)

    @property
    def noise_parts(self) -> tuple[tuple[str, int], ...]:
        """What the numbers of the noise are for."""
        parts = (("code", self.code_dim), ("decisions", len(self.decisions.options)))
        return tuple(part for part in parts if part[1])

    @property
    def device(self) -> torch.device:
        """Where the generator is."""
        return self.gate.device

    def forward(self, noise: Tensor, label: Tensor) -> Tensor:
        """Return rows (B, width), every choice made."""
        quantiles, choices, _ = self.draw(noise, label)
        return self.join(quantiles, choices)

    def join(self, quantiles: Tensor, choices: Tensor) -> Tensor:
        """Return the rows (B, width) of these quantiles and choices."""
        if not self.layout.options:
            return self._row(quantiles, quantiles[:, :0])
        return self._row(quantiles, self.decisions.side_by_side(choices).to(quantiles.dtype))

    def draw(self, noise: Tensor, label: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return quantiles (B, n_quantiles), the options taken, int64 (B, n_choices), and a uniform number for each.

        The last, (B, n_choices), is where within its option the draw fell, from 0 to 1: free for another use.
        """
        quantiles, logits = self.draft(noise, label)
        normal = noise[:, self.code_dim :]
        if not self.layout.options:
            return quantiles, normal.long(), normal
        return quantiles, *self.decisions.draw(logits, normal)

    def relaxed(self, noise: Tensor, label: Tensor, random: Random) -> Tensor:
        """Return rows (B, width) whose choices pass gradients."""
        return self.relax(self.network(noise[:, : self.code_dim], label), random)

    def relax(self, outputs: Tensor, random: Random) -> Tensor:
        """Return rows (B, width) of the outputs of the network, whose choices pass gradients."""
        quantiles, logits = self.split(outputs)
        return self._row(quantiles, self.decisions.relax(logits, random) if self.layout.options else logits)

    def draft(self, noise: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Return quantiles (B, n_quantiles) and the logits of decisions (B, sum of their options)."""
        outputs = self.network(noise[:, : self.code_dim], label)
        if self.gain is not None and self.shift is not None:
            outputs = torch.addcmul(self.shift[label], outputs, self.gain[label])
        return self.split(outputs)

    def split(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the quantiles and the logits among the outputs of the network."""
        sizes = [self.layout.n_quantiles, self.n_outputs - self.layout.n_quantiles]
        quantiles, logits = torch.split(outputs, sizes, dim=1)
        return quantiles, logits

    def opened(self, taken: Tensor) -> Tensor:
        """Return how far the options taken (B, sum of options) activate each quantile, 0 to 1, (B, n_quantiles)."""
        return F.pad(taken, (0, 1), value=1.0).index_select(1, self.gate)

    @torch.no_grad()
    def adjust(self, label: int, gain: Tensor, shift: Tensor) -> None:
        """Scale the quantiles and logits of a class by gain and move them by shift, each (n_outputs,)."""
        if self.gain is None or self.shift is None:
            self.gain = gain.new_ones(self.n_classes, self.n_outputs)
            self.shift = gain.new_zeros(self.n_classes, self.n_outputs)
        self.gain[label] *= gain
        self.shift[label] = self.shift[label] * gain + shift

    def _row(self, quantiles: Tensor, taken: Tensor) -> Tensor:
        """Join quantiles (B, S) and the options taken to rows; quantiles that the options do not activate become 0."""
        if self._gated:
            quantiles = quantiles * self.opened(taken)
        row = torch.cat([quantiles, taken], dim=1) if self.layout.options else quantiles
        return torch.cat([row, row @ self.derivation.to(row.dtype)], dim=1) if self.layout.derived else row


class RowDiscriminator(ProjectionDiscriminator):
    """Maps a row and its class index to one logit; the parameters are those of `RowGenerator`."""

    def __init__(self, n_classes: int, layout: RowLayout, *, width: int = 128, depth: int = 2) -> None:
        super().__init__(n_classes, width)
        self.hidden = _perceptron([layout.width, *[width] * depth])

    def features(self, rows: Tensor) -> Tensor:
        """Return features of rows (B, D) that do not depend on the label, (B, width)."""
        features: Tensor = self.hidden(rows)
        return features.float()


def _perceptron(sides: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in pairwise(sides):
        layers += [nn.Linear(before, after), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers)
