"""Images as the user holds them, in arrays or as flat rows <-> uint8 pixels."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug.data.containers.rows import Form, named_columns
from ganaug.data.images.codec import unpadded
from ganaug.errors import DataError

__all__ = ["ImageForm", "image_form"]


@dataclass(frozen=True)
class ImageForm(Form):
    """Images of one shape, with values from 0 to `top`.

    Attributes
    ----------
    shape : tuple of int
        Height and width, and the channels where the user's images have this axis.
    top : float
        What white is.
    whole : bool
        Whether all values are whole numbers.
    dtype : numpy dtype
        Of the values.
    flat : Form or None
        What flat rows are; None for arrays of images.
    listed : bool
        Whether the images came as nested lists.
    high : float
        The largest value that there is.
    """

    shape: tuple[int, ...]
    top: float
    whole: bool
    dtype: np.dtype[Any]
    flat: Form | None = None
    listed: bool = False
    high: float = field(default=0.0, compare=False)

    def encode(self, X: Any) -> NDArray[np.uint8]:
        """Return uint8 images of shape (n, height, width, channels)."""
        values = _dense(X).astype(np.float64).reshape(-1, *self.shape)
        pixels = np.round(values * (255 / self.top)).astype(np.uint8)
        return pixels if pixels.ndim == 4 else pixels[..., None]

    def widened(self, X: Any, samples: NDArray[np.uint8]) -> Self:
        """Return this form, with wide enough columns for flat rows; `on_scale_of` has seen to arrays."""
        return self if self.flat is None else replace(self, flat=self.flat.widened(X, self._flat(samples)))

    def decode(self, samples: NDArray[np.uint8]) -> Any:
        """Return images of this form."""
        if self.flat is not None:
            return self.flat.decode(self._flat(samples))
        images = self._values(samples)
        return images.tolist() if self.listed else images

    def _flat(self, samples: NDArray[np.uint8]) -> pd.DataFrame:
        rows = self._values(samples).reshape(len(samples), -1)
        return pd.DataFrame(rows, columns=named_columns(range(rows.shape[1])))

    def _values(self, samples: NDArray[np.uint8]) -> NDArray[Any]:
        height, width = self.shape[:2]
        pixels = np.stack([unpadded(image, height, width) for image in samples])
        values = pixels.reshape(-1, *self.shape) * (self.top / 255)
        return (np.round(values) if self.whole else values).astype(self.dtype)

    def stack(self, X: Any, new: Any) -> Any:
        """Return the images of `X` and the new ones in one container."""
        if self.flat is not None:
            return self.flat.stack(X, new)
        return [*X, *new] if self.listed else np.concatenate([np.asarray(X), new])

    def on_scale_of(self, other: Form) -> "ImageForm":
        """Return this form with the range of another, from which images of it were learned, unless it shows its own.

        The largest value of these images may be less than what white is, as in dark ones, and so tells little.

        Raises
        ------
        DataError
            If the shapes differ, or the ranges do and it cannot be told how.
        """
        if not isinstance(other, ImageForm):
            return self
        if (*self.shape, 1)[:3] != (*other.shape, 1)[:3]:
            raise DataError(f"Images must be of shape {other.shape}, as in fit, but are of {self.shape}: reshape them.")
        fractions = self.dtype.kind == "b" or (self.dtype.kind == "f" and 0 < self.high <= 1)
        if (fractions and other.top > 1) or (self.top == 255 and other.top == 1):
            return self
        if self.top > 1 >= other.top or (self.top == 255 > other.top and self.dtype != other.dtype):
            raise DataError(
                f"Pixels must be numbers from 0 to {other.top:g}, as in fit, but these are {self.dtype} and go to "
                f"{self.high:g}: bring them to that range, or fit again."
            )
        narrow = self.dtype.kind in "iu" and other.top > np.iinfo(self.dtype).max
        dtype = np.result_type(self.dtype, np.uint8) if narrow else self.dtype
        return replace(self, top=other.top, whole=other.whole or dtype.kind in "biu", dtype=dtype)


def image_form(X: Any, rows: Any, image_shape: Sequence[int] | None, flat: Form | None) -> ImageForm:
    """Find out the form of images.

    The values are taken to run from 0 to 1 if none is larger than 1, from 0 to 255 if the largest is above 127, and
    from 0 to the largest otherwise (as in scikit-learn's digits, 0 to 16). Whole numbers come back as whole numbers.

    Parameters
    ----------
    X : object
        The user's images.
    rows : ndarray, sparse matrix or DataFrame
        The same, validated.
    image_shape : sequence of int or None
        Height, width and perhaps channels; needed for flat rows only.
    flat : Form or None
        The form of flat rows.

    Raises
    ------
    DataError
        If shapes do not fit together, or the values are no pixels.

    Examples
    --------
    >>> flat = np.tile(np.arange(17.0), (2, 1))[:, :16]
    >>> form = image_form(flat, flat, (4, 4), None)
    >>> form.top, form.whole, form.encode(flat).shape
    (15.0, True, (2, 4, 4, 1))
    """
    values = _dense(rows)
    shape = tuple(int(side) for side in (values.shape[1:] if image_shape is None else image_shape))
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise DataError(f"image_shape must be (height, width) or (height, width, channels), but is {shape}.")
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
    top = 1.0 if high <= 1 else 255.0 if high > 127 else high
    whole = values.dtype.kind in "biu" or (high > 1 and bool((values == np.round(values)).all()))
    return ImageForm(shape, top, whole, values.dtype, flat, isinstance(X, list | tuple), high)


def _dense(rows: Any) -> NDArray[Any]:
    return np.asarray(rows.toarray() if hasattr(rows, "toarray") else rows)
