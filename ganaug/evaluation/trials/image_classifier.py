"""The image classifier of a comparison, which is trained in every arm, and the batches that it is trained on."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug.compute.engine import Engine
from ganaug.compute.modes import seeded
from ganaug.networks.classifiers import ConvClassifier, fit_classifier

Images = NDArray[np.uint8]  # (n, height, width, channels)
Labels = NDArray[np.int64]  # (n,)

WIDTHS = (16, 48, 96, 96)
"""Channels of the four convolutions: 132,000 parameters."""
FEATURES = WIDTHS[-1]
MAX_SIDE = 64
"""Larger images are averaged down to this side in pixels first."""
QUICK_WIDTHS = (32, 48, 64)
"""The same of the quick classifier, which sees 2x2 patches: 45,000 parameters."""


def fit_small_cnn(
    batches: Iterator[tuple[Tensor, Tensor]],
    *,
    channels: int,
    n_classes: int,
    steps: int,
    seed: int,
    class_weight: Tensor | None = None,
) -> ConvClassifier:
    """Train the image classifier by the recipe of `fit_classifier`, on `steps` batches.

    A batch is float images (B, C, H, W) and int64 labels (B,). `seed` is the seed of the initial weights, which all
    arms of a comparison share. `class_weight` (n_classes,) weighs the classes in the loss.
    """
    with seeded(seed):
        model = ConvClassifier(channels, n_classes, WIDTHS, max_side=MAX_SIDE, pool_first=True)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    engine = Engine(torch.device("cpu"), mixed=False)
    fit_classifier(model, batches, steps, engine=engine, class_weight=class_weight)
    return model


def fit_quick_cnn(
    batches: Iterator[tuple[Tensor, Tensor]], *, channels: int, n_classes: int, steps: int, seed: int
) -> ConvClassifier:
    """Train a smaller classifier as `fit_small_cnn` does, in a third of the time."""
    with seeded(seed):
        model = ConvClassifier(channels, n_classes, QUICK_WIDTHS, max_side=MAX_SIDE, patch=2, pool_first=True)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    fit_classifier(model, batches, steps, engine=Engine(torch.device("cpu")))
    return model


def averaged_down(images: Images, side: int) -> Images:
    """Return images of a side that is a power of two, averaged down to at most `side` pixels."""
    n, height, width, channels = images.shape
    factor = height // side
    if factor <= 1:
        return images
    blocks = images.reshape(n, height // factor, factor, width // factor, factor, channels)
    averaged: Images = np.rint(blocks.mean(axis=(2, 4), dtype=np.float32)).astype(np.uint8)
    return averaged


def drawn_rows(labels: Labels, size: int, balanced: bool, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of batches without end: each row equally likely or, if `balanced`, each class."""
    weights = 1 / np.bincount(labels)[labels] if balanced else np.ones(len(labels))
    while True:
        yield rng.choice(len(labels), size, p=weights / weights.sum())


def label_preserving(channels: int, seed: int) -> Callable[[Images], Images]:
    """Return an alteration that keeps the label: small rotations, shifts, scalings and shears by albumentations.

    There are no flips, because they change what a digit is. The border of grey images is filled with black, as around
    digits, and that of other images by reflection.
    """
    import albumentations
    import cv2

    border = cv2.BORDER_CONSTANT if channels == 1 else cv2.BORDER_REFLECT_101
    affine = albumentations.Affine(
        scale=(0.9, 1.1), translate_percent=(-0.1, 0.1), rotate=(-15, 15), shear=(-8, 8), border_mode=border, p=1.0
    )
    augment: Any = albumentations.Compose([affine], seed=seed)
    return lambda images: np.stack([augment(image=image)["image"] for image in images])


def to_tensor(images: Images) -> Tensor:
    """Return uint8 images (B, H, W, C) as the input of the classifier: float32 (B, C, H, W) in [-1, 1]."""
    # permute copies nothing: the memory format of the result is channels_last
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


class ImageClassifier:
    """A trained classifier of numpy arrays."""

    def __init__(self, model: ConvClassifier) -> None:
        self._model = model

    @torch.inference_mode()
    def features(self, images: Images) -> NDArray[np.float32]:
        """Return the penultimate features, float32 ``(n, 96)``."""
        parts = [self._model.features(to_tensor(images[i : i + 256])) for i in range(0, len(images), 256)]
        features: NDArray[np.float32] = torch.cat(parts).numpy() if parts else np.zeros((0, FEATURES), np.float32)
        return features

    @torch.inference_mode()
    def probabilities(self, images: Images) -> NDArray[np.float32]:
        """Return the probability of every class, float32 ``(n, n_classes)``."""
        logits: Tensor = self._model.head(torch.from_numpy(self.features(images)))
        return logits.softmax(dim=1).numpy()
