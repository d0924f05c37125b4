"""Judge synthetic images by real ones that the generator has not seen: read as their label, varied, or copied."""

from __future__ import annotations

import numpy as np
import torch
from image_altering import Images
from image_sets import LongTail
from numpy.typing import NDArray
from pretrained import features, linear_classifier
from runs import Record

Labels = NDArray[np.int64]  # (n,)
Features = NDArray[np.float32]  # (n, 1280)

PER_CLASS = 200  # unseen images of a class at most, from which the judge learns
MAX_PAIRED = 200  # images of a class whose pairwise distances are computed
COPY_QUANTILE = 0.01  # of the distances of unseen real images; a sample that is nearer is a near-copy


def judged(data: LongTail, images: Images, labels: Labels, seed: int) -> Record:
    """Return how the samples of each class are read, how varied they are, and how many are near-copies.

    The judge is a linear classifier on pretrained features, trained on unseen real images. It never saw the training
    images either: how it reads those is what to expect of good samples.

    - ``read_as_label``, ``read_as_label_real``: the share of a class that the judge assigns to it.
    - ``variety``: the mean pairwise distance between the features of a class, divided by that of unseen images.
    - ``copies``: the share nearer to a training image of the class, in the features, than 99 % of the unseen images.
    """
    rng = np.random.default_rng(seed)
    chosen = np.concatenate(
        [rng.permutation(np.flatnonzero(data.unseen_labels == label))[:PER_CLASS] for label in range(len(data.classes))]
    )
    unseen, unseen_labels = features(data.unseen_images[chosen]), data.unseen_labels[chosen]
    real, made = features(data.train_images), features(images)
    judge = linear_classifier(unseen, unseen_labels)
    by_class = range(len(data.classes))
    read, read_real = judge.predict(made) == labels, judge.predict(real) == data.train_labels
    return {
        "read_as_label": [_rounded(read[labels == label].mean()) for label in by_class],
        "read_as_label_real": [_rounded(read_real[data.train_labels == label].mean()) for label in by_class],
        "variety": [
            _rounded(_spread(made[labels == label]) / _spread(unseen[unseen_labels == label])) for label in by_class
        ],
        "copies": [
            _rounded(
                _near_copies(made[labels == label], real[data.train_labels == label], unseen[unseen_labels == label])
            )
            for label in by_class
        ],
    }


def _spread(rows: Features) -> float:
    thinned = rows[np.linspace(0, len(rows) - 1, min(MAX_PAIRED, len(rows))).astype(int)]
    return float(torch.pdist(torch.from_numpy(thinned)).mean())


def _near_copies(made: Features, train: Features, unseen: Features) -> float:
    return float((_nearest(made, train) < np.quantile(_nearest(unseen, train), COPY_QUANTILE)).mean())


def _nearest(queries: Features, points: Features) -> NDArray[np.float32]:
    nearest: NDArray[np.float32] = torch.cdist(torch.from_numpy(queries), torch.from_numpy(points)).amin(1).numpy()
    return nearest


def _rounded(value: float) -> float:
    return round(float(value), 4)
