"""Sample formats: the outputs of a model file, and the samples that users get. One subclass for each kind of data."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ganaug.data.modalities import part_of
from ganaug.errors import DataError

OutputForm = tuple[tuple[int, ...], Any]
"""The shape and dtype of one sample of an output."""
Fits = Callable[[Mapping[str, NDArray[Any]]], NDArray[np.bool_]]
"""Tells which of the samples in the outputs of a model, by name, are wanted, (n,)."""


class SampleFormat(ABC):
    """The format of a model's samples.

    Attributes
    ----------
    modality : str
        The registered name of the kind of data.
    noun : str
        What the samples are, in the plural, for messages.
    outputs : mapping of str to OutputForm
        The outputs that hold the samples, in the order of the model file.
    pass_size : int
        Number of samples that the network draws in one pass. It depends on the format alone, because rounding may
        depend on the size of a pass, and a sample must not depend on how many are drawn.
    seeded_pass_size : int
        The same for samples with a seed each, of which few are needed at once.
    shard_passes : int
        Passes of a shard, of which a cluster draws many: they should take one core some seconds.
    """

    modality: ClassVar[str]
    noun: ClassVar[str]
    outputs: Mapping[str, OutputForm]
    pass_size: int
    seeded_pass_size: ClassVar[int]
    shard_passes: ClassVar[int] = 200

    @classmethod
    @abstractmethod
    def from_schema(cls, schema: Mapping[str, Any]) -> Self:
        """Read the schema of a model file, which is untrusted; raise `FormatError` if it is not valid."""

    @abstractmethod
    def decoded(self, outputs: Mapping[str, NDArray[Any]]) -> Any:
        """Return the samples as users get them, from the outputs by name."""

    def conditions(self, where: Any) -> Fits:  # noqa: ARG002
        """Return a function that tells which rows fulfil conditions; `DataError` if no sample ever does."""
        raise DataError(f"where restricts the rows of a table, but the model makes {self.noun}: leave it out.")

    @abstractmethod
    def points(self, samples: Any) -> NDArray[np.float32]:
        """Return samples as points in Euclidean space, (n, d), as `Dataset.points` does; `DataError` if they differ."""

    def pictures(self, samples: Any) -> NDArray[np.uint8]:  # noqa: ARG002
        """Return samples as pictures (n, height, width, channels); `DataError` if they have none."""
        raise DataError(f"only samples with pictures can be shown as frames, but these are {self.noun}: draw a plot")

    @abstractmethod
    def listed(self, samples: Any) -> Sequence[Any]:
        """Return a list of the samples: images (H, W, C), or rows as tuples of values."""

    @abstractmethod
    def __str__(self) -> str:
        """Describe the samples in a few words."""

    @property
    def side(self) -> int | None:
        """The height of an image in pixels; None for other samples."""
        return None

    def columns(self, samples: Any, labels: NDArray[Any]) -> Any:
        """Return samples and labels side by side: an array of each by name, or a `pyarrow.Table` of rows."""
        return {self.modality: samples, self.label_name: labels}

    @property
    def label_name(self) -> str:
        """The name of the labels, where samples and labels stand side by side as columns."""
        return "label"

    @property
    def column_names(self) -> Sequence[str | int]:
        """The names of the columns of a table; empty for other samples."""
        return ()

    @property
    def ignored_names(self) -> Sequence[str | int]:
        """The names of columns that a table may have beside these; empty for other samples."""
        return ()

    @property
    def cached_form(self) -> OutputForm | None:
        """Shape and dtype of a sample as caches keep it, or None if samples are drawn as fast as they are read."""
        return None


def format_of(modality: str, schema: Mapping[str, Any]) -> SampleFormat:
    """Return the sample format of a model with this modality, a key of `MODALITIES`, and this schema."""
    found: SampleFormat = part_of(modality, "data.{}.sample_format").FORMAT.from_schema(schema)
    return found
