"""The loop that compares arms, and the time that it may take."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from ganaug.evaluation.arms import NOTHING, Arm
from ganaug.evaluation.budget import Pace, TimeBudget
from ganaug.evaluation.comparison import TRAINING, Preparation, Task, compare_arms
from ganaug.evaluation.intake import some_rows
from ganaug.evaluation.schedule import Schedule
from ganaug.evaluation.splits import Split
from ganaug.evaluation.trials.base import ImpossibleArmError, Trial
from ganaug.evaluation.trials.training_rows import TrainingRows

BETTER, WORSE = Arm("better", "classical", filled="repeats"), Arm("worse", "gan", share=1.0)
SPLITS = [Split(np.arange(4), np.arange(4, 6), repeat) for repeat in range(4)]


class Known(Trial[float]):
    """A trial whose scores are known."""

    def __init__(self, scores: dict[str, float]) -> None:
        self.scores = scores

    def score(self, arm: Arm) -> float:
        if arm.name not in self.scores:
            raise ImpossibleArmError(f"no {arm.name}")
        return self.scores[arm.name]


def prepare_with(scores: dict[str, float], found: list[dict[str, float]]) -> Callable[..., Preparation[float]]:
    def prepare(number: int, _: Split, own: dict[str, float]) -> Preparation[float]:
        yield Task("preparing", number)
        found.append(own)
        return Known(scores)

    return prepare


def test_every_arm_is_scored_on_every_split() -> None:
    found: list[dict[str, float]] = []
    scores = {"nothing": 0.5, "better": 0.6, "worse": 0.4}
    tasks = list(compare_arms([NOTHING, BETTER, WORSE], SPLITS, prepare_with(scores, found)))
    assert found == [scores] * 4
    assert [task.doing for task in tasks[:4]] == [
        "preparing",
        "training the classifier: nothing",
        "training the classifier: better",
        "training the classifier: worse",
    ]
    assert [task.split for task in tasks] == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 4
    assert [task.done for task in tasks[:4]] == sorted(task.done for task in tasks[:4])


def test_arms_no_better_than_nothing_are_dropped_at_a_rung() -> None:
    found: list[dict[str, float]] = []
    scores = {"nothing": 0.5, "better": 0.6, "worse": 0.5}
    list(compare_arms([NOTHING, BETTER, WORSE], SPLITS, prepare_with(scores, found), rungs=(2, 4)))
    assert [set(one) for one in found] == [set(scores)] * 2 + [{"nothing", "better"}] * 2
    found.clear()
    list(compare_arms([NOTHING, WORSE], SPLITS, prepare_with(scores, found), rungs=(2, 4)))
    assert len(found) == 2  # only "nothing" is left


def test_the_worse_half_of_the_arms_is_dropped_at_each_rung() -> None:
    found: list[dict[str, float]] = []
    scores = {"nothing": 0.5, "a": 0.6, "b": 0.9, "c": 0.7, "d": 0.8}
    arms = [NOTHING, *(Arm(name, "classical") for name in "abcd")]
    list(compare_arms(arms, SPLITS, prepare_with(scores, found), rungs=(1, 3)))
    assert [set(one) for one in found] == [set(scores)] + [{"nothing", "b", "d"}] * 2 + [{"nothing", "b"}]


def test_an_impossible_arm_is_dropped_with_its_reason() -> None:
    found: list[dict[str, float]] = []
    notes: dict[str, str] = {}
    list(compare_arms([NOTHING, BETTER], SPLITS[:2], prepare_with({"nothing": 0.5}, found), notes=notes))
    assert found == [{"nothing": 0.5}] * 2
    assert notes == {"better": "no better"}


class Clock:
    """Time that passes only where a test lets it."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.mark.parametrize(("seconds", "splits"), [(None, 4), (100.0, 2), (130.0, 3)])
def test_a_comparison_ends_before_a_split_that_does_not_fit(
    seconds: float | None, splits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, done = Clock(), []
    monkeypatch.setattr("ganaug.evaluation.budget.time", clock)
    schedule = Schedule(splits=4, arms=(NOTHING,), steps=1, seconds=30.0, classifier=5.0, left_out=())
    pace = Pace(TimeBudget(seconds), schedule, splits=4)

    def tasks() -> Iterator[Task]:
        for number in range(4):
            for doing, took in ((TRAINING, 30.0), ("training the classifier: nothing", 5.0)):
                yield Task(doing, number, 0.0 if doing == TRAINING else 0.5)
                clock.now += took
                done.append(number)

    progress = [pace.moment(task).progress for task in pace.within(tasks())]
    assert done == [number for number in range(splits) for _ in range(2)]
    assert progress == sorted(progress)


def test_rows_are_treated_as_the_arm_says() -> None:
    X, y = np.arange(12.0)[:, None], np.array([0] * 8 + [1] * 4)
    synthetic = np.full((4, 1), -1.0), np.array([1] * 4)
    jittered = np.full((4, 1), -2.0), np.array([1] * 4)

    def treated(arm: Arm, **settings: Any) -> tuple[Any, Any]:
        rows = TrainingRows(X, y, {0: 0, 1: 4}, 0, lambda: synthetic, lambda: jittered, **settings)
        return rows.treated(arm)

    assert treated(NOTHING)[0] is X
    half = treated(Arm("GAN", "gan", share=0.5))
    assert half[0][12:].tolist() == [[-1.0]] * 2
    both = treated(Arm("both", "classical+gan", share=0.5, filled="repeats"))
    assert np.bincount(both[1]).tolist() == [8, 8]
    assert both[0][14:].tolist() == [[-1.0]] * 2
    assert set(both[0][12:14, 0]) <= set(X[8:, 0])
    assert treated(Arm("copies", "placebo", share=1.0))[0][12:].tolist() == [[-2.0]] * 4
    assert treated(Arm("only", "synthetic only", share=1.0)) == synthetic
    smote = treated(Arm("SMOTE", "classical", filled="altered"))[0][12:, 0]
    assert smote.min() >= 8
    assert smote.max() <= 11
    own = treated(Arm("mine", "sampler"), resample=lambda X, y: (X[:2], y[:2]))
    assert len(own[1]) == 2


def test_progress_never_decreases() -> None:
    budget = TimeBudget(3600.0)
    assert (budget.fits(60.0), budget.fits(7200.0)) == (True, False)
    moments = [budget.moment(progress, "working") for progress in (0.5, 0.2, 1.0)]
    assert [moment.progress for moment in moments] == [0.5, 0.5, 0.999]


def test_rare_classes_are_kept_among_many_rows() -> None:
    rows = some_rows(np.repeat([0, 1], [50_000, 150]), seed=0)
    assert rows is not None
    assert (len(rows), (rows >= 50_000).sum()) == (20_090, 150)
