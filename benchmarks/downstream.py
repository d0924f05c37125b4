"""What synthetic images are worth: a classifier trained with and without them, and a judge trained on all real data.

Every arm of `train_classifier` takes the same number of steps from the same initial weights with the same schedule;
only what fills its batches differs. The judge (`reference_for`) sees every real image of the source, far more than the
generator did, and so can say whether a sample shows its label, how varied a class is, and how near it is to a copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

import numpy as np
import torch
from datasets import LongTail, pool
from numpy.typing import NDArray
from torch import Tensor

from ganaug.evaluation.trials.image_classifier import (
    ImageClassifier,
    drawn_rows,
    fit_small_cnn,
    label_preserving,
    to_tensor,
)

Arm = Literal["natural", "balanced", "balanced+albumentations"]
ARMS: tuple[Arm, ...] = get_args(Arm)
Images = NDArray[np.uint8]  # (n, height, width, channels)
Labels = NDArray[np.int64]  # (n,)

JUDGE_STEPS = 2_500
PER_CLASS = 200  # images of a class that the pairwise distances look at
HELD_OUT_QUANTILE = 0.01  # nearer than this share of held-out real images: a copy


@dataclass(frozen=True)
class Score:
    """Balanced accuracy on the test set and the recall of every class, in the order of ``classes``."""

    balanced_accuracy: float
    recall: tuple[float, ...]


def train_classifier(
    arm: Arm,
    data: LongTail,
    *,
    synthetic: tuple[Images, Labels] | None = None,
    synthetic_share: float = 0.3,
    steps: int = 600,
    batch: int = 64,
    seed: int,
) -> Score:
    """Train the small CNN on ``data`` as ``arm`` says and score it on the balanced test set.

    With ``synthetic``, ``synthetic_share`` of every batch is drawn class-balanced from that pool, as it is, and the
    rest as the arm draws it; the albumentations apply to the rest alone, for the synthetic images differ by themselves.
    """
    rng = np.random.default_rng(seed)
    n_synthetic = round(synthetic_share * batch) if synthetic is not None else 0
    real = drawn_rows(data.train_labels, batch - n_synthetic, arm != "natural", rng)
    augmented = arm.endswith("+albumentations")
    streams = [(data.train_images, data.train_labels, real, augmented)]
    if synthetic is not None:
        streams.append((*synthetic, drawn_rows(synthetic[1], n_synthetic, True, rng), False))
    classifier = _train(streams, len(data.classes), steps, seed)
    predicted = classifier.predict(data.test_images)
    recall = _share_per_class(predicted == data.test_labels, data.test_labels, len(data.classes))
    return Score(float(np.mean(recall)), tuple(recall))


def _train(
    streams: list[tuple[Images, Labels, Iterator[NDArray[np.int64]], bool]], n_classes: int, steps: int, seed: int
) -> ImageClassifier:
    """Train on batches whose rows the streams give, and which go through the albumentations where a stream says so."""
    channels = streams[0][0].shape[-1]
    augment = label_preserving(channels, seed)

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            drawn = [
                (images[rows], labels[rows], also)
                for images, labels, stream, also in streams
                for rows in [next(stream)]
            ]
            images = np.concatenate([augment(part) if also else part for part, _, also in drawn])
            labels = np.concatenate([part for _, part, _ in drawn])
            yield to_tensor(images), torch.from_numpy(labels)

    return ImageClassifier(fit_small_cnn(batches(), channels=channels, n_classes=n_classes, steps=steps, seed=seed))


def reference_classifier(images: Images, labels: Labels, *, steps: int = JUDGE_STEPS, seed: int = 0) -> ImageClassifier:
    """Train a judge on all given images, class-balanced and with the label-preserving augmentation."""
    rows = drawn_rows(labels, 64, True, np.random.default_rng(seed))
    return _train([(images, labels, rows, True)], int(labels.max()) + 1, steps, seed)


@cache
def reference_for(name: str, steps: int = JUDGE_STEPS) -> ImageClassifier:
    """Return the judge of the data set ``name``, trained on all its real images once per process."""
    data = pool(name)
    return reference_classifier(data.images, data.labels, steps=steps)


def read_as_label(judge: ImageClassifier, images: Images, labels: Labels) -> NDArray[np.float64]:
    """Return, for each class, the share of its images that the judge reads as that class."""
    return _share_per_class(judge.predict(images) == labels, labels, int(labels.max()) + 1)


def variety_ratio(
    judge: ImageClassifier, images: Images, labels: Labels, real_images: Images, real_labels: Labels
) -> NDArray[np.float64]:
    """Return, for each class, the mean pairwise feature distance of its samples over that of its real images."""
    ratios = []
    for label in np.unique(real_labels):
        made, real = (
            _mean_pairwise(judge.features(_thinned(pixels[named == label])))
            for pixels, named in [(images, labels), (real_images, real_labels)]
        )
        ratios.append(made / real)
    return np.array(ratios)


def copies(judge: ImageClassifier, images: Images, labels: Labels, data: LongTail) -> NDArray[np.float64]:
    """Return, for each class, the share of samples that are nearer to a training image than real images come by chance.

    A sample is a copy where, in pixels or in the judge's features, the Euclidean distance to the nearest training image
    of its class is below the 1 % quantile of that distance over the held-out real images of the class. A generator as
    good as reality would score between 1 and 2 %.
    """
    shares = []
    for label in range(len(data.classes)):
        made, train, held_out = (
            pixels[named == label]
            for pixels, named in [
                (images, labels),
                (data.train_images, data.train_labels),
                (data.test_images, data.test_labels),
            ]
        )
        is_copy = np.zeros(len(made), dtype=bool)
        for view in (_as_pixels, judge.features):
            threshold = np.quantile(_nearest(view(held_out), view(train)), HELD_OUT_QUANTILE)
            is_copy |= _nearest(view(made), view(train)) < threshold
        shares.append(is_copy.mean())
    return np.array(shares)


def _as_pixels(images: Images) -> NDArray[np.float32]:
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


def _nearest(queries: NDArray[np.float32], points: NDArray[np.float32]) -> NDArray[np.float32]:
    nearest: NDArray[np.float32] = torch.cdist(torch.from_numpy(queries), torch.from_numpy(points)).amin(1).numpy()
    return nearest


def _mean_pairwise(features: NDArray[np.float32]) -> float:
    return float(torch.pdist(torch.from_numpy(features)).mean())


def _thinned(images: Images) -> Images:
    """Return at most `PER_CLASS` images, evenly spaced through the array."""
    rows = np.linspace(0, len(images) - 1, min(PER_CLASS, len(images))).astype(int)
    return np.asarray(images[rows])


def _share_per_class(hit: NDArray[np.bool_], labels: Labels, n_classes: int) -> NDArray[np.float64]:
    """Return the share of hits in each class; NaN for a class without images."""
    return np.array([hit[labels == label].mean() if (labels == label).any() else np.nan for label in range(n_classes)])
