"""A split of a table: a scikit-learn classifier, a fresh copy of it in every arm."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils.class_weight import compute_sample_weight

from ganaug.data.dataset import Dataset
from ganaug.data.images.dataset import LabelledImages
from ganaug.data.tables.dataset import LabelledTable
from ganaug.data.tables.numeric import NumericColumn
from ganaug.data.tables.series import category_codes, numeric_values
from ganaug.errors import DataError
from ganaug.evaluation.arms import Arm
from ganaug.evaluation.samples import Sampler
from ganaug.evaluation.scores import balancing_power
from ganaug.evaluation.trials.base import Trial
from ganaug.evaluation.trials.remedies import Case, Remedy, categorical_positions, class_weight_settings
from ganaug.evaluation.trials.weights import weight_argument

__all__ = ["TableTrial", "impossible"]


class TableTrial(Trial):
    """A split of a table: a scikit-learn classifier, a fresh copy of it in every arm.

    It sees numbers in their own units with the median where one is missing, and one column of zeros and ones for each
    option of a category, and for what is missing.

    Parameters
    ----------
    train, test, sampler, seed
        As in `Trial`.
    estimator : scikit-learn classifier
        With `predict_proba`.
    """

    train: LabelledTable
    test: LabelledTable
    synthetic: LabelledTable
    jittered: LabelledTable

    def __init__(
        self, train: LabelledTable, test: LabelledTable, sampler: Sampler, *, seed: int, estimator: Any
    ) -> None:
        super().__init__(train, test, sampler, seed=seed)
        self.estimator = clone(estimator)
        seeds = {name: seed for name in estimator.get_params() if name.rsplit("__", 1)[-1] == "random_state"}
        self.estimator.set_params(**seeds)
        self._medians = [
            float(np.nan_to_num(np.nanmedian(values)))
            if np.isfinite(values := numeric_values(train.frame.iloc[:, position], column)).any()
            else 0.0
            for position, column in enumerate(train.codec.columns)
            if isinstance(column, NumericColumn)
        ]
        self.rows = self._compact(train)
        self.categorical = list(range(train.codec.n_numeric, self.rows.shape[1]))
        self._one_hot = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
        if self.categorical:
            self._one_hot.fit(self.rows[:, self.categorical])
        self._judge: Any = None

    def class_probabilities(self, data: Dataset) -> NDArray[np.floating]:
        """Return what a classifier reads that weighs classes or, where it cannot, has rows repeated."""
        assert isinstance(data, LabelledTable)  # noqa: S101
        if self._judge is None:
            self._judge = self._fit(Arm("random oversampling", "classical", filled="repeats"))
        return self._probabilities(self._judge, self._compact(data))

    def _compact(self, table: LabelledTable) -> NDArray[np.float64]:
        """Return numbers, then codes of categories and of whether a number is missing, (n, n_columns)."""
        numbers, codes, medians = [], [], iter(self._medians)
        for position, column in enumerate(self.train.codec.columns):
            series = table.frame.iloc[:, position]
            if isinstance(column, NumericColumn):
                values = numeric_values(series, column)
                numbers.append(np.where(np.isnan(values), next(medians), values))
                codes += [np.isnan(values).astype(float)] * column.missing
            else:
                codes.append(column.encode(category_codes(series, column)).astype(float))
        return np.stack([*numbers, *codes], axis=1)

    def _expanded(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        if not self.categorical:
            return rows
        return np.hstack(
            [np.delete(rows, self.categorical, axis=1), self._one_hot.transform(rows[:, self.categorical])]
        )

    def _fit_and_judge(self, arm: Arm) -> NDArray[np.floating]:
        return self._probabilities(self._fit(arm), self._compact(self.test))

    def _probabilities(self, model: Any, rows: NDArray[np.float64]) -> NDArray[np.floating]:
        probability = np.zeros((len(rows), len(self.train.classes)))
        probability[:, model.classes_] = model.predict_proba(self._expanded(rows))
        return probability

    def _fit(self, arm: Arm) -> Any:
        rows, labels = self._treated(arm)
        model, extra = clone(self.estimator), {}
        if arm.weighted and class_weight_settings(model):
            model.set_params(**class_weight_settings(model))
        elif arm.weighted:
            extra = {weight_argument(model): compute_sample_weight("balanced", labels)}
        return model.fit(self._expanded(rows), labels, **extra)

    def _treated(self, arm: Arm) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        if arm.kind == "synthetic only":
            return self._compact(self.synthetic), self.synthetic.labels
        gap = {int(c): int(self.counts.max() - count) for c, count in enumerate(self.counts) if count}
        added = {c: round(arm.share * lack) for c, lack in gap.items()}
        rows, labels = self.rows, self.train.labels
        if arm.filled:
            lacking = {c: lack - added[c] for c, lack in gap.items()}
            case = Case(rows, labels, lacking, SimpleNamespace(categorical_features=self.categorical), self.seed)
            remedy = Remedy("", "repeat") if arm.filled == "repeats" else Remedy("", "SMOTE")
            rows, labels = case.treat(remedy)
        if arm.share:
            source = self.jittered if arm.kind == "placebo" else self.synthetic
            taken = np.concatenate([np.flatnonzero(source.labels == c)[:count] for c, count in added.items()])
            rows = np.concatenate([rows, self._compact(source)[taken]])
            labels = np.concatenate([labels, source.labels[taken]])
        return rows, labels

    def _power(self) -> float:
        judged = [
            (self._probabilities(model, self.rows[test]), self.train.labels[test])
            for train, test in self._tuning_splits()
            for model in [clone(self.estimator).fit(self._expanded(self.rows[train]), self.train.labels[train])]
        ]
        if not judged:
            return 0.0
        probability, labels = (np.concatenate(parts) for parts in zip(*judged, strict=True))
        return balancing_power(probability, labels, self.counts / self.counts.sum())


def impossible(arms: Sequence[Arm], data: Any, estimator: Any) -> dict[str, str]:
    """Return the arms that this data or this estimator does not allow, each with the reason."""
    found: dict[str, str] = {}
    if isinstance(data, LabelledImages):
        return found
    kinds = [0.0 if isinstance(column, NumericColumn) else 1.0 for column in data.codec.columns]
    chosen = SimpleNamespace(categorical_features=[i for i, kind in enumerate(kinds) if kind])
    if categorical_positions(np.zeros((1, len(kinds))), chosen) is None:
        found |= {arm.name: "SMOTE needs a column of numbers" for arm in arms if arm.filled == "altered"}
    if not class_weight_settings(estimator):
        try:
            weight_argument(estimator)
        except DataError:
            found |= {arm.name: "the estimator takes no weights" for arm in arms if arm.weighted}
    return found
