"""A cell of the benchmark of tables: one method on one fold of one set, with every learner."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import keel
import numpy as np
import other_sets
import pandas as pd
from learners import LEARNERS, best_thresholds, fit, scores
from numpy.typing import NDArray
from oversampling import GUARD, METHODS, TRAINED, Rows, Treated, encoder
from runs import Record
from sklearn.impute import SimpleImputer
from sklearn.model_selection import StratifiedKFold

__all__ = ["FOLDS", "VERSION", "Cell", "measure"]

FOLDS = 5
SPLIT_SEED = 0
VERSION = 3  # of the format of a stored cell; cells of another version are repeated


@dataclass(frozen=True)
class Cell:
    """One measurement.

    Attributes
    ----------
    fold : int
        Number of the test fold, which is also the seed of the method and of the learners.
    inner_folds : int
        Folds of the training rows on which thresholds are tuned, 0 for none. The method resamples in each of them, so
        that thresholds are tuned on rows that neither method nor learner has seen.
    """

    set: str
    fold: int
    method: str
    inner_folds: int


def measure(cell: Cell, data: Path, learners: list[str]) -> Record:
    """Return the metrics and predictions of every arm with these learners, and the seconds of the resampling."""
    warnings.simplefilter("ignore")  # of thousands of fits to few rows; failures are stored as notes
    X_train, y_train, X_test, y_test = _fold(data, cell.set, cell.fold)
    if cell.method == GUARD:
        found = {name: _guarded(name, X_train, y_train, X_test, y_test, cell.fold) for name in learners}
        return {"seconds": {}, "notes": {}, "labels": _digits(y_test), "scores": {GUARD: found}}
    rows = Rows.of(X_train, y_train)
    arms = list(METHODS[cell.method](rows, cell.fold))
    thresholds = _tuned(cell, rows, learners) if cell.inner_folds else {}
    encoded = rows.encode(X_test)
    return {
        "seconds": {arm.arm: round(arm.seconds, 4) for arm in arms},
        "notes": {arm.arm: arm.note for arm in arms if arm.note},
        "labels": _digits(y_test),
        "scores": {
            arm.arm: {
                name: _score(name, arm, y_train, encoded, y_test, cell.fold, thresholds.get((arm.arm, name)))
                for name in learners
            }
            for arm in arms
        },
    }


def _score(
    name: str,
    arm: Treated,
    y_train: NDArray[np.int64],
    X: NDArray[np.float64],
    y: NDArray[np.int64],
    seed: int,
    tuned: dict[str, float] | None,
) -> Record:
    """Return the metrics of a learner on test rows; `y_train` are the labels before resampling."""
    fitted = fit(name, arm.X, arm.y, arm.weights, seed)
    p = fitted.probabilities(X)
    found = scores(y, p, fitted.corrected(p, y_train), tuned)
    return found | {"predicted": _digits(p > 0.5), "fit_seconds": round(fitted.seconds, 4)}


def _tuned(cell: Cell, rows: Rows, learners: list[str]) -> dict[tuple[str, str], dict[str, float]]:
    """Return, by arm and learner, the best thresholds for training rows that neither method nor learner has seen."""
    folds = min(cell.inner_folds, int(rows.y.sum()))
    p: dict[tuple[str, str], NDArray[np.float64]] = {}
    for train, test in _splits(rows.y, folds, cell.fold):
        inner = Rows.of(rows.X.iloc[train].reset_index(drop=True), rows.y[train])
        encoded = inner.encode(rows.X.iloc[test])
        for arm in METHODS[cell.method](inner, cell.fold):
            for name in learners:
                fitted = fit(name, arm.X, arm.y, arm.weights, cell.fold)
                p.setdefault((arm.arm, name), np.full(len(rows.y), np.nan))[test] = fitted.probabilities(encoded)
    return {key: best_thresholds(rows.y, own) for key, own in p.items()}


def _guarded(
    name: str, X: pd.DataFrame, y: NDArray[np.int64], X_test: pd.DataFrame, y_test: NDArray[np.int64], seed: int
) -> Record:
    """Return the metrics of a learner whose remedy `AugmentedClassifier` chooses, and the chosen remedy."""
    from sklearn.pipeline import make_pipeline

    from ganaug import AugmentedClassifier, GANSampler

    began = time.perf_counter()
    pipeline = make_pipeline(encoder(), LEARNERS[name](seed))
    sampler = GANSampler(random_state=seed)
    model = AugmentedClassifier(pipeline, sampler, correct_prior=True, random_state=seed).fit(X, y)
    seconds = time.perf_counter() - began
    chosen = model.decision_.loc[model.decision_["chosen"], "candidate"].item()
    raw, corrected = (fitted.predict_proba(X_test)[:, 1] for fitted in (model.estimator_, model))
    found = scores(y_test, raw, corrected)
    return found | {"predicted": _digits(raw > 0.5), "fit_seconds": round(seconds, 4), "chosen": chosen}


def _digits(y: NDArray[np.generic]) -> str:
    """Write labels or predictions of test rows as one digit each: 1 for the rare class."""
    return "".join("1" if own else "0" for own in y)


@cache
def _table(data: Path, name: str) -> keel.Table:
    return other_sets.read(name) if name in other_sets.SETS else keel.read(data, name)


def _fold(data: Path, name: str, fold: int) -> tuple[pd.DataFrame, NDArray[np.int64], pd.DataFrame, NDArray[np.int64]]:
    """Return training rows and test rows. Missing values are imputed with medians and modes of the training rows."""
    table = _table(data, name)
    train, test = list(_splits(table.y, FOLDS, SPLIT_SEED))[fold]
    X_train, X_test = (table.X.iloc[rows].reset_index(drop=True) for rows in (train, test))
    for column in [column for column in table.X if table.X[column].isna().any()]:
        strategy = "most_frequent" if table.X[column].dtype == "category" else "median"
        usual = SimpleImputer(strategy=strategy).fit(X_train[[column]]).statistics_[0]
        X_train[column], X_test[column] = X_train[column].fillna(usual), X_test[column].fillna(usual)
    return X_train, table.y[train], X_test, table.y[test]


def _splits(y: NDArray[np.int64], folds: int, seed: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    cutter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    yield from cutter.split(np.zeros((len(y), 1)), y)


def inner_folds_of(method: str, *, quick: bool, wanted: int) -> int:
    """Return the number of folds for tuned thresholds: none if the method would have to train a network in each."""
    return 0 if method == GUARD or (quick and method in TRAINED) else wanted
