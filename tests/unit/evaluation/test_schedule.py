"""What fits into a budget."""

import pytest

from ganaug.evaluation.arms import IMAGE_ARMS, TABLE_ARMS, Arm
from ganaug.evaluation.schedule import schedule_for


@pytest.mark.parametrize("budget", [12.0, 20.0, 35.0, 60.0, 120.0])
@pytest.mark.parametrize("classifier", [1.0, 3.0, 9.0, 12.0])
def test_one_split_fits_into_any_budget(budget: float, classifier: float) -> None:
    """Also where altering images doubles what two arms take, and the judge takes as long as an arm."""
    settings = {"splits": 10, "folds": 5, "training": classifier, "steps": 300, "seconds": 180.0}
    schedule = schedule_for(budget, IMAGE_ARMS, **settings)
    fits = sum(1 + (arm.filled == "altered") for arm in schedule.arms) + 1
    assert schedule.classifier == pytest.approx(classifier * schedule.steps / 300)
    assert schedule.seconds is not None
    assert schedule.splits * (schedule.seconds + fits * schedule.classifier) < budget
    assert schedule.seconds >= min(15.0, 0.2 * budget / schedule.splits)
    assert schedule.steps >= 20


def test_no_arm_gives_way_to_a_training_that_is_not_to_be() -> None:
    settings = {"splits": 5, "folds": 1, "training": 0.5, "steps": 1}
    assert len(schedule_for(90.0, TABLE_ARMS, seconds=60.0, **settings).arms) < len(TABLE_ARMS)
    schedule = schedule_for(90.0, TABLE_ARMS, seconds=0.0, **settings)
    assert (schedule.splits, len(schedule.arms), schedule.seconds, schedule.left_out) == (5, len(TABLE_ARMS), 0.0, ())


def test_repetitions_give_way_before_splits() -> None:
    arms = [Arm("nothing", "nothing"), Arm("a", "gan"), Arm("b", "gan", optional=True)]
    settings = {"splits": 10, "folds": 5, "training": 4.0, "steps": 300, "seconds": 60.0}
    schedule = schedule_for(300.0, arms, **settings)  # type: ignore[arg-type]
    assert (schedule.splits, len(schedule.arms), round(schedule.seconds or 0.0)) == (5, 3, 39)
    assert schedule_for(None, arms, **settings).splits == 10  # type: ignore[arg-type]
    assert schedule_for(50.0, arms, **settings).splits == 2  # type: ignore[arg-type]
