"""The one loop that compares: it trains a classifier in every arm on every split, and collects the scores."""

import math
from collections.abc import Callable, Container, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from ganaug.evaluation.arms import Arm
from ganaug.evaluation.splits import Split
from ganaug.evaluation.trials.base import ImpossibleArmError, Trial

TRAINING = "training a generator"
CLASSIFYING = "training the classifier: "
"""The descriptions of two tasks; the name of the arm follows the second."""
PREPARED = 0.4  # of the time of a split before the first arm, by experience
SCORED = 0.9  # the same after the last arm

S = TypeVar("S")


@dataclass(frozen=True)
class Task:
    """The next piece of work of a comparison."""

    doing: str  # a description; equal descriptions take about equal time
    split: int  # the number of the split
    done: float = 0.0  # the part of the split that is done before the task, from 0 to 1


Preparation = Generator[Task, None, Trial[S]]
"""Yields the tasks that a trial needs, such as the training of a generator, and returns the trial."""


def compare_arms(
    arms: Sequence[Arm],
    splits: Iterable[Split],
    prepare: Callable[[int, Split, dict[str, S]], Preparation[S]],
    *,
    notes: dict[str, str] | None = None,
    rungs: Container[int] = (),
) -> Iterator[Task]:
    """Score every arm on every split. Each task is yielded before it begins, so that the caller can stop in time.

    Splits are taken one by one. ``prepare(number, split, scores)`` makes the trial of a split, and the scores of the
    arms will be put into `scores`, by name. An impossible arm is dropped, and `notes` receives the reason by the name
    of the arm.

    After so many splits as each of the `rungs` says, arms are dropped: those whose scores, which must be numbers, are
    no better on average than those of "nothing", and the worse half of the others (successive halving, Jamieson and
    Talwalkar 2016). The comparison ends if "nothing" alone is left.
    """
    alive, found = list(arms), []
    for number, split in enumerate(splits):
        scores: dict[str, S] = {}
        found.append(scores)
        trial = yield from prepare(number, split, scores)
        for arm, done in zip(list(alive), np.linspace(PREPARED, SCORED, len(alive)), strict=True):
            yield Task(CLASSIFYING + arm.name, number, float(done))
            try:
                scores[arm.name] = trial.score(arm)
            except ImpossibleArmError as error:
                alive.remove(arm)
                if notes is not None:
                    notes[arm.name] = str(error)
        if number + 1 in rungs:
            alive = _better_half(alive, found)
            if len(alive) < 2:
                return


def _better_half(arms: Sequence[Arm], scores: Sequence[dict[str, Any]]) -> list[Arm]:
    """Return "nothing" and the better half of the other arms, without those that are no better than "nothing"."""
    others = sorted((arm for arm in arms if arm.kind != "nothing"), key=lambda arm: -_gain(scores, arm))
    kept = [arm for arm in others[: math.ceil(len(others) / 2)] if _gain(scores, arm) > 0]
    return [arm for arm in arms if arm.kind == "nothing" or arm in kept]


def _gain(scores: Sequence[dict[str, Any]], arm: Arm) -> float:
    return float(np.mean([one[arm.name] for one in scores]) - np.mean([one["nothing"] for one in scores]))
