"""Splits into rows to train on and rows to test on: repeated, stratified, and by groups where there are any."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from ganaug.errors import DataError
from ganaug.evaluation.selection import fold_count, splits_of

__all__ = ["REPEATS", "Split", "cut", "fewest_for_a_verdict"]

REPEATS = 2
MOST_REPEATS = 10
"""Where so many splits by groups lose a class that a verdict would lack splits, rows are dealt out more often."""
FOLDS, FEWEST_FOLDS = 5, 3


@dataclass(frozen=True)
class Split:
    """Positions of rows.

    Attributes
    ----------
    train, test : ndarray of int64
        They have nothing in common, and no group is in both.
    repeat : int
        Which repetition it belongs to: the test rows of one repetition are all different.
    """

    train: NDArray[np.int64]
    test: NDArray[np.int64]
    repeat: int


def cut(
    labels: NDArray[np.int64], groups: NDArray[np.int64] | None, *, repeats: int = REPEATS, seed: int = 0
) -> list[Split]:
    """Cut labelled rows into folds, several times over.

    Five folds, or three or four where a class has no more rows. Classes with fewer rows than three are always trained
    on and never tested. With groups, a fold has whole groups, and a split whose training rows lack a class is left out.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
        Class indices.
    groups : ndarray of int64, shape (n,), or None
        Rows of one group never part.
    repeats : int
        How often all rows are dealt out, at least.
    seed : int

    Raises
    ------
    DataError
        If that leaves nothing to compare on.

    Examples
    --------
    >>> splits = cut(np.repeat([0, 1], [40, 10]), None)
    >>> len(splits), len(splits[0].train), len(splits[0].test)
    (10, 40, 10)
    """
    random = np.random.RandomState(seed)
    if groups is None:
        folds = fold_count(labels)
        if not folds:
            raise DataError("at least two classes must have three samples or more, or nothing can be tested on")
        return [
            Split(train, test, repeat) for repeat in range(repeats) for train, test in splits_of(labels, folds, random)
        ]
    per_class = [len(np.unique(groups[labels == value])) for value in np.unique(labels)]
    testable = sorted(per_class, reverse=True)[:2]
    if len(testable) < 2 or testable[1] < FEWEST_FOLDS:
        raise DataError("at least two classes must have three groups or more, or nothing can be tested on")
    folds = min(FOLDS, testable[1])
    found: list[Split] = []
    for repeat in range(max(repeats, MOST_REPEATS)):
        folds_kept = sum(split.repeat == found[0].repeat for split in found)
        if repeat >= repeats and found and len(found) >= fewest_for_a_verdict(folds_kept):
            break
        cutter = StratifiedGroupKFold(folds, shuffle=True, random_state=random.randint(2**31))
        for train, test in cutter.split(labels, labels, groups):
            if len(np.unique(labels[train])) == len(per_class) and len(np.unique(labels[test])) > 1:
                found.append(Split(train, test, repeat))
    if not found:
        raise DataError("every class must have samples in several groups, but each split by groups loses a class")
    return found


def fewest_for_a_verdict(folds: int) -> int:
    """Return how many splits a verdict needs at least: one whole repetition, and never fewer than five.

    Examples
    --------
    >>> fewest_for_a_verdict(5), fewest_for_a_verdict(3)
    (5, 6)
    """
    return math.ceil(5 / folds) * folds
