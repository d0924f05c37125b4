"""The albumentations face: an image gives way to a synthetic one of its class."""

import base64
import binascii
import hashlib
import os
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganaug.data.images.codec import unpadded
from ganaug.errors import DataError, FormatError
from ganaug.runtime.generator import Generator
from ganaug.runtime.metadata import Label

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would otherwise ask the network for newer versions
from albumentations import ImageOnlyTransform

__all__ = ["SyntheticSwap"]

AHEAD = 8
"""Samples of a class that are drawn at once."""
BLOCKS = 64
"""Blocks of so many that stay in memory."""
PLACED = ("mask", "masks", "mask3d", "masks3d", "bboxes", "keypoints")
"""Targets that say where in the image something is."""
UNSUITED = ("images", "volume", "volumes")
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
OVERSHOOT = 0.05
"""So far beyond black and white are values that resizing or noise may have made of an image from 0 to 1."""


class SyntheticSwap(ImageOnlyTransform):  # type: ignore[misc]
    """Replace the image, with probability p, by a synthetic one of the same class.

    Parameters
    ----------
    generator : Generator, path-like or mapping
        The generator, the ``.onnx`` file to read it from, or what `to_dict` wrote.
    p : float, default=0.5
        The probability.
    label_key : str, default="label"
        The target that names the class in a call: ``pipeline(image=image, label="cat")``.
    classes : sequence, optional
        What integer labels index, as in `ImageFolder.classes`; without it a label is one of the generator's classes, or
        the text of one.

    Raises
    ------
    DataError
        If the generator makes no images, a class is not one of its own, or in a call there is no label, the image is
        none, or there are masks, boxes or keypoints, which would no longer fit the image.
    FormatError
        If the generator cannot be read, or is not the one that a pipeline was saved with.

    Notes
    -----
    The synthetic image has the shape and dtype of the one that it replaces: uint8, or float32 from 0 to 1; grey or RGB.
    It is drawn by the pipeline's own source of randomness, `A.Compose(..., seed=...)`; in a DataLoader's workers each
    draws others. Put it first: what follows is applied to real and synthetic images alike. Samples are screened.

    `A.to_dict` keeps the file's path and the sha256 of its content, and `A.from_dict` refuses another content; a
    generator that was not read by path is kept whole, as base64 text. Import this module before `A.from_dict`.

    Examples
    --------
    >>> import albumentations as A
    >>> from ganaug import SyntheticSwap
    >>> pipeline = A.Compose([SyntheticSwap("photos.onnx", p=0.3), A.HorizontalFlip()], seed=0)  # doctest: +SKIP
    >>> image = pipeline(image=image, label="cat")["image"]  # doctest: +SKIP
    """

    def __init__(self, generator: Any, p: float = 0.5, label_key: str = "label", classes: Any = None) -> None:
        super().__init__(p=p)
        self.generator, self._origin = _read(generator)
        if self.generator.modality != "image":
            raise DataError(f"the generator must make images, but this one makes a {self.generator.modality}")
        self.label_key = label_key
        if classes is not None and not isinstance(classes, Iterable):
            raise DataError(
                f"classes must list what integer labels index, but is {classes!r:.80}: give the names in the dataset's "
                "order, such as `dataset.classes`, or leave it out"
            )
        self.classes = None if classes is None else list(classes)
        self._names: dict[Any, Label] = {str(name): name for name in self.generator.classes}
        self._names |= {name: name for name in self.generator.classes}
        if unknown := [name for name in self.classes or () if name not in self._names]:
            raise DataError(
                f"the generator must know every one of `classes`, but not {unknown}: it was trained on "
                f"{list(self.generator.classes)}; name them as it does, or fit one to them all"
            )
        self._kinds: dict[str, str] = {}
        self._queues: dict[tuple[Label, int], tuple[int, int]] = {}
        self._blocks: OrderedDict[tuple[Label, int], NDArray[np.uint8]] = OrderedDict()

    @property
    def targets(self) -> dict[str, Callable[..., Any]]:
        """What is changed: the image alone."""
        return {"image": self.apply}

    @property
    def targets_as_params(self) -> list[str]:
        """What the choice depends on."""
        return ["image", self.label_key]

    def __call__(self, *args: Any, force_apply: bool = False, **data: Any) -> Any:
        """Return the data, with or without another image."""
        kinds = {key: self._kinds.get(key, key) for key in data if data[key] is not None}
        placed = [key for key, kind in kinds.items() if kind in PLACED and len(data[key])]
        if placed:
            raise DataError(
                f"SyntheticSwap must be given an image and its label alone, but there is {', '.join(placed)}, which "
                "would not fit a synthetic image: leave it out of pipelines with masks, boxes or keypoints"
            )
        images = [key for key, kind in kinds.items() if (kind == "image" and key != "image") or kind in UNSUITED]
        if images:
            raise DataError(f"SyntheticSwap must be given one image under 'image', but there is {', '.join(images)}")
        # Whether or not it is the turn of this image: what is wrong should not come and go.
        if not self.replay_mode:
            if self.label_key not in data:
                raise DataError(
                    f"SyntheticSwap must know the class, but {self.label_key!r} is not given: call the pipeline with "
                    f"image=..., {self.label_key}=..."
                )
            self._name_of(data[self.label_key])
            _channels(data.get("image"))
        return super().__call__(*args, force_apply=force_apply, **data)

    def add_targets(self, additional_targets: dict[str, str]) -> None:
        """Remember what further targets are, so that they can be refused."""
        self._kinds |= additional_targets

    def set_random_state(self, *state: Any) -> None:
        """Take another source of randomness; nothing that was drawn from the old one is used any more."""
        super().set_random_state(*state)
        self._queues = {}

    def set_random_seed(self, seed: int | None) -> None:
        """Begin anew from a seed."""
        super().set_random_seed(seed)
        self._queues = {}

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """Choose the sample: its class, the seed of a block of samples, and its place in the block."""
        name = self._name_of(data[self.label_key])
        worker = _worker_seed()  # a forked one must not go on with what is left of its parent's block
        seed, place = self._queues.get((name, worker), (0, AHEAD))
        if place == AHEAD:
            seed, place = int(self.random_generator.integers(2**63)) ^ worker, 0
        self._queues[name, worker] = seed, place + 1
        return {"name": name, "seed": seed, "place": place}

    def apply(self, img: NDArray[Any], *, name: Label, seed: int, place: int, **params: Any) -> NDArray[Any]:  # noqa: ARG002
        """Return the sample in the form of an image."""
        block = self._blocks.get((name, seed))
        if block is None:
            block, _ = self.generator.sample_each([name] * AHEAD, [(seed, at) for at in range(AHEAD)], screened=True)
            self._blocks[name, seed] = block
            if len(self._blocks) > BLOCKS:
                self._blocks.popitem(last=False)
        return _like(img, block[place])

    def get_transform_init_args(self) -> dict[str, Any]:
        """Return what `to_dict` keeps besides p."""
        origin = self._origin or {"onnx": base64.b64encode(self.generator.to_bytes()).decode()}
        return {"generator": origin, "label_key": self.label_key, "classes": self.classes}

    def __repr__(self) -> str:
        return f"SyntheticSwap({self.generator!r}, p={self.p}, label_key={self.label_key!r})"

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_blocks": OrderedDict()}

    def _name_of(self, label: Any) -> Label:
        with suppress(ValueError, RuntimeError):  # of an array or a tensor of several values, which is no label
            label = label.item() if hasattr(label, "item") else label
        if self.classes is not None and type(label) is int and 0 <= label < len(self.classes):
            return self._names[self.classes[label]]
        try:
            return self._names[label if label in self._names else str(label)]
        except (KeyError, TypeError):
            raise DataError(
                f"{self.label_key} must be one of the generator's classes {list(self.generator.classes)}, or an index "
                f"into the `classes` that SyntheticSwap was given, but is {label!r}: correct the label, or give "
                "`classes` in the order that the labels count"
            ) from None


def _read(generator: Any) -> tuple[Generator, dict[str, str] | None]:
    """Return the generator, and where it came from if that was a file."""
    if isinstance(generator, Generator):
        return generator, None
    if not isinstance(generator, Mapping):
        if not isinstance(generator, str | os.PathLike):
            raise DataError(f"generator must be a Generator or the path of its .onnx file, but is {generator!r:.80}")
        read = Generator.load(generator)
        return read, {"path": str(Path(generator).absolute()), "sha256": _digest(read)}
    if isinstance(generator.get("onnx"), str):
        try:
            return Generator.from_bytes(base64.b64decode(generator["onnx"], validate=True)), None
        except binascii.Error as error:
            raise FormatError(f"The generator in this pipeline is not base64 text: {error}.") from error
    if not isinstance(generator.get("path"), str):
        raise FormatError("The generator of a pipeline must have a path or its content, but has neither.")
    read = Generator.load(generator["path"])
    if generator.get("sha256") != _digest(read):
        raise FormatError(
            f"{generator['path']} must be the generator that the pipeline was saved with, but its content is another: "
            "restore that file, or make the pipeline anew."
        )
    return read, {"path": generator["path"], "sha256": generator["sha256"]}


def _digest(generator: Generator) -> str:
    return hashlib.sha256(generator.to_bytes()).hexdigest()


def _worker_seed() -> int:
    """Return what sets a DataLoader's worker apart: albumentations gives all of them the same random state."""
    torch = sys.modules.get("torch")
    info = torch.utils.data.get_worker_info() if torch is not None else None
    return 0 if info is None else info.seed % 2**63


def _channels(image: Any) -> int:
    """Return how many channels an image has, or refuse what is none."""
    array = np.asarray(image)
    channels: int = array.shape[2] if array.ndim == 3 else 1
    suits = array.ndim in (2, 3) and channels in MODES and array.size and array.dtype in (np.uint8, np.float32)
    found, low, high = f"{array.dtype} {array.shape}", 0.0, 1.0
    if suits and array.dtype == np.float32:
        low, high = float(array.min()), float(array.max())
        found += f" from {low:.4g} to {high:.4g}"
    if not (suits and low >= -OVERSHOOT and high <= 1 + OVERSHOOT):
        raise DataError(
            "SyntheticSwap must be given an image (H, W) or with 1, 3 or 4 channels last, of uint8 or of float32 from "
            f"0 to 1, but this one is {found}: put the transforms that make such ones after it"
        )
    return channels


def _like(image: NDArray[Any], sample: NDArray[np.uint8]) -> NDArray[Any]:
    """Return pixels (H, W, C) in the shape and dtype of an image."""
    shape, channels = image.shape, _channels(image)
    sample = unpadded(sample, *shape[:2])
    picture = Image.fromarray(sample[:, :, 0] if sample.shape[2] == 1 else sample)
    picture = picture if picture.mode == MODES[channels] else picture.convert(MODES[channels])
    pixels = np.array(picture).reshape(shape)
    return pixels if image.dtype == np.uint8 else pixels.astype(np.float32) / 255
