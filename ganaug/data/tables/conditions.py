"""Conditions on the rows of a table: which values, or which range, some of its columns must have."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganaug.data.json_checks import FLOATS
from ganaug.data.labels import listed, python_value
from ganaug.data.tables.category import MISSING, CategoryColumn
from ganaug.data.tables.codec import Column, TableCodec
from ganaug.data.tables.condition_values import TIMES, number_of
from ganaug.data.tables.numeric import NumericColumn
from ganaug.data.tables.times import is_time, value_text
from ganaug.errors import DataError

_NEAR = Fraction(1, 10**12)
"""Part of a number that its floating point form may be off."""
_LARGEST = 10**290
"""A number beyond this is taken for infinite, so that its steps can be computed."""


class _Numbers(NamedTuple):
    """A condition on a column of numbers: in whole steps if the column has steps."""

    column: NumericColumn
    place: int  # in the output ``numeric``
    ranges: tuple[tuple[float, float], ...]
    missing: bool

    def fits(self, outputs: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
        numbers = outputs["numeric"][:, self.place]
        gone = np.isnan(numbers)
        shown = np.where(gone, 0.0, np.clip(numbers, *self.column.bounds))
        shown = _as_held(self.column, self.column.to_steps(shown))
        fit: NDArray[np.bool_] = gone & self.missing
        for low, high in self.ranges:
            fit |= ~gone & (shown >= low) & (shown <= high)
        return fit


class _Categories(NamedTuple):
    """A condition on a column of categories."""

    place: int  # in the output ``category``
    codes: tuple[int, ...]

    def fits(self, outputs: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
        return np.isin(outputs["category"][:, self.place], self.codes)


@dataclass(frozen=True)
class Conditions:
    """Conditions on some columns of a table, all of which a row must fulfil."""

    on_columns: tuple[_Numbers | _Categories, ...]

    @classmethod
    def of(cls, where: Any, codec: TableCodec) -> "Conditions":
        """Read conditions, and raise `DataError` if no row of the table could ever fulfil one of them.

        Parameters
        ----------
        where : mapping
            For each column a value, a range ``(low, high)`` with both ends included, or a list or set of values and
            ranges, one of which the row must have. An end of a range that is None is open; a value that is None stands
            for a missing one. Times are `pandas.Timestamp`, `datetime`, `date` or ISO text; a date without a time
            stands for the whole day. Durations are `pandas.Timedelta`, `timedelta` or text such as "2 days". Periods
            are `pandas.Period`, times or text; a text such as "2024" stands for all months of the year.
        codec : TableCodec
            The columns.
        """
        if not isinstance(where, Mapping):
            raise DataError(
                f"where must be a mapping from columns to values or ranges, such as {{'age': (18, 30)}}, not "
                f"{where!r:.80}."
            )
        numbers = {column.name: place for place, column in enumerate(codec.numeric_columns)}
        categories = {column.name: place for place, column in enumerate(codec.category_columns)}
        conditions: list[_Numbers | _Categories] = []
        for name, wanted in where.items():
            options = _options(wanted, name)
            if name in numbers:
                place = numbers[name]
                conditions.append(_on_numbers(codec.numeric_columns[place], place, options))
            elif name in categories:
                place = categories[name]
                conditions.append(_Categories(place, _codes(codec.category_columns[place], options)))
            else:
                raise DataError(
                    f"where must name columns of the model, which are {listed(codec.names)}, but names {name!r:.80}: "
                    "correct it; classes are asked for by their counts."
                )
        return cls(tuple(conditions))

    def fits(self, outputs: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
        """Tell which of the rows in the outputs of a model fulfil all conditions, (n,)."""
        rows = len(next(iter(outputs.values())))
        fit = np.ones(rows, np.bool_)
        for one in self.on_columns:
            fit &= one.fits(outputs)
        return fit


def _options(wanted: Any, name: Any) -> list[Any]:
    """Return the values and ranges of which a row must have one."""
    if getattr(wanted, "ndim", 0) == 1:  # an array or a Series
        wanted = wanted.tolist()
    options = list(wanted) if isinstance(wanted, list | set | frozenset) else [wanted]
    if not options:
        raise DataError(f"where must give column {name!r:.80} one value at least, but gives it none: leave it out.")
    for one in options:
        if isinstance(one, tuple) and (len(one) != 2 or all(_is_missing(end) for end in one)):
            raise DataError(
                f"A range must be (low, high), of which one end may be None, but column {name!r:.80} has {one!r:.80}: "
                "correct it; several values are given as a list."
            )
    return [tuple(map(_plain, one)) if isinstance(one, tuple) else _plain(one) for one in options]


def _plain(value: Any) -> Any:
    """Return a scalar of NumPy as Python's own, 0.1 in single precision as 0.1; times as they are."""
    if isinstance(value, np.datetime64 | np.timedelta64):
        return None if np.isnat(value) else value
    return float(str(value)) if isinstance(value, np.floating) else python_value(value)


def _is_missing(value: Any) -> bool:
    import pandas as pd

    is_nan = isinstance(value, float | Decimal) and math.isnan(value)
    return value is None or value is pd.NA or value is pd.NaT or is_nan


def _on_numbers(column: NumericColumn, place: int, options: list[Any]) -> _Numbers:
    ranges = [_range(column, one) for one in options if not _is_missing(one)]
    missing = len(ranges) < len(options)
    if missing and not column.missing:
        raise _never_missing(column)
    return _Numbers(column, place, tuple(ranges), missing)


def _range(column: NumericColumn, option: Any) -> tuple[float, float]:
    """Return the ends of a value or a range; `DataError` if no value of the column lies between them."""
    ends = option if isinstance(option, tuple) else (option, option)
    low, high = (None if _is_missing(end) else number_of(column, end, last=bool(last)) for last, end in enumerate(ends))
    least, most = column.bounds
    first = _in_steps(column, low, up=True) if low is not None else -math.inf
    last = _in_steps(column, high, up=False) if high is not None else math.inf
    known = _as_held(column, column.to_steps(np.array([least, most, *column.atoms, *column.values])))
    if first > last or first > known[1] or last < known[0]:
        raise DataError(
            f"Column {column.name!r:.80} must have a value that where asks for, but it has {_described(column)}, and "
            f"{_shown(option)} has none of them: ask for another value or range."
        )
    inside = bool(((known >= first) & (known <= last)).any())
    if not inside and not column.has_quantile:
        raise DataError(
            f"Column {column.name!r:.80} must have a value that where asks for, but it has only the values "
            f"{listed(sorted(column.atoms))}, and none is {_shown(option)}: ask for one of them."
        )
    if not inside and first == last and column.decimals is None:
        raise DataError(
            f"Column {column.name!r:.80} holds continuous numbers, of which hardly any row has exactly "
            f"{_shown(option)}: ask for a range."
        )
    return first, last


def _in_steps(column: NumericColumn, value: Fraction, *, up: bool) -> float:
    """Return the first step that is not below a value, or the last that is not above it; else the value itself."""
    if abs(value) > _LARGEST:
        return math.inf if value > 0 else -math.inf
    if column.decimals is None:
        return float(_as_held(column, np.array([float(value)]))[0])
    steps = value * 10**column.decimals / column.unit
    if column.kind != "datetime" and abs(steps - round(steps)) <= _NEAR * abs(steps):
        return float(round(steps))
    return float(math.ceil(steps) if up else math.floor(steps))


def _as_held(column: NumericColumn, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return numbers as a column of their dtype would hold them, if it has no steps."""
    if column.decimals is not None or column.dtype not in FLOATS:
        return values
    with np.errstate(over="ignore"):
        held: NDArray[np.float64] = values.astype(column.dtype.lower()).astype(np.float64)
    return held


def _codes(column: CategoryColumn, options: list[Any]) -> tuple[int, ...]:
    """Return the codes of the categories that are asked for; `DataError` if there is no such category."""
    known = {(isinstance(one, bool), one): code for code, one in enumerate(column.categories) if column.counts[code]}
    codes: list[int] = []
    for one in options:
        if _is_missing(one):
            if not column.missing:
                raise _never_missing(column)
            codes.append(MISSING)
            continue
        try:
            own = _in_range(column, one) if isinstance(one, tuple) else [known[isinstance(one, bool), one]]
        except (KeyError, TypeError):
            own = []
        if not own:
            raise DataError(
                f"Column {column.name!r:.80} must have the category that where asks for, but it has "
                f"{listed([one for _, one in known])}, and {_shown(one)} is none of them: ask for one of them."
            )
        codes += own
    return tuple(codes)


def _in_range(column: CategoryColumn, ends: tuple[Any, Any]) -> list[int]:
    """Return the codes of the categories that are numbers in a range."""
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in column.categories):
        raise DataError(
            f"Column {column.name!r:.80} holds categories, which have no ranges, but where asks for {ends!r:.80}: give "
            "a value, or a list of values."
        )
    low, high = (None if _is_missing(end) else end for end in ends)
    return [
        code
        for code, one in enumerate(column.categories)
        if column.counts[code] and (low is None or one >= low) and (high is None or one <= high)
    ]


def _never_missing(column: Column) -> DataError:
    return DataError(
        f"Column {column.name!r:.80} has no missing values, but where asks for them: ask for a value, or leave it out."
    )


def _described(column: NumericColumn) -> str:
    """Say which values a column has."""
    low, high = column.bounds
    if is_time(column.dtype):
        return f"{TIMES[column.kind]} from {value_text(column, low)} to {value_text(column, high)}"
    step = f" in steps of {column.step:g}" if column.step else ""
    return f"values from {low:g} to {high:g}{step}"


def _shown(option: Any) -> str:
    if not isinstance(option, tuple):
        return f"{option!r:.80}" if isinstance(option, str | int | float) else f"{option!s:.80}"
    low, high = (None if _is_missing(end) else f"{end!s:.40}" for end in option)
    return (
        f"a value of at least {low}"
        if high is None
        else f"a value of at most {high}"
        if low is None
        else (f"a value from {low} to {high}")
    )
