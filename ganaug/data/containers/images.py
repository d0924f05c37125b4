"""Containers of images and clips: arrays, nested lists, or flat rows of any container of rows <-> uint8 pixels."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug.data.clips.codec import restored
from ganaug.data.clips.dataset import from_arrays as clips_from_arrays
from ganaug.data.containers.container import Container, refuse_rules
from ganaug.data.containers.rows import named_columns
from ganaug.data.dataset import Dataset
from ganaug.data.images.codec import unpadded
from ganaug.data.images.dataset import from_arrays
from ganaug.data.labels import Label
from ganaug.errors import DataError


@dataclass(frozen=True)
class ImageContainer(Container):
    """Images of one shape, with values from 0 to `white`."""

    modality = "image"
    described = "images"
    axes: ClassVar[int] = 3
    """Axes of one item with its channels."""

    shape: tuple[int, ...]
    """Height and width, and the channels if the user's images have this axis."""
    white: float
    """The value of a white pixel."""
    whole: bool
    """Whether all values are whole numbers."""
    dtype: np.dtype[Any]
    flat: Container | None = None
    """The container of flat rows; None for arrays of images."""
    listed: bool = False
    """Whether the images came as nested lists."""
    high: float = field(default=0.0, compare=False)
    """The largest value of all images."""

    def unwrap(self, X: Any) -> NDArray[np.uint8]:
        """Return uint8 images of shape (n, height, width, channels)."""
        values = _dense(X).astype(np.float64).reshape(-1, *self.whole_shape)
        pixels: NDArray[np.uint8] = np.round(values * (255 / self.white)).astype(np.uint8)
        return pixels

    @property
    def whole_shape(self) -> tuple[int, ...]:
        """The shape with the axis of the channels."""
        return (*self.shape, 1)[: self.axes]

    @property
    def has_columns(self) -> bool:
        """Whether the user's items are flat rows."""
        return self.flat is not None

    def promoted(self, X: Any, samples: NDArray[np.uint8]) -> Self:
        """Return this container with promoted dtypes for flat rows; `matched_to` has promoted the dtype of arrays."""
        return self if self.flat is None else replace(self, flat=self.flat.promoted(X, self._rows(samples)))

    def wrap(self, samples: NDArray[np.uint8]) -> Any:
        """Return images of the user's shape, range and dtype."""
        if self.flat is not None:
            return self.flat.wrap(self._rows(samples))
        images = self._values(samples)
        return images.tolist() if self.listed else images

    def append(self, X: Any, new: Any) -> Any:
        """Return the images of `X` and the new ones in one container."""
        if self.flat is not None:
            return self.flat.append(X, new)
        return [*X, *new] if self.listed else np.concatenate([np.asarray(X), new])

    def copied(self, X: Any) -> Any:
        """Return a copy of the array, or a list of the same images."""
        if self.flat is not None:
            return self.flat.copied(X)
        return list(X) if self.listed else np.array(X)

    def matched_to(self, fitted: Self) -> Self:
        """Return this container with the fitted container's range of values, unless these images prove another range.

        The largest value of dark images is less than white, and proves no range. `DataError` if the shapes differ, or
        if the ranges differ and the range of these images is ambiguous.
        """
        if self.whole_shape != fitted.whole_shape:
            raise DataError(
                f"{self.described.capitalize()} must be of shape {fitted.shape}, as in fit, but are of {self.shape}: "
                "reshape them."
            )
        fractions = self.dtype.kind == "b" or (self.dtype.kind == "f" and 0 < self.high <= 1)
        if (fractions and fitted.white > 1) or (self.white == 255 and fitted.white == 1):
            return self
        if self.white > 1 >= fitted.white or (self.white == 255 > fitted.white and self.dtype != fitted.dtype):
            raise DataError(
                f"Pixels must be numbers from 0 to {fitted.white:g}, as in fit, but these are {self.dtype} and go to "
                f"{self.high:g}: bring them to that range, or fit again."
            )
        narrow = self.dtype.kind in "iu" and fitted.white > np.iinfo(self.dtype).max
        dtype = np.result_type(self.dtype, np.uint8) if narrow else self.dtype
        return replace(self, white=fitted.white, whole=fitted.whole or dtype.kind in "biu", dtype=dtype)

    def class_name(self, label: Label) -> Label:
        """Return the text of the label: the classes are named like folders."""
        return str(label)

    def dataset(
        self,
        X: Any,
        codes: NDArray[np.int64],
        classes: Sequence[Label],
        categorical_features: Any = "auto",
        rules: Any = "auto",
    ) -> Dataset:
        """Return the images and their labels as images to train on."""
        if not isinstance(categorical_features, str):
            raise DataError(f"categorical_features must be 'auto' for {self.described}: they have no columns")
        refuse_rules(rules, self.described)
        return self._labelled(self.unwrap(X), codes, [str(name) for name in classes])

    def _labelled(self, pixels: NDArray[np.uint8], codes: NDArray[np.int64], classes: Sequence[str]) -> Dataset:
        return from_arrays(pixels, codes, classes)

    def _rows(self, samples: NDArray[np.uint8]) -> pd.DataFrame:
        rows = self._values(samples).reshape(len(samples), prod(self.shape))
        return pd.DataFrame(rows, columns=named_columns(range(rows.shape[1])))

    def _values(self, samples: NDArray[np.uint8]) -> NDArray[Any]:
        pixels = np.array([self._restored(sample) for sample in samples]).reshape(-1, *self.shape)
        values = pixels * (self.white / 255)
        return (np.round(values) if self.whole else values).astype(self.dtype)

    def _restored(self, sample: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a sample with the sides of the user's images."""
        return unpadded(sample, *self.shape[:2])


class ClipContainer(ImageContainer):
    """Clips of one shape: frames, height, width, channels. Their values are those of images."""

    modality = "clip"
    described = "clips"
    axes: ClassVar[int] = 4

    def _labelled(self, pixels: NDArray[np.uint8], codes: NDArray[np.int64], classes: Sequence[str]) -> Dataset:
        return clips_from_arrays(pixels, codes, classes)

    def _restored(self, sample: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return restored(sample, *self.shape[:3])


def image_container(X: Any, rows: Any, image_shape: Sequence[int] | None, flat: Container | None) -> ImageContainer:
    """Return the container of images, or of clips, whose shape has four axes.

    The range of the values is taken to be 0 to 1 if no value is larger than 1; 0 to 255 if the largest is above 127;
    else 0 to the largest value (scikit-learn's digits: 0 to 16). Images of whole numbers are given as whole numbers.
    `flat` is the container of flat rows. `DataError` if `image_shape` does not fit `X`, or the values are no pixels.
    """
    values = _dense(rows)
    shape = tuple(int(side) for side in (values.shape[1:] if image_shape is None else image_shape))
    if len(shape) not in (2, 3, 4) or min(shape) < 1:
        raise DataError(
            "image_shape must be (height, width) or (height, width, channels), or for clips (frames, height, width, "
            f"channels), but is {shape}."
        )
    if prod(values.shape[1:]) != prod(shape) or (values.ndim > 2 and values.shape[1:] != shape):
        raise DataError(
            f"Every image must have the shape {shape}, {prod(shape)} values, but X has the shape {values.shape}: "
            "give the image_shape of its rows."
        )
    if values.dtype.kind not in "biuf":
        raise DataError(f"The pixels of images must be numbers, but X is {values.dtype}.")
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    if not (low >= 0 and high <= 255):  # also where there is a NaN
        raise DataError(f"Pixels must be numbers from 0 to 255, or from 0 to 1, but these are from {low} to {high}.")
    white = 1.0 if high <= 1 else 255.0 if high > 127 else high
    whole = values.dtype.kind in "biu" or (high > 1 and bool((values == np.round(values)).all()))
    kind = ClipContainer if len(shape) == ClipContainer.axes else ImageContainer
    return kind(shape, white, whole, values.dtype, flat, isinstance(X, list | tuple), high)


def _dense(rows: Any) -> NDArray[Any]:
    return np.asarray(rows.toarray() if hasattr(rows, "toarray") else rows)
