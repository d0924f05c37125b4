"""Trials on images, and the batches that their classifiers are trained on."""

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug.data.images.dataset import LabelledImages
from ganaug.data.images.pipeline import Pipeline
from ganaug.evaluation.arms import IMAGE_ARMS, NOTHING, Arm
from ganaug.evaluation.scores import balancing_power
from ganaug.evaluation.trials.base import DatasetTrial
from ganaug.evaluation.trials.image_classifier import (
    ImageClassifier,
    Images,
    averaged_down,
    drawn_rows,
    fit_quick_cnn,
    fit_small_cnn,
    label_preserving,
    to_tensor,
)
from ganaug.evaluation.trials.rows_by_class import RowsByClass

BATCH = 64
"""Images in a batch."""
QUICK_BATCH = 48  # images in a batch of the quick classifier
QUICK_SIDE = 32
"""Largest side in pixels of what the quick classifier sees."""
MAX_VERSIONS = 8
"""Altered versions of an image that are made in advance."""
MAX_ALTERED = 20_000
"""Altered images in all, unless there are more training images."""

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

    def __init__(self, train: LabelledImages, test: LabelledImages, sampler: Any, **settings: Any) -> None:
        super().__init__(train.in_memory(), test.in_memory(), sampler, **settings)

    def features(self, extractor: Any) -> Callable[[LabelledImages], NDArray[np.floating]]:
        """Return the features of the extractor; without one, those of the balanced classifier."""
        extract = self.balanced.features if extractor is None else extractor
        return lambda data: extract(data.content)

    @cached_property
    def balanced(self) -> ImageClassifier:
        """A classifier of the training part with balanced classes."""
        return self._fit(Arm("random oversampling", "classical", filled="repeats"), self.train)

    def class_probabilities(self, data: Any) -> NDArray[np.floating]:
        """Return the probabilities of the balanced classifier."""
        return self.balanced.probabilities(data.content)

    def _fit_and_predict(self, arm: Arm) -> NDArray[np.floating]:
        oversampled = arm.kind == "classical" and arm.filled == "repeats"
        classifier = self.balanced if oversampled else self._fit(arm, self.train)
        return classifier.probabilities(self.test.content)

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


class QuickImageTrial(ImageTrial):
    """The same question asked in a second: a smaller network, at most 32 pixels, and alterations made in advance.

    All arms of one seed draw the same classes, and the same real images where they draw real ones. So the differences
    between arms are not those of the draws.
    """

    usual_steps = 150
    max_drawn = 60  # drawing must not take longer than training

    def __init__(self, train: Any, test: Any, sampler: Any, *, seed: int, augment: Any = None, **settings: Any) -> None:
        super().__init__(train, test, sampler, seed=seed, **settings)
        alter = label_preserving(train.images.shape[3], seed)
        self._alter = (lambda images, _: alter(images)) if augment is None else Pipeline(augment, train.images[0])
        self.test = replace(test, images=averaged_down(test.content, QUICK_SIDE))

    def reseeded(self, seed: int) -> Self:
        """Return the trial with other first weights and other draws, and with the same images."""
        self._altered  # noqa: B018 - made once for all seeds
        other = copy(self)
        other.seed, other._plain = seed, None
        other.__dict__.pop("balanced", None)
        return other

    @cached_property
    def _altered(self) -> NDArray[np.uint8]:
        """Altered versions of the training images, (versions * n, side, side, channels), version by version."""
        versions = min(MAX_VERSIONS, max(1, MAX_ALTERED // len(self.train)))
        made = (self._alter(self.train.content, number) for number in range(versions))
        return np.concatenate([averaged_down(images, QUICK_SIDE) for images in made])

    def _fit(self, arm: Arm, train: LabelledImages) -> ImageClassifier:
        batches = self._batches(arm, train)
        channels, n_classes = train.images.shape[3], len(train.classes)
        return ImageClassifier(
            fit_quick_cnn(batches, channels=channels, n_classes=n_classes, steps=self.steps, seed=self.seed)
        )

    def _batches(self, arm: Arm, train: LabelledImages) -> Iterator[tuple[Tensor, Tensor]]:
        rng = np.random.default_rng([self.seed, 3])
        real = self._altered if arm.filled == "altered" else averaged_down(train.content, QUICK_SIDE)
        versions, parts, labels = len(real) // len(train), [real], [train.labels]
        if arm.shares:
            parts.append(averaged_down(self.synthetic.content, QUICK_SIDE))
            labels.append(self.synthetic.labels)
        images = to_tensor(np.concatenate(parts))  # (n, C, H, W)
        pools = [RowsByClass(one, len(train.classes)) for one in labels]
        size = QUICK_BATCH
        weights = (self.counts > 0) if arm.filled else self.counts
        while True:
            # The same random numbers in every arm, used or not.
            drawn = rng.choice(len(weights), size, p=weights / weights.sum())
            version, place, kind = rng.integers(versions, size=size), *rng.random((2, size))
            rows = pools[0].at(drawn, place) + len(train) * version
            if arm.shares:
                is_synthetic = kind < np.array(arm.shares)[drawn]
                rows = np.where(is_synthetic, len(real) + pools[1].at(drawn, place), rows)
            yield images[rows], torch.from_numpy(drawn)


TRIAL = ImageTrial
DOSE_TRIAL = QuickImageTrial
