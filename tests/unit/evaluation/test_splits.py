"""Splits into training rows and test rows."""

import numpy as np
import pytest

from ganaug.errors import DataError
from ganaug.evaluation.splits import cut, fewest_for_a_verdict


@pytest.mark.parametrize("alone", [1, 2, 3])
def test_classes_of_one_group_do_not_make_a_verdict_impossible(alone: int) -> None:
    labels = np.repeat([0, 1, *range(2, 2 + alone)], [100, 60, *[5] * alone])
    groups = np.arange(len(labels)) // 5
    for seed in range(10):
        splits = cut(labels, groups, seed=seed)
        assert len(splits) >= fewest_for_a_verdict(sum(split.repeat == splits[0].repeat for split in splits))


def test_groups_never_part_and_rare_classes_are_always_learned_from() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 6)
    labels = (groups % 3 == 0).astype(np.int64)
    for split in cut(labels, groups, seed=1):
        assert not set(groups[split.train]) & set(groups[split.test])
        assert len(set(labels[split.train])) == len(set(labels[split.test])) == 2
    labels = np.array([0] * 50 + [1] * 20 + [2] * 2)
    for split in cut(rng.permutation(labels), None):
        assert not set(split.train) & set(split.test)
    for split in cut(labels, None):
        assert {70, 71} <= set(split.train)
    with pytest.raises(DataError, match="three samples or more"):
        cut(np.array([0] * 50 + [1, 1]), None)
    with pytest.raises(DataError, match="three groups or more"):
        cut(np.repeat([0, 1], 20), np.repeat([0, 1], 20))


def test_two_repetitions_of_five_folds_are_cut() -> None:
    splits = cut(np.repeat([0, 1], [40, 10]), None)
    assert (len(splits), len(splits[0].train), len(splits[0].test)) == (10, 40, 10)


def test_a_verdict_needs_whole_repetitions() -> None:
    assert (fewest_for_a_verdict(5), fewest_for_a_verdict(3)) == (5, 6)
