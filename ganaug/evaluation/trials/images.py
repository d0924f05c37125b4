"""Trials on images, and the batches that their classifiers are trained on."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug.data.images.dataset import LabelledImages
from ganaug.evaluation.arms import IMAGE_ARMS, NOTHING, Arm
from ganaug.evaluation.scores import balancing_power
from ganaug.evaluation.trials.base import DatasetTrial
from ganaug.evaluation.trials.image_classifier import (
    ImageClassifier,
    Images,
    drawn_rows,
    fit_small_cnn,
    label_preserving,
    to_tensor,
)

BATCH = 64
"""Images in a batch."""

Stream = tuple[LabelledImages, Iterator[NDArray[np.int64]], Callable[[Images], Images] | None]
"""Images, the rows of them that each batch takes, and an alteration of these rows."""


class ImageTrial(DatasetTrial):
    """A split of images: a small CNN, in every arm from the same initial weights for the same number of steps."""

    arms = IMAGE_ARMS
    usual_steps = 300
    probe_steps = 10
    max_drawn = 5_000
    network = "SmallCNN"
    features_name = "a classifier trained on each training part"
    takes_extractor = True

    train: LabelledImages
    test: LabelledImages
    synthetic: LabelledImages
    jittered: LabelledImages

    def features(self, extractor: Any) -> Callable[[LabelledImages], NDArray[np.floating]]:
        """Return the features of the extractor; without one, those of the balanced classifier."""
        extract = self.balanced.features if extractor is None else extractor
        return lambda data: extract(data.images)

    @cached_property
    def balanced(self) -> ImageClassifier:
        """A classifier of the training part with balanced classes."""
        return self._fit(Arm("random oversampling", "classical", filled="repeats"), self.train)

    def class_probabilities(self, data: Any) -> NDArray[np.floating]:
        """Return the probabilities of the balanced classifier."""
        return self.balanced.probabilities(data.images)

    def _fit_and_predict(self, arm: Arm) -> NDArray[np.floating]:
        oversampled = arm.kind == "classical" and arm.filled == "repeats"
        classifier = self.balanced if oversampled else self._fit(arm, self.train)
        return classifier.probabilities(self.test.images)

    def _power(self) -> float:
        learn, tune = next(self._tuning_splits(), (None, None))
        if learn is None or tune is None:
            return 0.0
        classifier = self._fit(NOTHING, self.train.part(learn))
        shares = self.counts / self.counts.sum()
        return balancing_power(classifier.probabilities(self.train.images[tune]), self.train.labels[tune], shares)

    def _fit(self, arm: Arm, train: LabelledImages) -> ImageClassifier:
        n_classes, weight = len(train.classes), None
        if arm.weighted:
            balanced = self.counts.sum() / (n_classes * np.maximum(self.counts, 1))
            weight = torch.tensor(balanced, dtype=torch.float32)
        model = fit_small_cnn(
            self._batches(arm, train),
            channels=train.images.shape[3],
            n_classes=n_classes,
            steps=self.steps,
            seed=self.seed,
            class_weight=weight,
        )
        return ImageClassifier(model)

    def _batches(self, arm: Arm, train: LabelledImages) -> Iterator[tuple[Tensor, Tensor]]:
        rng = np.random.default_rng([self.seed, 3])
        altered = label_preserving(train.images.shape[3], self.seed) if arm.filled == "altered" else None
        n_added = round(arm.share * BATCH)
        streams: list[Stream] = []
        if n_added < BATCH:
            streams.append((train, drawn_rows(train.labels, BATCH - n_added, bool(arm.filled), rng), altered))
        if n_added:
            # Synthetic images are not altered: they vary already, and alterations lowered the accuracy.
            added = self.jittered if arm.kind == "placebo" else self.synthetic
            streams.append((added, drawn_rows(added.labels, n_added, True, rng), None))
        while True:
            drawn = [(data, next(rows), alter) for data, rows, alter in streams]
            images = [alter(data.images[rows]) if alter else data.images[rows] for data, rows, alter in drawn]
            labels = np.concatenate([data.labels[rows] for data, rows, _ in drawn])
            yield to_tensor(np.concatenate(images)), torch.from_numpy(labels)


TRIAL = ImageTrial
