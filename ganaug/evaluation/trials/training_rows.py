"""Training rows in any container, treated as an arm says: repeated, interpolated by SMOTE, or with synthetic rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE, SMOTENC, RandomOverSampler
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import _safe_indexing

from ganaug.data.containers.frames import as_pandas
from ganaug.data.containers.rows import as_rows, positions_of, table_container
from ganaug.evaluation.arms import Arm

NEIGHBOURS = 5
"""Nearest neighbours between which SMOTE interpolates, as in imbalanced-learn."""

LabelledRows = tuple[Any, NDArray[Any]]
"""Rows and their labels."""
Resample = Callable[[Any, NDArray[Any]], LabelledRows]
"""``fit_resample`` of an over-sampler."""


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Training rows, and what the arms may add to them."""

    X: Any  # the rows, in any container
    y: NDArray[Any]
    gaps: Mapping[Any, int]  # by label, the number of rows that the class lacks
    seed: int  # for random oversampling and SMOTE
    synthetic: Callable[[], LabelledRows]  # synthetic rows, of each class at least as many as its gap
    jittered: Callable[[], LabelledRows] | None = None  # altered copies of real rows, as many
    categorical: Callable[[], Sequence[int]] = tuple  # returns the positions of the categorical columns, for SMOTE
    resample: Resample | None = None  # of a user's over-sampler

    def treated(self, arm: Arm) -> LabelledRows:
        """Return the rows and labels that the classifier is trained on in this arm.

        Class weights and thresholds do not change the rows: the trials apply them.
        """
        if arm.kind == "sampler" and self.resample is not None:
            return self._resampled(self.resample)
        source = self.jittered if arm.kind == "placebo" and self.jittered is not None else self.synthetic
        if arm.kind == "synthetic only":
            return source()
        added = {label: round(arm.share * gap) for label, gap in self.gaps.items()}
        X, y = self._filled(arm, {label: gap - added[label] for label, gap in self.gaps.items()})
        if not any(added.values()):
            return X, y
        X_new, y_new = source()
        first = np.concatenate([np.flatnonzero(y_new == label)[:count] for label, count in added.items()])
        stacked = table_container(X, as_rows(X)).append(X, _safe_indexing(X_new, first))
        return stacked, np.concatenate([y, y_new[first]])

    def _filled(self, arm: Arm, lacking: dict[Any, int]) -> LabelledRows:
        """Return the rows with every class filled up by repeats or by SMOTE."""
        if not arm.filled or not any(lacking.values()):
            return self.X, self.y
        if arm.filled == "repeats":
            sampler = RandomOverSampler(sampling_strategy=self._sizes(lacking), random_state=self.seed)
            index = sampler.fit_resample(np.arange(len(self.y))[:, None], self.y)[0].ravel()
            return _safe_indexing(self.X, index), self.y[index]
        counts = {label: int((self.y == label).sum()) for label in lacking}
        possible = {label: count for label, count in lacking.items() if count and counts[label] > 1}
        if not possible:
            return self.X, self.y
        neighbours = min(NEIGHBOURS, *(counts[label] - 1 for label in possible))
        settings = {"sampling_strategy": self._sizes(possible), "k_neighbors": neighbours, "random_state": self.seed}
        categorical = list(self.categorical())
        smote = SMOTENC(categorical, **settings) if categorical else SMOTE(**settings)
        return self._resampled(by_pandas(smote.fit_resample))

    def _resampled(self, resample: Resample) -> LabelledRows:
        X, y = resample(self.X, self.y)
        return X, np.asarray(y)

    def _sizes(self, added: Mapping[Any, int]) -> dict[Any, int]:
        return {label: int((self.y == label).sum()) + count for label, count in added.items()}


def by_pandas(resample: Resample) -> Resample:
    """Return a function that resamples a frame of any library with an over-sampler that knows only those of pandas."""

    def resampled(X: Any, y: NDArray[Any]) -> LabelledRows:
        rows = as_pandas(X)
        X_new, y_new = resample(rows, y)
        return (X_new if rows is X else table_container(X, rows).wrap(X_new)), y_new

    return resampled


def categorical_positions(X: Any, chosen: Any = "auto") -> list[int] | None:
    """Return the positions of the columns that SMOTE must treat as categorical; None if SMOTE cannot be used.

    `X` is rows in any container. `chosen` are columns that the user declares categorical by name, position or mask,
    beside those that are not numeric.
    """
    rows = as_rows(X)
    if sparse.issparse(rows):
        return None if np.isnan(rows.data).any() else []
    rows = rows if isinstance(rows, pd.DataFrame) else np.asarray(rows)
    if rows.ndim != 2 or bool(np.any(pd.isna(rows))):
        return None
    if isinstance(rows, pd.DataFrame):
        kinds, columns = [dtype.kind for dtype in rows.dtypes], rows.columns
    else:
        kinds, columns = [rows.dtype.kind] * rows.shape[1], range(rows.shape[1])
    found = {position for position, kind in enumerate(kinds) if kind not in "iuf"}
    if not isinstance(chosen, str):
        found |= set(positions_of(chosen, columns))
    return None if "M" in kinds or "m" in kinds or len(found) == len(kinds) else sorted(found)
