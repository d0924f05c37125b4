"""A split of images: the small CNN, in every arm from the same first weights for the same number of steps."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug.data.dataset import Dataset
from ganaug.data.images.dataset import LabelledImages
from ganaug.evaluation.arms import Arm
from ganaug.evaluation.samples import Sampler
from ganaug.evaluation.scores import balancing_power
from ganaug.evaluation.trials.base import Trial
from ganaug.evaluation.trials.image_classifier import (
    ImageClassifier,
    drawn_rows,
    fit_small_cnn,
    label_preserving,
    to_tensor,
)

__all__ = ["ImageTrial"]

BATCH = 64

Images = NDArray[np.uint8]  # (n, height, width, channels)
Stream = tuple[LabelledImages, Iterator[NDArray[np.int64]], Callable[[Images], Images] | None]
"""Images, the rows of them that each batch takes, and what becomes of these."""


class ImageTrial(Trial):
    """A split of images: the small CNN, in every arm from the same first weights for the same number of steps."""

    train: LabelledImages
    test: LabelledImages
    synthetic: LabelledImages
    jittered: LabelledImages
    most_drawn = 5_000

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

    def class_probabilities(self, data: Dataset) -> NDArray[np.floating]:
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
        classifier = self._fit(Arm("nothing", "nothing"), self.train.part(learn))
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
        altered = label_preserving(train.images.shape[3], self.seed) if arm.filled == "altered" else None
        n_added = round(arm.share * BATCH)
        streams: list[Stream] = []
        if n_added < BATCH:
            streams.append((train, drawn_rows(train.labels, BATCH - n_added, bool(arm.filled), rng), altered))
        if n_added:
            # As they are: they differ by themselves, and altered besides they were worth less.
            added = self.jittered if arm.kind == "placebo" else self.synthetic
            streams.append((added, drawn_rows(added.labels, n_added, True, rng), None))
        while True:
            drawn = [(data, next(rows), alter) for data, rows, alter in streams]
            images = [alter(data.images[rows]) if alter else data.images[rows] for data, rows, alter in drawn]
            labels = np.concatenate([data.labels[rows] for data, rows, _ in drawn])
            yield to_tensor(np.concatenate(images)), torch.from_numpy(labels)
