"""Decisions of a table as networks see them: logits, draws, and the options of choices that follow from them.

`JointChoices` describes which choices each decision makes. Here `decisions_of` encodes the options of choices as
options of decisions, and `choices_of` decodes them. Options stand side by side as 0 and 1 (one-hot) wherever gradients
must pass.
"""

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.compute.draws import Random, uniform
from ganaug.data.tables.constraints.joint_choices import JointChoices

TEMPERATURE = 0.5
"""Temperature of the Gumbel-softmax in training."""
IMPOSSIBLE = -1e4
"""The logit of an option that cannot be taken."""
MAX_PADDING = 4
"""All decisions are padded to one size if that takes at most this many times as many numbers as without padding."""
MIN_PADDED = 512
"""All decisions are also padded to one size if that takes at most this many numbers."""
SIZE_RATIO = 4
"""Otherwise, decisions are padded to one size if their options lie between the same two powers of this number."""


class Decisions(nn.Module):
    """The decisions that make the choices of a table, with these numbers of options.

    Decisions of similar sizes are handled at once, as one *piece* of shape (..., O, C): C decisions, padded to the O
    options of the largest with options that cannot be taken. The decisions are the last axis, because operations along
    the options are then vectorised over the decisions.
    """

    def __init__(self, joint: JointChoices, options: Sequence[int]) -> None:
        super().__init__()
        self.options = joint.options
        starts = np.array([0, *accumulate(self.options)])[:-1]
        self.spans = [slice(start, start + count) for start, count in zip(starts.tolist(), self.options, strict=True)]
        self._pad(starts)
        self.choice_of = _indices(np.repeat(np.arange(len(options)), options))
        self.option = _indices(np.concatenate([np.zeros(0), *map(np.arange, options)]))
        self.bound = [number for number, one in enumerate(joint.decisions) if len(one.choices) > 1]
        self.followers = [number for number, one in enumerate(joint.decisions) if one.leader is not None]
        self.leaders = [one.leader for one in joint.decisions if one.leader is not None]
        if self.bound:
            self._index_parts(joint, options)
        if self.followers:
            self._index_leaders(joint)

    def pieces(self, options: Tensor, value: float = IMPOSSIBLE) -> list[Tensor]:
        """Return numbers for all options (..., sum of options) as pieces (..., O, C), padded with a value."""
        padded = F.pad(options, (0, 1), value=value)
        # A trace takes the length of a shape for a constant, but not the shape itself.
        return [
            padded.index_select(-1, getattr(self, f"pad{number}")).view(
                *(padded.shape[axis] for axis in range(padded.ndim - 1)), *shape
            )
            for number, shape in enumerate(self.shapes)
        ]

    def logits(self, logits: Tensor) -> list[Tensor]:
        """Return `pieces` of logits, without the options that a decision with a leader never takes when it is free."""
        return self.pieces(logits + self.barred if self.followers else logits)

    def flat(self, pieces: Sequence[Tensor]) -> Tensor:
        """Return pieces side by side without padding, (..., sum of options); the inverse of `pieces`."""
        return torch.cat([piece.flatten(-2) for piece in pieces], dim=-1).index_select(-1, self.kept)

    def draw(self, logits: Tensor, normal: Tensor) -> tuple[Tensor, Tensor]:
        """Draw the option of each choice, and the place of the draw within it, from 0 to 1, both (B, n_choices).

        `logits` (B, sum of options) are those of the decisions, `normal` (B, n_decisions) is standard normal noise.
        """
        taken, fallen = [], []
        for number, piece in enumerate(self.logits(logits)):
            share = piece.softmax(dim=1)  # (B, O, C)
            reached = share.cumsum(dim=1)
            own_normal = normal if len(self.shapes) == 1 else normal.index_select(1, getattr(self, f"places{number}"))
            drawn = (0.5 * (1 + torch.erf(own_normal / math.sqrt(2))))[:, None]  # (B, 1, C), uniform
            option = torch.minimum((reached < drawn).sum(dim=1), getattr(self, f"last{number}"))
            own, end = (x.gather(1, option[:, None]) for x in (share, reached))
            taken.append(option)
            fallen.append(((drawn - end + own) / own.clamp_min(1e-12)).clamp(0, 1).squeeze(1))
        decided, uniform = (x[0] if len(x) == 1 else torch.cat(x, dim=1)[:, self.order] for x in (taken, fallen))
        if self.followers:
            forced = F.embedding(decided.index_select(1, self.leader) + self.first_forced, self.forced).squeeze(2)
            led = torch.where(forced < 0, decided.index_select(1, self.led), forced)
            decided = torch.cat([decided, led], dim=1).index_select(1, self.settled)
        if not self.bound:
            return decided, uniform
        decided, uniform = (x.index_select(1, self.decision) for x in (decided, uniform))
        return F.embedding(decided + self.first_part, self.part).squeeze(2), uniform

    def relax(self, logits: Tensor, random: Random) -> Tensor:
        """Draw the options of choices side by side, (B, sum of options), with the gradient of a Gumbel-softmax.

        See Jang et al., Categorical Reparameterization with Gumbel-Softmax, 2017, and Maddison et al., The Concrete
        Distribution, 2017.
        """
        fallen = uniform(logits.shape, random).clamp_(1e-6, 1 - 1e-6).to(logits.device)
        decided: Tensor = _StraightThrough.apply(logits - fallen.log_().neg_().log_(), self)  # type: ignore[no-untyped-call]
        return self.choices_of(decided)

    def side_by_side(self, choices: Tensor) -> Tensor:
        """Return the options of choices (B, n_choices) side by side, (B, sum of the choices' options), bool."""
        return choices.index_select(1, self.choice_of) == self.option

    def choices_of(self, decided: Tensor) -> Tensor:
        """Decode the options of decisions to those of choices, both (..., sum of options) side by side.

        The option of a decision with a leader counts only if the leader leaves it free.
        """
        if self.followers:
            led = [
                decided[..., self.spans[number]] * free
                for number, free in zip(self.followers, self._free(decided), strict=True)
            ]
            for place, leader in enumerate(self.leaders):
                led[place] = led[place] + decided[..., self.spans[leader]] @ getattr(self, f"forces{place}")
            decided = torch.cat([decided, *led], dim=-1).index_select(-1, self.settled_options)
        if not self.bound:
            return decided
        parts = [decided[..., self.spans[number]] @ getattr(self, f"parts{number}") for number in self.bound]
        return torch.cat([decided, *parts], dim=-1).index_select(-1, self.made)

    def decisions_of(self, taken: Tensor) -> list[Tensor]:
        """Encode the options of choices (..., sum of options), side by side, as pieces of the options of decisions.

        A combination of options that never occurs becomes the option that agrees with most of them.
        """
        if not self.bound:
            return self.pieces(taken, 0.0)
        parts = [
            taken[..., getattr(self, f"columns{number}")] @ getattr(self, f"parts{number}").T for number in self.bound
        ]
        agreeing = self.pieces(torch.cat([taken, *parts], dim=-1)[..., self.agreeing], -1.0)
        return [torch.zeros_like(piece).scatter_(-2, piece.argmax(dim=-2, keepdim=True), 1.0) for piece in agreeing]

    def shares(self, taken: Tensor) -> list[Tensor]:
        """Return pieces (O, C): the shares of options among the rows in which each decision is free.

        `taken` (N, sum of options) holds the options of the rows' choices, side by side.
        """
        decided = self.flat(self.decisions_of(taken))
        weight = torch.ones_like(decided)
        for number, free in zip(self.followers, self._free(decided) if self.followers else [], strict=True):
            weight[:, self.spans[number]] = free
        return self.pieces((decided * weight).sum(0) / weight.sum(0).clamp_min(1), 0.0)

    def _free(self, decided: Tensor) -> list[Tensor]:
        """Return for each decision with a leader whether it is free, (..., 1)."""
        return [
            decided[..., self.spans[leader]] @ getattr(self, f"frees{place}")
            for place, leader in enumerate(self.leaders)
        ]

    def _pad(self, starts: NDArray[np.int64]) -> None:
        """Store where in each piece the options of decisions stand, and where in the pieces to find them again."""
        self.shapes: list[tuple[int, int]] = []
        total, order = sum(self.options), list[int]()
        kept = np.zeros(total, np.int64)
        for number, piece in enumerate(_pieces(self.options)):
            most = max(self.options[decision] for decision in piece)
            pad = np.full((most, len(piece)), total)
            before = sum(count * size for count, size in self.shapes)
            for place, decision in enumerate(piece):
                own = np.arange(self.options[decision])
                pad[own, place] = starts[decision] + own
                kept[starts[decision] + own] = before + own * len(piece) + place
            self.shapes.append((most, len(piece)))
            order += piece
            setattr(self, f"pad{number}", _indices(pad.ravel()))
            setattr(self, f"places{number}", _indices(piece))
            setattr(self, f"last{number}", _indices([self.options[decision] - 1 for decision in piece]))
        self.order = _indices(np.argsort(order))
        self.kept = _indices(kept)

    def _index_leaders(self, joint: JointChoices) -> None:
        """Store which options each option of a leader forces or leaves free, as lookup tables and as matrices."""
        total = sum(self.options)
        barred = torch.zeros(total)
        settled, settled_options = np.arange(len(self.options)), np.arange(total)
        first = list[int]()
        forced, so_far = list[int](), 0
        for place, number in enumerate(self.followers):
            one, own = joint.decisions[number], self.spans[number]
            barred[own] = torch.where(torch.tensor(one.free), 0.0, IMPOSSIBLE)
            taken = torch.tensor(one.forced)
            forces = F.one_hot(taken.clamp_min(0), self.options[number]) * (taken >= 0)[:, None]
            self.register_buffer(f"forces{place}", forces.float(), persistent=False)
            self.register_buffer(f"frees{place}", (taken < 0).float()[:, None], persistent=False)
            first.append(len(forced))
            forced += one.forced
            settled[number] = len(self.options) + place
            settled_options[own] = total + so_far + np.arange(self.options[number])
            so_far += self.options[number]
        self.barred = nn.Buffer(barred, persistent=False)
        self.leader = _indices(self.leaders)
        self.first_forced = _indices(first)
        self.forced = _indices(np.array(forced)[:, None])
        self.led = _indices(self.followers)
        self.settled = _indices(settled)
        self.settled_options = _indices(settled_options)

    def _index_parts(self, joint: JointChoices, options: Sequence[int]) -> None:
        """Store which option of each choice an option of a decision stands for, as a lookup table and as matrices."""
        starts, total = [0, *accumulate(options)], sum(self.options)
        made, agreeing = np.zeros(sum(options), np.int64), np.zeros(total, np.int64)
        decision, first = np.zeros((2, len(options)), np.int64)
        part: list[int] = []
        more_options = more_columns = 0
        for number, one in enumerate(joint.decisions):
            for choice, taken in zip(one.choices, one.options.T, strict=True):
                decision[choice], first[choice] = number, len(part)
                part += taken.tolist()
            columns = np.concatenate([np.arange(starts[choice], starts[choice + 1]) for choice in one.choices])
            if number not in self.bound:
                made[columns], agreeing[self.spans[number]] = np.arange(total)[self.spans[number]], columns
                continue
            blocks = [np.eye(options[choice])[taken] for choice, taken in zip(one.choices, one.options.T, strict=True)]
            matrix = torch.tensor(np.hstack(blocks), dtype=torch.float32)
            self.register_buffer(f"parts{number}", matrix, persistent=False)
            setattr(self, f"columns{number}", _indices(columns))
            made[columns] = total + more_columns + np.arange(len(columns))
            agreeing[self.spans[number]] = sum(options) + more_options + np.arange(len(matrix))
            more_columns, more_options = more_columns + len(columns), more_options + len(matrix)
        self.made = _indices(made)
        self.agreeing = _indices(agreeing)
        self.decision = _indices(decision)
        self.first_part = _indices(first)
        self.part = _indices(np.array(part)[:, None])


class _StraightThrough(torch.autograd.Function):
    """The largest logit of each decision, one-hot and side by side, with the gradient of the softmax of the logits.

    The gradient is written out: it takes half of the time that a backward pass through the pieces takes.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, decisions: Decisions) -> Tensor:
        pieces = decisions.logits(logits)  # (B, O, C) each
        ctx.decisions = decisions
        ctx.save_for_backward(*((piece / TEMPERATURE).softmax(dim=1) for piece in pieces))
        return decisions.flat([(piece == piece.amax(dim=1, keepdim=True)).to(piece.dtype) for piece in pieces])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        slopes = []
        for soft, own in zip(ctx.saved_tensors, ctx.decisions.pieces(gradient, 0.0), strict=True):
            weighted = own * soft
            slopes.append(weighted - soft * weighted.sum(dim=1, keepdim=True))
        slope: Tensor = ctx.decisions.flat(slopes) / TEMPERATURE
        return slope, None


def _indices(values: Sequence[int] | NDArray[np.generic]) -> nn.Buffer:
    return nn.Buffer(torch.tensor(np.asarray(values, np.int64)), persistent=False)


def _pieces(options: Sequence[int]) -> list[list[int]]:
    """Return the decisions that are padded to one size, for each piece."""
    every = list(range(len(options)))
    if len(options) * max(options, default=0) <= max(MAX_PADDING * sum(options), MIN_PADDED):
        return [every] if every else []
    sizes = [math.ceil(math.log(count, SIZE_RATIO) - 1e-9) for count in options]
    return [[decision for decision in every if sizes[decision] == size] for size in sorted(set(sizes))]
