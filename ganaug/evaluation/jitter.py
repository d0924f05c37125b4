"""Real items, slightly altered: what a placebo injects, and what a search for copies must find."""

from typing import overload

import numpy as np
from numpy.typing import NDArray

from ganaug.data.images.dataset import LabelledImages
from ganaug.data.tables.dataset import LabelledTable
from ganaug.data.tables.numeric import NumericColumn
from ganaug.data.tables.series import numeric_series, numeric_values
from ganaug.errors import DataError

__all__ = ["jittered"]

GREY_LEVELS = 6.0
"""Standard deviation of the noise that pixels get."""
CONTRAST = 0.05
SHARE_OF_SPREAD = 0.03
"""Standard deviation of the noise that numbers get, in terms of the column's."""


@overload
def jittered(data: LabelledImages, rng: np.random.Generator) -> LabelledImages: ...
@overload
def jittered(data: LabelledTable, rng: np.random.Generator) -> LabelledTable: ...
def jittered(data: LabelledImages | LabelledTable, rng: np.random.Generator) -> LabelledImages | LabelledTable:
    """Return the same items with a little noise: images also with other contrast, tables in their numbers alone.

    Numbers keep their bounds, decimals and missing values, so that no constraint gives a copy away.

    Examples
    --------
    >>> import pandas as pd
    >>> from ganaug.data.tables.dataset import from_frame
    >>> table = from_frame(pd.DataFrame({"height": [1.6, 1.7, 1.9, 1.8]}), ["a", "b", "a", "b"])
    >>> jittered(table, np.random.default_rng(0)).frame["height"].between(1.6, 1.9).all().item()
    True
    """
    if isinstance(data, LabelledImages):
        return LabelledImages(_jittered_images(data.images, rng), data.labels, data.classes, data.codec)
    frame = data.frame.copy()
    for position, column in enumerate(data.codec.columns):
        if isinstance(column, NumericColumn) and column.has_score:
            numbers = numeric_values(data.frame.iloc[:, position], column)
            noise = rng.normal(0, SHARE_OF_SPREAD, len(numbers)) * (np.nanstd(numbers) if len(numbers) else 0.0)
            moved = column.from_steps(column.to_steps(np.clip(numbers + noise, *column.bounds)))
            # What is an option of its own, such as an amount of 0, is not a number near that.
            kept = np.isnan(numbers) | np.isin(numbers, column.atoms)
            frame.isetitem(position, numeric_series(column, np.where(kept, numbers, moved)))
    return LabelledTable(frame, data.labels, data.classes, data.codec, data.target)


def _jittered_images(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    if images.ndim != 4:
        raise DataError(f"Images must have the shape (n, height, width, channels), but have {images.shape}.")
    values = images.astype(np.float32)
    mean = values.mean(axis=(1, 2, 3), keepdims=True)
    contrast = rng.uniform(1 - CONTRAST, 1 + CONTRAST, (len(images), 1, 1, 1)).astype(np.float32)
    values = mean + contrast * (values - mean) + rng.normal(0, GREY_LEVELS, images.shape).astype(np.float32)
    pixels: NDArray[np.uint8] = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return pixels
