"""The training loop: a Python generator of typed steps, and a state that a checkpoint can hold.

Everything that changes during a run (learning rate, resolution, averaging) is a function of `progress` alone. Progress
goes from 0 to 1 with the clock or with the steps, whichever is bounded and ahead. So the schedule fits whatever number
of steps a machine affords, and a run bounded by steps repeats exactly.
"""

import math
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from ganaug.compute.parallel import cancellation_point
from ganaug.families.base import Family
from ganaug.networks.modality import Bounds, Modality
from ganaug.networks.samples import Batch, Samples

FINAL_RATE = 0.1
"""Last learning rate as a share of the first."""
HALF_LIFE = 0.05
"""Half-life of the averaged weights, as a share of the run; shorter at its start."""
STAGE_RATIO = 2.0
"""Each resolution trains this many times longer than the one before it."""
VALIDATE_FROM = 0.3
"""Progress at which validation begins."""
VALIDATE_EVERY = 0.05
"""Progress between validations."""
TIE = 0.05
"""Relative difference below which scores are equal. Of equal scores the latest is kept: it has learned for longest."""
MAX_LOSSES = 60
"""Moments of a run whose losses are remembered."""
PATIENCE = 0.5
"""Progress since the best score after which a run may stop."""
DIVERGED = "it diverged: its weights are no longer finite numbers"
MARGIN = 0.1
"""Relative difference by which the last three scores must be worse than the best for a run to stop."""


@dataclass(frozen=True)
class ValidationResult:
    """What a validation says of the averaged generator at one moment.

    Attributes
    ----------
    score : float
        Energy score of held-out samples, averaged over the classes; smaller is better.
    agreement : tuple of float
        For each class, the share of synthetic samples that the screen reads as their label.
    variety : tuple of float
        For each class, the mean pairwise feature distance of synthetic samples, relative to that of real samples. NaN
        where there is one real sample, or all real samples are equal.
    """

    score: float
    agreement: tuple[float, ...]
    variety: tuple[float, ...]


@dataclass(frozen=True)
class Step:
    """One step of training, as the caller sees it."""

    number: int
    """The steps so far, this one among them."""
    progress: float
    """How much of the run is done, from 0 to 1."""
    seconds: float
    """The time that the run has taken."""
    resolution: int
    """The stage that was trained: the side of images in pixels."""
    losses: dict[str, Tensor]
    """Scalars on the device, by name."""
    validation: ValidationResult | None = None
    """The result, where the step ended with a validation."""


@dataclass
class State:
    """Where a run stands: everything that is needed to go on as if it had never stopped."""

    family: Family
    random: torch.Generator
    step: int = 0
    seconds: float = 0.0
    progress: float = 0.0
    validations: list[tuple[float, ValidationResult]] = field(default_factory=list)
    kept: dict[str, Tensor] | None = None
    stages: dict[int, tuple[int, float]] = field(default_factory=dict)
    losses: list[dict[str, float]] = field(default_factory=list)
    stopped: str = ""

    def snapshot(self) -> "State":
        """Return a state whose records do not change when the run goes on; the networks are shared."""
        return replace(self, validations=list(self.validations), stages=dict(self.stages), losses=list(self.losses))

    @property
    def kept_validation(self) -> tuple[float, ValidationResult] | None:
        """The progress and the validation of the weights that are kept, if there was a validation."""
        kept, lowest = None, math.inf
        for entry in self.validations:
            lowest = min(lowest, entry[1].score)
            if entry[1].score <= lowest + TIE * abs(lowest):
                kept = entry
        return kept

    def count_step(self, stage: int, seconds: float) -> None:
        """Count a step and its time towards its stage."""
        steps, before = self.stages.get(stage, (0, 0.0))
        self.stages[stage] = (steps + 1, before + seconds)

    def record_losses(self, losses: Mapping[str, Tensor]) -> None:
        """Remember the losses at `MAX_LOSSES` moments of a run: reading a loss waits for the device.

        If the weights are not finite any more, the run is to stop, because it would learn nothing more.
        """
        if self.progress * MAX_LOSSES > len(self.losses):
            named = {name: round(float(loss), 4) for name, loss in losses.items()}
            self.losses.append({"progress": round(self.progress, 4)} | named)
            finite = all(map(math.isfinite, named.values()))
            # In mixed precision a loss may overflow, and then the weights are left as they were.
            if not finite and not all(weight.isfinite().all() for weight in self.family.networks.parameters()):
                self.stopped = DIVERGED

    def record_validation(self, result: ValidationResult) -> None:
        """Record a validation, keep the weights unless earlier ones were clearly better, and decide whether to stop."""
        if not math.isfinite(result.score):
            self.stopped = DIVERGED
            return
        self.validations.append((self.progress, result))
        if self.kept_validation is self.validations[-1]:
            self.kept = {name: value.clone() for name, value in self.family.average.state_dict().items()}
        moment, best = min(self.validations, key=lambda entry: entry[1].score)
        recent = [entry.score for _, entry in self.validations[-3:]]
        if self.progress - moment > PATIENCE and min(recent) > best.score + MARGIN * abs(best.score):
            self.stopped = f"no better since {moment:.0%} of the plan"


def stage_at(progress: float, stages: tuple[int, ...]) -> int:
    """Return the stage that is trained at this moment of the run."""
    shares = [STAGE_RATIO**i for i in range(len(stages))]
    reached = 0.0
    for stage, share in zip(stages, shares, strict=True):
        reached += share / sum(shares)
        if progress < reached:
            return stage
    return stages[-1]


def train(
    state: State,
    data: Samples,
    modality: Modality,
    bounds: Bounds,
    *,
    validate: Callable[[nn.Module], ValidationResult | None] | None,
) -> Generator[Step, None, None]:
    """Train until the bounds are reached or more training stops helping; the state is whole at every yield.

    The modality tells the stages and the size of a batch. `validate` judges the averaged generator. It is called a few
    times in the later part of the run, and returns None in a process that does not lead. The process that leads decides
    when the run ends.
    """
    family, last, engine = state.family, modality.stages[-1], state.family.engine
    batch_size, random = engine.part(modality.batch_size), engine.split(state.random)
    stages = modality.stages if family.grows else (last,)
    family.begin(data)
    begun = time.perf_counter() - state.seconds
    while engine.decided(state.progress < 1 and not state.stopped):
        # Set what depends on progress.
        before, started = state.progress, state.seconds
        stage = stage_at(before, stages)
        family.set_rate(FINAL_RATE + (1 - FINAL_RATE) * (1 + math.cos(math.pi * before)) / 2)

        # Learn from one batch.
        real, label = data.draw(batch_size, random)
        batch = Batch(modality.at_stage(real, stage), label, family.noise_dim, random, before)
        losses = engine.averaged(family.learn(batch, state.step))

        # Move on. A resumed run may have longer than it had: its progress never goes back.
        state.step += 1
        state.seconds = engine.decided(time.perf_counter() - begun)
        state.progress = max(before, bounds.progress(state.step, state.seconds))
        half_life = min(HALF_LIFE, 0.3 * state.progress)
        family.track(0.5 ** ((state.progress - before) / half_life) if modality.techniques.averaging else 0.0)
        state.count_step(stage, state.seconds - started)
        state.record_losses(losses)

        # Validate the average, keep the best, and decide whether to go on.
        result = None
        if validate and stage == last and _is_due(before, state.progress):
            family.complete()
            result = validate(family.average)
            if result is not None:
                state.record_validation(result)
            state.seconds = time.perf_counter() - begun
        try:
            yield Step(state.step, state.progress, state.seconds, stage, losses, result)
        except GeneratorExit:  # the caller wants no more steps
            engine.decided(False)
            raise
        cancellation_point()


def _is_due(before: float, now: float) -> bool:
    if now >= 1:
        return True
    return now >= VALIDATE_FROM and int(now / VALIDATE_EVERY) > int(before / VALIDATE_EVERY)
