"""The schedule of a comparison: which splits, arms and steps fit into a budget, and what is left out."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ganaug.evaluation.arms import Arm

MIN_SPLITS = 5
"""Splits that a schedule keeps as long as arms and steps can give way instead."""
MIN_STEPS = 100
"""Training steps of the classifier that a schedule keeps as long as splits can give way instead."""
MIN_SECONDS = 15.0
"""Training time that a generator needs before its samples are worth a comparison."""
OVERHEAD = 1.15
"""Time of an arm, with drawing and measuring, as a multiple of its training time."""
MIN_STEPS_OF_ALL = 20
"""Training steps of the classifier in the shortest budget."""
MIN_SHARE = 0.25
"""Part of the shortest budget that the generator gets."""
SLOWER = 1.3
"""In the shortest budget, classifiers may take this many times the measured time: arms that alter images take twice as
long, and the machine may be busy."""
RESERVE = 0.05
"""Part of the budget that is kept for the work after the comparison."""


@dataclass(frozen=True)
class Schedule:
    """A comparison that fits into a budget."""

    splits: int  # the number of splits to expect; more are done if time is left
    arms: tuple[Arm, ...]
    steps: int  # training steps of the classifier, if it is trained in steps
    seconds: float | None  # the training time of each generator; None for no limit
    classifier: float  # the expected training time of one classifier in seconds; 0 if it was not measured
    left_out: tuple[str, ...]  # what the budget does not allow


@dataclass(frozen=True)
class _Time:
    """The seconds that are left of a budget, and those that classifiers and generators take of them."""

    available: float
    training: float  # of the classifier in one arm, in `steps` steps
    steps: int

    def of_classifiers(self, arms: Sequence[Arm], n_splits: int, n_steps: int) -> float:
        # A tuned threshold trains the classifier a second time.
        return n_splits * OVERHEAD * self.training * n_steps / self.steps * (len(arms) + 1)

    def of_generator(self, arms: Sequence[Arm], n_splits: int, n_steps: int) -> float:
        """Return the seconds that remain for each generator."""
        return (self.available - self.of_classifiers(arms, n_splits, n_steps)) / n_splits


def schedule_for(
    budget: float | None,
    arms: Sequence[Arm],
    *,
    splits: int,
    folds: int,
    training: float,
    steps: int,
    seconds: float,
) -> Schedule:
    """Fit a comparison into a budget in seconds; None for no limit.

    If the budget is short, these give way in turn: repetitions, optional arms, steps of the classifier, splits. If not
    even one split fits, its generator is trained for a shorter time, and its classifier takes still fewer steps.

    There are `splits`, and `folds` of them in one repetition. In one arm, the classifier is trained for `training`
    seconds and `steps` steps; without a limit, a generator is trained for `seconds`.
    """
    chosen, left_out = tuple(arms), []
    if budget is None:
        return Schedule(splits, chosen, steps, None, 0.0, ())
    time = _Time(budget * (1 - RESERVE), training, steps)
    wanted_splits = splits
    if time.of_generator(chosen, splits, steps) < seconds and splits > folds:
        # Further splits are done if time is left in the end, but no time is reserved for them.
        wanted_splits = min(math.ceil(MIN_SPLITS / folds) * folds, splits)
    worthwhile = min(seconds, max(MIN_SECONDS, time.available / wanted_splits / 3))
    if time.of_generator(chosen, wanted_splits, steps) < worthwhile:
        left_out += [f"the arm {arm.name!r}" for arm in chosen if arm.optional]
        chosen = tuple(arm for arm in chosen if not arm.optional)
    n_steps = _fewer(steps, MIN_STEPS, 0.8, lambda fewer: time.of_generator(chosen, wanted_splits, fewer) >= worthwhile)
    # Drop splits before generators are trained too briefly to learn anything, but keep one split.
    remaining = time.of_generator(chosen, wanted_splits, n_steps)
    per_generator = min(seconds, max(min(MIN_SECONDS, time.available / 3), remaining))
    n_steps, per_generator = _in_one_split(time, chosen, n_steps, per_generator)
    if n_steps < steps:
        left_out.append(f"{steps - n_steps} of {steps} training steps of the classifier, in every arm")
    per_split = per_generator + time.of_classifiers(chosen, 1, n_steps)
    n_splits = wanted_splits if per_split <= 0 else max(1, min(wanted_splits, int(time.available / per_split + 1e-6)))
    return Schedule(n_splits, chosen, n_steps, per_generator, training * n_steps / steps, tuple(left_out))


def _in_one_split(time: _Time, arms: Sequence[Arm], steps: int, seconds: float) -> tuple[int, float]:
    """Return the steps of the classifier and the seconds of the generator with which at least one split fits."""

    def left(n_steps: int) -> float:
        return time.available - SLOWER * time.of_classifiers(arms, 1, n_steps)

    seconds = min(seconds, max(MIN_SHARE * time.available, left(steps)))
    return _fewer(steps, MIN_STEPS_OF_ALL, 0.9, lambda fewer: left(fewer) >= seconds), seconds


def _fewer(steps: int, least: int, factor: float, suffices: Callable[[int], bool]) -> int:
    """Return the steps, reduced by a factor until they suffice, or are `least` or fewer."""
    while steps > least and not suffices(steps):
        steps = max(least, int(steps * factor))
    return steps
