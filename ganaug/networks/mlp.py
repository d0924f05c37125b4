"""Generator and discriminator for rows of a table: multilayer perceptrons between noise, classes and columns."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.codecs.joint import JointChoices
from ganaug.codecs.table import Encoded, TableCodec
from ganaug.networks.projection import ProjectionDiscriminator

__all__ = ["RowDiscriminator", "RowGenerator", "RowLayout"]

SLOPE = 0.2
"""Of the leaky ReLU, everywhere."""
TEMPERATURE = 0.5
"""Of the relaxed choices in training."""


@dataclass(frozen=True)
class RowLayout:
    """What stands where in a row as the networks see it: the scores, then for each choice one column per option.

    The generator alone decides some choices together (see `JointChoices`); in a row each has its own columns.

    Attributes
    ----------
    n_scores : int
        Number of scores.
    options : tuple of int
        Number of options of each choice.
    gates : tuple of int
        For each score the choice whose first option it belongs to, or -1: under any other option it says nothing.
    """

    n_scores: int
    options: tuple[int, ...]
    gates: tuple[int, ...]

    @classmethod
    def of(cls, codec: TableCodec) -> Self:
        """Return the layout of a table's rows."""
        choice = accumulate((column.options > 1 for column in codec.numeric_columns), initial=0)
        gates = [
            number if column.options > 1 else -1
            for column, number in zip(codec.numeric_columns, choice, strict=False)
            if column.has_score
        ]
        return cls(codec.n_scores, codec.options, tuple(gates))

    @property
    def width(self) -> int:
        """Length of a row."""
        return self.n_scores + sum(self.options)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Where among the options each choice begins."""
        return tuple(accumulate(self.options, initial=0))[:-1]

    def rows(self, encoded: Encoded) -> NDArray[np.float32]:
        """Write scores and choices as rows, float32 (n, width)."""
        rows = np.zeros((len(encoded.scores), self.width), np.float32)
        rows[:, : self.n_scores] = encoded.scores
        columns = encoded.choices + self.n_scores + np.array(self.starts, np.int64)
        np.put_along_axis(rows, columns, 1.0, axis=1)
        return rows


class RowGenerator(nn.Module):
    """Noise and a class index to a row.

    What the class says begins at zero, as in the generator of images: all classes begin as one, share what they can,
    and part only as far as the loss asks.

    Parameters
    ----------
    n_classes : int
        Number of classes.
    layout : RowLayout
        What a row holds.
    joint : JointChoices, optional
        Which choices it makes together; by default every combination is possible.
    latent_dim : int, default=32
        Length of the noise that the network sees. One more number for each decision decides which option is taken.
    width : int, default=128
        Of the hidden layers.
    depth : int, default=2
        Number of hidden layers.
    """

    pad: Tensor
    gate: Tensor
    last: Tensor
    spread: Tensor | None
    parts: Tensor | None
    decision: Tensor
    first_part: Tensor
    part: Tensor

    def __init__(
        self,
        n_classes: int,
        layout: RowLayout,
        *,
        joint: JointChoices | None = None,
        latent_dim: int = 32,
        width: int = 128,
        depth: int = 2,
    ) -> None:
        super().__init__()
        joint = joint or JointChoices.apart(layout.options)
        self.layout, self.latent_dim, self.n_classes, self.options = layout, latent_dim, n_classes, joint.options
        self.noise_dim, self.n_hidden = latent_dim + len(self.options), width * depth
        self.n_outputs = layout.n_scores + sum(self.options)
        sides = [latent_dim, *[width] * depth]
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sides))
        self.by_class = nn.ModuleList(nn.Embedding(n_classes, 2 * width) for _ in range(depth))
        self.head = nn.Linear(width, self.n_outputs)
        self.head_by_class = nn.Embedding(n_classes, self.n_outputs)
        for embedding in (*self.by_class, self.head_by_class):
            nn.init.zeros_(embedding.weight)

        # Decisions of different sizes are handled at once, padded to the largest with options that nothing can choose.
        pad = _padded_places(self.options)
        self._constant("pad", pad.ravel())
        self._constant("last", np.array(self.options) - 1)
        self.kept = torch.tensor(np.flatnonzero(pad.ravel() < sum(self.options)))
        self.kept_of_choices = torch.tensor(np.flatnonzero(_padded_places(layout.options) < sum(layout.options)))
        none = sum(layout.options)
        self._constant("gate", [layout.starts[choice] if choice >= 0 else none for choice in layout.gates])
        self._gated = any(choice >= 0 for choice in layout.gates)
        self.register_buffer("spread", None, persistent=False)
        self.register_buffer("parts", None, persistent=False)
        if joint.bound:
            self._take_apart(joint)

    def forward(self, noise: Tensor, label: Tensor) -> Tensor:
        """Return rows (B, width), every choice made."""
        scores, choices, _ = self.draw(noise, label)
        return self.join(scores, choices)

    def join(self, scores: Tensor, choices: Tensor) -> Tensor:
        """Return the rows (B, width) of these scores and choices."""
        if not self.layout.options:
            return scores
        taken = F.one_hot(choices, max(self.layout.options)).flatten(1)[:, self.kept_of_choices]
        return self._row(scores, taken.to(scores.dtype))

    def draw(self, noise: Tensor, label: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what a decoder needs.

        Parameters
        ----------
        noise : Tensor of shape (B, noise_dim)
            Standard normal.
        label : Tensor of shape (B,)
            Class indices.

        Returns
        -------
        scores : Tensor of shape (B, n_scores)
        choices : Tensor of shape (B, n_choices), int64
            The options taken.
        uniform : Tensor of shape (B, n_choices)
            Where within the option the draw fell, from 0 to 1: free to decide something else.
        """
        scores, logits = self.draft(noise, label)
        if not self.options:
            empty = noise[:, self.latent_dim :]
            return scores, empty.long(), empty
        share = logits.softmax(dim=2)  # (B, C, O)
        reached = share.cumsum(dim=2)
        normal = noise[:, self.latent_dim :]
        drawn = (0.5 * (1 + torch.erf(normal / math.sqrt(2))))[:, :, None]  # (B, C, 1), uniform
        choices = torch.minimum((reached < drawn).sum(dim=2), self.last)
        own, end = (x.gather(2, choices[:, :, None]) for x in (share, reached))
        uniform = ((drawn - end + own) / own.clamp_min(1e-12)).clamp(0, 1).squeeze(2)
        if self.parts is not None:
            choices, uniform = (x.index_select(1, self.decision) for x in (choices, uniform))
            choices = F.embedding(choices + self.first_part, self.part).squeeze(2)
        return scores, choices, uniform

    def relaxed(self, noise: Tensor, label: Tensor, random: torch.Generator) -> Tensor:
        """Return rows (B, width) whose choices pass gradients: hard ones, with the slope of a Gumbel-softmax.

        (Jang et al. 2017; Maddison et al. 2017.)
        """
        scores, logits = self.draft(noise, label)
        if not self.options:
            return scores
        uniform = torch.rand(logits.shape, generator=random).clamp(1e-6, 1 - 1e-6).to(logits.device)
        soft = ((logits - (-uniform.log()).log()) / TEMPERATURE).softmax(dim=2)
        hard = F.one_hot(soft.argmax(dim=2), soft.shape[2]).to(soft.dtype)
        return self._row(scores, self.choices_of((hard - soft.detach() + soft).flatten(1)[:, self.kept]))

    def draft(self, noise: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Return scores (B, n_scores) and logits (B, n_decisions, options), padded."""
        x = noise[:, : self.latent_dim]
        for layer, embedding in zip(self.hidden, self.by_class, strict=True):
            gain, shift = embedding(label).chunk(2, dim=1)
            x = F.leaky_relu(layer(x) * (1 + gain) + shift, SLOPE)
        flat = self.head(x)
        if self.spread is not None:
            flat = flat * self.spread[label]
        flat = flat + self.head_by_class(label)
        scores, logits = flat.split([self.layout.n_scores, flat.shape[1] - self.layout.n_scores], dim=1)
        return scores, self.padded(logits, -1e4)

    def padded(self, options: Tensor, value: float) -> Tensor:
        """Return what is said of all options (B, sum of options) by decision, (B, n_decisions, most options)."""
        if not self.options:
            return options
        padded = F.pad(options, (0, 1), value=value)[:, self.pad]
        # By its shape, not its length, which a trace takes for a constant.
        return padded.view(padded.shape[0], len(self.options), max(self.options))

    def choices_of(self, decided: Tensor) -> Tensor:
        """Return which options choices take (B, sum of options), from those that decisions take, side by side too."""
        return decided if self.parts is None else decided @ self.parts

    def decisions_of(self, taken: Tensor) -> Tensor:
        """Return which options decisions take (B, n_decisions, most options), from those that choices take.

        Where choices are combined as they never are, what agrees with most of them counts.
        """
        if self.parts is None or not self.options:
            return self.padded(taken, 0.0)
        agreeing = self.padded(taken @ self.parts.T, -1.0)
        return F.one_hot(agreeing.argmax(dim=2), max(self.options)).to(taken.dtype)

    def opened(self, taken: Tensor) -> Tensor:
        """Return for each score (B, n_scores) how far what choices take (B, sum of options) lets it speak."""
        return F.pad(taken, (0, 1), value=1.0)[:, self.gate]

    @torch.no_grad()
    def adjust(self, label: int, gain: Tensor, shift: Tensor) -> None:
        """Let a class's scores and logits become gain times as large, and move by shift, each (width,)."""
        if self.spread is None:
            self.spread = self.head.weight.new_ones(self.n_classes, self.n_outputs)
        self.spread[label] *= gain
        self.head_by_class.weight[label] = self.head_by_class.weight[label] * gain + shift

    def _row(self, scores: Tensor, taken: Tensor) -> Tensor:
        """Join scores (B, S) and the options that choices take, and silence the scores that these leave out."""
        if self._gated:
            scores = scores * self.opened(taken)
        return torch.cat([scores, taken], dim=1)

    def _take_apart(self, joint: JointChoices) -> None:
        """Note what each option of a decision means for the choices: as a matrix, and as one list to look up."""
        parts = np.zeros((sum(self.options), sum(self.layout.options)), np.float32)
        decision: dict[int, int] = {}
        first: dict[int, int] = {}
        part: list[int] = []
        rows = np.arange(len(parts))
        for number, one in enumerate(joint.joints):
            own, rows = np.split(rows, [len(one.options)])
            for choice, options in zip(one.choices, one.options.T, strict=True):
                parts[own, self.layout.starts[choice] + options] = 1
                decision[choice], first[choice] = number, len(part)
                part += options.tolist()
        self.register_buffer("parts", torch.tensor(parts), persistent=False)
        self._constant("decision", [decision[choice] for choice in sorted(decision)])
        self._constant("first_part", [first[choice] for choice in sorted(first)])
        self._constant("part", np.array(part)[:, None])

    def _constant(self, name: str, values: Sequence[int] | NDArray[np.int64]) -> None:
        self.register_buffer(name, torch.tensor(np.asarray(values, np.int64)), persistent=False)


def _padded_places(options: Sequence[int]) -> NDArray[np.int64]:
    """Number all options; row by row for each choice, padded to the most with the number after the last."""
    places = np.full((len(options), max(options, default=0)), sum(options))
    for row, start, count in zip(places, accumulate(options, initial=0), options, strict=False):
        row[:count] = np.arange(start, start + count)
    return places


class RowDiscriminator(ProjectionDiscriminator):
    """A row and its class index to one logit.

    Parameters
    ----------
    n_classes, layout, width, depth
        As in `RowGenerator`.
    """

    def __init__(self, n_classes: int, layout: RowLayout, *, width: int = 128, depth: int = 2) -> None:
        super().__init__(n_classes, width)
        self.hidden = _perceptron([layout.width, *[width] * depth])

    def features(self, rows: Tensor) -> Tensor:
        """Return what is seen in rows (B, D) whatever their class, (B, width)."""
        features: Tensor = self.hidden(rows)
        return features.float()


def _perceptron(sides: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in pairwise(sides):
        layers += [nn.Linear(before, after), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers)
