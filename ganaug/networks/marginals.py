"""The marginals of what a generator draws of each class, matched to those of its real rows."""

import torch
from torch import Tensor

from ganaug.networks.mlp import RowGenerator

__all__ = ["match_marginals"]

ROWS_OF_MEAN, ROWS_OF_SPREAD, ROWS_OF_SHARES = 1.0, 5.0, 1.0
"""So many rows the generator's own opinion counts for: one row says little of a mean, and less of a spread."""
MOST_GAIN = 3.0
ROUNDS = 10
MOST_DRAWN, FEWEST_DRAWN, NUMBERS = 1024, 128, 2**22
"""Rows drawn of each class: fewer where classes and columns are many."""
TINY = 1e-6


@torch.no_grad()
def match_marginals(generator: RowGenerator, rows: Tensor, label: Tensor, random: torch.Generator) -> None:
    """Let a trained generator draw each class with the means, spreads and shares of its real rows.

    The players never come to rest, and where a class has few rows it is anyone's guess where they stand when they are
    stopped: its means are off by half a standard error or more of the real ones, which is as much again as the few rows
    themselves are off. An affine change of each score and a shift of each logit, by class, take that away and leave
    alone what the generator has learned of how columns hang together.

    Parameters
    ----------
    generator : RowGenerator
        Changed in place, unless what it draws is not finite.
    rows : Tensor of shape (N, width)
        Real ones, as `RowLayout.rows` writes them.
    label : Tensor of shape (N,)
        Their classes.
    random : torch.Generator
        Draws the noise.
    """
    wanted = NUMBERS // (generator.n_classes * max(1, generator.layout.width))
    count = max(FEWEST_DRAWN, min(MOST_DRAWN, wanted))
    noise = torch.randn(count, generator.noise_dim, generator=random).to(rows.device)
    for value in torch.unique(label).tolist():
        scores, logits = generator.draft(noise, label.new_full((len(noise),), value))
        if not (torch.isfinite(scores).all() and torch.isfinite(logits).all()):
            return
        own = rows[label == value]
        real, taken = own.tensor_split([generator.layout.n_scores], dim=1)
        moved = rows.new_zeros(0)
        drawn = logits
        if generator.layout.options:
            moved = _moved(logits, generator.padded(taken, 0.0).mean(0), len(own))
            drawn = (logits + moved).softmax(dim=2).flatten(1)[:, generator.kept]
            moved = moved.flatten()[generator.kept]
        gain, shift = _straightened(scores, generator.opened(drawn), real, generator.opened(taken))
        generator.adjust(value, torch.cat([gain, torch.ones_like(moved)]), torch.cat([shift, moved]))


def _moved(logits: Tensor, shares: Tensor, n: int) -> Tensor:
    """Return what to add to logits (B, C, O) for options to be drawn in these shares (C, O), of n rows."""
    moved = torch.zeros_like(shares)
    usual = logits.softmax(dim=2).mean(0)
    wanted = (n * shares + ROWS_OF_SHARES * usual) / (n + ROWS_OF_SHARES)
    for _ in range(ROUNDS):  # proportional fitting: one round would do if all rows had the same logits
        drawn = (logits + moved).softmax(dim=2).mean(0)
        moved += (wanted.clamp_min(TINY) / drawn.clamp_min(TINY)).log()
    return moved


def _straightened(drawn: Tensor, drawn_weight: Tensor, real: Tensor, real_weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return gain and shift, each (S,), that give drawn scores (B, S) the mean and spread of real ones (N, S)."""
    drawn_mean, drawn_square, _ = _moments(drawn, drawn_weight)
    mean, square, n = _moments(real, real_weight)
    spare = (n - 1).clamp_min(0)
    mean = (n * mean + ROWS_OF_MEAN * drawn_mean) / (n + ROWS_OF_MEAN)
    # n * square is n - 1 times the unbiased variance.
    square = (n * square + ROWS_OF_SPREAD * drawn_square) / (spare + ROWS_OF_SPREAD)
    gain = (square / drawn_square.clamp_min(TINY)).sqrt().clamp_max(MOST_GAIN)
    return gain, mean - gain * drawn_mean


def _moments(scores: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return weighted mean and mean square deviation, and the total weight, of each column."""
    total = weight.sum(0)
    mean = (weight * scores).sum(0) / total.clamp_min(TINY)
    return mean, (weight * (scores - mean).square()).sum(0) / total.clamp_min(TINY), total
