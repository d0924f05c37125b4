"""Items like those of the user's own dataset of images, made of pixels: their kind, layout, size, range, transform."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ganaug.data.images.codec import unpadded
from ganaug.errors import DataError

__all__ = ["PictureMaker", "like_label"]

DIMMEST = 0.1
"""A sample whose brightest value is below this share of white may well have another range."""
SPARSE, LEEWAY = 0.02, 0.25
"""Part of the pixels that are few; how far real values may lie beyond what was tried, as a part of its range."""
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's names of images with so many channels."""


class PictureMaker:
    """Makes of pixels and a label an item like those of a dataset, of which it is shown some.

    Parameters
    ----------
    dataset : Dataset
        Its `transform`, if it has one, is what pixels go through.
    items : list of (image, label)
        Some of its own.
    shape : (height, width, channels)
        Of the pixels.
    transform : callable, optional
        Instead of the dataset's.
    """

    def __init__(
        self,
        dataset: Any,
        items: list[tuple[Any, Any]],
        shape: tuple[int, int, int],
        transform: Callable[..., Any] | None = None,
    ) -> None:
        images, self.label = [image for image, _ in items], items[0][1]
        self.present: Callable[[NDArray[np.uint8]], Any]
        if transform is not None:
            self.present = _Transformed(transform, images, shape, "synthetic_transform", _gives_arrays(dataset))
        elif _gives_arrays(dataset):
            self.present = dataset.present
        elif getattr(dataset, "transform", None) is not None:
            self.present = _Transformed(dataset.transform, images, shape, "the dataset's `transform`")
        else:
            self.present = _Like(images)

    def __call__(self, pixels: NDArray[np.uint8], label: Any) -> tuple[Any, Any]:
        """Return an item of pixels (H, W, C) and a label."""
        return self.present(pixels), like_label(self.label, label)


def _gives_arrays(dataset: Any) -> bool:
    """Say whether a dataset gives its transform arrays, as an `ImageFolder` does."""
    return callable(getattr(dataset, "present", None))


def like_label(example: Any, label: Any) -> Any:
    """Return a plain label in the form of a real one."""
    if isinstance(example, Tensor):
        return torch.full_like(example, label)
    if isinstance(example, np.ndarray):
        return np.full(example.shape, label)
    return type(example)(label) if isinstance(example, np.generic) else label


class _Transformed:
    """Passes pixels through a transform, as the kind of image of which it makes what real items hold."""

    def __init__(
        self,
        transform: Callable[[Any], Any],
        real: list[Any],
        shape: tuple[int, int, int],
        name: str,
        arrays_first: bool = False,
    ) -> None:
        self.transform = transform
        forms, sides = {_form(image) for image in real}, {_sides(image) for image in real}
        probes = _probes(shape)
        sizes = [None, *sides - {None}] if len(sides) == 1 else [None]
        # One that takes several kinds is to get what the dataset's own gets.
        kinds = (_as_array, _as_picture) if arrays_first else (_as_picture, _as_array)
        failures = []
        for give, size, mode in product((*kinds, _as_argument), sizes, (None, *MODES.values())):
            self.give, self.size, self.mode = give, size, mode
            try:
                made = [self(pixels) for pixels in probes]
            except Exception as error:  # whatever a transform does with what it is not meant for
                failures.append(f"{type(error).__name__}: {error}")
                continue
            if _form(made[0]) in forms and (len(sides) > 1 or _sides(made[0]) in sides) and _covers(made, real):
                return
            failures.append(_described(made))
        raise DataError(
            f"{name} must make of a PIL image, of a uint8 array (H, W, C), or of one named `image`, what the dataset's "
            f"items hold, {_described(real)}, but gives {failures[0]}: let it take the image as it was read, and do "
            "all that is done to it, resizing and normalising too"
        )

    def __call__(self, pixels: NDArray[np.uint8]) -> Any:
        return self.give(self.transform, _resized(pixels, self.mode, self.size))


def _as_picture(transform: Callable[[Any], Any], image: Image.Image) -> Any:
    return transform(image)


def _as_array(transform: Callable[[Any], Any], image: Image.Image) -> Any:
    return transform(_pixels(image).copy())  # its own: the transform may work in place


def _as_argument(transform: Callable[..., Any], image: Image.Image) -> Any:
    """Call it as albumentations' are called."""
    return transform(image=_pixels(image).copy())["image"]


def _probes(shape: tuple[int, int, int]) -> list[NDArray[np.uint8]]:
    """Return images that between them reach as far as any: noise, a few white pixels, a few black ones."""
    random = np.random.default_rng(0)
    pixels = shape[0] * shape[1]
    sparse = np.zeros((pixels, shape[2]), np.uint8)
    sparse[random.permutation(pixels)[: max(2, int(SPARSE * pixels))]] = 255
    sparse = sparse.reshape(shape)
    return [random.integers(0, 256, shape, np.uint8), sparse, 255 - sparse]


def _covers(made: list[Any], real: list[Any]) -> bool:
    """Say whether real values lie where a transform's may, and are not far too little of it."""
    (low, high), (lowest, highest) = _bounds(made), _bounds(real)
    if lowest == highest:
        return True
    leeway, usual = LEEWAY * (high - low), np.ptp(_bounds(made[:1]))
    return low - leeway <= lowest and highest <= high + leeway and (highest - lowest) * 10 >= float(usual)


class _Like:
    """Turns pixels into the kind, layout, size and range of real images."""

    def __init__(self, real: list[Any]) -> None:
        example = real[0]
        self.pil = isinstance(example, Image.Image)
        layout = _layout(example)
        if layout is None or (self.pil and example.mode.startswith(("I", "F"))):
            raise DataError(
                "an item must hold an image of 8 bits, or an array or tensor (H, W) or with 1, 3 or 4 channels, but "
                f"holds {_described([example])}: return such images, or give the dataset a `transform` that makes of a "
                "PIL image what its items hold"
            )
        channels, self.channels_first, self.size = layout
        self.mode = example.mode if self.pil else MODES[channels]
        if not self.pil:
            arrays = [_array(image) for image in real]
            self.black, self.white = _range(arrays)
            self.flat, self.dtype = arrays[0].ndim == 2, arrays[0].dtype
            self.tensor = (example.device, example.dtype) if isinstance(example, Tensor) else None

    def __call__(self, pixels: NDArray[np.uint8]) -> Any:
        image = _resized(pixels, self.mode, self.size)
        if self.pil:
            return image
        array: NDArray[Any] = _pixels(image)
        array = array[:, :, 0] if self.flat else array.transpose(2, 0, 1) if self.channels_first else array
        if (self.black, self.white) != (0, 255):
            array = array.astype(np.float32) * ((self.white - self.black) / 255) + self.black
        array = np.array(array, dtype=self.dtype, order="C")
        return array if self.tensor is None else torch.from_numpy(array).to(*self.tensor)


def _range(images: list[NDArray[Any]]) -> tuple[int, int]:
    """Return the values that stand for black and white, or refuse images that leave them in doubt."""
    low, high = float(min(image.min() for image in images)), float(max(image.max() for image in images))
    dtype = images[0].dtype
    if dtype == np.uint8 and high > 255 * DIMMEST:
        return 0, 255
    if dtype.kind == "f":  # The bounds leave room for what resizing overshoots.
        if low >= -0.001 and DIMMEST < high <= 1.001:
            return 0, 1
        if -1.001 <= low < -0.5 and 0.5 < high <= 1.001:
            return -1, 1
        if low >= -0.3 and 127 < high <= 255.3:
            return 0, 255
    raise DataError(
        "images must be uint8 from 0 to 255, or floating point from 0 to 1, from -1 to 1 or from 0 to 255, so that "
        f"synthetic ones can be made alike, but {len(images)} of them are {dtype} from {low:.6g} to {high:.6g}: return "
        "such images, or give the dataset a `transform` that makes of a PIL image what its items hold"
    )


def _layout(image: Any) -> tuple[int, bool, tuple[int, int]] | None:
    """Return the number of channels, whether they come first, and width and height; None where it is no image."""
    if isinstance(image, Image.Image):
        return len(image.getbands()), False, image.size
    shape = tuple(image.shape) if isinstance(image, Tensor | np.ndarray) else ()
    if len(shape) == 2:
        return 1, False, (shape[1], shape[0])
    if len(shape) != 3 or not MODES.keys() & {shape[0], shape[2]}:
        return None
    first = shape[0] in MODES and shape[2] not in MODES
    channels, height, width = shape if first else (shape[2], *shape[:2])
    return channels, first, (width, height)


def _form(image: Any) -> str:
    """Say what an item's image is, all but its size."""
    if isinstance(image, Image.Image):
        return f"a PIL image of mode {image.mode}"
    if not isinstance(image, Tensor | np.ndarray):
        return f"a {type(image).__name__}"
    kind, layout = "a tensor" if isinstance(image, Tensor) else "an array", _layout(image)
    if layout is None:
        return f"{kind} of {image.dtype} and shape {tuple(image.shape)}"
    axes = "(H, W)" if image.ndim == 2 else f"({layout[0]}, H, W)" if layout[1] else f"(H, W, {layout[0]})"
    return f"{kind} {axes} of {image.dtype}"


def _sides(image: Any) -> tuple[int, int] | None:
    layout = _layout(image)
    return layout and layout[2]


def _described(images: list[Any]) -> str:
    sides, (low, high) = _sides(images[0]), _bounds(images)
    return (
        _form(images[0])
        + (f", {sides[0]} pixels wide and {sides[1]} high" if sides else "")
        + (f", from {low:.4g} to {high:.4g}" if isinstance(images[0], Tensor | np.ndarray) else "")
    )


def _bounds(images: list[Any]) -> tuple[float, float]:
    """Return the smallest and the largest number in images; zeros where they hold none."""
    arrays = [array for array in map(_array, images) if array.size and array.dtype.kind in "iuf"]
    return min((float(a.min()) for a in arrays), default=0.0), max((float(a.max()) for a in arrays), default=0.0)


def _array(image: Any) -> NDArray[Any]:
    if isinstance(image, Tensor):
        image = image.detach().cpu()
        array: NDArray[Any] = (image.float() if image.dtype == torch.bfloat16 else image).numpy()
        return array
    return np.asarray(image) if isinstance(image, Image.Image | np.ndarray) else np.empty(0)


def _resized(pixels: NDArray[np.uint8], mode: str | None, size: tuple[int, int] | None) -> Image.Image:
    pixels = pixels if size is None else unpadded(pixels, size[1], size[0])
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    return image if mode in (None, image.mode) else image.convert(mode)


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    array = np.asarray(image)
    return array.reshape(*array.shape[:2], -1)  # (H, W, C)
