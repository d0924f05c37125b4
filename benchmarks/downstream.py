"""What synthetic images are worth: a classifier trained with and without them, and a judge trained on all real data.

Every arm of `train_classifier` takes the same number of steps from the same initial weights with the same schedule;
only what fills its batches differs. The judge (`reference_for`) sees every real image of the source, far more than the
generator did, and so can say whether a sample shows its label, how varied a class is, and how near it is to a copy.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
import torch
from datasets import LongTail, pool
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

Arm = Literal["natural", "balanced", "balanced+albumentations"]
ARMS: tuple[Arm, ...] = get_args(Arm)
Images = NDArray[np.uint8]  # (n, height, width, channels)
Labels = NDArray[np.int64]  # (n,)

PEAK_RATE, WEIGHT_DECAY, WARM_UP = 3e-3, 0.02, 0.1
FEATURES = 96
JUDGE_STEPS = 2_500
SMALLEST_MAP = 4  # a map of this many pixels a side is not pooled further
PER_CLASS = 200  # images of a class that the pairwise distances look at
HELD_OUT_QUANTILE = 0.01  # nearer than this share of held-out real images: a copy


@dataclass(frozen=True)
class Score:
    """Balanced accuracy on the test set and the recall of every class, in the order of ``classes``."""

    balanced_accuracy: float
    recall: tuple[float, ...]


class SmallCNN(nn.Module):
    """Four convolutions (16, 48, 96, 96 wide, 132,000 parameters) with batch norm, for images of 8 to 64 px.

    Pooling comes before the normalisation: the same function class as the usual order, a third faster on a CPU.
    """

    def __init__(self, channels: int, n_classes: int) -> None:
        super().__init__()
        widths = [channels, 16, 48, 96, FEATURES]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1, bias=False) for before, after in pairwise(widths)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in widths[1:])
        self.head = nn.Linear(FEATURES, n_classes)

    def features(self, images: Tensor) -> Tensor:
        """Return the penultimate features, (B, 96), of images (B, C, H, W)."""
        x = images
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = convolution(x)
            if x.shape[-1] > SMALLEST_MAP:
                x = F.max_pool2d(x, 2)
            x = F.relu(norm(x))
        return x.mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits, (B, n_classes)."""
        logits: Tensor = self.head(self.features(images))
        return logits


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

    With ``synthetic``, ``synthetic_share`` of every batch is drawn class-balanced from that pool and the rest as the
    arm draws it; the albumentations apply to both alike.
    """
    rng = np.random.default_rng(seed)
    n_synthetic = round(synthetic_share * batch) if synthetic is not None else 0
    real = _rows(data.train_labels, batch - n_synthetic, arm != "natural", rng)
    streams = [(data.train_images, data.train_labels, real)]
    if synthetic is not None:
        streams.append((*synthetic, _rows(synthetic[1], n_synthetic, True, rng)))
    model = _train(streams, len(data.classes), arm.endswith("+albumentations"), steps, seed)
    predicted = Judge(model).predict(data.test_images)
    recall = _share_per_class(predicted == data.test_labels, data.test_labels, len(data.classes))
    return Score(float(np.mean(recall)), tuple(recall))


def _rows(labels: Labels, size: int, balanced: bool, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield batches of rows for ever: as they are, or with every class equally likely."""
    weights = 1 / np.bincount(labels)[labels] if balanced else np.ones(len(labels))
    while True:
        yield rng.choice(len(labels), size, p=weights / weights.sum())


def _train(
    streams: list[tuple[Images, Labels, Iterator[NDArray[np.int64]]]],
    n_classes: int,
    augmented: bool,
    steps: int,
    seed: int,
) -> SmallCNN:
    """Train on batches whose rows the streams give; AdamW, a tenth of the steps warming up, then a cosine to zero."""
    channels = streams[0][0].shape[-1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: SmallCNN = SmallCNN(channels, n_classes).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    augment = label_preserving(channels, seed) if augmented else None
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, PEAK_RATE, total_steps=steps, pct_start=WARM_UP, cycle_momentum=False
    )
    model.train()
    for _ in range(steps):
        drawn = [(images[rows], labels[rows]) for images, labels, stream in streams for rows in [next(stream)]]
        images = np.concatenate([part for part, _ in drawn])
        labels = np.concatenate([part for _, part in drawn])
        if augment is not None:
            images = np.stack([augment(image=image)["image"] for image in images])
        loss = F.cross_entropy(model(_to_tensor(images)), torch.from_numpy(labels))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    model.eval()
    return model


def label_preserving(channels: int, seed: int) -> Any:
    """Return albumentations' small rotations, shifts, scalings and shears; no flips, which change a digit's class.

    Grey images here stand on black, so black fills in from outside; colour tiles are continued by reflection.
    """
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    import albumentations
    import cv2

    border = cv2.BORDER_CONSTANT if channels == 1 else cv2.BORDER_REFLECT_101
    affine = albumentations.Affine(
        scale=(0.9, 1.1), translate_percent=(-0.1, 0.1), rotate=(-15, 15), shear=(-8, 8), border_mode=border, p=1.0
    )
    return albumentations.Compose([affine], seed=seed)


def _to_tensor(images: Images) -> Tensor:
    # (B, H, W, C) -> (B, C, H, W) without a copy: this is channels_last already
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


class Judge:
    """A trained classifier with numpy in and out."""

    def __init__(self, model: SmallCNN) -> None:
        self._model = model

    def predict(self, images: Images) -> Labels:
        """Return the label read from each image, int64 ``(n,)``."""
        labels: Labels = self._model.head(torch.from_numpy(self.features(images))).argmax(1).numpy()
        return labels

    @torch.inference_mode()
    def features(self, images: Images) -> NDArray[np.float32]:
        """Return the penultimate features, float32 ``(n, 96)``."""
        parts = [self._model.features(_to_tensor(images[i : i + 256])) for i in range(0, len(images), 256)]
        features: NDArray[np.float32] = torch.cat(parts).numpy()
        return features


def reference_classifier(images: Images, labels: Labels, *, steps: int = JUDGE_STEPS, seed: int = 0) -> Judge:
    """Train a judge on all given images, class-balanced and with the label-preserving augmentation."""
    rows = _rows(labels, 64, True, np.random.default_rng(seed))
    return Judge(_train([(images, labels, rows)], int(labels.max()) + 1, True, steps, seed))


@cache
def reference_for(name: str, steps: int = JUDGE_STEPS) -> Judge:
    """Return the judge of the data set ``name``, trained on all its real images once per process."""
    data = pool(name)
    return reference_classifier(data.images, data.labels, steps=steps)


def read_as_label(judge: Judge, images: Images, labels: Labels) -> NDArray[np.float64]:
    """Return, for each class, the share of its images that the judge reads as that class."""
    return _share_per_class(judge.predict(images) == labels, labels, int(labels.max()) + 1)


def variety_ratio(
    judge: Judge, images: Images, labels: Labels, real_images: Images, real_labels: Labels
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


def copies(judge: Judge, images: Images, labels: Labels, data: LongTail) -> NDArray[np.float64]:
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
