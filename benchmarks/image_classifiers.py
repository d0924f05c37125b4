"""The classifiers of the image benchmark: a small network in every arm, and a linear one on pretrained features.

The arms of one seed start from the same weights and take the same number of steps; only their batches differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from image_altering import Alteration, Images, Mixing, affine, cut_mix, mixup, rand_augment
from image_sets import LongTail
from numpy.typing import NDArray
from runs import Record
from torch import Tensor
from torch.nn import functional as F

from ganaug.compute.engine import Engine
from ganaug.compute.modes import alone
from ganaug.evaluation.trials.image_classifier import ImageClassifier, to_tensor
from ganaug.networks.classifiers import ConvClassifier, fit_classifier
from ganaug.networks.restyle import measured_style, restyled

Labels = NDArray[np.int64]  # (n,)

BATCH = 64  # images
WIDTHS = (32, 64, 96, 96)  # channels of the convolutions
PATCHED_SIDE = 32  # pixels; from this side on the network sees 2 x 2 patches, which makes it twice as fast


STYLE_STRENGTH, STYLE_P = (0.0, 0.5), 0.5  # the defaults of StyleSwap
RESTYLED = 256  # images of each class, made before the training: new ones in each batch would take ten times as long


@dataclass(frozen=True)
class ImageArm:
    """One way to make batches."""

    balanced: bool = True  # whether each class is equally likely; otherwise each image
    alteration: str = ""  # of real images: affine or randaugment
    mixing: Mixing | None = None
    style: str = ""  # of real images, before the alteration: from training images of "any" or of the "same" class
    strength: tuple[float, float] = STYLE_STRENGTH


CLASSICAL = {
    "natural": ImageArm(balanced=False),
    "balanced": ImageArm(),
    "albumentations": ImageArm(alteration="affine"),
    "RandAugment": ImageArm(alteration="randaugment"),
    "mixup": ImageArm(alteration="affine", mixing=mixup),
    "CutMix": ImageArm(alteration="affine", mixing=cut_mix),
}
"""All but the first are balanced. Mixup and CutMix come after the affine alteration of albumentations."""
STYLED = {
    "style": ImageArm(style="any"),
    "style of the class": ImageArm(style="same"),
    "style + albumentations": ImageArm(style="any", alteration="affine"),
}
"""Half of the images in another style, as `StyleSwap` does it, on top of the balanced arm or the affine alteration."""
LINEAR = "linear on pretrained features"
DOSE_SUFFIX = " + dose"
DOSED = {f"{name}{DOSE_SUFFIX}": arm for name, arm in CLASSICAL.items() if arm.balanced}
"""The same with a share of synthetic images in each class. These are not altered, because they vary already."""
ARMS = CLASSICAL | STYLED | DOSED


@dataclass(frozen=True)
class Dose:
    """Synthetic images, and the share of each class that they make up.

    Attributes
    ----------
    images
        By class, uint8 ``(n, height, width, channels)``; empty for a class without a dose.
    shares
        float64, ``(n_classes,)``.
    """

    images: tuple[Images, ...]
    shares: NDArray[np.float64]


def train(data: LongTail, arm: ImageArm, dose: Dose | None, *, steps: int, seed: int) -> ImageClassifier:
    """Train the small network on the batches of an arm."""
    side, channels = data.train_images.shape[2:]
    with alone(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        patch = 2 if side >= PATCHED_SIDE else 1
        model = ConvClassifier(channels, len(data.classes), WIDTHS, max_side=side, patch=patch, pool_first=True)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    fit_classifier(model, _batches(data, arm, dose, seed), steps, engine=Engine(torch.device("cpu")))
    return ImageClassifier(model)


def _batches(data: LongTail, arm: ImageArm, dose: Dose | None, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield images (B, C, H, W) and class probabilities (B, K)."""
    # Synthetic images are drawn from a source of their own: with no dose, the batches are those of the classical arm.
    rng, synthetic = np.random.default_rng([seed, 3]), np.random.default_rng([seed, 4])
    alter = _alteration(arm.alteration, data.train_images.shape[3], seed)
    in_style = _restyled_images(data, arm, seed) if arm.style else None
    n_classes = len(data.classes)
    rows_of = [np.flatnonzero(data.train_labels == label) for label in range(n_classes)]
    while True:
        if arm.balanced:
            labels = rng.integers(n_classes, size=BATCH)
            rows = np.array([rng.choice(rows_of[label]) for label in labels])
        else:
            rows = rng.integers(len(data.train_labels), size=BATCH)
            labels = data.train_labels[rows]
        images = data.train_images[rows]
        if in_style is not None:
            for index in np.flatnonzero(rng.random(BATCH) < STYLE_P):
                images[index] = rng.choice(in_style[labels[index]])
        if alter is not None:
            images = alter(images)
        if dose is not None:
            for index in np.flatnonzero(synthetic.random(BATCH) < dose.shares[labels]):
                images[index] = synthetic.choice(dose.images[labels[index]])
        batch, target = to_tensor(images), F.one_hot(torch.from_numpy(labels), n_classes).float()
        yield arm.mixing(batch, target, rng) if arm.mixing else (batch, target)


def _alteration(name: str, channels: int, seed: int) -> Alteration | None:
    if name == "affine":
        return affine(channels, seed)
    return rand_augment(seed) if name == "randaugment" else None


def _restyled_images(data: LongTail, arm: ImageArm, seed: int) -> list[Images]:
    """Return, by class, training images in the style of training images."""
    rng, shape = np.random.default_rng([seed, 5]), data.train_images.shape[1:]
    styles = [measured_style(image, shape) for image in data.train_images]
    rows_of = [np.flatnonzero(data.train_labels == label) for label in range(len(data.classes))]
    found = []
    for rows in rows_of:
        contents = rng.choice(rows, RESTYLED)
        chosen = rng.choice(rows if arm.style == "same" else len(styles), RESTYLED)
        strengths = rng.uniform(*arm.strength, RESTYLED).tolist()
        found.append(restyled(data.train_images[contents], [styles[row] for row in chosen], strengths))
    return found


def score(predicted: Labels, labels: Labels, n_classes: int) -> Record:
    """Return balanced accuracy, and the recall of every class."""
    recall = [float((predicted[labels == label] == label).mean()) for label in range(n_classes)]
    return {"balanced_accuracy": round(float(np.mean(recall)), 5), "recall": [round(value, 4) for value in recall]}
