"""Labelled data of either kind: parts of it, samples in its form, and its items as points in a space of distances."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganaug.data.images.codec import ImageCodec
from ganaug.data.images.dataset import LabelledImages
from ganaug.data.tables.codec import TableCodec
from ganaug.data.tables.dataset import LabelledTable
from ganaug.errors import DataError

__all__ = ["Data", "Sampler", "draw", "matched_to", "modality_of", "part", "points"]

Data = LabelledImages | LabelledTable
D = TypeVar("D", bound=Data)

PIXEL_SIDE = 16
"""Side that images are pooled to before distances: what a shift by a pixel moves there is little."""


class Sampler(Protocol):
    """What an evaluation needs of a generator; `Generator` has it, and so may something simpler."""

    def sample(self, n: Any, seed: Any = None, *, screened: bool = False) -> tuple[Any, NDArray[Any]]:
        """Return items and labels for a mapping from label to number."""


def modality_of(data: Data) -> str:
    """Return "image" or "table"."""
    return "image" if isinstance(data, LabelledImages) else "table"


def part(data: D, rows: NDArray[np.int64]) -> D:
    """Return some of the items; the classes stay, even those that lose all of theirs.

    What is known of a table's columns is learned anew from these rows, so that nothing of the others leaks; which
    columns are categories stays.

    Examples
    --------
    >>> import pandas as pd
    >>> from ganaug.data.tables.dataset import from_frame
    >>> table = from_frame(pd.DataFrame({"height": [1.6, 1.7, 1.9, 1.8]}), ["a", "b", "a", "b"])
    >>> part(table, np.array([0, 1])).codec.columns[0].bounds
    (1.6, 1.7)
    """
    found: Any
    if isinstance(data, LabelledImages):
        files = tuple(data.files[row] for row in rows) if data.files else ()
        found = replace(data, images=data.images[rows], labels=data.labels[rows], files=files)
        return found  # type: ignore[no-any-return]
    assert isinstance(data, LabelledTable)  # noqa: S101
    frame = data.frame.iloc[rows].reset_index(drop=True)
    categories = [column.name for column in data.codec.category_columns]
    codec = TableCodec.fit(frame, categorical_features=[name for name in categories if name in frame.columns])
    found = replace(data, frame=frame, labels=data.labels[rows], codec=codec)
    return found  # type: ignore[no-any-return]


def draw(sampler: Sampler, data: D, counts: NDArray[np.int64], seed: Any) -> D:
    """Return so many samples of each class, in the form of `data`.

    Parameters
    ----------
    sampler : Sampler
        With the classes of `data`, in any order.
    data : LabelledImages or LabelledTable
        What the samples shall be like.
    counts : ndarray of shape (n_classes,)
        In the order of ``data.classes``.
    seed : int or sequence of int

    Raises
    ------
    DataError
        If what comes is not like the data.
    """
    if not hasattr(sampler, "sample"):
        raise DataError(
            f"The trainer must return something with sample(), but returned a {type(sampler).__name__}: return a "
            "Generator, or an object with that method."
        )
    wanted = {label: int(count) for label, count in zip(data.classes, counts, strict=True) if count}
    content, labels = sampler.sample(wanted, seed, screened=True)
    index = {label: number for number, label in enumerate(data.classes)}
    given = [_plain(label) for label in labels]
    if unknown := [label for label in given if label not in index]:
        raise DataError(
            f"The samples must have labels of the data, which are {_listed(data.classes)}, but one has "
            f"{unknown[0]!r:.40}: let sample() return the labels that it is asked for."
        )
    codes = np.array([index[label] for label in given], np.int64)
    made: Any
    if isinstance(data, LabelledImages):
        images = np.asarray(content, np.uint8)
        if images.shape[1:] != data.images.shape[1:]:
            raise DataError(f"The samples must have the shape {data.images.shape[1:]}, but have {images.shape[1:]}.")
        made = replace(data, images=images, labels=codes, files=())
    else:
        assert isinstance(data, LabelledTable)  # noqa: S101
        columns = list(getattr(content, "columns", []))
        if lacking := [name for name in data.frame.columns if name not in columns]:
            raise DataError(
                f"The samples must be a table with the columns of the data, but lack {_listed(lacking)}: let sample() "
                "return a DataFrame with the columns that it was trained on."
            )
        made = replace(data, frame=content[list(data.frame.columns)].reset_index(drop=True), labels=codes)
    return made  # type: ignore[no-any-return]


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label


def matched_to(data: Data, generator: Any) -> Data:
    """Give images the size and channels of a generator's, and refuse a generator of other data.

    Raises
    ------
    DataError
        If it makes another kind of data, or has other classes or columns.
    """
    kind = modality_of(data)
    if generator.modality != kind:
        raise DataError(f"the model must make {kind}s like the data, but it makes {generator.modality}s")
    if set(generator.classes) != set(data.classes):
        raise DataError(
            f"the model must have the classes of the data, which are {_listed(data.classes)}, but it has "
            f"{_listed(generator.classes)}: fit a model to this data"
        )
    if isinstance(data, LabelledTable):
        if set(generator.codec.names) != set(data.codec.names):
            raise DataError(
                f"the model must have the columns of the data, which are {_listed(data.codec.names)}, but it has "
                f"{_listed(generator.codec.names)}: fit a model to this table"
            )
        return data
    shape = generator.image_shape
    if data.images.shape[1:] == shape:
        return data
    codec = ImageCodec(shape[0], shape[2])
    return replace(data, images=np.stack([codec.encode(image) for image in data.images]), codec=codec)


def _listed(names: Mapping[Any, Any] | Any) -> str:
    shown = ", ".join(f"{name!r:.40}" for name in list(names)[:8])
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def points(data: Data, like: Data) -> NDArray[np.float32]:
    """Return items as points whose distances mean something, float32 (n, d).

    Images are pooled to 16 pixels a side, in units of white. Numbers of a table become quantiles of a normal
    distribution and categories corners one apart, both as the columns of `like` have them.
    """
    if isinstance(data, LabelledImages):
        return _pooled(data.images)
    assert isinstance(like, LabelledTable)  # noqa: S101
    from ganaug.networks.perceptron import RowLayout

    layout = RowLayout.of(like.codec)
    rows: NDArray[np.float32] = layout.rows(like.codec.encode(data.frame))
    rows[:, layout.n_scores :] /= np.sqrt(2)
    return rows


def _pooled(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    n, height, width, channels = images.shape
    if min(height, width) > PIXEL_SIDE:
        if height % PIXEL_SIDE or width % PIXEL_SIDE:
            small = [np.asarray(Image.fromarray(one.squeeze()).resize((PIXEL_SIDE, PIXEL_SIDE))) for one in images]
            images = np.stack(small).reshape(n, PIXEL_SIDE, PIXEL_SIDE, channels)
        else:
            blocks = images.reshape(n, PIXEL_SIDE, height // PIXEL_SIDE, PIXEL_SIDE, width // PIXEL_SIDE, channels)
            means: NDArray[np.float32] = blocks.mean(axis=(2, 4), dtype=np.float32).reshape(n, -1) / np.float32(255)
            return means
    return images.reshape(n, -1).astype(np.float32) / np.float32(255)
