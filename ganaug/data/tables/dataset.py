"""Labelled tables: the rows, their labels, and what a training, an evaluation and a report need of them."""

import hashlib
import json
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ganaug.data.dataset import Dataset
from ganaug.data.labels import Label, check_labels, listed, plain_label
from ganaug.data.tables.codec import TableCodec
from ganaug.data.tables.compact_dates import warn_about_compact_dates
from ganaug.data.tables.constraints.declared import Declared
from ganaug.data.tables.csv_format import CsvFormat
from ganaug.data.tables.numeric import NumericColumn
from ganaug.data.tables.points import row_points
from ganaug.data.tables.rules import AUTO, Rules
from ganaug.data.tables.series import numeric_series, numeric_values, standard_frame
from ganaug.data.tables.text_warnings import warn_about_texts
from ganaug.data.targets import check_classes
from ganaug.errors import DataError, warn
from ganaug.files import StrPath

if TYPE_CHECKING:
    from pandas import DataFrame, Series

JITTER_SHARE = 0.03
"""Standard deviation of the noise in jittered numbers, as a share of the standard deviation of the column."""


@dataclass(frozen=True, eq=False)
class LabelledTable(Dataset):
    """A labelled table; `from_frame` makes one."""

    modality = "table"

    frame: "DataFrame"  # the features
    labels: NDArray[np.int64]  # (n,), indices into `classes`
    classes: tuple[Label, ...]  # the distinct labels, sorted
    codec: TableCodec
    target: str = "target"  # the name of the column of labels
    ignored: tuple[str | int, ...] = ()  # the columns of the table that are not among the features
    csv: CsvFormat | None = None  # the format of the file, if the table is from one
    rules: Rules = AUTO  # rules between columns that the user declares, or switches off

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the columns, their values and the labels, in their order, 64 hexadecimal digits."""
        import pandas as pd

        digest = hashlib.sha256(json.dumps([self.codec.to_state(), self.classes]).encode())
        for position in range(self.frame.shape[1]):
            digest.update(pd.util.hash_pandas_object(self.frame.iloc[:, position], index=False).to_numpy().tobytes())
        digest.update(self.labels.astype("<i8").tobytes())
        return digest.hexdigest()

    @property
    def content(self) -> "DataFrame":
        """The rows."""
        return self.frame

    @property
    def columns(self) -> tuple[Any, ...]:
        """The description of each column."""
        return self.codec.columns

    def part(self, rows: NDArray[np.int64]) -> Self:
        """Return some of the rows.

        The columns are described anew from these rows alone, so that nothing of the other rows leaks. No column of
        categories becomes a column of numbers.
        """
        frame = self.frame.iloc[rows].reset_index(drop=True)
        categories = [column.name for column in self.codec.category_columns if column.name in frame.columns]
        codec = TableCodec.fit(frame, categorical_features=categories)
        return replace(self, frame=frame, labels=self.labels[rows], codec=codec)

    def joined(self, other: Self) -> Self:
        """Return the rows of both, these first. The columns are described anew from all rows."""
        import pandas as pd

        frame = pd.concat([self.frame, other.frame[list(self.frame.columns)]], ignore_index=True)
        labels = np.concatenate([self.label_values, other.label_values])
        return replace(self._made_of(frame, labels), rules=self.rules)

    def like(self, content: Any, labels: NDArray[np.int64]) -> Self:
        """Return other rows with the columns and classes of this table."""
        columns = list(getattr(content, "columns", []))
        if lacking := [name for name in self.frame.columns if name not in columns]:
            raise DataError(
                f"The samples must be a table with the columns of the data, but lack {listed(lacking)}: let sample() "
                "return a DataFrame with the columns that it was trained on."
            )
        return replace(self, frame=content[list(self.frame.columns)].reset_index(drop=True), labels=labels)

    def points(self, reference: Self) -> NDArray[np.float32]:
        """Return numbers as quantiles of a standard normal, and categories one-hot, at distance 1 from each other."""
        return row_points(self.frame, reference.codec)

    def jittered(self, random: np.random.Generator) -> Self:
        """Return the rows with a little noise in their numbers, which keep their bounds and decimals."""
        frame = self.frame.copy()
        for position, column in enumerate(self.codec.columns):
            if isinstance(column, NumericColumn) and column.has_quantile:
                numbers = numeric_values(self.frame.iloc[:, position], column)
                noise = random.normal(0, JITTER_SHARE, len(numbers)) * (np.nanstd(numbers) if len(numbers) else 0.0)
                moved = column.from_steps(column.to_steps(np.clip(numbers + noise, *column.bounds)))
                # An atom, such as an amount of 0, is no neighbour of other numbers.
                kept = np.isnan(numbers) | np.isin(numbers, column.atoms)
                frame.isetitem(position, numeric_series(column, np.where(kept, numbers, moved)))
        return replace(self, frame=frame)

    def keys(self) -> list[Hashable]:
        """Return a hash of the values of each row."""
        import pandas as pd

        return list(pd.util.hash_pandas_object(self.frame, index=False))

    @property
    def n_repeated(self) -> int:
        """How many rows have the values of an earlier one."""
        return int(self.frame.duplicated().sum())

    def is_in(self, other: Self) -> NDArray[np.bool_]:
        """Tell which rows are in another table too, with the same class, (n,).

        In a table of few columns with few values each, rows of different people may be equal by chance. Nothing tells
        them from leaked rows, and so they count.
        """
        both = other.joined(self)  # so that columns have equal dtypes, and equal values equal hashes
        rows = list(zip(both.labels.tolist(), both.keys(), strict=True))
        learned = set(rows[: len(other)])
        return np.array([row in learned for row in rows[len(other) :]], bool)

    def item(self, row: int) -> dict[str, str]:
        """Return a row as text by column, the label last."""
        cells = {str(name): _text(self.frame.iloc[row, place]) for place, name in enumerate(self.frame.columns)}
        return cells | {self.target: str(self.classes[self.labels[row]])}

    def items(self, rows: NDArray[np.int64]) -> "DataFrame":
        """Return several rows."""
        return self.frame.iloc[rows].reset_index(drop=True)

    def was_seen_by(self, generator: Any) -> bool:
        """Tell whether a generator was trained on exactly this table, perhaps with its rows in another order.

        The fingerprint depends on the order of the rows. Tables whose classes have the same sizes and whose columns
        have the same quantiles are taken for the same table in another order.
        """
        if super().was_seen_by(generator):
            return True
        sizes = dict(zip(generator.classes, generator.metadata["class_counts"], strict=True))
        ours, theirs = ({column.name: column for column in codec.columns} for codec in (self.codec, generator.codec))
        return sizes == self.counts and ours == theirs

    def matched_to(self, generator: Any) -> Self:
        """Return the table with the rules that are declared in a model file, if they hold in it."""
        matched = super().matched_to(generator)
        rules = generator.metadata["schema"].get("rules")  # from an untrusted file, so of any form
        try:
            declared = Rules.read((rules or {}).get("declared", "auto"), matched.codec.names)
            Declared.of(declared, matched.codec, matched.codec.exact(matched.codec.values(matched.frame).numbers))
        except (AttributeError, DataError):
            return matched
        return replace(matched, rules=declared)

    def _in_form_of(self, form: Any) -> Self:
        if set(form.codec.names) != set(self.codec.names):
            raise DataError(
                f"the model must have the columns of the data, which are {listed(self.codec.names)}, but it has "
                f"{listed(form.codec.names)}: fit a model to this table"
            )
        return self

    def grouped_by(self, name: str, *, keep: bool = False) -> tuple[Self, Sequence[Any]]:
        """Return the rows without a column, and the values of the column."""
        frame, values = split_groups(self.frame, name, keep=keep)
        return self._made_of(frame, self.label_values), values

    def _made_of(self, frame: "DataFrame", labels: ArrayLike) -> Self:
        kept: dict[str, Any] = {"target": self.target, "ignored": self.ignored, "csv": self.csv}
        return from_frame(frame, labels, **kept)  # type: ignore[return-value]


def split_groups(frame: "DataFrame", name: str, *, keep: bool = False) -> "tuple[DataFrame, Series[Any]]":
    """Return a frame without a column, unless `keep` is true, and the column; `DataError` if there is none."""
    if name not in frame.columns:
        names = ", ".join(map(repr, list(frame.columns)[:20]))
        raise DataError(f"the groups must be a column of the table, which has {names}, but are {name!r}")
    return (frame if keep else frame.drop(columns=name)), frame[name]


def _text(value: Any) -> str:
    """Return a value as text for a person; an empty text if it is missing."""
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{value:.6g}"
    is_missing = not isinstance(value, str) and str(value) in ("None", "<NA>", "NaT", "nan")
    return "" if is_missing else str(value)


def from_frame(
    frame: "DataFrame",
    labels: ArrayLike,
    *,
    categorical_features: Any = "auto",
    target: str = "target",
    ignored: Sequence[str | int] = (),
    csv: CsvFormat | None = None,
    rules: Any = "auto",
) -> LabelledTable:
    """Make a labelled table of a DataFrame and its labels, (n,): text, whole numbers, or true and false.

    `categorical_features` is as in `TableCodec.fit`, `target` the name of the column of labels, `ignored` the names of
    columns that were left out of the frame, `csv` the format of the file that the rows are from, and `rules` as in
    `Rules.read`.

    Raise `DataError` if a label is missing or of another kind, there are fewer than two classes, no column varies, a
    declared rule does not hold in every row, or `TableCodec` cannot represent the table. Warn if a class has a single
    row, and as `warn_about_texts` and `warn_about_compact_dates` do.
    """
    check_classes(labels, "the target")
    values = [plain_label(label) for label in np.asarray(labels, dtype=object).ravel().tolist()]
    if len(values) != len(frame):
        raise DataError(
            f"Each row must have one label, but there are {len(frame)} rows and {len(values)} labels: correct them."
        )
    if len({type(value) for value in values}) > 1:
        kinds = ", ".join(sorted({type(value).__name__ for value in values}))
        raise DataError(
            f"The labels must all be of one kind, but there are {kinds}: convert them to text, with "
            "[str(label) for label in y] for example."
        )
    classes = tuple(sorted(set(values)))
    if len(classes) < 2:
        raise DataError(
            f"The labels must have at least two classes, but there is only {list(classes)}: add rows of another class."
        )
    check_labels(classes)
    sizes = Counter(values)
    if alone := [label for label in classes if sizes[label] == 1]:
        warn(
            f"there is one row alone of class {', '.join(map(repr, alone[:5]))}: its synthetic rows can vary only as "
            "those of other classes do; collect more rows"
        )
    index = {label: number for number, label in enumerate(classes)}
    frame = standard_frame(frame)
    codec = TableCodec.fit(frame, categorical_features=categorical_features)
    if not codec.n_quantiles and not codec.options:
        raise DataError("At least one column must vary, but all are constant or empty: add a column that varies.")
    warn_about_texts(codec.category_columns)
    warn_about_compact_dates(frame)
    barred = dict.fromkeys(ignored, "is ignored") | {target: "holds the classes"}
    declared = Rules.read(rules, codec.names, barred)
    if declared.texts:
        Declared.of(declared, codec, codec.exact(codec.values(frame).numbers))  # refuses rules that do not hold
    coded = np.array([index[value] for value in values], np.int64)
    return LabelledTable(frame, coded, classes, codec, target, tuple(ignored), csv, declared)


def split_target(frame: "DataFrame", target: str | None, path: StrPath) -> "tuple[DataFrame, Any]":
    """Return the features of a table, and its labels, (n,), as `labels_of` does; messages name the `path` of its file.

    Raise `DataError` if there is no such column, or its values are missing or no classes.
    """
    import pandas as pd

    names = ", ".join(repr(str(name)) for name in list(frame.columns)[:20])
    if target is None:
        raise DataError(f"A table needs a target (--target), the column that holds the classes: {path} has {names}.")
    if target not in frame.columns:
        raise DataError(f"The target (--target) must name a column of {path}, which has {names}, but is {target!r}.")
    labels = labels_of(frame[target])
    check_classes(frame[target], f"target {target!r}")
    known = len(pd.unique(labels))
    if known > max(100, len(frame) // 2):
        raise DataError(f"The labels must be classes, but {target!r} holds {known:,} different values: name another.")
    return frame.drop(columns=target), labels


def labels_of(column: "Series[Any]") -> Any:
    """Return a column of labels as text, whole numbers, or true and false, (n,); `DataError` if it holds others."""
    import pandas as pd

    if missing := int(column.isna().sum()):
        raise DataError(
            f"Every row must have a label, but {missing:,} have none in {column.name!r} (an empty field or, "
            "beside numbers, NA and the like): fill or drop them."
        )
    check_classes(column, f"target {column.name!r}", distinct=False)
    if pd.api.types.is_float_dtype(column.dtype) or isinstance(column.dtype, pd.ArrowDtype):
        values = column.to_numpy(np.float64)
        if (np.abs(values) > 2**53).any():
            raise DataError(
                f"Labels that are numbers must be at most 2**53 in size, but {column.name!r} has larger ones: convert "
                "it with .astype('str')."
            )
        column = column.astype("int64")
    return column.astype(object).to_numpy()
