"""A trial of two spaces: the data are learned in both for a few steps, and the held-out score decides between them."""

from collections.abc import Callable
from functools import partial

from ganaug.compute.parallel import side_by_side
from ganaug.networks.modality import Bounds

STEPS = 200
"""Training steps in each space."""
SHARE = 0.15
"""Part of the time of a training that the trial of each space takes, at most."""
MIN_SECONDS, MIN_STEPS = 100.0, 2000
"""Shortest trainings that can spare a trial."""
MARGIN = 0.2
"""Relative difference by which the score of the rival must be better: what is behind at the start may catch up."""


def affordable(bounds: Bounds) -> bool:
    """Tell whether a training is long enough for a trial before it."""
    seconds, steps = bounds
    return (seconds is None or seconds >= MIN_SECONDS) and (steps is None or steps >= MIN_STEPS)


def better_space(own: str, rival: str, score: Callable[[str], float]) -> tuple[str, str]:
    """Return one of two spaces, and why, in a clause.

    ``score(space)`` learns the data in a space for `STEPS` steps, and returns the score on held-out samples; smaller is
    better. It is called for both at the same time.
    """
    of_own, of_rival = side_by_side([partial(score, space) for space in (own, rival)])
    scores = f"{of_own:.2f} in {own} and {of_rival:.2f} in {rival}".replace("latent", "latents")
    reason = f"after {STEPS} steps in each, the score on held-out samples is {scores}"
    return (rival if of_rival < (1 - MARGIN) * of_own else own), reason
