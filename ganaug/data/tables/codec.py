"""The codec of a table: conversion between a DataFrame and the quantiles and choices that networks learn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ganaug.data.json_checks import is_name, items, require, to_json_object
from ganaug.data.labels import listed
from ganaug.data.tables.category import KINDS as CATEGORY_KINDS
from ganaug.data.tables.category import CategoryColumn
from ganaug.data.tables.numeric import KINDS as NUMERIC_KINDS
from ganaug.data.tables.numeric import NumericColumn
from ganaug.data.tables.series import (
    category_codes,
    category_series,
    fit_category,
    fit_numeric,
    holds_categories,
    numeric_series,
    numeric_values,
    standard_series,
)
from ganaug.errors import DataError, FormatError

if TYPE_CHECKING:
    from pandas import DataFrame

Column = NumericColumn | CategoryColumn

MAX_COLUMNS = 10_000
"""Columns of a table; also what an untrusted model file may have."""


class TableValues(NamedTuple):
    """The values of a table, without pandas."""

    numbers: NDArray[np.float64]  # (n, numeric columns), datetimes in seconds since their origin, NaN where missing
    codes: NDArray[np.int64]  # (n, category columns), indices of categories, -1 where missing, -2 where unseen


class Encoded(NamedTuple):
    """A table as networks see it."""

    quantiles: NDArray[np.float32]  # (n, n_quantiles), of the standard normal; 0 where the option has none
    choices: NDArray[np.int64]  # (n, n_choices), the option that each row takes


@dataclass(frozen=True)
class TableCodec:
    """The columns of a table, in its order, which encode it as quantiles and choices.

    A column of numbers has at most one quantile and one choice. A column of categories has at most one choice. A column
    that never varies has neither. Quantiles are in the order of the columns. The choices of all columns of numbers come
    before those of categories. See `NumericColumn` and `CategoryColumn` for the options of a choice.
    """

    columns: tuple[Column, ...]

    @classmethod
    def fit(cls, frame: "DataFrame", *, categorical_features: Any = "auto") -> Self:
        """Describe the columns of a table without its target; `DataError`, with the remedy, if that is impossible.

        `categorical_features` (names, positions or truth values) are further columns of categories; "auto" adds none.
        Columns of dtype bool, text, object or categorical are columns of categories in any case.
        """
        _check_frame(frame)
        chosen = _chosen(categorical_features, list(frame.columns))
        # Renamed, because in a DataFrame the integer names of columns may be integers of numpy.
        columns = (frame.iloc[:, position].rename(name) for position, name in enumerate(frame.columns.tolist()))
        series = map(standard_series, columns)
        return cls(
            tuple(
                fit_category(one) if position in chosen or holds_categories(one) else fit_numeric(one)
                for position, one in enumerate(series)
            )
        )

    @cached_property
    def numeric_columns(self) -> tuple[NumericColumn, ...]:
        """The columns of the output ``numeric``, in its order."""
        return tuple(column for column in self.columns if isinstance(column, NumericColumn))

    @cached_property
    def category_columns(self) -> tuple[CategoryColumn, ...]:
        """The columns of the output ``category``, in its order."""
        return tuple(column for column in self.columns if isinstance(column, CategoryColumn))

    @property
    def n_quantiles(self) -> int:
        """Number of quantiles."""
        return sum(column.has_quantile for column in self.numeric_columns)

    @cached_property
    def choices(self) -> tuple[Column, ...]:
        """The columns with a choice, in the order of the choices."""
        columns: tuple[Column, ...] = (*self.numeric_columns, *self.category_columns)
        return tuple(column for column in columns if column.options > 1)

    @cached_property
    def options(self) -> tuple[int, ...]:
        """Number of options of each choice."""
        return tuple(column.options for column in self.choices)

    @cached_property
    def quantile_index(self) -> tuple[int, ...]:
        """For each column of numbers the index of its quantile, if it has one."""
        return tuple(count - 1 for count in accumulate(column.has_quantile for column in self.numeric_columns))

    @cached_property
    def choice_index(self) -> tuple[int, ...]:
        """For each column of numbers the index of its choice, if it has one."""
        return tuple(count - 1 for count in accumulate(column.options > 1 for column in self.numeric_columns))

    @property
    def names(self) -> list[str | int]:
        """The names of the columns."""
        return [column.name for column in self.columns]

    def encode(self, frame: "DataFrame", rng: np.random.Generator | None = None) -> Encoded:
        """Turn a table with the fitted columns into quantiles and choices; `DataError` if it has others.

        `NumericColumn.encode` tells what `rng` does, and how values are encoded that the fit has not seen.
        """
        return self.encode_values(self.values(frame), rng)

    def values(self, frame: "DataFrame") -> TableValues:
        """Read the numbers and the categories of a table; `DataError` as in `encode`."""
        self._check_columns(frame)
        numbers: list[NDArray[np.float64]] = []
        codes: list[NDArray[np.int64]] = []
        for place, column in enumerate(self.columns):
            series = frame.iloc[:, place]
            if isinstance(column, NumericColumn):
                numbers.append(numeric_values(series, column))
            else:
                codes.append(category_codes(series, column))
        # Each column is contiguous in memory, because columns are read one at a time.
        return TableValues(
            np.array(numbers, np.float64).reshape(len(numbers), len(frame)).T,
            np.array(codes, np.int64).reshape(len(codes), len(frame)).T,
        )

    def exact(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return numbers (n, n_numeric) in whole steps of their columns, without the rounding errors of sums."""
        exact = [one.from_steps(one.to_steps(own)) for one, own in zip(self.numeric_columns, numbers.T, strict=True)]
        return _side_by_side(exact, len(numbers), np.float64)

    def choices_of(self, values: TableValues) -> NDArray[np.int64]:
        """Return only the choices of `encode_values`, (n, n_choices)."""
        numbers = zip(self.numeric_columns, values.numbers.T, strict=True)
        options = [column.options_of(own) for column, own in numbers if column.options > 1]
        return _side_by_side(options + self._category_options(values), len(values.numbers), np.int64)

    def encode_values(self, values: TableValues, rng: np.random.Generator | None = None) -> Encoded:
        """Turn the values of a table into quantiles and choices; see `encode`."""
        quantiles: list[NDArray[np.float32]] = []
        options: list[NDArray[np.int64]] = []
        for column, own in zip(self.numeric_columns, values.numbers.T, strict=True):
            quantile, option = column.encode(own, rng)
            quantiles += [quantile] * column.has_quantile
            options += [option] * (column.options > 1)
        rows = len(values.numbers)
        choices = _side_by_side(options + self._category_options(values), rows, np.int64)
        return Encoded(_side_by_side(quantiles, rows, np.float32), choices)

    def _category_options(self, values: TableValues) -> list[NDArray[np.int64]]:
        codes = zip(self.category_columns, values.codes.T, strict=True)
        return [column.encode(own) for column, own in codes if column.options > 1]

    def frame(self, numeric: NDArray[Any] | None, category: NDArray[Any] | None) -> "DataFrame":
        """Turn the outputs of a model into a table with the names, order and dtypes of the fitted one.

        `numeric` (n, number of such columns) and `category`, of int64, are as in `TableValues`, without -2. Each is
        None if there are no such columns. Raise `FormatError` if an array has another shape, or values that its columns
        cannot have.
        """
        import pandas as pd

        widths = [(numeric, len(self.numeric_columns)), (category, len(self.category_columns))]
        shapes = [np.shape(array) if array is not None else None for array, _ in widths]
        rows = next((shape[0] for shape in shapes if shape), 0)
        for (_, width), shape in zip(widths, shapes, strict=True):
            if shape != (rows, width) and (shape is not None or width):
                raise FormatError(f"The model must make arrays of {width} columns, but one is {shape}: it is damaged.")
        numbers = iter(np.asarray(numeric, dtype=np.float64).T) if numeric is not None else iter(())
        codes = iter(np.asarray(category, dtype=np.int64).T) if category is not None else iter(())
        arrays = [
            numeric_series(column, next(numbers))
            if isinstance(column, NumericColumn)
            else category_series(column, next(codes))
            for column in self.columns
        ]
        frame = pd.DataFrame(dict(enumerate(arrays)), index=pd.RangeIndex(rows))
        frame.columns = pd.Index(self.names)
        return frame

    def _check_columns(self, frame: "DataFrame") -> None:
        _check_type(frame)
        found, expected = list(frame.columns), self.names
        if found == expected:
            return
        missing = list(dict.fromkeys(expected).keys() - dict.fromkeys(found).keys())
        unexpected = list(dict.fromkeys(found).keys() - dict.fromkeys(expected).keys())
        problems = [f"misses {listed(missing)}"] * bool(missing) + [f"has {listed(unexpected)}"] * bool(unexpected)
        what = " and ".join(problems) or "has them in another order, or twice"
        raise DataError(f"A table must have the columns that were fitted, but this one {what}: correct its columns.")

    def to_state(self) -> dict[str, object]:
        """Return the codec as a JSON object, which holds a summary of each column and no rows."""
        return {"columns": [to_json_object(column) for column in self.columns]}

    @classmethod
    def from_state(cls, state: object) -> Self:
        """Read what `to_state` wrote from an untrusted file, else `FormatError`. Unknown keys are ignored."""
        columns = [_column(one) for one in items(state, "columns", MAX_COLUMNS)]
        require(len(columns) > 0, "there must be columns")
        require(len({column.name for column in columns}) == len(columns), "the columns must have different names")
        return cls(tuple(columns))


def _column(state: Any) -> Column:
    require(isinstance(state, Mapping), "each column must be an object")
    kind, known = state.get("kind"), NUMERIC_KINDS + CATEGORY_KINDS
    require(isinstance(kind, str) and kind in known, f"the kind of a column must be one of {', '.join(known)}")
    return NumericColumn.from_state(state) if kind in NUMERIC_KINDS else CategoryColumn.from_state(state)


def _check_type(frame: object) -> None:
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"A table must be a pandas DataFrame, but this is a {type(frame).__name__}: convert it.")


def _check_frame(frame: "DataFrame") -> None:
    _check_type(frame)
    rows, columns = frame.shape
    if not rows or not 1 <= columns <= MAX_COLUMNS:
        raise DataError(
            f"A table must have rows and 1 to {MAX_COLUMNS:,} columns of features, but this one has {rows:,} rows and "
            f"{columns:,} columns: give it some, or select fewer columns."
        )
    if bad := [name for name in frame.columns if isinstance(name, bool) or not is_name(name)]:
        raise DataError(
            "Column names must be short texts or integers, but there is "
            f"{bad[0]!r:.80}: rename the columns, with frame.columns = frame.columns.map(str) for example."
        )
    if twice := list(dict.fromkeys(frame.columns[frame.columns.duplicated()])):
        raise DataError(f"Column names must be different, but {listed(twice)} come twice: rename or drop them.")


def _chosen(categorical_features: Any, names: list[str | int]) -> set[int]:
    """Return the positions of the columns that are categories by the user's choice."""
    if isinstance(categorical_features, str) and categorical_features == "auto":
        return set()
    wrong = f"categorical_features must be 'auto', a list of column names or positions, or {len(names)} truth values"
    try:
        chosen = np.asarray(categorical_features, dtype=object).tolist()
    except ValueError:
        chosen = None
    if not isinstance(chosen, list):
        raise DataError(f"{wrong}, but it is {categorical_features!r:.80}: give one of these.")
    if chosen and all(isinstance(one, bool | np.bool_) for one in chosen):
        if len(chosen) != len(names):
            raise DataError(f"{wrong}, but there are {len(chosen)} truth values: give one for each column.")
        return {position for position, one in enumerate(chosen) if one}
    positions: dict[Any, int] = {position: position for position in range(len(names))}
    positions |= {name: position for position, name in enumerate(names)}
    unknown = [one for one in chosen if isinstance(one, bool | np.bool_ | list) or one not in positions]
    if unknown:
        raise DataError(f"{wrong}, but there is no column {listed(unknown)}: correct it.")
    return {positions[one] for one in chosen}


def _side_by_side(columns: Sequence[NDArray[Any]], rows: int, dtype: type[np.generic]) -> NDArray[Any]:
    """Return columns (rows,) as one array, (rows, number of columns)."""
    return np.stack(columns, axis=1) if columns else np.zeros((rows, 0), dtype)
