"""Trials on tables."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils.class_weight import compute_sample_weight

from ganaug.data.tables.codec import TableCodec
from ganaug.data.tables.dataset import LabelledTable
from ganaug.data.tables.numeric import NumericColumn
from ganaug.data.tables.series import category_codes, numeric_values
from ganaug.errors import DataError
from ganaug.evaluation.arms import TABLE_ARMS, Arm
from ganaug.evaluation.samples import Sampler
from ganaug.evaluation.scores import balancing_power
from ganaug.evaluation.trials.base import DatasetTrial
from ganaug.evaluation.trials.training_rows import TrainingRows
from ganaug.evaluation.trials.weights import class_weight_settings, weight_argument

Matrix = NDArray[np.float64]  # (n_rows, n_columns)


class TableTrial(DatasetTrial):
    """A split of a table: a scikit-learn classifier, of which every arm trains a fresh copy.

    The classifier sees numbers in their own units, with the median in place of missing ones, and one-hot columns for
    categories and for whether a number is missing.
    """

    arms = TABLE_ARMS
    features_name = "quantiles of numbers, and options of categories"
    probe_margin = 1.5  # the training rows of an arm are more than those of the measurement

    train: LabelledTable
    test: LabelledTable
    synthetic: LabelledTable
    jittered: LabelledTable

    def __init__(
        self,
        train: LabelledTable,
        test: LabelledTable,
        sampler: Sampler | None,
        *,
        seed: int,
        estimator: Any,
        **settings: Any,
    ) -> None:
        super().__init__(train, test, sampler, seed=seed, estimator=clone(estimator), **settings)
        seeds = {name: seed for name in estimator.get_params() if name.rsplit("__", 1)[-1] == "random_state"}
        self.estimator.set_params(**seeds)
        self._medians = [
            float(np.nan_to_num(np.nanmedian(values)))
            if np.isfinite(values := numeric_values(train.frame.iloc[:, position], column)).any()
            else 0.0
            for position, column in enumerate(train.codec.columns)
            if isinstance(column, NumericColumn)
        ]
        X = self._compact(train)
        self.categorical = list(range(len(train.codec.numeric_columns), X.shape[1]))
        self._one_hot = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
        if self.categorical:
            self._one_hot.fit(X[:, self.categorical])
        self.rows = TrainingRows(
            X,
            train.labels,
            gaps={c: int(self.counts.max() - count) for c, count in enumerate(self.counts) if count},
            seed=seed,
            synthetic=lambda: (self._compact(self.synthetic), self.synthetic.labels),
            jittered=lambda: (self._compact(self.jittered), self.jittered.labels),
            categorical=lambda: self.categorical,
        )

    @classmethod
    def impossible(cls, arms: Sequence[Arm], data: LabelledTable, estimator: Any) -> dict[str, str]:
        """Return the arms that need numeric columns, or weights, where there are none."""
        found: dict[str, str] = {}
        if not any(isinstance(column, NumericColumn) for column in data.codec.columns):
            found |= {arm.name: "SMOTE needs a column of numbers" for arm in arms if arm.filled == "altered"}
        if not class_weight_settings(estimator):
            try:
                weight_argument(estimator)
            except DataError:
                found |= {arm.name: "the estimator takes no weights" for arm in arms if arm.weighted}
        return found

    def features(self, extractor: Any) -> Callable[[LabelledTable], NDArray[np.floating]]:  # noqa: ARG002
        """Return the points on the scales of the training part."""
        return lambda data: data.points(self.train)

    def promised_columns(self, unseen: Any) -> TableCodec:
        """Return the codec of the generator."""
        codec: TableCodec = self.train.codec if unseen is None else unseen.codec
        return codec

    def class_probabilities(self, data: Any) -> NDArray[np.floating]:
        """Return the probabilities of a classifier trained with random oversampling."""
        return self._probabilities(self._balanced, self._compact(data))

    @cached_property
    def _balanced(self) -> Any:
        return self._fit(Arm("random oversampling", "classical", filled="repeats"))

    def _compact(self, table: LabelledTable) -> Matrix:
        """Return numbers, then the codes of categories and of whether a number is missing, (n, n_columns)."""
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

    def _expanded(self, rows: Matrix) -> Matrix:
        """Return rows with one-hot columns in place of codes."""
        if not self.categorical:
            return rows
        one_hot = self._one_hot.transform(rows[:, self.categorical])
        return np.hstack([np.delete(rows, self.categorical, axis=1), one_hot])

    def _fit_and_predict(self, arm: Arm) -> NDArray[np.floating]:
        return self._probabilities(self._fit(arm), self._compact(self.test))

    def _probabilities(self, model: Any, rows: Matrix) -> NDArray[np.floating]:
        probability = np.zeros((len(rows), len(self.train.classes)))
        probability[:, model.classes_] = model.predict_proba(self._expanded(rows))
        return probability

    def _fit(self, arm: Arm) -> Any:
        rows, labels = self.rows.treated(arm)
        model, extra = clone(self.estimator), {}
        if arm.weighted and class_weight_settings(model):
            model.set_params(**class_weight_settings(model))
        elif arm.weighted:
            extra = {weight_argument(model): compute_sample_weight("balanced", labels)}
        return model.fit(self._expanded(rows), labels, **extra)

    def _power(self) -> float:
        X, y = self.rows.X, self.rows.y
        opinions = [
            (self._probabilities(model, X[test]), y[test])
            for train, test in self._tuning_splits()
            for model in [clone(self.estimator).fit(self._expanded(X[train]), y[train])]
        ]
        if not opinions:
            return 0.0
        probability, labels = (np.concatenate(parts) for parts in zip(*opinions, strict=True))
        return balancing_power(probability, labels, self.counts / self.counts.sum())


TRIAL = TableTrial
DOSE_TRIAL = None
