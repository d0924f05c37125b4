"""What fits into a budget."""

import pytest

from ganaug.evaluation.arms import IMAGE_ARMS, TABLE_ARMS
from ganaug.evaluation.plan import plan_for


@pytest.mark.parametrize("budget", [12.0, 20.0, 35.0, 60.0, 120.0])
@pytest.mark.parametrize("classifier", [1.0, 3.0, 9.0, 12.0])
def test_one_split_fits_into_any_budget(budget: float, classifier: float) -> None:
    """Also where altering images doubles what two arms take, and the judge takes as long as an arm."""
    settings = {"splits": 10, "folds": 5, "training": classifier, "steps": 300, "seconds": 180.0}
    plan = plan_for(budget, IMAGE_ARMS, **settings)
    fits = sum(1 + (arm.filled == "altered") for arm in plan.arms) + 1
    assert plan.classifier == pytest.approx(classifier * plan.steps / 300)
    assert plan.seconds is not None
    assert plan.splits * (plan.seconds + fits * plan.classifier) < budget
    assert plan.seconds >= min(15.0, 0.2 * budget / plan.splits)
    assert plan.steps >= 20


def test_no_arm_gives_way_to_a_training_that_is_not_to_be() -> None:
    settings = {"splits": 5, "folds": 1, "training": 0.5, "steps": 1}
    assert len(plan_for(90.0, TABLE_ARMS, seconds=60.0, **settings).arms) < len(TABLE_ARMS)
    plan = plan_for(90.0, TABLE_ARMS, seconds=0.0, **settings)
    assert (plan.splits, len(plan.arms), plan.seconds, plan.left_out) == (5, len(TABLE_ARMS), 0.0, ())
