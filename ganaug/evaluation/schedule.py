"""The schedule of a comparison: which splits, arms and steps fit into a budget, and what is left out."""

import math
from collections.abc import Sequence
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
    """Fit a comparison into a budget.

    If the budget is short, these give way in turn: repetitions, optional arms, steps of the classifier, splits. If not
    even one split fits, its generator is trained for a shorter time, and its classifier takes still fewer steps.

    Parameters
    ----------
    budget : float or None
        Seconds that are left; None for no limit.
    arms : sequence of Arm
    splits, folds : int
        The number of splits, and of those in one repetition.
    training, steps : float, int
        The training time of the classifier in one arm, in seconds, and its steps.
    seconds : float
        The training time of a generator without a limit.

    Examples
    --------
    >>> arms = [Arm("nothing", "nothing"), Arm("a", "gan"), Arm("b", "gan", optional=True)]
    >>> settings = {"splits": 10, "folds": 5, "training": 4.0, "steps": 300, "seconds": 60.0}
    >>> schedule = schedule_for(300.0, arms, **settings)
    >>> schedule.splits, len(schedule.arms), round(schedule.seconds)
    (5, 3, 39)
    >>> schedule_for(None, arms, **settings).splits
    10
    >>> schedule_for(50.0, arms, **settings).splits
    2
    """
    chosen, left_out = tuple(arms), []
    if budget is None:
        return Schedule(splits, chosen, steps, None, 0.0, ())
    available = budget * (1 - RESERVE)

    def trainings(kept: Sequence[Arm], n_splits: int, n_steps: int) -> float:
        # A tuned threshold trains the classifier a second time.
        return n_splits * OVERHEAD * training * n_steps / steps * (len(kept) + 1)

    def spare(n_splits: int, n_steps: int) -> float:
        """Return the seconds that remain for each generator."""
        return (available - trainings(chosen, n_splits, n_steps)) / n_splits

    wanted_splits = splits
    if spare(splits, steps) < seconds and splits > folds:
        # Further splits are done if time is left in the end, but no time is reserved for them.
        wanted_splits = min(math.ceil(MIN_SPLITS / folds) * folds, splits)
    worthwhile = min(seconds, max(MIN_SECONDS, available / wanted_splits / 3))
    if spare(wanted_splits, steps) < worthwhile and (dropped := [arm.name for arm in chosen if arm.optional]):
        chosen = tuple(arm for arm in chosen if not arm.optional)
        left_out += [f"the arm {name!r}" for name in dropped]
    n_steps = steps
    while spare(wanted_splits, n_steps) < worthwhile and n_steps > MIN_STEPS:
        n_steps = max(MIN_STEPS, int(n_steps * 0.8))
    # Drop splits before generators are trained too briefly to learn anything, but keep one split.
    per_generator = min(seconds, max(min(MIN_SECONDS, available / 3), spare(wanted_splits, n_steps)))

    def spare_alone(n_steps: int) -> float:
        """Return the seconds that remain for the generator of a single split."""
        return available - SLOWER * trainings(chosen, 1, n_steps)

    if spare_alone(n_steps) < per_generator:
        per_generator = min(per_generator, max(MIN_SHARE * available, spare_alone(n_steps)))
        while spare_alone(n_steps) < per_generator and n_steps > MIN_STEPS_OF_ALL:
            n_steps = max(MIN_STEPS_OF_ALL, int(n_steps * 0.9))
    if n_steps < steps:
        left_out.append(f"{steps - n_steps} of {steps} training steps of the classifier, in every arm")
    per_split = per_generator + trainings(chosen, 1, n_steps)
    n_splits = wanted_splits if per_split <= 0 else max(1, min(wanted_splits, int(available / per_split + 1e-6)))
    return Schedule(n_splits, chosen, n_steps, per_generator, training * n_steps / steps, tuple(left_out))
