"""Trials on signals and clips: what both share, with the batches that their classifiers are trained on."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug.compute.engine import Engine
from ganaug.compute.modes import seeded
from ganaug.evaluation.arms import NOTHING, Arm
from ganaug.evaluation.scores import balancing_power
from ganaug.evaluation.trials.base import DatasetTrial
from ganaug.evaluation.trials.rows_by_class import RowsByClass
from ganaug.networks.classifiers import fit_classifier
from ganaug.networks.modality import refuse_image_settings

JUDGED_AT_ONCE = 128
"""Samples in one pass of a trained classifier."""

Alter = Callable[[Tensor, torch.Generator], Tensor]


class ArrayClassifier:
    """A trained classifier of the samples of a trial (n, ...), as `ArrayTrial.stored` returns them."""

    def __init__(self, model: Any, seen: Callable[[Tensor], Tensor]) -> None:
        self._model, self._seen = model, seen

    @torch.inference_mode()
    def features(self, stored: Tensor) -> NDArray[np.float32]:
        """Return the penultimate features, float32 (n, F)."""
        parts = [self._model.features(self._seen(part)) for part in torch.split(stored, JUDGED_AT_ONCE)]
        features: NDArray[np.float32] = torch.cat(parts).numpy()
        return features

    @torch.inference_mode()
    def probabilities(self, stored: Tensor) -> NDArray[np.float32]:
        """Return the probability of every class, float32 (n, n_classes)."""
        logits: Tensor = self._model.head(torch.from_numpy(self.features(stored)))
        return logits.softmax(dim=1).numpy()


class ArrayTrial(DatasetTrial):
    """A split of arrays: a small CNN, in every arm from the same initial weights for the same number of steps.

    All arms of one seed draw the same classes, and the same real samples where they draw real ones. So the differences
    between arms are not those of the draws.

    Attributes
    ----------
    batch : int
        Samples in a batch.
    alterations : mapping of str to callable
        By the filling of an arm, what is done to each sample whenever it is drawn.
    of_one_seed : tuple of str
        Cached properties that depend on the seed.
    """

    max_drawn = 1_000
    features_name = "a classifier trained on each training part"
    batch: ClassVar[int]
    alterations: ClassVar[Mapping[str, Alter]]
    of_one_seed: ClassVar[tuple[str, ...]] = ("balanced",)

    train: Any
    test: Any
    synthetic: Any
    jittered: Any

    def __init__(self, train: Any, test: Any, sampler: Any, *, seed: int, augment: Any = None, **settings: Any) -> None:
        refuse_image_settings(f"{train.modality}s", augment)
        super().__init__(train, test, sampler, seed=seed, **settings)

    @abstractmethod
    def stored(self, data: Any) -> Tensor:
        """Return the samples (n, ...) of a data set, from which batches are drawn."""

    @staticmethod
    def seen(stored: Tensor) -> Tensor:
        """Return stored samples as a classifier sees them, float32 (n, C, ...)."""
        return stored

    @abstractmethod
    def new_model(self, train: Any) -> torch.nn.Module:
        """Return an untrained classifier of the samples of a training part."""

    def filled_up(self, arm: Arm, train: Any) -> tuple[Tensor, NDArray[np.int64]]:  # noqa: ARG002
        """Return the real samples (n, ...) of an arm, and their labels (n,)."""
        return self.stored(train), train.labels

    def reseeded(self, seed: int) -> Self:
        """Return the trial with other first weights and other draws, and with the same samples."""
        other = copy(self)
        other.seed, other._plain = seed, None
        for name in self.of_one_seed:
            other.__dict__.pop(name, None)
        return other

    def features(self, extractor: Any) -> Callable[[Any], NDArray[np.floating]]:  # noqa: ARG002
        """Return the features of the balanced classifier."""
        return lambda data: self.balanced.features(self.stored(data))

    @cached_property
    def balanced(self) -> ArrayClassifier:
        """A classifier of the training part with balanced classes."""
        return self._fit(Arm("random oversampling", "classical", filled="repeats"), self.train)

    def class_probabilities(self, data: Any) -> NDArray[np.floating]:
        """Return the probabilities of the balanced classifier."""
        return self.balanced.probabilities(self.stored(data))

    def _fit_and_predict(self, arm: Arm) -> NDArray[np.floating]:
        oversampled = arm.kind == "classical" and arm.filled == "repeats"
        classifier = self.balanced if oversampled else self._fit(arm, self.train)
        return classifier.probabilities(self.stored(self.test))

    def _power(self) -> float:
        learn, tune = next(self._tuning_splits(), (None, None))
        if learn is None or tune is None:
            return 0.0
        probabilities = self._fit(NOTHING, self.train.part(learn)).probabilities(self.stored(self.train.part(tune)))
        return balancing_power(probabilities, self.train.labels[tune], self.counts / self.counts.sum())

    def _fit(self, arm: Arm, train: Any) -> ArrayClassifier:
        weight = None
        if arm.weighted:
            balanced = self.counts.sum() / (len(train.classes) * np.maximum(self.counts, 1))
            weight = torch.tensor(balanced, dtype=torch.float32)
        with seeded(self.seed):
            model = self.new_model(train)
        engine = Engine(torch.device("cpu"), mixed=False)
        fit_classifier(model, self._batches(arm, train), self.steps, engine=engine, class_weight=weight)
        return ArrayClassifier(model, self.seen)

    def _batches(self, arm: Arm, train: Any) -> Iterator[tuple[Tensor, Tensor]]:
        rng, random = np.random.default_rng([self.seed, 3]), torch.Generator().manual_seed(self.seed)
        n_classes = len(train.classes)
        samples, labels = self.filled_up(arm, train)
        real, alter = RowsByClass(labels, n_classes), self.alterations.get(arm.filled)
        shares, added = np.array(arm.shares or [arm.share] * n_classes), None
        if shares.any():
            source = self.jittered if arm.kind == "placebo" else self.synthetic
            added, made = RowsByClass(source.labels, n_classes), self.stored(source)
        counts = np.bincount(train.labels, minlength=n_classes)
        weights = (counts > 0) if arm.filled or arm.share == 1 else counts
        while True:
            # The same random numbers in every arm, used or not.
            drawn = rng.choice(n_classes, self.batch, p=weights / weights.sum())
            place, kind = rng.random((2, self.batch))
            batch = samples[real.at(drawn, place)]
            if added is not None:
                synthetic = torch.from_numpy(kind < shares[drawn]).view(-1, *[1] * (batch.ndim - 1))
                batch = torch.where(synthetic, made[added.at(drawn, place)], batch)
            batch = self.seen(batch)
            # All are altered alike: an alteration must not tell real samples from synthetic ones.
            yield (batch if alter is None else alter(batch, random)), torch.from_numpy(drawn)
