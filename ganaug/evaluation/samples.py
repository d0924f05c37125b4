"""Samples of a generator, in the form of the data that they are compared with."""

from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ganaug.data.containers.frames import as_pandas
from ganaug.data.dataset import Dataset
from ganaug.data.labels import listed
from ganaug.errors import DataError

D = TypeVar("D", bound=Dataset)


class Sampler(Protocol):
    """The part of a generator that an evaluation needs; `Generator` has it."""

    def sample(self, n: Any, seed: Any = None, *, screened: bool = False) -> tuple[Any, NDArray[Any]]:
        """Return items and labels for a mapping from label to number."""


def draw(sampler: Sampler, data: D, counts: NDArray[np.int64], seed: Any) -> D:
    """Draw `counts` (n_classes,) samples of each class, in the order of ``data.classes`` and in the form of `data`.

    Raises `DataError` if the sampler, or what it returns, is not usable.
    """
    if not hasattr(sampler, "sample"):
        raise DataError(
            f"The trainer must return something with sample(), but returned a {type(sampler).__name__}: return a "
            "Generator, or an object with that method."
        )
    wanted = {label: int(count) for label, count in zip(data.classes, counts, strict=True) if count}
    content, labels = map(as_pandas, sampler.sample(wanted, seed, screened=True))
    index = {label: number for number, label in enumerate(data.classes)}
    given = [label.item() if isinstance(label, np.generic) else label for label in labels]
    if unknown := [label for label in given if label not in index]:
        raise DataError(
            f"The samples must have labels of the data, which are {listed(data.classes)}, but one has "
            f"{unknown[0]!r:.40}: let sample() return the labels that it is asked for."
        )
    return data.like(content, np.array([index[label] for label in given], np.int64))
