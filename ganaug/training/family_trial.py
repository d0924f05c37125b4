"""A trial of all families before a training: each learns the data for a share of it, and the held-out score decides."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from ganaug.compute.engine import Engine
from ganaug.compute.parallel import usable_cores
from ganaug.networks.modality import Bounds

SHARE = 0.3
"""Part of the time of a training that all trials take together."""
STEPS_SHARE = 0.15
"""Training steps of each trial, as a part of those of the training."""
MIN_SECONDS, MIN_STEPS = 60.0, 200
"""Shortest trainings that can spare a trial."""
TIE = 0.03
"""Relative difference below which scores are equal. Of equal scores the first family is kept."""


def bounds_of_trial(bounds: Bounds, count: int, cores: int) -> Bounds | None:
    """Return the length of each of `count` trials within a training, or None if it is too short for trials."""
    seconds, steps = bounds
    if (seconds is not None and seconds < MIN_SECONDS) or (steps is not None and steps < MIN_STEPS):
        return None
    rounds = -(-count // cores)
    return Bounds(seconds and SHARE * seconds / rounds, steps and round(STEPS_SHARE * steps))


def best_family(
    names: Iterable[str], score: Callable[[str, Bounds], float], bounds: Bounds, engine: Engine
) -> tuple[str, str]:
    """Return one of the families, and why, in a clause.

    ``score(name, bounds)`` learns the data with a family within bounds, and returns the score on held-out samples;
    smaller is better. The trials go on side by side.
    """
    names = list(names)
    trial = bounds_of_trial(bounds, len(names), usable_cores())
    if trial is None:
        return names[0], "the training was too short for a trial of the families"
    scores = engine.side_by_side([partial(score, name, trial) for name in names])
    chosen = chosen_of(names, scores)
    listed = ", ".join(f"{score:.3f} for {name}" for name, score in zip(names, scores, strict=True))
    return chosen, f"after a short trial of each family, the score on held-out samples is {listed}"


def chosen_of(names: Sequence[str], scores: Sequence[float]) -> str:
    """Return the first name whose score is not clearly worse than the best."""
    least = min(scores)
    return next(name for name, score in zip(names, scores, strict=True) if score <= least + TIE * abs(least))
