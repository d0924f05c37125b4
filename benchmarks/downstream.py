"""Measure synthetic images by two classifiers: one trained with and without them, and a reference on all real data.

The arms are trials of `ganaug.evaluation`: each takes the same number of steps from the same initial weights, and only
the contents of its batches differ. The reference classifier (`reference_for`) is trained on every real image of the
source, many more than the generator has seen. It tells whether a sample shows its label, how varied the samples of a
class are, and whether a sample is a near-copy of a training image.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from image_sets import LongTail, pool
from numpy.typing import NDArray
from torch import Tensor

from ganaug.data.images.dataset import from_arrays
from ganaug.evaluation.arms import Arm
from ganaug.evaluation.trials.image_classifier import (
    ImageClassifier,
    drawn_rows,
    fit_small_cnn,
    label_preserving,
    to_tensor,
)
from ganaug.evaluation.trials.images import ImageTrial

ARMS = {
    "natural": Arm("natural", "nothing"),
    "balanced": Arm("balanced", "classical", filled="repeats"),
    "balanced+albumentations": Arm("balanced+albumentations", "classical", filled="altered"),
}
Images = NDArray[np.uint8]  # (n, height, width, channels)
Labels = NDArray[np.int64]  # (n,)

JUDGE_STEPS = 2_500  # training steps of the reference classifier
MAX_PAIRED = 200  # images of a class whose pairwise distances are computed
HELD_OUT_QUANTILE = 0.01  # of the distances of held-out real images; a sample that is nearer is a copy


@dataclass(frozen=True)
class Score:
    """Balanced accuracy on the test set, and recall by class in the order of ``classes``."""

    balanced_accuracy: float
    recall: tuple[float, ...]


class StoredSamples:
    """A sampler that returns images which were drawn before."""

    def __init__(self, images: Images, labels: Labels, classes: tuple[str, ...]) -> None:
        self._images, self._names = images, np.array(classes)[labels]

    def sample(self, n: Any, seed: Any = None, *, screened: bool = False) -> tuple[Images, NDArray[Any]]:  # noqa: ARG002
        """Return all images of the classes in the mapping `n`, and their labels; the numbers are not used."""
        chosen = np.isin(self._names, list(n))
        return self._images[chosen], self._names[chosen]


def score_arms(
    data: LongTail, synthetic: tuple[Images, Labels], *, synthetic_share: float = 0.3, steps: int = 600, seed: int
) -> dict[str, Score]:
    """Return the score of every arm, without and with synthetic samples, on the balanced test set.

    With synthetic samples, ``synthetic_share`` of every batch is drawn class-balanced from them, and the rest is drawn
    as the arm says. The albumentations change the rest alone, because the synthetic images vary already.
    """
    train = from_arrays(data.train_images, data.train_labels, data.classes)
    test = from_arrays(data.test_images, data.test_labels, data.classes)
    trial = ImageTrial(train, test, StoredSamples(*synthetic, data.classes), seed=seed, steps=steps)
    scores = {}
    for arm in ARMS.values():
        with_synthetic = Arm(f"{arm.name}+synthetic", "gan", share=synthetic_share, filled=arm.filled)
        for one in (arm, with_synthetic):
            found = trial.score(one)
            scores[one.name] = Score(found.metrics["balanced_accuracy"], tuple(found.recall.tolist()))
    return scores


def _judge_batches(images: Images, labels: Labels, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield class-balanced batches with the label-preserving augmentation."""
    augment = label_preserving(images.shape[-1], seed)
    for rows in drawn_rows(labels, 64, True, np.random.default_rng(seed)):
        yield to_tensor(augment(images[rows])), torch.from_numpy(labels[rows])


def reference_classifier(images: Images, labels: Labels, *, steps: int = JUDGE_STEPS, seed: int = 0) -> ImageClassifier:
    """Train a judge on all given images, class-balanced and with the label-preserving augmentation."""
    batches = _judge_batches(images, labels, seed)
    n_classes = int(labels.max()) + 1
    return ImageClassifier(
        fit_small_cnn(batches, channels=images.shape[-1], n_classes=n_classes, steps=steps, seed=seed)
    )


@cache
def reference_for(name: str, steps: int = JUDGE_STEPS) -> ImageClassifier:
    """Return the reference classifier of the data set ``name``, which is trained once per process."""
    data = pool(name)
    return reference_classifier(data.images, data.labels, steps=steps)


def read_as_label(judge: ImageClassifier, images: Images, labels: Labels) -> NDArray[np.float64]:
    """Return, for each class, the share of its images that the reference classifier assigns to that class."""
    return _share_per_class(judge.probabilities(images).argmax(axis=1) == labels, labels, int(labels.max()) + 1)


def variety_ratio(
    judge: ImageClassifier, images: Images, labels: Labels, real_images: Images, real_labels: Labels
) -> NDArray[np.float64]:
    """Return, for each class, the mean pairwise feature distance of its samples divided by that of its real images."""
    ratios = []
    for label in np.unique(real_labels):
        made, real = (
            _mean_pairwise(judge.features(_thinned(pixels[named == label])))
            for pixels, named in [(images, labels), (real_images, real_labels)]
        )
        ratios.append(made / real)
    return np.array(ratios)


def copies(judge: ImageClassifier, images: Images, labels: Labels, data: LongTail) -> NDArray[np.float64]:
    """Return, for each class, the share of samples that are near-copies of a training image.

    A sample is a near-copy if its Euclidean distance to the nearest training image of its class is below the 1 %
    quantile of that distance over the held-out real images of the class, either in pixels or in the features of the
    reference classifier. Unseen real images would have between 1 and 2 % near-copies.
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
    """Return at most `MAX_PAIRED` images, at equal distances in the array."""
    rows = np.linspace(0, len(images) - 1, min(MAX_PAIRED, len(images))).astype(int)
    return np.asarray(images[rows])


def _share_per_class(hit: NDArray[np.bool_], labels: Labels, n_classes: int) -> NDArray[np.float64]:
    """Return the mean of `hit` in each class; NaN for a class without images."""
    return np.array([hit[labels == label].mean() if (labels == label).any() else np.nan for label in range(n_classes)])
