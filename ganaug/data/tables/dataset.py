"""A table and the label of each of its rows."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ganaug.data.labels import Label, check_labels
from ganaug.data.tables.codec import TableCodec
from ganaug.data.tables.words import warn_of_words
from ganaug.errors import DataError, warn
from ganaug.files import StrPath

if TYPE_CHECKING:
    from pandas import DataFrame, Series

__all__ = ["LabelledTable", "from_frame", "labels_of", "split_target"]


@dataclass(frozen=True)
class LabelledTable:
    """A table to learn from; make one with `from_frame`.

    Attributes
    ----------
    frame : DataFrame
        The features.
    labels : ndarray of shape (n,), int64
        Indices into `classes`.
    classes : tuple of str, int or bool
        The labels that there are, sorted.
    codec : TableCodec
        What is known of the columns.
    target : str
        The name of the labels' column.
    """

    frame: "DataFrame"
    labels: NDArray[np.int64]
    classes: tuple[Label, ...]
    codec: TableCodec
    target: str = "target"

    @property
    def counts(self) -> dict[Label, int]:
        """How many rows each class has."""
        counts = np.bincount(self.labels, minlength=len(self.classes)).tolist()
        return dict(zip(self.classes, counts, strict=True))

    @cached_property
    def fingerprint(self) -> str:
        """The sha256 of all columns, their values, and the labels, in their order: 64 hexadecimal digits."""
        import pandas as pd

        digest = hashlib.sha256(json.dumps([self.codec.to_state(), self.classes]).encode())
        for position in range(self.frame.shape[1]):
            digest.update(pd.util.hash_pandas_object(self.frame.iloc[:, position], index=False).to_numpy().tobytes())
        digest.update(self.labels.astype("<i8").tobytes())
        return digest.hexdigest()


def from_frame(
    frame: "DataFrame", labels: ArrayLike, *, categorical_features: Any = "auto", target: str = "target"
) -> LabelledTable:
    """Take a table and its labels from memory.

    Parameters
    ----------
    frame : DataFrame
        The features.
    labels : array-like of shape (n,)
        One for each row: text, whole numbers, or true and false.
    categorical_features
        As in `TableCodec.fit`.
    target : str, default="target"
        The name of the labels' column.

    Returns
    -------
    LabelledTable

    Raises
    ------
    DataError
        If a label is missing or of another kind, there are fewer than two classes, no column varies, or the codec
        refuses the table.

    Warns
    -----
    GanaugWarning
        If a class has one row alone, or a column holds texts that are something else than words: see `warn_of_words`.

    Examples
    --------
    >>> import pandas as pd
    >>> table = from_frame(pd.DataFrame({"height": [1.6, 1.7, 1.9, 1.8]}), ["a", "b", "a", "b"])
    >>> table.counts
    {'a': 2, 'b': 2}
    """
    values = [_plain(label) for label in np.asarray(labels, dtype=object).ravel().tolist()]
    if len(values) != len(frame):
        raise DataError(f"Each row must have one label, but there are {len(frame)} rows and {len(values)} labels.")
    if len({type(value) for value in values}) > 1:
        kinds = ", ".join(sorted({type(value).__name__ for value in values}))
        raise DataError(f"The labels must all be of one kind, but there are {kinds}: convert them to text, say.")
    classes = tuple(sorted(set(values)))
    if len(classes) < 2:
        raise DataError(f"The labels must have at least two classes, but there is only {list(classes)}.")
    check_labels(classes)
    sizes = Counter(values)
    if alone := [label for label in classes if sizes[label] == 1]:
        warn(
            f"there is one row alone of class {', '.join(map(repr, alone[:5]))}: what is drawn of it can vary only as "
            "other classes do; expect little, and collect more rows"
        )
    index = {label: number for number, label in enumerate(classes)}
    codec = TableCodec.fit(frame, categorical_features=categorical_features)
    if not codec.n_scores and not codec.options:
        raise DataError("At least one column must vary, but all are constant or empty: there is nothing to learn from.")
    warn_of_words(codec.category_columns)
    return LabelledTable(frame, np.array([index[value] for value in values], np.int64), classes, codec, target)


def _plain(label: Any) -> Label:
    value = label.item() if isinstance(label, np.generic) else label
    if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
        return int(value)
    if not isinstance(value, str | int):
        raise DataError(
            f"Labels must be text, whole numbers, or true and false, but one is {value!r}: fill or convert such labels."
        )
    return str(value) if isinstance(value, str) else value


def split_target(frame: "DataFrame", target: str | None, path: StrPath) -> "tuple[DataFrame, Any]":
    """Take the column of labels out of a table.

    Parameters
    ----------
    frame : DataFrame
        As `read_table` gives it.
    target : str or None
        The name of the column.
    path : str or path-like
        Where the table came from, for the messages.

    Returns
    -------
    features : DataFrame
    labels : ndarray of shape (n,), object
        Text, whole numbers, or true and false.

    Raises
    ------
    DataError
        If there is no such column, labels are missing, or they are not classes.
    """
    import pandas as pd

    names = ", ".join(repr(str(name)) for name in list(frame.columns)[:20])
    if target is None:
        raise DataError(f"A table needs a target (--target), the column that holds the classes: {path} has {names}.")
    if target not in frame.columns:
        raise DataError(f"The target (--target) must name a column of {path}, which has {names}, but is {target!r}.")
    labels = labels_of(frame[target])
    known = len(pd.unique(labels))
    if known > max(100, len(frame) // 2):
        raise DataError(f"The labels must be classes, but {target!r} holds {known:,} different values: name another.")
    return frame.drop(columns=target), labels


def labels_of(column: "Series[Any]") -> Any:
    """Return a column's labels as `split_target` does, which says more."""
    import pandas as pd

    if missing := int(column.isna().sum()):
        raise DataError(
            f"Every row must have a label, but {missing:,} have none in {column.name!r} (an empty field, NA, None and "
            "the like): fill or drop them."
        )
    if pd.api.types.is_float_dtype(column.dtype):
        values = column.to_numpy(np.float64)
        fractions = values[(values != np.rint(values)) | (np.abs(values) > 2**53)]
        if len(fractions):
            raise DataError(
                f"The labels must be classes, but {column.name!r} holds numbers such as {fractions[0]:g}: a continuous "
                "target cannot be balanced; cut it into classes first."
            )
        column = column.astype("int64")
    return column.astype(object).to_numpy()
