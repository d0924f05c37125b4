"""What of a comparison fits into a budget, and what is left out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ganaug.evaluation.arms import Arm

__all__ = ["Plan", "plan_for"]

FEWEST_SPLITS = 5
FEWEST_STEPS = 100
SHORTEST_TRAINING = 15.0
"""Seconds that a generator needs to show what it can do, in a fold."""
OVERHEAD = 1.15
"""Of measuring, drawing and everything else, in terms of training."""
FEWEST_STEPS_OF_ALL, LEAST_SHARE, SLOWER = 20, 0.25, 1.3
"""So that one split is done in any budget: the classifier's steps, the generator's share, and how much slower than
measured classifiers may be (an arm that alters images takes twice as long, and a machine has other work too)."""
RESERVE = 0.05
"""Of the budget, kept for what comes after the comparison."""


@dataclass(frozen=True)
class Plan:
    """What to do.

    Attributes
    ----------
    splits : int
        How many to count on, as far as what they take is known; more where time is left.
    arms : tuple of Arm
    steps : int
        Of a classifier that is trained by steps.
    seconds : float or None
        For each generator; None does not bound it.
    classifier : float
        What one classifier is expected to take; 0 where that was not measured.
    left_out : tuple of str
        What else would have been done.
    """

    splits: int
    arms: tuple[Arm, ...]
    steps: int
    seconds: float | None
    classifier: float
    left_out: tuple[str, ...]


def plan_for(
    budget: float | None,
    arms: Sequence[Arm],
    *,
    splits: int,
    folds: int,
    training: float,
    steps: int,
    seconds: float,
) -> Plan:
    """Fit a comparison into a budget.

    In this order give way: repetitions, optional arms, steps of the classifier, splits. Where not even one split fits,
    its generator is trained for less time, and its classifier takes still fewer steps.

    Parameters
    ----------
    budget : float or None
        Seconds that are left; None for no bound.
    arms : sequence of Arm
    splits, folds : int
        How many splits there are, and how many of them make one repetition.
    training : float
        Seconds that the classifier takes once in each arm.
    steps : int
        Its steps.
    seconds : float
        What a generator would like.

    Examples
    --------
    >>> arms = [Arm("nothing", "nothing"), Arm("a", "gan"), Arm("b", "gan", optional=True)]
    >>> settings = {"splits": 10, "folds": 5, "training": 4.0, "steps": 300, "seconds": 60.0}
    >>> plan = plan_for(300.0, arms, **settings)
    >>> plan.splits, len(plan.arms), round(plan.seconds)
    (5, 3, 39)
    >>> plan_for(None, arms, **settings).splits
    10
    >>> plan_for(50.0, arms, **settings).splits
    2
    """
    chosen, left_out = tuple(arms), []
    if budget is None:
        return Plan(splits, chosen, steps, None, 0.0, ())
    room = budget * (1 - RESERVE)

    def trainings(kept: Sequence[Arm], n_splits: int, n_steps: int) -> float:
        # Tuning a threshold trains the classifier once more.
        return n_splits * OVERHEAD * training * n_steps / steps * (len(kept) + 1)

    def spare(n_splits: int, n_steps: int) -> float:
        """Return the seconds that are left to each generator."""
        return (room - trainings(chosen, n_splits, n_steps)) / n_splits

    wanted = splits
    if spare(splits, steps) < seconds and splits > folds:
        # More are done where there is time at the end; none of them is counted on.
        wanted = min(math.ceil(FEWEST_SPLITS / folds) * folds, splits)
    enough = min(seconds, max(SHORTEST_TRAINING, room / wanted / 3))
    if spare(wanted, steps) < enough and (dropped := [arm.name for arm in chosen if arm.optional]):
        chosen = tuple(arm for arm in chosen if not arm.optional)
        left_out += [f"the arm {name!r}" for name in dropped]
    n_steps = steps
    while spare(wanted, n_steps) < enough and n_steps > FEWEST_STEPS:
        n_steps = max(FEWEST_STEPS, int(n_steps * 0.8))
    # Rather fewer splits than generators that have learned nothing; but one split should be done.
    each = min(seconds, max(min(SHORTEST_TRAINING, room / 3), spare(wanted, n_steps)))

    def alone(n_steps: int) -> float:
        """Return the seconds that are left to the generator of a single split."""
        return room - SLOWER * trainings(chosen, 1, n_steps)

    if alone(n_steps) < each:
        each = min(each, max(LEAST_SHARE * room, alone(n_steps)))
        while alone(n_steps) < each and n_steps > FEWEST_STEPS_OF_ALL:
            n_steps = max(FEWEST_STEPS_OF_ALL, int(n_steps * 0.9))
    if n_steps < steps:
        left_out.append(f"{steps - n_steps} of {steps} training steps of the classifier, in every arm")
    one = each + trainings(chosen, 1, n_steps)
    fitting = wanted if one <= 0 else max(1, min(wanted, int(room / one + 1e-6)))
    return Plan(fitting, chosen, n_steps, each, training * n_steps / steps, tuple(left_out))
