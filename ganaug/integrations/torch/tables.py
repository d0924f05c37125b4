"""Synthetic rows in the form of the rows of a user's dataset: container, dtype, transform."""

import reprlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug.data.tables.codec import Column, TableCodec
from ganaug.data.tables.decimals import DecimalDtype
from ganaug.data.tables.numeric import NumericColumn
from ganaug.data.tables.sample_format import TableFormat
from ganaug.data.tables.series import numeric_series
from ganaug.errors import DataError
from ganaug.integrations.torch.item_maker import ItemMaker, Items, Transform, described, tried

MAX_OUTSIDE = 0.1
"""Largest share of the real values of a column that may lie outside the range that the generator learned."""
MIN_VALUES = 8
"""Fewest values of a column by which its unit is judged."""
TIMES = {"datetime": "dates", "duration": "durations", "period": "periods"}
"""For each kind of column that holds no plain numbers, what it holds."""
REMEDY = (
    "fit a generator to what the items hold, or give the dataset a `transform` that turns a row of the generator into "
    "what its items hold"
)

Row = tuple[Any, ...]
"""A generator's row: the values of the columns."""


class RowMaker(ItemMaker):
    """Makes items of rows, by the dataset's transform or by conversion to the form of real rows."""

    takes_transform = False

    def __init__(self, dataset: Any, items: Items, form: TableFormat, transform: Transform) -> None:
        super().__init__(dataset, items, form, transform)
        rows = [row for row, _ in items]
        self._codec, self._transform = form.codec, getattr(dataset, "transform", None)
        if self._transform is None:
            _check_rows(rows, form.codec)
            self._example = rows[0]
        else:
            self._example = _taken_by(self._transform, rows, form.codec)

    def formed(self, sample: Row) -> Any:
        """Return a row in the form of the user's."""
        row = _like(self._example, sample, self._codec)
        return row if self._transform is None else self._transform(row)

    @staticmethod
    def without_items(form: TableFormat, transform: Transform) -> Callable[[Row], Any]:
        """Return a function that calls the transform with a dict of the columns, or that makes tensors of values."""
        if transform is not None:
            names = form.codec.names
            return lambda row: transform(dict(zip(names, row, strict=True)))
        _check_numbers(form.codec.columns)
        return lambda row: torch.from_numpy(_numbers(row)).float()


MAKER = RowMaker


def _numbers(row: Row) -> NDArray[np.float64]:
    """Return the values of a row without text and dates, NaN where a value is missing."""
    return np.array([np.nan if _is_missing(value) else float(value) for value in row])


def _taken_by(transform: Callable[[Any], Any], real: list[Any], codec: TableCodec) -> Any:
    """Find by trial a kind of row that a transform turns into rows like the real ones; return an example row."""
    row = tuple(map(_typical_value, codec.columns))
    same_kinds, results = None, dict[str, str]()
    for candidate, made, error in tried(_rows_of_each_kind(codec), lambda kind: transform(_like(kind, row, codec))):
        likeness = 0 if error else max(_likeness(made, one) for one in real)
        if likeness == 2:
            return candidate
        if likeness == 1 and same_kinds is None:
            same_kinds = candidate
        results.setdefault(type(candidate).__name__, error or _described(made))
    if same_kinds is not None:
        return same_kinds
    raise DataError(
        "the dataset's `transform` must turn a dict of the generator's columns, or a list, tuple, tensor or array of "
        f"their values, into what its items hold, {_described(real[0])}, but gives {results['dict']}, and for a list "
        f"{results['list']}: let it take the row as it was read, and do all that is done to it"
    )


def _rows_of_each_kind(codec: TableCodec) -> Iterator[Any]:
    """Yield a row of each kind that a transform may take, the likeliest first.

    Dicts come after lists, because what works on a list often works on the keys of a dict too.
    """
    names, n = codec.names, len(codec.names)
    yield from ([0.0] * n, (0.0,) * n, dict.fromkeys(names, 0.0))
    if _first_without_numbers(codec.columns) is None:
        yield from (torch.zeros(n), np.zeros(n), np.zeros(n, np.float32), torch.zeros(n).double())
    for value in (None, np.float64(0), np.float32(0), torch.tensor(0.0)):  # None: the types that the generator gives
        yield from ([value] * n, (value,) * n, dict.fromkeys(names, value))


def _typical_value(column: Column) -> Any:
    """Return a value of a column, with the type that the generator gives it."""
    if not isinstance(column, NumericColumn):
        return (column.categories or (0,))[0]
    value = (column.values or column.atoms or (0.0,))[0]
    if column.kind in TIMES or DecimalDtype.parse(column.dtype):
        return numeric_series(column, np.array([value])).iloc[0]
    return int(value) if column.kind == "integer" else float(value)


def _likeness(made: Any, real: Any) -> int:
    """Compare rows: 2 if containers and values have the same types, 1 if they have the same kinds, else 0."""
    if _form(made) != _form(real) or _keys(made) != _keys(real):
        return 0
    if isinstance(real, Mapping):
        pairs = [(made[name], real[name]) for name in real]
    else:
        pairs = list(zip(made, real, strict=True)) if isinstance(real, list | tuple) else []
    known = [(one, other) for one, other in pairs if _kind(one) is not None and _kind(other) is not None]
    if all(_form(one) == _form(other) for one, other in known):
        return 2
    return int(all(_kind(one) == _kind(other) for one, other in known))


def _keys(row: Any) -> set[Any] | None:
    """Return the names of the values, which a pandas row has as well as a dict."""
    return set(row.keys()) if callable(getattr(row, "keys", None)) else None


def _kind(value: Any) -> str | None:
    """Return whether a value is text, a number, or something else; None if it is missing."""
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool | int | float | np.number | np.bool_):
        return "a number"
    return None if value is None or type(value).__name__ in ("NAType", "NaTType") else _form(value)


def _form(value: Any) -> str:
    size = f" of {len(value)} values" if isinstance(value, list | tuple | Mapping) else ""
    return described(value) + size


def _described(row: Any) -> str:
    return _form(row) + (f", {reprlib.repr(row)}" if isinstance(row, list | tuple | Mapping) else "")


def _first_without_numbers(columns: Sequence[Column]) -> tuple[Any, str] | None:
    """Return the name of the first column that holds no numbers or truth values, and what it holds."""
    for column in columns:
        if isinstance(column, NumericColumn):
            if column.kind in TIMES:
                return column.name, TIMES[column.kind]
        elif any(isinstance(one, str) for one in column.categories):
            return column.name, "text"
    return None


def _check_numbers(columns: Sequence[Column]) -> None:
    found = _first_without_numbers(columns)
    if found is not None:
        raise DataError(
            f"the generator's columns must all be numbers to make such items, but {found[0]!r} holds {found[1]}: "
            "let the items be dicts from column to value, or give the dataset a `transform` that turns such a dict "
            "into what they hold"
        )


def _check_rows(rows: list[Any], codec: TableCodec) -> None:
    """Insist on rows that can only mean the generator's columns."""
    example, names = rows[0], codec.names
    if isinstance(example, Mapping):
        if set(example) != set(names):
            raise DataError(
                f"items must have the generator's columns {names}, but one has {list(example)}: name them alike"
            )
    elif not isinstance(example, list | tuple | Tensor | np.ndarray) or np.shape(example) != (len(names),):
        raise DataError(
            f"an item must hold the values of the generator's {len(names)} columns, in the order {names}, or a dict "
            f"from their names, but holds {_form(example)}: return such rows, or give the dataset a `transform` that "
            "turns such a dict into what its items hold"
        )
    elif isinstance(example, Tensor | np.ndarray):
        _check_numbers(codec.columns)
    for position, column in enumerate(codec.columns):
        if isinstance(column, NumericColumn) and column.kind in TIMES:
            continue
        values = [row[column.name if isinstance(row, Mapping) else position] for row in rows]
        values = [value for value in values if not _is_missing(value)]
        _check_kind(column, values)
        if isinstance(column, NumericColumn):
            _check_unit(column, values)


def _check_kind(column: Column, values: list[Any]) -> None:
    """Insist on text where the generator makes text, and on numbers where it makes numbers."""
    made = {isinstance(one, str) for one in ([0.0] if isinstance(column, NumericColumn) else column.categories)}
    for value in values:
        if made and isinstance(value, str) not in made:
            raise DataError(
                f"items must hold {'text' if True in made else 'numbers'} in the column {column.name!r}, as the "
                f"generator makes it, but one holds {value!r}: {REMEDY}"
            )


def _check_unit(column: NumericColumn, values: list[Any]) -> None:
    """Insist on values most of which lie in the range that the generator learned."""
    learned = [*column.values, *column.atoms]
    if not learned or len(values) < MIN_VALUES:
        return
    low, high, found = min(learned), max(learned), np.array([float(value) for value in values])
    margin = 1e-6 * max(abs(low), abs(high))  # the rounding of float32
    outside = ((found < low - margin) | (found > high + margin)).mean()
    if outside > MAX_OUTSIDE:
        raise DataError(
            f"items must hold the columns {column.name!r}, ... in the units that the generator learned, there from "
            f"{low:g} to {high:g}, but {outside:.0%} of the inspected values lie outside, from "
            f"{found.min():g} to {found.max():g}: put the columns in its order, {REMEDY}"
        )


def _like(example: Any, row: Row, codec: TableCodec) -> Any:
    """Return a row with the container of an example and the types of its values."""
    if isinstance(example, Mapping):
        values = dict(zip(codec.names, row, strict=True))
        return {name: _typed(example[name], values[name]) for name in example}
    if isinstance(example, list | tuple):
        kind = type(example)
        return getattr(kind, "_make", kind)(_typed(one, value) for one, value in zip(example, row, strict=True))
    numbers = _numbers(row)
    is_float = example.is_floating_point() if isinstance(example, Tensor) else example.dtype.kind == "f"
    if not is_float and np.isnan(numbers).any():
        raise DataError(
            f"items of {example.dtype} cannot hold the missing values that the generator makes: use floating point"
        )
    if isinstance(example, Tensor):
        return torch.from_numpy(numbers).to(example.device, example.dtype)
    return numbers.astype(example.dtype)


def _typed(example: Any, value: Any) -> Any:
    """Return a value with the type of a real one, if that type can hold it."""
    is_missing, is_number = _is_missing(value), isinstance(value, int | float | np.number)
    if isinstance(example, Tensor):
        return torch.full_like(example, float("nan") if is_missing else float(value))
    if isinstance(example, float | np.floating) and (is_missing or is_number):
        return type(example)("nan" if is_missing else value)
    if isinstance(example, bool | np.bool_ | int | np.integer) and is_number and not is_missing:
        return type(example)(value)
    return value


def _is_missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value.item() if isinstance(value, Tensor) else value))
