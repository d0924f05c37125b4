"""Marginal matching: synthetic rows get the means, spreads and category shares of the real rows of their class."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar

import torch
from torch import Tensor

from ganaug.data.tables.layout import RowLayout

ROWS_OF_MEAN = 1.0  # weight of the generator's own mean, in real rows: one row says little of a mean
ROWS_OF_SPREAD = 5.0  # the same for its spread, of which one row says less
ROWS_OF_SHARES = 1.0  # and for its shares of the options
MAX_GAIN = 3.0  # largest factor on the spread of a quantile
MAX_ROUNDS = 10  # of iterative proportional fitting
NEAR = 0.02  # relative error of every share at which the rounds end
MAX_DRAWN = 1024  # rows drawn of each class
MIN_DRAWN = 16  # the same where there are many classes and columns
NUMBERS = 2**21  # held in memory at once, about
TINY = 1e-6  # keeps divisors and logarithms finite


class RowDrafter(Protocol):
    """A generator of rows, whose quantiles and logits before any choice can be read, and adjusted for each class."""

    layout: RowLayout
    decisions: Any
    noise_dim: int
    n_hidden: int

    @property
    def device(self) -> torch.device:
        """Where the generator is."""

    def draft(self, noise: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Return quantiles (B, S) and logits (B, sum of options)."""

    def opened(self, taken: Tensor) -> Tensor:
        """Return how far the options taken activate each quantile, (B, S)."""

    def adjust(self, label: int, gain: Tensor, shift: Tensor) -> None:
        """Scale and shift the quantiles and logits of a class."""


G = TypeVar("G", bound=RowDrafter)


@dataclass(frozen=True)
class Marginals:
    """Means and spreads of the quantiles, and shares of the options, of the real rows of each class.

    Attributes
    ----------
    value : tuple of int
        The K classes that have rows.
    n : Tensor of shape (K, 1)
        The number of rows of each class.
    shares : tuple of Tensor of shape (K, O, C)
        Shares of the options of the decisions, in the pieces of `Decisions`.
    mean, square, speaking : Tensor of shape (K, S)
        For each quantile the mean, the mean square deviation, and the number of rows in which it is active.
    """

    value: tuple[int, ...]
    n: Tensor
    shares: tuple[Tensor, ...]
    mean: Tensor
    square: Tensor
    speaking: Tensor

    @classmethod
    def of(cls, rows: Tensor, label: Tensor, generator: RowDrafter) -> Self:
        """Return the marginals of rows (N, width), as `RowLayout.rows` writes them, and classes (N,)."""
        rows, label = (x.to(generator.device) for x in (rows, label))  # an average may be on the CPU
        value = tuple(torch.unique(label).tolist())
        n, shares, moments = [], [], []
        for one in value:
            own = rows[label == one, : generator.layout.own_width]
            quantiles, taken = own.tensor_split([generator.layout.n_quantiles], dim=1)
            n.append(len(quantiles))
            shares.append(generator.decisions.shares(taken) if generator.layout.options else [])
            moments.append(_moments(quantiles[None], generator.opened(taken)[None]))
        mean, square, speaking = (torch.cat(parts) for parts in zip(*moments, strict=True))
        together = tuple(torch.stack(pieces) for pieces in zip(*shares, strict=True))
        return cls(value, rows.new_tensor(n)[:, None], together, mean, square, speaking)

    @torch.no_grad()
    def matched(self, generator: G, random: torch.Generator) -> G:
        """Return a copy of a trained generator that draws each class with these means, spreads and shares.

        A GAN does not converge: when it is stopped, the means of a class with few rows lie half a standard error or
        more from those of its rows. For each class, an affine change of each quantile and a shift of each logit correct
        this, and leave the learned dependence between columns unchanged. Where the generator draws numbers that are
        not finite, the copy is unchanged.
        """
        copy, device = deepcopy(generator), generator.device
        options = sum(piece[0].numel() for piece in self.shares)
        numbers = generator.n_hidden + self.mean.shape[1] + options  # in memory for each row
        count = min(MAX_DRAWN, max(MIN_DRAWN, NUMBERS // (numbers * len(self.value))))
        noise = torch.randn(count, generator.noise_dim, generator=random).to(device)
        places = torch.arange(len(self.value))
        for some in torch.split(places, max(1, NUMBERS // (numbers * count))):
            drawn = self._drawn(generator, noise, [self.value[place] for place in some.tolist()])
            if not all(torch.isfinite(part).all() for part in drawn):
                return deepcopy(generator)
            for place, gain, shift in zip(some.tolist(), *self._change(*drawn, some, generator), strict=True):
                copy.adjust(self.value[place], gain, shift)
        return copy

    def _drawn(self, generator: RowDrafter, noise: Tensor, value: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return quantiles (K, B, S) and logits (K, B, sum of options) of some classes, all from the same noise."""
        label = torch.tensor(value, device=noise.device).repeat_interleave(len(noise))
        quantiles, logits = generator.draft(noise.repeat(len(value), 1), label)
        shape = len(value), len(noise)
        return quantiles.view(*shape, *quantiles.shape[1:]), logits.view(*shape, *logits.shape[1:])

    def _change(self, quantiles: Tensor, logits: Tensor, some: Tensor, generator: RowDrafter) -> tuple[Tensor, Tensor]:
        """Return the gain and the shift, each (K, width), that correct what was drawn of some classes."""
        n, mean, square, speaking = (
            known[some].to(quantiles.device) for known in (self.n, self.mean, self.square, self.speaking)
        )
        moved, taken, decisions = quantiles.new_zeros(len(some), 0), logits, generator.decisions
        if generator.layout.options:
            pieces = decisions.logits(logits)
            shares = [known[some].to(quantiles.device) for known in self.shares]
            added = [_added(own, wanted, n[..., None]) for own, wanted in zip(pieces, shares, strict=True)]
            drawn = [(own + more[:, None]).softmax(dim=2) for own, more in zip(pieces, added, strict=True)]
            moved, taken = decisions.flat(added), decisions.choices_of(decisions.flat(drawn))
        weight = generator.opened(taken.flatten(0, 1)).view_as(quantiles)
        drawn_mean, drawn_square, _ = _moments(quantiles, weight)
        mean = (speaking * mean + ROWS_OF_MEAN * drawn_mean) / (speaking + ROWS_OF_MEAN)
        # The sum of squares of n rows is n - 1 times the unbiased variance.
        spare = (speaking - 1).clamp_min(0)
        square = (speaking * square + ROWS_OF_SPREAD * drawn_square) / (spare + ROWS_OF_SPREAD)
        gain = (square / drawn_square.clamp_min(TINY)).sqrt().clamp_max(MAX_GAIN)
        return torch.cat([gain, torch.ones_like(moved)], dim=1), torch.cat([mean - gain * drawn_mean, moved], dim=1)


def _added(logits: Tensor, shares: Tensor, n: Tensor) -> Tensor:
    """Return what to add, (K, O, C), to logits (K, B, O, C) so that options are drawn in the shares of n real rows."""
    drawn = logits.softmax(dim=2).mean(1)
    wanted = ((n * shares + ROWS_OF_SHARES * drawn) / (n + ROWS_OF_SHARES)).clamp_min(TINY)
    added = torch.zeros_like(shares)
    for _ in range(MAX_ROUNDS):  # one round would do if all rows had the same logits
        off = (wanted / drawn.clamp_min(TINY)).log()
        added += off
        if not off.numel() or off.abs().max() < NEAR:
            break
        drawn = (logits + added[:, None]).softmax(dim=2).mean(1)
    return added


def _moments(quantiles: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the weighted mean and mean square deviation of quantiles (K, N, S) and the total weight, each (K, S)."""
    total = weight.sum(1)
    some = total.clamp_min(TINY)
    mean = (weight * quantiles).sum(1) / some
    return mean, (weight * (quantiles - mean[:, None]).square()).sum(1) / some, total
