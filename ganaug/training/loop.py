"""The training loop: a Python generator of typed steps, and a state that a checkpoint can hold.

Everything that changes during a run (learning rate, resolution, averaging) is a function of `progress` alone, which
goes from 0 to 1 with the clock or with the steps, whichever the plan bounds and whichever is first. So the schedule
fits whatever number of steps a machine affords, and a run bounded by steps repeats exactly.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.compute.threads import ThreadTuner
from ganaug.families.base import Batch, Family
from ganaug.networks.samples import Samples

__all__ = ["Measure", "Plan", "State", "Step", "train"]

FINAL_RATE = 0.1
"""Last learning rate as a share of the first."""
HALF_LIFE = 0.05
"""Half-life of the averaged weights, as a share of the run; shorter at its start."""
STAGE_RATIO = 2.0
"""Each resolution trains this many times longer than the one before it."""
MEASURE_FROM, MEASURE_EVERY = 0.3, 0.05
TIE = 0.05
"""Scores that differ by less than this share are equals, and of equals the latest is kept: it has learnt for longest,
the classes too that have nothing held out to be scored on."""
MOST_LOSSES = 60
"""Moments of a run whose losses are remembered."""
PATIENCE, MARGIN = 0.5, 0.1
"""A run stops when its best measure lies this share of it back and the last three are worse by this share."""


@dataclass(frozen=True)
class Plan:
    """How long to train: seconds of training, steps, or both; the first to be reached ends the run."""

    seconds: float | None = None
    steps: int | None = None

    def progress(self, step: int, seconds: float) -> float:
        """Return how much of the plan is done, from 0 to 1."""
        by_clock = seconds / self.seconds if self.seconds else 0.0
        by_steps = step / self.steps if self.steps else 0.0
        return min(1.0, max(by_clock, by_steps))


@dataclass(frozen=True)
class Measure:
    """What the held-out measure said of the averaged generator at one moment.

    Attributes
    ----------
    score : float
        Energy score of held-out images; smaller is better.
    agreement : tuple of float
        By class, the share of samples that the screening classifier reads as their label.
    variety : tuple of float
        By class, mean pairwise feature distance of samples over that of real images; NaN where there is
        one real sample, or all are the same.
    """

    score: float
    agreement: tuple[float, ...]
    variety: tuple[float, ...]


@dataclass(frozen=True)
class Step:
    """One step of training, as the caller sees it."""

    number: int
    progress: float
    seconds: float
    resolution: int
    losses: dict[str, Tensor]
    measure: Measure | None = None


@dataclass
class State:
    """Where a run stands: all that is needed to go on as if it had never stopped."""

    family: Family
    random: torch.Generator
    step: int = 0
    seconds: float = 0.0
    progress: float = 0.0
    measures: list[tuple[float, Measure]] = field(default_factory=list)
    kept: dict[str, Tensor] | None = None
    stages: dict[int, tuple[int, float]] = field(default_factory=dict)
    losses: list[dict[str, float]] = field(default_factory=list)
    stopped: str = ""

    @property
    def kept_measure(self) -> tuple[float, Measure] | None:
        """The moment and the measure of the weights that are kept, if any were measured."""
        kept, lowest = None, math.inf
        for entry in self.measures:
            lowest = min(lowest, entry[1].score)
            if entry[1].score <= lowest + TIE * abs(lowest):
                kept = entry
        return kept

    def add_to_stage(self, side: int, seconds: float) -> None:
        """Count a step towards its resolution."""
        steps, before = self.stages.get(side, (0, 0.0))
        self.stages[side] = (steps + 1, before + seconds)

    def add_losses(self, losses: Mapping[str, Tensor]) -> None:
        """Remember the losses of a moment; not of every step, for reading them waits for the device."""
        if self.progress * MOST_LOSSES > len(self.losses):
            named = {name: round(float(loss), 4) for name, loss in losses.items()}
            self.losses.append({"progress": round(self.progress, 4)} | named)

    def add_measure(self, measure: Measure) -> None:
        """Remember a measure, keep the weights unless earlier ones were clearly better, and see whether to go on."""
        self.measures.append((self.progress, measure))
        if self.kept_measure is self.measures[-1]:
            self.kept = {name: value.clone() for name, value in self.family.average.state_dict().items()}
        moment, best = min(self.measures, key=lambda entry: entry[1].score)
        recent = [entry.score for _, entry in self.measures[-3:]]
        if self.progress - moment > PATIENCE and min(recent) > best.score + MARGIN * abs(best.score):
            self.stopped = f"no better since {moment:.0%} of the plan"


def resolution_at(progress: float, sides: tuple[int, ...]) -> int:
    """Return the side that is trained at this moment of the run."""
    shares = [STAGE_RATIO**i for i in range(len(sides))]
    reached = 0.0
    for side, share in zip(sides, shares, strict=True):
        reached += share / sum(shares)
        if progress < reached:
            return side
    return sides[-1]


def train(
    state: State,
    data: Samples,
    plan: Plan,
    *,
    sides: tuple[int, ...],
    noise_dim: int,
    batch_size: int,
    measure: Callable[[nn.Module], Measure],
) -> Iterator[Step]:
    """Train until the plan is done or more training stops helping; the state is whole at every yield.

    Parameters
    ----------
    state : State
        Changed in place.
    data : Samples
        What the networks learn from.
    plan : Plan
        The bound in seconds or steps.
    sides : tuple of int
        The resolutions that images grow through; for other samples one number, which says nothing.
    noise_dim, batch_size : int
        Length of the noise vector; pairs in a step.
    measure : callable
        Judges the averaged generator; called a few times in the later part of the run.
    """
    family, precision = state.family, state.family.precision(data.label.device)
    begun = time.perf_counter() - state.seconds
    with ThreadTuner(plan.steps is None and data.label.device.type == "cpu") as threads:
        while state.progress < 1 and not state.stopped:
            # Set what depends on progress.
            before, started = state.progress, state.seconds
            side = resolution_at(before, sides)
            family.set_rate(FINAL_RATE + (1 - FINAL_RATE) * (1 + math.cos(math.pi * before)) / 2)

            # Learn from one batch.
            real, label = data.draw(batch_size, state.random)
            if side < sides[-1]:
                real = F.avg_pool2d(real, sides[-1] // side)
            losses = family.learn(Batch(real, label, noise_dim, state.random), state.step, precision)

            # Move on.
            state.step += 1
            state.seconds = time.perf_counter() - begun
            # A run that is resumed may have longer than it had: it goes on from where it was, never from before.
            state.progress = max(before, plan.progress(state.step, state.seconds))
            half_life = min(HALF_LIFE, 0.3 * state.progress)
            family.track(0.5 ** ((state.progress - before) / half_life))
            state.add_to_stage(side, state.seconds - started)
            state.add_losses(losses)
            threads.tick(state.seconds - started)

            # Measure the average, keep the best, and see whether going on is worth it.
            measured = None
            if side == sides[-1] and _is_due(before, state.progress):
                measured = measure(family.average)
                state.add_measure(measured)
                state.seconds = time.perf_counter() - begun
            yield Step(state.step, state.progress, state.seconds, side, losses, measured)


def _is_due(before: float, now: float) -> bool:
    if now >= 1:
        return True
    return now >= MEASURE_FROM and int(now / MEASURE_EVERY) > int(before / MEASURE_EVERY)
