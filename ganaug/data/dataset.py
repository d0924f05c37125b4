"""Labelled data of any kind: what a training, an evaluation and a report need of it."""

from abc import ABC, abstractmethod
from collections.abc import Hashable
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ganaug.data.labels import listed
from ganaug.errors import DataError

__all__ = ["Dataset"]


class Dataset(ABC):
    """Items, the label of each, and the classes; one subclass for each kind of data.

    Attributes
    ----------
    modality : str
        The registered name of the kind of data (see `ganaug.data.modalities`).
    labels : ndarray of int64, shape (n,)
        For every item, the index of its class in `classes`.
    classes : tuple of str, int or bool
        The labels that there are.
    """

    modality: ClassVar[str]
    labels: NDArray[np.int64]
    classes: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def counts(self) -> dict[Any, int]:
        """Number of items of each class."""
        numbers = np.bincount(self.labels, minlength=len(self.classes))
        return dict(zip(self.classes, numbers.tolist(), strict=True))

    @property
    def label_values(self) -> NDArray[Any]:
        """The label of every item itself, shape (n,), dtype object."""
        values: NDArray[Any] = np.array(self.classes, dtype=object)[self.labels]
        return values

    @property
    @abstractmethod
    def content(self) -> Any:
        """The items, without their labels: an array of images, or a DataFrame."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """SHA-256 of items, labels and classes, 64 hexadecimal digits."""

    @abstractmethod
    def part(self, rows: NDArray[np.int64]) -> Self:
        """Return some of the items. All classes stay, even those that lose all of their items."""

    @abstractmethod
    def joined(self, other: Self) -> Self:
        """Return the items of both, these first."""

    @abstractmethod
    def like(self, content: Any, labels: NDArray[np.int64]) -> Self:
        """Return other items in the form of these, such as a generator's samples; `DataError` if they are not alike."""

    @abstractmethod
    def points(self, reference: Self) -> NDArray[np.float32]:
        """Return the items as points whose distances mean something, float32 (n, d), on the scales of `reference`."""

    @abstractmethod
    def jittered(self, random: np.random.Generator) -> Self:
        """Return the same items, slightly altered."""

    @abstractmethod
    def keys(self) -> list[Hashable]:
        """Return for each item a key; items with equal keys have the same content."""

    @abstractmethod
    def item(self, row: int) -> Any:
        """Return one item for people to look at: an image, or a dict of text by column with the label last."""

    @abstractmethod
    def items(self, rows: NDArray[np.int64]) -> Any:
        """Return several items for people to look at: an array of images, or a DataFrame."""

    def matched_to(self, generator: Any) -> Self:
        """Return the data in the form of a generator's samples.

        Raises
        ------
        DataError
            If the generator makes another kind of data, or has other classes or columns.
        """
        if generator.modality != self.modality:
            raise DataError(
                f"the model must make {self.modality}s like the data, but it makes {generator.modality}s: name the "
                "model that was fitted to this data"
            )
        if set(generator.classes) != set(self.classes):
            raise DataError(
                f"the model must have the classes of the data, which are {listed(self.classes)}, but it has "
                f"{listed(generator.classes)}: fit a model to this data"
            )
        return self._in_form_of(generator.format)

    @abstractmethod
    def _in_form_of(self, form: Any) -> Self: ...

    def was_seen_by(self, generator: Any) -> bool:
        """Tell whether a generator was trained on exactly this data, by the fingerprint in its file."""
        return bool(generator.metadata["fingerprint"] == self.fingerprint)

    def is_in(self, other: Self) -> NDArray[np.bool_]:
        """Tell which items are in other data too, with the same content and the same class, (n,)."""
        learned = set(zip(other.label_values.tolist(), other.keys(), strict=True))
        own = zip(self.label_values.tolist(), self.keys(), strict=True)
        return np.array([item in learned for item in own], bool)

    @property
    def n_repeated(self) -> int:
        """How many items have the content of an earlier one."""
        return len(self) - len(set(self.keys()))
