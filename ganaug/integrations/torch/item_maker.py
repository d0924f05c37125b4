"""Items in the form of a user's items, made from a generator's samples: the part that all kinds of data share."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from torch import Tensor

from ganaug.integrations.torch.sample_source import Sample

T = TypeVar("T")
Items = list[tuple[Any, Any]]
"""Pairs (x, label)."""
Transform = Callable[[Any], Any] | None


class ItemMaker(ABC):
    """Makes items like the given ones of a user's dataset. There is one subclass for each kind of data.

    The samples go through `transform`, which may be given if `takes_transform` is true, or through the dataset's own
    `transform`, if it has one. Otherwise the form of the items decides.
    """

    takes_transform: ClassVar[bool]

    @abstractmethod
    def __init__(self, dataset: Any, items: Items, form: Any, transform: Transform) -> None:
        self._label = items[0][1]

    def __call__(self, sample: Sample, label: Any) -> tuple[Any, Any]:
        """Return an item with the content of a sample, and the label in the type, shape and dtype of a real one."""
        example = self._label
        if isinstance(example, Tensor):
            label = torch.full_like(example, label)
        elif isinstance(example, np.ndarray):
            label = np.full(example.shape, label)
        elif isinstance(example, np.generic):
            label = type(example)(label)
        return self.formed(sample), label

    @abstractmethod
    def formed(self, sample: Sample) -> Any:
        """Return a sample in the form of the x of the user's items."""

    @staticmethod
    @abstractmethod
    def without_items(form: Any, transform: Transform) -> Callable[[Sample], Any]:
        """Return the function that makes the x of a stream's item: `transform`, or a conversion to a float32 tensor."""


def tried(candidates: Iterable[T], make: Callable[[T], Any]) -> Iterator[tuple[T, Any, str]]:
    """Yield each candidate with the result for it and "", or with None and a description of the exception."""
    for candidate in candidates:
        try:
            with warnings.catch_warnings(action="ignore"):
                made = make(candidate)
        except Exception as error:  # whatever a user's transform raises for what it does not take
            yield candidate, None, f"{type(error).__name__}: {error}"
        else:
            yield candidate, made, ""


def described(value: Any) -> str:
    """Return the type of a value for a message, and the dtype and shape of a tensor or an array."""
    if isinstance(value, Tensor | np.ndarray):
        kind = "a tensor" if isinstance(value, Tensor) else "an array"
        return f"{kind} of {value.dtype} and shape {tuple(value.shape)}"
    return f"a {type(value).__name__}"
