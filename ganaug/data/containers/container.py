"""What a container of a user's rows or images can do."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ganaug.data.dataset import Dataset
from ganaug.data.labels import Label
from ganaug.errors import DataError


class Container(ABC):
    """The type, dtypes and names of a user's `X`: synthetic items are given in the same form."""

    modality: ClassVar[str]
    described: ClassVar[str]
    """The kind of data in a message."""

    @property
    def has_columns(self) -> bool:
        """Whether the user's items are flat rows, so that a table can hold them."""
        return True

    @abstractmethod
    def unwrap(self, X: Any) -> Any:
        """Return the items in the plain form that a `Dataset` holds: a DataFrame, or an array of uint8 images."""

    @abstractmethod
    def wrap(self, samples: Any) -> Any:
        """Return a generator's samples in this container."""

    @abstractmethod
    def append(self, X: Any, new: Any) -> Any:
        """Return the items of `X` followed by the new ones; both are in this container."""

    @abstractmethod
    def copied(self, X: Any) -> Any:
        """Return a copy of `X`, as `append` would return it without new items."""

    @abstractmethod
    def promoted(self, X: Any, samples: Any) -> Self:
        """Return this container with dtypes that hold both the values of `X` and a generator's samples exactly."""

    def kinds(self, X: Any) -> dict[str, str]:  # noqa: ARG002
        """Return the kind of values of each column, by its name; empty for images."""
        return {}

    def matched_to(self, fitted: Self) -> Self:  # noqa: ARG002
        """Return this container, adjusted to the container in fit; `DataError` if that is impossible."""
        return self

    def class_name(self, label: Label) -> Label:
        """Return the name of a class in a model file."""
        return label

    @abstractmethod
    def dataset(
        self,
        X: Any,
        codes: NDArray[np.int64],
        classes: Sequence[Label],
        categorical_features: Any = "auto",
        rules: Any = "auto",
    ) -> Dataset:
        """Return the validated items as a dataset to train on; `DataError` if that is impossible.

        `codes` (n,) are indices into `classes`, the results of `class_name`. `rules` are as in `Rules.read`.
        """


def refuse_rules(rules: Any, described: str) -> None:
    """Raise `DataError` if there are rules for data without columns."""
    if rules is not None and not isinstance(rules, str) and len(rules):
        raise DataError(f"rules must be 'auto' for {described}: they have no columns")
