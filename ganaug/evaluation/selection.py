"""The model selection policy of `AugmentedClassifier`: an inner cross-validation that keeps an arm only if it helps."""

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from ganaug.errors import GanaugWarning
from ganaug.evaluation.arms import TABLE_ARMS, Arm
from ganaug.evaluation.comparison import Preparation, Task, compare_arms
from ganaug.evaluation.splits import MIN_FOLDS, Split, fold_count, folds_of
from ganaug.evaluation.trials.base import ImpossibleArmError, Trial
from ganaug.evaluation.trials.training_rows import LabelledRows, TrainingRows, by_pandas, categorical_positions
from ganaug.evaluation.trials.weights import class_weight_settings
from ganaug.evaluation.verdict import decision_table

MIN_SPLITS = 10
"""Splits in all. With fewer folds there are more repetitions."""
RUNGS = (4, 6)
"""Numbers of splits after which the worse half of the arms is dropped."""
MAX_INNER_STEPS = 500
"""Training steps of a generator that is only compared. The one that is kept is trained in full."""
INNER_PARAMETERS = frozenset({"sampling_strategy", "max_steps", "time_budget", "verbose"})
"""Parameters of a generative sampler that are set for a training of a generator that is only compared."""

Fit = Callable[[Arm, LabelledRows, NDArray[np.int64]], Any]
"""``fit(arm, treated, train)`` fits a fresh estimator to treated rows, which were made from the rows at `train`."""
Scorer = Callable[[Any, NDArray[np.int64]], float]
"""``scorer(model, test)`` scores a fitted estimator on the rows at `test`."""


class EstimatorTrial(Trial[float]):
    """A split of rows in any container: a scikit-learn estimator, scored by the user's scorer."""

    def __init__(self, rows: TrainingRows, split: Split, *, fit: Fit, scorer: Scorer) -> None:
        self.rows, self.split, self.fit, self.scorer = rows, split, fit, scorer

    def score(self, arm: Arm) -> float:
        """Treat the rows as the arm says, fit the estimator, and score it on the test rows."""
        try:
            with warnings.catch_warnings():
                # The generators of a comparison are discarded. The one that is kept will give its warnings.
                warnings.simplefilter("ignore", GanaugWarning)
                treated = self.rows.treated(arm)
        except (TypeError, ValueError) as error:
            # SMOTE refuses some columns that the other arms accept.
            if arm.filled == "altered":
                raise ImpossibleArmError(f"not possible here: {error}") from error
            raise
        return self.scorer(self.fit(arm, treated, self.split.train), self.split.test)


def arms_for(estimator: Any, sampler: Any, X: Any) -> list[Arm]:
    """Return the arms that are possible with an estimator, a sampler and rows like `X`; "nothing" is the first.

    A `GANSampler` brings the arms of a GAN. Another over-sampler is an arm by itself.
    """
    categorical = categorical_positions(X, getattr(sampler, "categorical_features", "auto"))
    arms = []
    for arm in TABLE_ARMS:
        allowed = arm.kind in ("nothing", "classical") or (arm.kind == "gan" and _is_generative(sampler))
        if arm.filled == "altered":
            allowed &= categorical is not None
            arm = replace(arm, name="SMOTENC" if categorical else "SMOTE")
        if arm.weighted:
            allowed &= bool(class_weight_settings(estimator))
        if allowed and not arm.tuned:
            arms.append(arm)
    if _is_generative(sampler):
        return arms
    own = Arm(type(sampler).__name__, "sampler")
    # A SMOTE of the user replaces the default one, because names must differ.
    return [*(arm for arm in arms if arm.name != own.name), own]


def rows_for(X: Any, y: NDArray[Any], gaps: Mapping[Any, int], sampler: Any, seed: int) -> TrainingRows:
    """Return training rows with a sampler, which is fitted when an arm needs it for the first time."""

    @cache
    def synthetic() -> tuple[Any, NDArray[Any]]:
        drawn: tuple[Any, NDArray[Any]] = sampler.fit(X, y).sample({label: n for label, n in gaps.items() if n})
        return drawn

    def categorical() -> Sequence[int]:
        return categorical_positions(X, getattr(sampler, "categorical_features", "auto")) or ()

    resample = sampler.fit_resample if _is_generative(sampler) else by_pandas(sampler.fit_resample)
    return TrainingRows(X, y, gaps, seed, synthetic, categorical=categorical, resample=resample)


def select_arm(
    arms: Sequence[Arm],
    X: Any,
    y: NDArray[Any],
    gaps: Mapping[Any, int],
    sampler: Any,
    *,
    fit: Fit,
    scorer: Scorer,
    random: np.random.RandomState,
) -> pd.DataFrame:
    """Compare `arms`, of which "nothing" is the first, by repeated cross-validation; return the `decision_table`.

    After each of the `RUNGS`, arms that are no better than "nothing" on average, and the worse half of the others, are
    dropped. No generator is trained once all arms with synthetic rows are. `X` and `y` are all training
    rows, `gaps` the number of rows that each class lacks, and `sampler` an imbalanced-learn sampler that is not fitted.
    `random` is the source of the splits and seeds.
    """
    folds = fold_count(y)
    others = [arm for arm in arms if arm.kind != "nothing"]
    if not others or (not any(gaps.values()) and all(arm.kind != "sampler" for arm in others)):
        return decision_table(arms, {}, 0, "the classes lack no rows")
    if folds == 0:
        return decision_table(arms, {}, 0, f"too few rows to compare on: two classes need {MIN_FOLDS} or more")
    repeats = math.ceil(MIN_SPLITS / folds)
    found: list[dict[str, float]] = []

    def prepare(number: int, split: Split, scores: dict[str, float]) -> Preparation[float]:
        yield Task("taking the training rows", number)
        found.append(scores)
        share = len(split.train) / len(y)
        inner_y, inner_gaps = y[split.train], {label: round(share * gap) for label, gap in gaps.items()}
        inner = _inner_sampler(sampler, inner_y, inner_gaps, fits=folds * repeats)
        inner_X = _safe_indexing(X, split.train)
        rows = rows_for(inner_X, inner_y, inner_gaps, inner, random.randint(2**31))
        return EstimatorTrial(rows, split, fit=fit, scorer=scorer)

    def splits() -> Iterator[Split]:
        for repeat in range(repeats):
            for train, test in folds_of(y, folds, random):
                yield Split(train, test, repeat)

    notes: dict[str, str] = {}
    for _ in compare_arms(arms, splits(), prepare, notes=notes, rungs=RUNGS):
        pass
    scores = {arm.name: [one[arm.name] for one in found if arm.name in one] for arm in arms}
    return decision_table(arms, scores, folds, notes=notes)


def _is_generative(sampler: Any) -> bool:
    """Tell whether a sampler draws any number of rows once fitted, and its training can be limited, as `GANSampler`."""
    return hasattr(sampler, "sample") and sampler.get_params(deep=False).keys() >= INNER_PARAMETERS


def _inner_sampler(sampler: Any, y: NDArray[Any], gaps: Mapping[Any, int], *, fits: int) -> Any:
    """Return a copy of the sampler for one split. A generative one is trained more briefly."""
    inner = clone(sampler)
    if _is_generative(inner):
        inner.set_params(
            sampling_strategy={label: int((y == label).sum()) + gap for label, gap in gaps.items()},
            max_steps=min(MAX_INNER_STEPS, inner.max_steps or MAX_INNER_STEPS),
            time_budget=None if inner.time_budget is None else inner.time_budget / fits,
            verbose=0,
            **({"callbacks": ()} if hasattr(inner, "callbacks") else {}),
        )
    return inner
