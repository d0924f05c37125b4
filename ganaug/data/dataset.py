"""The base class of labelled data: all that training, evaluation and reports need."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ganaug.data.labels import listed
from ganaug.errors import DataError


class Dataset(ABC):
    """Labelled items: images, rows of a table, signals, or clips. There is one subclass for each kind of data.

    Attributes
    ----------
    modality : str
        The registered name of the kind of data (see `ganaug.data.modalities`).
    labels : ndarray of int64, shape (n,)
        For each item, the index of its class in `classes`.
    classes : tuple of str, int or bool
        The distinct labels.
    """

    modality: ClassVar[str]
    labels: NDArray[np.int64]
    classes: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def counts(self) -> dict[Any, int]:
        """The number of items of each class."""
        numbers = np.bincount(self.labels, minlength=len(self.classes))
        return dict(zip(self.classes, numbers.tolist(), strict=True))

    @property
    def label_values(self) -> NDArray[Any]:
        """The label of each item, shape (n,), dtype object."""
        values: NDArray[Any] = np.array(self.classes, dtype=object)[self.labels]
        return values

    shows_walks: ClassVar[bool] = False
    """Whether samples along a path through the noise can be shown as frames."""

    @property
    def columns(self) -> tuple[Any, ...]:
        """What is known of each column of a table; empty for data without columns."""
        return ()

    @property
    @abstractmethod
    def content(self) -> Any:
        """The items without labels: an array of images, signals or clips, or a DataFrame."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """The SHA-256 of items, labels and classes, 64 hexadecimal digits."""

    @abstractmethod
    def part(self, rows: NDArray[np.int64]) -> Self:
        """Return the items at these positions. `classes` stays, even if a class has no items left."""

    @abstractmethod
    def joined(self, other: Self) -> Self:
        """Return these items, followed by the items of another dataset with the same classes."""

    @abstractmethod
    def like(self, content: Any, labels: NDArray[np.int64]) -> Self:
        """Return a dataset like this one with other items, such as samples; `DataError` if their form differs."""

    @abstractmethod
    def points(self, reference: Self) -> NDArray[np.float32]:
        """Return the items as points in Euclidean space, float32 (n, d), scaled as the items of `reference` are."""

    @abstractmethod
    def jittered(self, random: np.random.Generator) -> Self:
        """Return the same items with small random changes."""

    @abstractmethod
    def keys(self) -> list[Hashable]:
        """Return a key for each item. Items have equal keys if and only if their content is equal."""

    @abstractmethod
    def item(self, row: int) -> Any:
        """Return one item for display: a picture (H, W, C), or a dict from column to text, with the label last."""

    @abstractmethod
    def items(self, rows: NDArray[np.int64]) -> Any:
        """Return several items for display: an array of pictures (n, H, W, C), or a DataFrame."""

    def matched_to(self, generator: Any) -> Self:
        """Return the dataset in the form of a generator's samples.

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
        """Tell whether a generator was trained on exactly this dataset, by the fingerprint in its file."""
        return bool(generator.metadata["fingerprint"] == self.fingerprint)

    def is_in(self, other: Self) -> NDArray[np.bool_]:
        """Tell which items are also in another dataset, with the same content and label; shape (n,)."""
        others = set(zip(other.label_values.tolist(), other.keys(), strict=True))
        own = zip(self.label_values.tolist(), self.keys(), strict=True)
        return np.array([item in others for item in own], bool)

    @property
    def n_repeated(self) -> int:
        """The number of items whose content equals that of an earlier item."""
        return len(self) - len(set(self.keys()))

    @abstractmethod
    def grouped_by(self, name: str, *, keep: bool = False) -> tuple[Self, Sequence[Any]]:
        """Return the data, and the group of each item.

        Parameters
        ----------
        name : str
            For data in files, a regular expression that is searched for in the name of each file: the group is the
            first capture group, or else the whole match. For a table, a column, which is removed from the data.
        keep : bool
            Whether to keep the column.

        Raises
        ------
        DataError
            If the expression does not match every name, or there is no such column.
        """
