"""Splits into training rows and test rows: stratified, repeated, and by groups where there are any."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from ganaug.errors import DataError

REPEATS = 2  # how often the rows are cut into folds
MAX_REPEATS = 10
"""Groups may make many splits lose a class. The rows are then cut into folds more often, at most so many times."""
MAX_FOLDS = 5  # each fold costs the training of a generator
MIN_FOLDS = 3  # with two, half of the rows would be missing from the training
MIN_SPLITS = 5
"""Splits that a verdict needs."""

Rows = NDArray[np.int64]  # positions


@dataclass(frozen=True)
class Split:
    """Positions of training rows and test rows, which share no row and no group."""

    train: Rows
    test: Rows
    repeat: int  # the number of the repetition, within which all test rows differ


def cut(
    labels: NDArray[np.int64], groups: NDArray[np.int64] | None, *, repeats: int = REPEATS, seed: int = 0
) -> list[Split]:
    """Cut rows with class indices `labels` (n,) into folds, `repeats` times, or more often if groups need it.

    There are five folds, or three or four if a class has no more rows. A class with fewer than three rows is always
    trained on and never tested. With groups (n,), a fold consists of whole groups, and splits whose training rows lack
    a class are left out. Raises `DataError` if no split is possible.
    """
    random = np.random.RandomState(seed)
    if groups is not None:
        return _cut_by_groups(labels, groups, repeats, random)
    folds = fold_count(labels)
    if not folds:
        raise DataError(
            "at least two classes must have three samples or more, so that some can be tested on: add samples"
        )
    return [Split(train, test, repeat) for repeat in range(repeats) for train, test in folds_of(labels, folds, random)]


def _cut_by_groups(
    labels: NDArray[np.int64], groups: NDArray[np.int64], repeats: int, random: np.random.RandomState
) -> list[Split]:
    groups_of_class = [len(np.unique(groups[labels == value])) for value in np.unique(labels)]
    testable = sorted(groups_of_class, reverse=True)[:2]
    if len(testable) < 2 or testable[1] < MIN_FOLDS:
        raise DataError(
            "at least two classes must have three groups or more, so that some can be tested on: add samples"
        )
    folds = min(MAX_FOLDS, testable[1])
    found: list[Split] = []
    for repeat in range(max(repeats, MAX_REPEATS)):
        folds_kept = sum(split.repeat == found[0].repeat for split in found)
        if repeat >= repeats and found and len(found) >= fewest_for_a_verdict(folds_kept):
            break
        cutter = StratifiedGroupKFold(folds, shuffle=True, random_state=random.randint(2**31))
        for train, test in cutter.split(labels, labels, groups):
            if len(np.unique(labels[train])) == len(groups_of_class) and len(np.unique(labels[test])) > 1:
                found.append(Split(train, test, repeat))
    if not found:
        raise DataError(
            "every class must have samples in several groups, but in each split by groups the training rows lack a "
            "class: add groups"
        )
    return found


def fold_count(labels: NDArray[np.generic]) -> int:
    """Return the number of folds that the labels allow; 0 if fewer than two classes have `MIN_FOLDS` rows."""
    counts = np.unique(labels, return_counts=True)[1]
    large = counts[counts >= MIN_FOLDS]
    return int(min(MAX_FOLDS, large.min())) if len(large) > 1 else 0


def folds_of(labels: NDArray[np.generic], folds: int, random: np.random.RandomState) -> Iterator[tuple[Rows, Rows]]:
    """Yield the training rows and the test rows of each fold, stratified by class.

    A class with fewer rows than folds is trained on in every split.
    """
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    large = np.flatnonzero(np.isin(codes, np.flatnonzero(counts >= folds)))
    small = np.setdiff1d(np.arange(len(labels)), large)
    cutter = StratifiedKFold(folds, shuffle=True, random_state=random.randint(2**31))
    for train, test in cutter.split(large, codes[large]):
        yield np.sort(np.concatenate([large[train], small])), large[test]


def fewest_for_a_verdict(folds: int) -> int:
    """Return the number of splits that a verdict needs: whole repetitions, and `MIN_SPLITS` or more."""
    return math.ceil(MIN_SPLITS / folds) * folds
