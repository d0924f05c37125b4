"""Synthetic images in the form of the images of a user's dataset: type, layout, size, range, transform."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ganaug.data.images.codec import MODES, pil_image
from ganaug.data.images.sample_format import ImageFormat
from ganaug.errors import DataError
from ganaug.integrations.torch.folder import to_tensor
from ganaug.integrations.torch.item_maker import ArrayItemMaker, Transform, described, tried

MIN_WHITE = 0.1
"""Smallest share of white that the brightest value of the real images must reach: below it, their range is unclear."""
EXTREME_SHARE = 0.02
"""Share of the pixels that are white, or black, in the trial images of a transform."""
MAX_BEYOND = 0.25
"""How far real values may lie beyond those of the trial, as a share of the trial's range."""
REMEDY = "return such images, or give the dataset a `transform` that turns a PIL image into what its items hold"

Pixels = NDArray[np.uint8]
"""A generator's image, (H, W, C)."""


class ImageMaker(ArrayItemMaker):
    """Makes items of images: like `ImageFolder` does, by a transform, or by conversion to the form of real images."""

    @staticmethod
    def without_items(form: ImageFormat, transform: Transform) -> Callable[[Pixels], Any]:  # noqa: ARG004
        """Return the transform, which takes uint8 arrays (H, W, C), or a conversion to tensors (C, H, W) in [0, 1]."""
        return transform or to_tensor

    @staticmethod
    def suitable(
        transform: Callable[..., Any], real: list[Any], form: ImageFormat, name: str, *, arrays_first: bool
    ) -> Callable[[Any], Any]:
        """Find by trial the kind of image that a transform turns into images like the real ones."""
        forms, sizes = {_form(image) for image in real}, {_size(image) for image in real}
        one_size = len(sizes) == 1
        # A transform that takes both arrays and PIL images is given the kind that the dataset gives its own transform.
        takes = (("array", "PIL") if arrays_first else ("PIL", "array")) + ("named array",)
        kinds = product(takes, (None, *(sizes - {None} if one_size else ())), (None, *MODES.values()))
        trial = _trial_images(form.image_shape)
        failures = []
        candidates = (_Transform(transform, *kind) for kind in kinds)
        for candidate, made, error in tried(candidates, lambda candidate: [candidate(one) for one in trial]):
            if error:
                failures.append(error)
            elif _form(made[0]) in forms and (not one_size or _size(made[0]) in sizes) and _covers(made, real):
                return candidate
            else:
                failures.append(_described(made))
        raise DataError(
            f"{name} must turn a PIL image, a uint8 array (H, W, C), or such an array named `image`, into what the "
            f"dataset's items hold, {_described(real)}, but gives {failures[0]}: let it take the image as it was read, "
            "and do all that is done to it, resizing and normalising too"
        )

    @staticmethod
    def conversion(
        real: list[Any],
        form: ImageFormat,  # noqa: ARG004
    ) -> "_Conversion":
        """Return the conversion of a sample to the form of the real ones."""
        return _Conversion(real)


MAKER = ImageMaker


@dataclass(frozen=True)
class _Transform:
    """A transform, and the kind of image that it takes: a PIL image, an array, or one named as in albumentations."""

    transform: Callable[..., Any]
    takes: Literal["PIL", "array", "named array"]
    size: tuple[int, int] | None
    mode: str | None

    def __call__(self, pixels: Pixels) -> Any:
        image = pil_image(pixels, self.mode, self.size)
        if self.takes == "PIL":
            return self.transform(image)
        array = _as_pixels(image).copy()  # a copy, as the transform may work in place
        return self.transform(array) if self.takes == "array" else self.transform(image=array)["image"]


def _trial_images(shape: tuple[int, int, int]) -> list[Pixels]:
    """Return images whose values reach as far as those of any image: noise, a few white pixels, a few black ones."""
    random = np.random.default_rng(0)
    n_pixels = shape[0] * shape[1]
    dark = np.zeros((n_pixels, shape[2]), np.uint8)
    dark[random.permutation(n_pixels)[: max(2, int(EXTREME_SHARE * n_pixels))]] = 255
    dark = dark.reshape(shape)
    return [random.integers(0, 256, shape, np.uint8), dark, 255 - dark]


def _covers(made: list[Any], real: list[Any]) -> bool:
    """Tell whether the real values lie in the range of a transform's results, and fill a fair part of that range."""
    (low, high), (real_low, real_high) = _bounds(made), _bounds(real)
    if real_low == real_high:
        return True
    margin, usual = MAX_BEYOND * (high - low), np.ptp(_bounds(made[:1]))
    return low - margin <= real_low and real_high <= high + margin and (real_high - real_low) * 10 >= float(usual)


class _Conversion:
    """Converts images to the type, layout, size and range of real ones."""

    def __init__(self, real: list[Any]) -> None:
        example = real[0]
        layout = _layout(example)
        self.is_pil = isinstance(example, Image.Image)
        if layout is None or (self.is_pil and example.mode.startswith(("I", "F"))):
            raise DataError(
                "an item must hold an image of 8 bits, or an array or tensor (H, W) or with 1, 3 or 4 channels, but "
                f"holds {_described([example])}: {REMEDY}"
            )
        self.layout = layout
        self.mode = example.mode if self.is_pil else MODES[layout.channels]
        if not self.is_pil:
            arrays = [_as_array(image) for image in real]
            self.black, self.white = value_range(arrays)
            self.has_channels, self.dtype = arrays[0].ndim == 3, arrays[0].dtype
            self.tensor = (example.device, example.dtype) if isinstance(example, Tensor) else None

    def __call__(self, pixels: Pixels) -> Any:
        image = pil_image(pixels, self.mode, self.layout.size)
        if self.is_pil:
            return image
        array: NDArray[Any] = _as_pixels(image)
        if not self.has_channels:
            array = array[:, :, 0]
        elif self.layout.channels_first:
            array = array.transpose(2, 0, 1)
        if (self.black, self.white) != (0, 255):
            array = array.astype(np.float32) * ((self.white - self.black) / 255) + self.black
        array = np.array(array, dtype=self.dtype, order="C")
        return array if self.tensor is None else torch.from_numpy(array).to(*self.tensor)


def value_range(images: list[NDArray[Any]]) -> tuple[int, int]:
    """Return the values of black and white; `DataError` for images that leave them in doubt."""
    low, high = float(min(image.min() for image in images)), float(max(image.max() for image in images))
    dtype = images[0].dtype
    if dtype == np.uint8 and high > 255 * MIN_WHITE:
        return 0, 255
    if dtype.kind == "f":  # The bounds leave room for what resizing overshoots.
        if low >= -0.001 and MIN_WHITE < high <= 1.001:
            return 0, 1
        if -1.001 <= low < -0.5 and 0.5 < high <= 1.001:
            return -1, 1
        if low >= -0.3 and 127 < high <= 255.3:
            return 0, 255
    raise DataError(
        "pixels must be uint8 from 0 to 255, or floating point from 0 to 1, from -1 to 1 or from 0 to 255, so that "
        f"synthetic ones can be made alike, but those of {len(images)} items are {dtype} from {low:.6g} to {high:.6g}: "
        f"{REMEDY}"
    )


class _Layout(NamedTuple):
    """The axes of an image; its size is (width, height)."""

    channels: int
    channels_first: bool
    size: tuple[int, int]


def _layout(image: Any) -> _Layout | None:
    if isinstance(image, Image.Image):
        return _Layout(len(image.getbands()), False, image.size)
    shape = tuple(image.shape) if isinstance(image, Tensor | np.ndarray) else ()
    if len(shape) == 2:
        return _Layout(1, False, (shape[1], shape[0]))
    if len(shape) != 3 or not MODES.keys() & {shape[0], shape[2]}:
        return None
    first = shape[0] in MODES and shape[2] not in MODES
    channels, height, width = shape if first else (shape[2], *shape[:2])
    return _Layout(channels, first, (width, height))


def _size(image: Any) -> tuple[int, int] | None:
    layout = _layout(image)
    return layout and layout.size


def _form(image: Any) -> str:
    """Describe an image, except for its size and range."""
    if isinstance(image, Image.Image):
        return f"a PIL image of mode {image.mode}"
    layout = _layout(image)
    if layout is None:
        return described(image)
    axes = "H, W" if image.ndim == 2 else f"{layout.channels}, H, W" if layout.channels_first else f"H, W, {layout[0]}"
    return f"{'a tensor' if isinstance(image, Tensor) else 'an array'} ({axes}) of {image.dtype}"


def _described(images: list[Any]) -> str:
    size, (low, high) = _size(images[0]), _bounds(images)
    return (
        _form(images[0])
        + (f", {size[0]} pixels wide and {size[1]} high" if size else "")
        + (f", from {low:.4g} to {high:.4g}" if isinstance(images[0], Tensor | np.ndarray) else "")
    )


def _bounds(images: list[Any]) -> tuple[float, float]:
    """Return the smallest and the largest number in images; zeros if there is none."""
    arrays = [array for array in map(_as_array, images) if array.size and array.dtype.kind in "iuf"]
    return min((float(a.min()) for a in arrays), default=0.0), max((float(a.max()) for a in arrays), default=0.0)


def _as_array(image: Any) -> NDArray[Any]:
    if isinstance(image, Tensor):
        image = image.detach().cpu()
        array: NDArray[Any] = (image.float() if image.dtype == torch.bfloat16 else image).numpy()
        return array
    return np.asarray(image) if isinstance(image, Image.Image | np.ndarray) else np.empty(0)


def _as_pixels(image: Image.Image) -> Pixels:
    array = np.asarray(image)
    return array.reshape(*array.shape[:2], -1)  # (H, W, C)
