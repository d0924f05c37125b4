"""Trials on signals, and the batches that their classifiers are trained on."""

from collections.abc import Callable, Iterator
from copy import copy
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from imblearn.over_sampling import SMOTE
from numpy.typing import NDArray
from torch import Tensor

from ganaug.compute.engine import Engine
from ganaug.compute.modes import seeded
from ganaug.data.signals.dataset import LabelledSignals
from ganaug.errors import DataError
from ganaug.evaluation.arms import NOTHING, SIGNAL_ARMS, Arm
from ganaug.evaluation.scores import balancing_power
from ganaug.evaluation.trials.base import DatasetTrial
from ganaug.evaluation.trials.rows_by_class import RowsByClass
from ganaug.networks.classifiers import ConvClassifier1d, fit_classifier
from ganaug.techniques.signal_augmentation import jitter, warp_time

BATCH = 64
"""Signals in a batch."""
WIDTHS = (32, 64, 64)
"""Channels of the three convolutions: 33,000 parameters for one channel."""
MAX_PLACES = 128
"""Places that a convolution sees; of longer signals, neighbouring values become channels."""
NEIGHBOURS = 5
"""Nearest signals of a class among which SMOTE chooses one, as is usual."""
JUDGED_AT_ONCE = 256  # signals

ALTERATIONS: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {"jittered": jitter, "warped": warp_time}
"""By the filling of an arm, what is done to each real signal whenever it is drawn."""


class SignalClassifier:
    """A trained classifier of standardised signals (n, channels, length)."""

    def __init__(self, model: ConvClassifier1d) -> None:
        self._model = model

    @torch.inference_mode()
    def features(self, signals: Tensor) -> NDArray[np.float32]:
        """Return the penultimate features, float32 (n, 128)."""
        parts = [self._model.features(part) for part in torch.split(signals, JUDGED_AT_ONCE)]
        features: NDArray[np.float32] = torch.cat(parts).numpy()
        return features

    @torch.inference_mode()
    def probabilities(self, signals: Tensor) -> NDArray[np.float32]:
        """Return the probability of every class, float32 (n, n_classes)."""
        logits: Tensor = self._model.head(torch.from_numpy(self.features(signals)))
        return logits.softmax(dim=1).numpy()


class SignalTrial(DatasetTrial):
    """A split of signals: a small CNN, in every arm from the same initial weights for the same number of steps.

    All arms of one seed draw the same classes, and the same real signals where they draw real ones. So the differences
    between arms are not those of the draws.
    """

    arms = SIGNAL_ARMS
    usual_steps = 300
    probe_steps = 10
    max_drawn = 1_000
    network = "1-d CNN"
    features_name = "a classifier trained on each training part"

    train: LabelledSignals
    test: LabelledSignals
    synthetic: LabelledSignals
    jittered: LabelledSignals

    def __init__(self, train: Any, test: Any, sampler: Any, *, seed: int, augment: Any = None, **settings: Any) -> None:
        if augment is not None:
            raise DataError("augment must be None for signals, because it is a pipeline for images: leave it out")
        super().__init__(train, test, sampler, seed=seed, **settings)

    def reseeded(self, seed: int) -> Self:
        """Return the trial with other first weights and other draws, and with the same signals."""
        other = copy(self)
        other.seed, other._plain = seed, None
        for name in ("balanced", "_interpolated"):
            other.__dict__.pop(name, None)
        return other

    def features(self, extractor: Any) -> Callable[[LabelledSignals], NDArray[np.floating]]:  # noqa: ARG002
        """Return the features of the balanced classifier."""
        return lambda data: self.balanced.features(self._standardised(data))

    @cached_property
    def balanced(self) -> SignalClassifier:
        """A classifier of the training part with balanced classes."""
        return self._fit(Arm("random oversampling", "classical", filled="repeats"), self.train)

    def class_probabilities(self, data: Any) -> NDArray[np.floating]:
        """Return the probabilities of the balanced classifier."""
        return self.balanced.probabilities(self._standardised(data))

    def _fit_and_predict(self, arm: Arm) -> NDArray[np.floating]:
        oversampled = arm.kind == "classical" and arm.filled == "repeats"
        classifier = self.balanced if oversampled else self._fit(arm, self.train)
        return classifier.probabilities(self._standardised(self.test))

    def _power(self) -> float:
        learn, tune = next(self._tuning_splits(), (None, None))
        if learn is None or tune is None:
            return 0.0
        classifier = self._fit(NOTHING, self.train.part(learn))
        probabilities = classifier.probabilities(self._standardised(self.train.part(tune)))
        return balancing_power(probabilities, self.train.labels[tune], self.counts / self.counts.sum())

    def _standardised(self, data: LabelledSignals) -> Tensor:
        """Return signals on the scale of the training part, (n, channels, length)."""
        mean, deviation = self.train.scale
        return torch.from_numpy((data.signals - mean) / deviation).transpose(1, 2).contiguous()

    def _fit(self, arm: Arm, train: LabelledSignals) -> SignalClassifier:
        n_classes, weight = len(train.classes), None
        if arm.weighted:
            balanced = self.counts.sum() / (n_classes * np.maximum(self.counts, 1))
            weight = torch.tensor(balanced, dtype=torch.float32)
        length, channels = train.codec.shape
        with seeded(self.seed):
            model = ConvClassifier1d(channels, n_classes, WIDTHS, patch=-(-length // MAX_PLACES))
        engine = Engine(torch.device("cpu"), mixed=False)
        fit_classifier(model, self._batches(arm, train), self.steps, engine=engine, class_weight=weight)
        return SignalClassifier(model)

    def _batches(self, arm: Arm, train: LabelledSignals) -> Iterator[tuple[Tensor, Tensor]]:
        rng, random = np.random.default_rng([self.seed, 3]), torch.Generator().manual_seed(self.seed)
        signals, labels = self._interpolated if arm.filled == "smote" else (self._standardised(train), train.labels)
        real, alter = RowsByClass(labels, len(train.classes)), ALTERATIONS.get(arm.filled)
        shares, added = np.array(arm.shares or [arm.share] * len(train.classes)), None
        if shares.any():
            source = self.jittered if arm.kind == "placebo" else self.synthetic
            added, made = RowsByClass(source.labels, len(train.classes)), self._standardised(source)
        counts = np.bincount(train.labels, minlength=len(train.classes))
        weights = (counts > 0) if arm.filled or arm.share == 1 else counts
        while True:
            # The same random numbers in every arm, used or not.
            drawn = rng.choice(len(weights), BATCH, p=weights / weights.sum())
            place, kind = rng.random((2, BATCH))
            batch = signals[real.at(drawn, place)]
            if added is not None:
                synthetic = torch.from_numpy(kind < shares[drawn])[:, None, None]
                batch = torch.where(synthetic, made[added.at(drawn, place)], batch)
            # All are altered alike: an alteration must not tell real signals from synthetic ones.
            batch = batch if alter is None else alter(batch, random)
            yield batch, torch.from_numpy(drawn)

    @cached_property
    def _interpolated(self) -> tuple[Tensor, NDArray[np.int64]]:
        """The training signals, filled up by SMOTE; a class of one signal stays as it is."""
        signals, labels = self._standardised(self.train), self.train.labels
        wanted = {c: int(self.counts.max()) for c, count in enumerate(self.counts) if count > 1}
        if not wanted or min(self.counts[list(wanted)]) == self.counts.max():
            return signals, labels
        neighbours = min(NEIGHBOURS, int(self.counts[list(wanted)].min()) - 1)
        smote = SMOTE(sampling_strategy=wanted, k_neighbors=neighbours, random_state=self.seed % 2**32)
        rows, filled = smote.fit_resample(signals.flatten(1).numpy(), labels)
        return torch.from_numpy(np.asarray(rows, np.float32)).view(-1, *signals.shape[1:]), np.asarray(filled)


class QuickSignalTrial(SignalTrial):
    """The same question asked in half the steps, for the dose."""

    usual_steps = 150
    max_drawn = 200


TRIAL = SignalTrial
DOSE_TRIAL = QuickSignalTrial
