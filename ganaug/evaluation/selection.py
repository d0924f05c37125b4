"""The guard: repeated inner cross-validation that keeps "nothing" unless a remedy is better by more than the noise."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold
from sklearn.utils import _safe_indexing

from ganaug.errors import GanaugWarning
from ganaug.evaluation.trials.remedies import Case, Remedy, inner_sampler

__all__ = ["corrected_error", "decide", "decision_table", "splits_of"]

FOLDS, FEWEST_FOLDS = 5, 3
SPLITS = 10
"""At least so many splits in all: fewer folds are repeated more often."""
INNER_STEPS = 500
"""Most training steps of a generator that is only compared; the one that is kept trains in full."""
SIGNIFICANCE = 0.1
"""Chance that any remedy is kept although none is better than nothing."""
_DRAWS = 20_000

Split = tuple[NDArray[np.int64], NDArray[np.int64]]
Score = Callable[[Remedy, tuple[Any, NDArray[Any]], NDArray[np.int64], NDArray[np.int64]], float]


def decide(
    remedies: Sequence[Remedy],
    score: Score,
    X: Any,
    y: NDArray[Any],
    missing: dict[Any, int],
    sampler: Any,
    random: np.random.RandomState,
) -> pd.DataFrame:
    """Compare remedies by cross-validation, and choose one.

    Each remedy is compared with "nothing" split by split. It is kept only if its mean difference exceeds its standard
    error, by Nadeau and Bengio's formula that allows for the overlap of training sets, times a critical value: that
    which the largest of as many Student statistics, correlated as the differences are, exceeds one time in ten. Of
    several that pass, the one with the best mean is kept. After each repetition, remedies that are no better than
    nothing on average are dropped.

    Parameters
    ----------
    remedies : sequence of Remedy
        The first is "nothing".
    score : callable
        ``score(remedy, (X, y), train, test)`` fits on X and y, which the remedy made of the rows `train`, and scores on
        the rows `test`.
    X, y
        All training rows and labels.
    missing : dict
        From label to number of rows to add when all rows are used.
    sampler : imbalanced-learn sampler
        Not fitted.
    random : RandomState
        Source of the splits and seeds.

    Returns
    -------
    DataFrame
        See `decision_table`.

    References
    ----------
    C. Nadeau, Y. Bengio: Inference for the generalization error. Machine Learning 52, 2003.
    """
    others = [remedy for remedy in remedies if remedy.kind != "nothing"]
    folds = fold_count(y)
    if not others or (not any(missing.values()) and all(remedy.kind != "sampler" for remedy in others)):
        return decision_table(remedies, {}, 0, "the classes lack no rows")
    if folds == 0:
        reason = f"too few rows to compare on: two classes need {FEWEST_FOLDS} or more"
        return decision_table(remedies, {}, 0, reason)

    scores: dict[str, list[float]] = {remedy.name: [] for remedy in remedies}
    notes: dict[str, str] = {}
    alive = list(remedies)
    repeats = math.ceil(SPLITS / folds)
    for _ in range(repeats):
        for train, test in splits_of(y, folds, random):
            case = _inner_case(X, y, missing, sampler, train, random, folds * repeats)
            for remedy in list(alive):
                try:
                    treated = _treat(case, remedy)
                except _UnusableError as error:
                    notes[remedy.name] = str(error)
                    alive.remove(remedy)
                else:
                    scores[remedy.name].append(score(remedy, treated, train, test))
        alive = [remedy for remedy in alive if remedy.kind == "nothing" or _gain(scores, remedy) > 0]
        if len(alive) == 1:
            break
    return decision_table(remedies, scores, folds, notes=notes)


def decision_table(
    remedies: Sequence[Remedy],
    scores: dict[str, list[float]],
    folds: int,
    reason: str = "",
    notes: dict[str, str] | None = None,
) -> pd.DataFrame:
    """Return what was compared, and which remedy the rule of `decide` chooses.

    Returns
    -------
    DataFrame
        One row for each remedy: `candidate`, `score` (its mean), `difference` (the mean difference to nothing),
        `standard_error` (of that), `needed` (the smallest difference that counts), `splits`, `chosen` and `note`.

    Examples
    --------
    >>> remedies = [Remedy("nothing", "nothing"), Remedy("SMOTE", "SMOTE")]
    >>> table = decision_table(remedies, {"nothing": [0.6, 0.7, 0.6], "SMOTE": [0.8, 0.9, 0.8]}, folds=3)
    >>> table[table["chosen"]]["candidate"].item()
    'SMOTE'
    """
    notes = notes or {}
    nothing = np.array(scores.get("nothing", []))
    compared = [scores[name] for name, own in scores.items() if name != "nothing" and len(own) > 1]
    common = min(map(len, compared), default=0)
    critical = (
        critical_value(np.array([own[:common] for own in compared]).T - nothing[:common, None], len(nothing) - 1)
        if compared
        else math.nan
    )
    rows = []
    for remedy in remedies:
        own = np.array(scores.get(remedy.name, []))
        row = {"candidate": remedy.name, "score": own.mean() if len(own) else math.nan, "splits": len(own)}
        row |= {
            "difference": math.nan,
            "standard_error": math.nan,
            "needed": math.nan,
            "note": notes.get(remedy.name, ""),
        }
        if len(own) > 1 and remedy.kind != "nothing":
            difference = own - nothing[: len(own)]
            error = corrected_error(difference, 1 / (folds - 1))
            row |= {"difference": difference.mean(), "standard_error": error, "needed": critical * error}
        rows.append(row)
    columns = ["candidate", "score", "difference", "standard_error", "needed", "splits", "note"]
    table = pd.DataFrame(rows, columns=columns)
    # Only who lasted through all the splits was not dropped.
    passed = (table["difference"] > 0) & (table["difference"] > table["needed"]) & (table["splits"] == len(nothing))
    passed &= table["note"] == ""
    best = table["score"].where(passed).idxmax() if passed.any() else 0
    table.insert(6, "chosen", table.index == best)
    if reason:
        table.loc[0, "note"] = reason
    return table


def corrected_error(differences: NDArray[np.float64], test_per_train: float) -> float:
    """Return the standard error of a mean difference over splits whose training rows overlap.

    Parameters
    ----------
    differences : ndarray of shape (n_splits,)
        One for each split.
    test_per_train : float
        Number of test rows for each training row.

    Examples
    --------
    >>> round(corrected_error(np.array([0.0, 0.1, 0.2, 0.1]), 0.25), 4)
    0.0577
    """
    return float(np.sqrt((1 / len(differences) + test_per_train) * np.var(differences, ddof=1)))


def critical_value(differences: NDArray[np.float64], freedom: int) -> float:
    """Return what the largest of several correlated Student statistics exceeds with probability `SIGNIFICANCE`.

    Parameters
    ----------
    differences : ndarray of shape (n_splits, n_remedies)
        From these the correlations are taken.
    freedom : int
        Degrees of freedom.

    Examples
    --------
    >>> one, other = np.random.default_rng(0).normal(size=(2, 10, 1))
    >>> alone, twice, two = (critical_value(np.hstack(many), 9) for many in ([one], [one, one], [one, other]))
    >>> round(alone, 1), round(twice, 1), two > 1.2 * alone
    (1.4, 1.4, True)
    """
    random = np.random.default_rng(0)
    centred = differences - differences.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    directions = centred / np.where(length > 0, length, 1)  # (n_splits, n_remedies)
    normal = random.standard_normal((_DRAWS, len(differences))) @ directions  # (draws, n_remedies)
    student = normal / np.sqrt(random.chisquare(freedom, (_DRAWS, 1)) / freedom)
    return float(np.quantile(student.max(axis=1), 1 - SIGNIFICANCE))


def fold_count(y: NDArray[Any]) -> int:
    """Return how many folds the labels allow, 0 if they do not allow any comparison."""
    counts = np.unique(y, return_counts=True)[1]
    large = counts[counts >= FEWEST_FOLDS]
    return int(min(FOLDS, large.min())) if len(large) > 1 else 0


def splits_of(y: NDArray[Any], folds: int, random: np.random.RandomState) -> Iterator[Split]:
    """Split rows into folds of like class shares; classes with fewer rows than folds are trained on in every split.

    Yields
    ------
    train, test : ndarray of int
        Positions of rows.
    """
    _, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    large = np.flatnonzero(np.isin(codes, np.flatnonzero(counts >= folds)))
    small = np.setdiff1d(np.arange(len(y)), large)
    cutter = StratifiedKFold(folds, shuffle=True, random_state=random.randint(2**31))
    for train, test in cutter.split(large, codes[large]):
        yield np.sort(np.concatenate([large[train], small])), large[test]


def _inner_case(
    X: Any,
    y: NDArray[Any],
    missing: dict[Any, int],
    sampler: Any,
    train: NDArray[np.int64],
    random: np.random.RandomState,
    fits: int,
) -> Case:
    part = len(train) / len(y)
    lacking = {label: round(part * count) for label, count in missing.items()}
    inner = inner_sampler(sampler, y[train], lacking, fits=fits, most_steps=INNER_STEPS)
    return Case(_safe_indexing(X, train), y[train], lacking, inner, random.randint(2**31))


def _treat(case: Case, remedy: Remedy) -> tuple[Any, NDArray[Any]]:
    try:
        with warnings.catch_warnings():
            # A generator that is kept gives its warnings; those of ten that are not would only alarm.
            warnings.simplefilter("ignore", GanaugWarning)
            return case.treat(remedy)
    except (TypeError, ValueError) as error:
        # SMOTE has its own ideas of which columns it can use; the others must work.
        if remedy.kind == "SMOTE":
            raise _UnusableError(f"not possible here: {error}") from error
        raise


class _UnusableError(Exception):
    """A remedy that these rows do not allow."""


def _gain(scores: dict[str, list[float]], remedy: Remedy) -> float:
    return float(np.mean(scores[remedy.name]) - np.mean(scores["nothing"][: len(scores[remedy.name])]))
