"""`SyntheticSwap`: an albumentations transform that replaces an image by a synthetic one of its class."""

import base64
import binascii
import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from albumentations import ImageOnlyTransform
from albumentations.core.serialization import SERIALIZABLE_REGISTRY
from numpy.typing import NDArray

from ganaug.data.images.codec import MODES, pil_image
from ganaug.data.labels import Label, LabelMapper, listed, python_value
from ganaug.errors import DataError, FormatError
from ganaug.integrations.albumentations.calls import check_image, worker_seed
from ganaug.runtime.generator import Generator

BLOCK_SIZE = 8
"""Samples of a class that are drawn at once, as a block."""
MAX_BLOCKS = 64
"""Blocks that stay in memory."""
POSITION_TARGETS = ("mask", "masks", "mask3d", "masks3d", "bboxes", "keypoints")
"""Targets that say where in the image something is."""
SEVERAL_IMAGES = ("images", "volume", "volumes")
"""Targets that hold more than one image."""
FULL_NAME = "ganaug.SyntheticSwap"
"""The name of the class in saved pipelines. It does not depend on the module, which may move."""
FORMER_NAMES = ("ganaug.transforms.SyntheticSwap", "ganaug.integrations.albumentations.SyntheticSwap")
"""Its names in pipelines that were saved by earlier versions."""


class SyntheticSwap(ImageOnlyTransform):  # type: ignore[misc]
    """Replace the image, with probability p, by a synthetic one of the same class.

    Parameters
    ----------
    generator : Generator, path-like or mapping
        The generator, the ``.onnx`` file to read it from, or what `to_dict` wrote.
    p : float, default=0.5
        The probability.
    label_key : str, default="label"
        The target that holds the label in a call: ``pipeline(image=image, label="cat")``.
    classes : sequence, optional
        The classes that integer labels are indices of, as in `ImageFolder.classes`. Any other label is one of the
        generator's classes, or has the text of one.

    Raises
    ------
    DataError
        If the generator makes no images, or does not know one of `classes`. In a call, if there is no label, if the
        image is not valid, or if there are masks, boxes or keypoints, which would not fit a synthetic image.
    FormatError
        If the generator cannot be read, or is not the one with which a pipeline was saved.

    Notes
    -----
    A synthetic image has the shape and dtype of the image that it replaces: uint8, or float32 from 0 to 1; grey, RGB or
    RGBA. The pipeline's random generator, that of `A.Compose(..., seed=...)`, decides the samples. Each worker of a
    DataLoader draws other samples. Samples are screened. Put this transform first, so that the others are applied to
    real and synthetic images alike.

    `A.to_dict` keeps the path of the model file and the SHA-256 of its content, and `A.from_dict` refuses a file with
    other content. A generator that was not given by path is kept whole, as base64 text. Import ganaug's `SyntheticSwap`
    before a call of `A.from_dict`.

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
        form = self.generator.format
        if form.side is None:
            raise DataError(f"the generator must make images, but this one makes {form.noun}: load a model of images")
        self.label_key = label_key
        if classes is not None and not isinstance(classes, Iterable):
            raise DataError(
                f"classes must list the classes that integer labels are indices of, but is {classes!r:.80}: give the "
                "names in the dataset's order, such as `dataset.classes`, or leave it out"
            )
        self.classes = None if classes is None else list(classes)
        self._class_of_name = LabelMapper(self.generator.classes)
        self._class_of_index = LabelMapper(self.generator.classes, self.classes)
        self._class_of_index.map_all(range(len(self.classes or ())))  # the generator must know all of them
        self._target_kinds: dict[str, str] = {}
        # The seed of the block that is in use for a class and a worker, and how many of its samples were taken.
        self._in_use: dict[tuple[Label, int], tuple[int, int]] = {}
        self._blocks: OrderedDict[tuple[Label, int], NDArray[np.uint8]] = OrderedDict()

    @classmethod
    def get_class_fullname(cls) -> str:
        """Return the name of the class in saved pipelines."""
        is_subclass = cls.__module__ != __name__  # of a user, with a name of its own
        return str(super().get_class_fullname()) if is_subclass else FULL_NAME

    @property
    def targets(self) -> dict[str, Callable[..., Any]]:
        """The targets that are changed: the image alone."""
        return {"image": self.apply}

    @property
    def targets_as_params(self) -> list[str]:
        """The targets that the choice of a sample depends on."""
        return ["image", self.label_key]

    def __call__(self, *args: Any, force_apply: bool = False, **data: Any) -> Any:
        """Return the data, with or without another image."""
        kinds = {key: self._target_kinds.get(key, key) for key in data if data[key] is not None}
        positions = [key for key, kind in kinds.items() if kind in POSITION_TARGETS and len(data[key])]
        if positions:
            raise DataError(
                f"SyntheticSwap must be given an image and its label alone, but there is {', '.join(positions)}, which "
                "would not fit a synthetic image: leave it out of pipelines with masks, boxes or keypoints"
            )
        images = [key for key, kind in kinds.items() if (kind == "image" and key != "image") or kind in SEVERAL_IMAGES]
        if images:
            raise DataError(
                f"SyntheticSwap must be given one image under 'image', but there is {', '.join(images)}: leave it out"
            )
        # Checked whether or not this image is replaced, so that errors do not depend on chance.
        if not self.replay_mode:
            if self.label_key not in data:
                raise DataError(
                    f"SyntheticSwap must know the class, but {self.label_key!r} is not given: call the pipeline with "
                    f"image=..., {self.label_key}=..."
                )
            self._class_of(data[self.label_key])
            check_image(data.get("image"), "SyntheticSwap")
        return super().__call__(*args, force_apply=force_apply, **data)

    def add_targets(self, additional_targets: dict[str, str]) -> None:
        """Remember the kinds of additional targets, so that they can be refused."""
        self._target_kinds |= additional_targets

    def set_random_state(self, *state: Any) -> None:
        """Take another random generator; samples of the former one are no longer used."""
        super().set_random_state(*state)
        self._in_use = {}

    def set_random_seed(self, seed: int | None) -> None:
        """Start again from a seed."""
        super().set_random_seed(seed)
        self._in_use = {}

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """Choose the sample: its class, the seed of a block of samples, and its place in the block."""
        name = self._class_of(data[self.label_key])
        worker = worker_seed()  # a forked worker must not use the rest of its parent's block
        seed, place = self._in_use.get((name, worker), (0, BLOCK_SIZE))
        if place == BLOCK_SIZE:
            seed, place = int(self.random_generator.integers(2**63)) ^ worker, 0
        self._in_use[name, worker] = seed, place + 1
        return {"name": name, "seed": seed, "place": place}

    def apply(self, img: NDArray[Any], *, name: Label, seed: int, place: int, **params: Any) -> NDArray[Any]:  # noqa: ARG002
        """Return the sample in the shape and dtype of the image."""
        block = self._blocks.get((name, seed))
        if block is None:
            seeds = [(seed, number) for number in range(BLOCK_SIZE)]
            block, _ = self.generator.sample_each([name] * BLOCK_SIZE, seeds, screened=True)
            self._blocks[name, seed] = block
            if len(self._blocks) > MAX_BLOCKS:
                self._blocks.popitem(last=False)
        return _like(img, block[place])

    def get_transform_init_args(self) -> dict[str, Any]:
        """Return the arguments that `A.to_dict` keeps besides `p`."""
        origin = self._origin or {"onnx": base64.b64encode(self.generator.to_bytes()).decode()}
        return {"generator": origin, "label_key": self.label_key, "classes": self.classes}

    def __repr__(self) -> str:
        return f"SyntheticSwap({self.generator!r}, p={self.p}, label_key={self.label_key!r})"

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_blocks": OrderedDict()}

    def _class_of(self, label: Any) -> Label:
        value = python_value(label)
        if self.classes is not None and type(value) is int and 0 <= value < len(self.classes):
            return self._class_of_index(value)
        try:
            return self._class_of_name(value)  # one of the generator's classes, in `classes` or not
        except DataError:
            raise DataError(
                f"{self.label_key} must be one of the generator's classes [{listed(self.generator.classes)}], or an "
                f"index into the `classes` that SyntheticSwap was given, but is {label!r:.80}: correct the label, or "
                "give `classes` in the order of the indices"
            ) from None


SERIALIZABLE_REGISTRY.update(dict.fromkeys(FORMER_NAMES, SyntheticSwap))


def _read(generator: Any) -> tuple[Generator, dict[str, str] | None]:
    """Return the generator and, if it was read from a file, the path and the digest of this file."""
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
            raise FormatError(
                f"The generator of a saved pipeline must be base64 text, but is not ({error}): save it again."
            ) from error
    if not isinstance(generator.get("path"), str):
        raise FormatError(
            "The generator of a saved pipeline must have a path or its content, but has neither: save it again."
        )
    read = Generator.load(generator["path"])
    if generator.get("sha256") != _digest(read):
        raise FormatError(
            f"{generator['path']} must be the generator that the pipeline was saved with, but its content differs: "
            "restore that file, or make the pipeline anew."
        )
    return read, {"path": generator["path"], "sha256": generator["sha256"]}


def _digest(generator: Generator) -> str:
    return hashlib.sha256(generator.to_bytes()).hexdigest()


def _like(image: NDArray[Any], sample: NDArray[np.uint8]) -> NDArray[Any]:
    """Return a sample (H, W, C) in the shape and dtype of an image."""
    height, width = image.shape[:2]
    mode = MODES[image.shape[2] if image.ndim == 3 else 1]
    pixels = np.array(pil_image(sample, mode, (width, height))).reshape(image.shape)
    return pixels if image.dtype == np.uint8 else pixels.astype(np.float32) / 255
