"""Trials on clips, and the batches that their classifiers are trained on."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug.compute.engine import Engine
from ganaug.compute.modes import seeded
from ganaug.data.clips.dataset import LabelledClips
from ganaug.errors import DataError
from ganaug.evaluation.arms import CLIP_ARMS, NOTHING, Arm
from ganaug.evaluation.scores import balancing_power
from ganaug.evaluation.trials.base import DatasetTrial
from ganaug.evaluation.trials.rows_by_class import RowsByClass
from ganaug.networks.classifiers import ConvClassifier3d, fit_classifier
from ganaug.techniques.clip_augmentation import shift_and_relight

BATCH = 48
"""Clips in a batch."""
WIDTHS = (16, 32, 48)
"""Channels of the three convolutions: 57,000 parameters for one channel."""
MAX_SIDE = 32
"""Largest side in pixels of what the classifier sees."""
JUDGED_AT_ONCE = 128  # clips


class ClipClassifier:
    """A trained classifier of clips."""

    def __init__(self, model: ConvClassifier3d) -> None:
        self._model = model

    @torch.inference_mode()
    def features(self, clips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the penultimate features, float32 (n, 96), of clips (n, T, H, W, C)."""
        parts = [self._model.features(part) for part in torch.split(to_tensor(clips), JUDGED_AT_ONCE)]
        features: NDArray[np.float32] = torch.cat(parts).numpy()
        return features

    @torch.inference_mode()
    def probabilities(self, clips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probability of every class, float32 (n, n_classes)."""
        logits: Tensor = self._model.head(torch.from_numpy(self.features(clips)))
        return logits.softmax(dim=1).numpy()


class ClipTrial(DatasetTrial):
    """A split of clips: a small 3-d CNN, in every arm from the same initial weights for the same number of steps.

    All arms of one seed draw the same classes, and the same real clips where they draw real ones. So the differences
    between arms are not those of the draws.
    """

    arms = CLIP_ARMS
    usual_steps = 200
    probe_steps = 5
    max_drawn = 1_000
    network = "3-d CNN"
    features_name = "a classifier trained on each training part"

    train: LabelledClips
    test: LabelledClips
    synthetic: LabelledClips
    jittered: LabelledClips

    def __init__(self, train: Any, test: Any, sampler: Any, *, seed: int, augment: Any = None, **settings: Any) -> None:
        if augment is not None:
            raise DataError("augment must be None for clips, because it is a pipeline for images: leave it out")
        super().__init__(train, test, sampler, seed=seed, **settings)

    def features(self, extractor: Any) -> Callable[[LabelledClips], NDArray[np.floating]]:  # noqa: ARG002
        """Return the features of the balanced classifier."""
        return lambda data: self.balanced.features(data.clips)

    @cached_property
    def balanced(self) -> ClipClassifier:
        """A classifier of the training part with balanced classes."""
        return self._fit(Arm("random oversampling", "classical", filled="repeats"), self.train)

    def class_probabilities(self, data: Any) -> NDArray[np.floating]:
        """Return the probabilities of the balanced classifier."""
        return self.balanced.probabilities(data.clips)

    def _fit_and_predict(self, arm: Arm) -> NDArray[np.floating]:
        oversampled = arm.kind == "classical" and arm.filled == "repeats"
        classifier = self.balanced if oversampled else self._fit(arm, self.train)
        return classifier.probabilities(self.test.clips)

    def _power(self) -> float:
        learn, tune = next(self._tuning_splits(), (None, None))
        if learn is None or tune is None:
            return 0.0
        probabilities = self._fit(NOTHING, self.train.part(learn)).probabilities(self.train.clips[tune])
        return balancing_power(probabilities, self.train.labels[tune], self.counts / self.counts.sum())

    def _fit(self, arm: Arm, train: LabelledClips) -> ClipClassifier:
        n_classes, weight = len(train.classes), None
        if arm.weighted:
            balanced = self.counts.sum() / (n_classes * np.maximum(self.counts, 1))
            weight = torch.tensor(balanced, dtype=torch.float32)
        with seeded(self.seed):
            model = ConvClassifier3d(train.codec.channels, n_classes, WIDTHS, max_side=MAX_SIDE)
        engine = Engine(torch.device("cpu"), mixed=False)
        fit_classifier(model, self._batches(arm, train), self.steps, engine=engine, class_weight=weight)
        return ClipClassifier(model)

    def _batches(self, arm: Arm, train: LabelledClips) -> Iterator[tuple[Tensor, Tensor]]:
        rng, random = np.random.default_rng([self.seed, 3]), torch.Generator().manual_seed(self.seed)
        real, n_classes, source = RowsByClass(train.labels, len(train.classes)), len(train.classes), None
        if arm.share:
            source = self.jittered if arm.kind == "placebo" else self.synthetic
            added = RowsByClass(source.labels, n_classes)
        counts = np.bincount(train.labels, minlength=n_classes)
        weights = (counts > 0) if arm.filled or arm.share == 1 else counts
        while True:
            # The same random numbers in every arm, used or not.
            drawn = rng.choice(n_classes, BATCH, p=weights / weights.sum())
            place, kind = rng.random((2, BATCH))
            clips = train.clips[real.at(drawn, place)]
            if source is not None:
                synthetic = (kind < arm.share)[:, None, None, None, None]
                clips = np.where(synthetic, source.clips[added.at(drawn, place)], clips)
            batch = to_tensor(clips)
            # All are altered alike: an alteration must not tell real clips from synthetic ones.
            yield (shift_and_relight(batch, random) if arm.filled == "altered" else batch), torch.from_numpy(drawn)


def to_tensor(clips: NDArray[np.uint8]) -> Tensor:
    """Return clips (n, T, H, W, C) as float32 in [-1, 1], (n, C, T, H, W)."""
    return torch.from_numpy(clips).permute(0, 4, 1, 2, 3).float() / 127.5 - 1


TRIAL = ClipTrial
DOSE_TRIAL = None
"""No dose is measured: two more generators of clips need more time than a fifth of a fit."""
