"""Items in the form of a user's own, made of a generator's samples: what all kinds of data share."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from torch import Tensor

from ganaug.integrations.torch.sample_source import Sample

__all__ = ["ItemMaker", "described", "like_label", "tried"]

T = TypeVar("T")


class ItemMaker(ABC):
    """Makes items in the form of a user's own; one subclass for each kind of data.

    Parameters
    ----------
    dataset : Dataset
        The user's dataset. If it has a `transform`, samples go through this transform.
    items : list of (x, label)
        Some of its items.
    form : SampleFormat
        The form of the generator's samples, of the subclass for this kind of data.
    transform : callable, optional
        What samples go through instead of the dataset's `transform`.

    Attributes
    ----------
    takes_transform : bool
        Whether a `transform` may be given.
    """

    takes_transform: ClassVar[bool]

    @abstractmethod
    def __init__(
        self, dataset: Any, items: list[tuple[Any, Any]], form: Any, transform: Callable[[Any], Any] | None
    ) -> None:
        self._label = items[0][1]

    def __call__(self, sample: Sample, label: Any) -> tuple[Any, Any]:
        """Return an item with the content of a sample."""
        return self.formed(sample), like_label(self._label, label)

    @abstractmethod
    def formed(self, sample: Sample) -> Any:
        """Return a sample in the form of the x of the user's items."""

    @staticmethod
    @abstractmethod
    def without_items(form: Any, transform: Callable[[Any], Any] | None) -> Callable[[Sample], Any]:
        """Return a function that makes a sample the x of a stream, which has no real items.

        The function passes the sample through `transform` or, without one, returns it as a float32 tensor.
        """


def like_label(example: Any, label: Any) -> Any:
    """Return a plain label with the type, shape and dtype of a real one.

    Examples
    --------
    >>> like_label(torch.tensor([3]), 5), like_label("a", "b")
    (tensor([5]), 'b')
    """
    if isinstance(example, Tensor):
        return torch.full_like(example, label)
    if isinstance(example, np.ndarray):
        return np.full(example.shape, label)
    return type(example)(label) if isinstance(example, np.generic) else label


def tried(candidates: Iterable[T], make: Callable[[T], Any]) -> Iterator[tuple[T, Any, str]]:
    """Make something of each candidate.

    Yields
    ------
    candidate, made, error
        What was made, and an empty text; or None, and a text that describes the exception.

    Examples
    --------
    >>> list(tried([2, "a"], lambda x: 1 / x))
    [(2, 0.5, ''), ('a', None, "TypeError: unsupported operand type(s) for /: 'int' and 'str'")]
    """
    for candidate in candidates:
        try:
            with warnings.catch_warnings(action="ignore"):
                made = make(candidate)
        except Exception as error:  # whatever a user's transform raises for what it does not take
            yield candidate, None, f"{type(error).__name__}: {error}"
        else:
            yield candidate, made, ""


def described(value: Any) -> str:
    """Return the type of a value for a message, and the dtype and shape of a tensor or an array.

    Examples
    --------
    >>> described(np.zeros(3)), described([1, 2])
    ('an array of float64 and shape (3,)', 'a list')
    """
    if isinstance(value, Tensor | np.ndarray):
        kind = "a tensor" if isinstance(value, Tensor) else "an array"
        return f"{kind} of {value.dtype} and shape {tuple(value.shape)}"
    return f"a {type(value).__name__}"
