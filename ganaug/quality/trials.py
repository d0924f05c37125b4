"""One split of a comparison: a generator of the training part, and the same classifier trained in every arm."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils.class_weight import compute_sample_weight
from torch import Tensor

from ganaug.augmenters.guard import splits_of
from ganaug.augmenters.remedies import Case, Remedy, categorical_positions, class_weight_settings
from ganaug.augmenters.weights import weight_argument
from ganaug.codecs.image import LabelledImages
from ganaug.codecs.labelled_table import LabelledTable
from ganaug.codecs.numeric import NumericColumn
from ganaug.codecs.series import category_codes, numeric_values
from ganaug.errors import DataError
from ganaug.quality.arms import Arm
from ganaug.quality.image_classifier import ImageClassifier, drawn_rows, fit_small_cnn, label_preserving, to_tensor
from ganaug.quality.jitter import jittered
from ganaug.quality.parts import Data, Sampler, draw, part
from ganaug.quality.scores import balancing_power

__all__ = ["ImageTrial", "Opinion", "TableTrial", "Trial", "impossible"]

BATCH = 64
TUNING_FOLDS = 3
MOST_DRAWN = 5_000
"""Synthetic samples of one class that are drawn at most."""


class Opinion(NamedTuple):
    """What a classifier says of the test rows: probabilities, and what the largest of decides; both (n, n_classes)."""

    probability: NDArray[np.floating]
    decide_by: NDArray[np.floating]


class Trial(ABC):
    """One split.

    Parameters
    ----------
    train, test : LabelledImages or LabelledTable
        The two parts.
    sampler : Sampler
        Trained on `train` alone.
    seed : int
        Shared by all arms.
    """

    def __init__(self, train: Any, test: Any, sampler: Sampler, *, seed: int) -> None:
        self.train, self.test, self.sampler, self.seed = train, test, sampler, seed
        self.counts = np.bincount(train.labels, minlength=len(train.classes))
        wanted = np.full(len(self.counts), min(int(self.counts.max()), MOST_DRAWN))
        self.synthetic = draw(sampler, train, wanted, [seed, 1])
        self.jittered = self._placebo(wanted)
        self._plain: NDArray[np.floating] | None = None

    def predict(self, arm: Arm) -> Opinion:
        """Train the classifier as the arm says, and let it judge the test part."""
        if arm.tuned:
            plain = self._fit_and_judge(Arm("nothing", "nothing")) if self._plain is None else self._plain
            return Opinion(plain, plain / (self.counts / self.counts.sum()) ** self._power())
        probability = self._fit_and_judge(arm)
        if arm.kind == "nothing":
            self._plain = probability
        return Opinion(probability, probability)

    @abstractmethod
    def class_probabilities(self, data: Data) -> NDArray[np.floating]:
        """Return what a classifier of the training part reads in other items, (n, n_classes)."""

    @abstractmethod
    def _fit_and_judge(self, arm: Arm) -> NDArray[np.floating]: ...

    @abstractmethod
    def _power(self) -> float:
        """Return the power of the class shares by which the plain classifier's probabilities are divided."""

    def _placebo(self, wanted: NDArray[np.int64]) -> Any:
        """Return slightly altered copies of training items, as many as there are synthetic ones."""
        rng = np.random.default_rng([self.seed, 2])
        rows = [
            rng.choice(np.flatnonzero(self.train.labels == label), count)
            for label, count in enumerate(wanted)
            if self.counts[label]
        ]
        return jittered(part(self.train, np.concatenate(rows)), rng)

    def _tuning_splits(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        folds = min(TUNING_FOLDS, int(np.sort(self.counts)[-2]))
        if folds < 2:
            return iter(())
        return splits_of(self.train.labels, folds, np.random.RandomState(self.seed % 2**32))


class ImageTrial(Trial):
    """A split of images: the small CNN, in every arm from the same first weights for the same number of steps."""

    train: LabelledImages
    test: LabelledImages
    synthetic: LabelledImages
    jittered: LabelledImages

    def __init__(self, train: LabelledImages, test: LabelledImages, sampler: Sampler, *, seed: int, steps: int) -> None:
        super().__init__(train, test, sampler, seed=seed)
        self.steps = steps
        self._judge: ImageClassifier | None = None

    @property
    def judge(self) -> ImageClassifier:
        """A classifier of the training part with its classes balanced."""
        if self._judge is None:
            self._judge = self._fit(Arm("random oversampling", "classical", filled="repeats"), self.train)
        return self._judge

    def class_probabilities(self, data: Data) -> NDArray[np.floating]:
        """Return what the judge reads."""
        assert isinstance(data, LabelledImages)  # noqa: S101
        return self.judge.probabilities(data.images)

    def _fit_and_judge(self, arm: Arm) -> NDArray[np.floating]:
        if arm.kind == "classical" and arm.filled == "repeats":
            return self.judge.probabilities(self.test.images)
        return self._fit(arm, self.train).probabilities(self.test.images)

    def _power(self) -> float:
        learn, tune = next(self._tuning_splits(), (None, None))
        if learn is None or tune is None:
            return 0.0
        classifier = self._fit(Arm("nothing", "nothing"), part(self.train, learn))
        shares = self.counts / self.counts.sum()
        return balancing_power(classifier.probabilities(self.train.images[tune]), self.train.labels[tune], shares)

    def _fit(self, arm: Arm, train: LabelledImages) -> ImageClassifier:
        channels, n_classes = train.images.shape[3], len(train.classes)
        weight = None
        if arm.weighted:
            balanced = self.counts.sum() / (n_classes * np.maximum(self.counts, 1))
            weight = torch.tensor(balanced, dtype=torch.float32)
        model = fit_small_cnn(
            self._batches(arm, train),
            channels=channels,
            n_classes=n_classes,
            steps=self.steps,
            seed=self.seed,
            class_weight=weight,
        )
        return ImageClassifier(model)

    def _batches(self, arm: Arm, train: LabelledImages) -> Iterator[tuple[Tensor, Tensor]]:
        rng = np.random.default_rng([self.seed, 3])
        augment = label_preserving(train.images.shape[3], self.seed) if arm.filled == "altered" else None
        n_added = round(arm.share * BATCH)
        streams: list[tuple[LabelledImages, Iterator[NDArray[np.int64]]]] = []
        if n_added < BATCH:
            streams.append((train, drawn_rows(train.labels, BATCH - n_added, bool(arm.filled), rng)))
        if n_added:
            added = self.jittered if arm.kind == "placebo" else self.synthetic
            streams.append((added, drawn_rows(added.labels, n_added, True, rng)))
        while True:
            drawn = [(data, next(rows)) for data, rows in streams]
            images = np.concatenate([data.images[rows] for data, rows in drawn])
            labels = np.concatenate([data.labels[rows] for data, rows in drawn])
            yield to_tensor(images if augment is None else augment(images)), torch.from_numpy(labels)


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
        self._one_hot.fit(self.rows[:, self.categorical] if self.categorical else np.zeros((1, 0)))
        self._judge: Any = None

    def class_probabilities(self, data: Data) -> NDArray[np.floating]:
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
        hot = self._one_hot.transform(rows[:, self.categorical]) if self.categorical else np.zeros((len(rows), 0))
        return np.hstack([np.delete(rows, self.categorical, axis=1), hot])

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
        added = {c: min(round(arm.share * lack), MOST_DRAWN) for c, lack in gap.items()}
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


def impossible(arms: Sequence[Arm], data: Data, estimator: Any) -> dict[str, str]:
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
