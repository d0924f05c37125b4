"""Items in the form of a user's items, made from a generator's samples: the part that all kinds of data share."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from functools import partial
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


class ArrayItemMaker(ItemMaker):
    """Makes items whose samples are arrays: as a folder of this package does, by a transform, or by conversion."""

    takes_transform = True

    def __init__(self, dataset: Any, items: Items, form: Any, transform: Transform) -> None:
        super().__init__(dataset, items, form, transform)
        real, is_folder = [x for x, _ in items], callable(getattr(dataset, "present", None))
        own_transform = getattr(dataset, "transform", None)
        self._formed: Callable[[Any], Any]
        if transform is not None:
            self._formed = self.suitable(transform, real, form, "synthetic_transform", arrays_first=is_folder)
        elif is_folder:
            self._formed = dataset.present
        elif own_transform is not None:
            self._formed = self.suitable(own_transform, real, form, "the dataset's `transform`", arrays_first=False)
        else:
            self._formed = self.conversion(real, form)

    def formed(self, sample: Sample) -> Any:
        """Return a sample in the form of the user's."""
        return self._formed(sample)

    @staticmethod
    @abstractmethod
    def suitable(
        transform: Callable[..., Any], real: list[Any], form: Any, name: str, *, arrays_first: bool
    ) -> Callable[[Any], Any]:
        """Find by trial what a transform takes, and return the function from a sample to what it makes of it.

        `DataError`, which calls the transform by its `name`, if that is nothing like the real ones. A transform that
        takes arrays as well as other things is given arrays if `arrays_first`.
        """

    @staticmethod
    @abstractmethod
    def conversion(real: list[Any], form: Any) -> Callable[[Any], Any]:
        """Return the conversion of a sample to the form of the real ones; `DataError` if it is not known."""


def chained(
    transform: Callable[..., Any], takes: Iterable[Callable[[Any], Any]], trial: Any, real: Any
) -> tuple[Callable[[Any], Any] | None, str]:
    """Find the first conversion after which a transform makes of a trial sample what is like a real item.

    Returns conversion and transform in one function, or None and what the first conversion led to.
    """
    failures = []
    for convert, made, error in tried(takes, lambda convert: transform(convert(trial))):
        if not error and described(made) == described(real):
            return partial(_in_turn, convert, transform), ""
        failures.append(error or described(made))
    return None, failures[0]


def _in_turn(convert: Callable[[Any], Any], transform: Callable[..., Any], sample: Any) -> Any:
    return transform(convert(sample))


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
