"""The search for copies."""

import numpy as np

from ganaug.evaluation.metrics.copies import View, find_copies, usual_share


def test_copies_are_flagged_and_fresh_samples_are_not() -> None:
    rng = np.random.default_rng(0)
    train, held_out, fresh = rng.normal(size=(3, 200, 6))
    near = train + rng.normal(0, 0.02, train.shape)
    copied = find_copies([View(near, train, held_out, train, near)])
    fine = find_copies([View(fresh, train, held_out, train, near)])
    assert copied.flagged.all()
    assert fine.flagged.mean() < 0.1
    assert fine.exact_found == 1.0


def test_the_usual_share_is_the_measured_one_if_that_is_larger() -> None:
    assert usual_share({"expected_share": 0.03, "calibration": {"false_alarms": 0.1}}) == 0.1
