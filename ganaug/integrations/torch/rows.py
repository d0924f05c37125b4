"""Items like those of the user's own dataset of rows, made of a generator's rows: their kind, dtype and transform."""

import reprlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug.data.tables.codec import Column, TableCodec
from ganaug.data.tables.numeric import NumericColumn
from ganaug.errors import DataError
from ganaug.integrations.torch.pictures import like_label

__all__ = ["RowMaker", "check_numbers", "numbers_of"]

MOST_BEYOND = 0.1
"""Largest share of real values that may lie beyond those a generator has learned."""
ENOUGH = 8
"""So many values must be looked at before anything is said about their scale."""

Row = tuple[Any, ...]


class RowMaker:
    """Makes of a row and a label an item like those of a dataset, of which it is shown some.

    An item's features may be a tensor or array of shape (columns,), a list or tuple, each in the order of the columns,
    or a mapping from their names.
    """

    def __init__(self, dataset: Any, items: list[tuple[Any, Any]], codec: TableCodec) -> None:
        real, self.label = [features for features, _ in items], items[0][1]
        self.codec, self.transform = codec, getattr(dataset, "transform", None)
        self.example = real[0]
        if self.transform is None:
            _check(real, codec)
        else:
            self.example = self._raw_example(real)

    def __call__(self, row: Row, label: Any) -> tuple[Any, Any]:
        """Return an item of the columns' values and a label."""
        made = _like(self.example, row, self.codec)
        return made if self.transform is None else self.transform(made), like_label(self.label, label)

    def _raw_example(self, real: list[Any]) -> Any:
        """Find out, by trial, what kind of row the transform makes an item of."""
        assert self.transform is not None  # noqa: S101
        row, nearly = _typical(self.codec), None
        failures: dict[str, str] = {}
        for kind in _kinds_of_row(self.codec.names):
            try:
                with warnings.catch_warnings(action="ignore"):
                    made = self.transform(_like(kind, row, self.codec))
            except Exception as error:  # whatever a transform does with what it is not meant for
                failures.setdefault(type(kind).__name__, f"{type(error).__name__}: {error}")
                continue
            if any(_are_alike(made, one, _form) for one in real):
                return kind
            if nearly is None and any(_are_alike(made, one, _kind) for one in real):
                nearly = kind  # numbers for numbers, but perhaps whole ones for others
            failures.setdefault(type(kind).__name__, _described(made))
        if nearly is not None:
            return nearly
        raise DataError(
            "the dataset's `transform` must make of a dict of the generator's columns, or of a list, tuple, tensor or "
            f"array of their values, what its items hold, {_described(real[0])}, but gives {failures['dict']}, and for "
            f"a list {failures['list']}: let it take the row as it was read, and do all that is done to it"
        )


def numbers_of(row: Row, columns: tuple[Column, ...]) -> NDArray[np.float64]:
    """Return a row as numbers, NaN where a value is missing; `DataError` if a column holds no numbers."""
    check_numbers(columns)
    return np.array([np.nan if _is_missing(value) else float(value) for value in row])


def check_numbers(columns: tuple[Column, ...]) -> None:
    """Insist on columns whose values are numbers or truth values."""
    for column in columns:
        if isinstance(column, NumericColumn):
            found = "dates" if column.kind == "datetime" else None
        else:
            found = "text" if any(isinstance(one, str) for one in column.categories) else None
        if found:
            raise DataError(
                f"the generator's columns must all be numbers to make such items, but {column.name!r} holds {found}: "
                "let the items be dicts from column to value, or give the dataset a `transform` that makes of such a "
                "dict what they hold"
            )


def _check(real: list[Any], codec: TableCodec) -> None:
    """Insist on items that can only mean the generator's columns."""
    example, names = real[0], codec.names
    if isinstance(example, Mapping):
        if set(example) != set(names):
            raise DataError(
                f"items must have the generator's columns {names}, but one has {list(example)}: name them alike"
            )
    elif not isinstance(example, list | tuple | Tensor | np.ndarray) or np.shape(example) != (len(names),):
        raise DataError(
            f"an item must hold the values of the generator's {len(names)} columns, in the order {names}, or a dict "
            f"from their names, but holds {_form(example)}: return such rows, or give the dataset a `transform` that "
            "makes of such a dict what its items hold"
        )
    elif isinstance(example, Tensor | np.ndarray):
        check_numbers(codec.columns)
    for position, column in enumerate(codec.columns):
        if not (isinstance(column, NumericColumn) and column.kind == "datetime"):
            found = [row[column.name if isinstance(row, Mapping) else position] for row in real]
            _check_text(column, found)
            if isinstance(column, NumericColumn):
                _check_scale(column, found)


def _check_text(column: Column, found: list[Any]) -> None:
    """Insist on text where the generator makes text, and on numbers where it makes numbers."""
    made = {isinstance(one, str) for one in ([0.0] if isinstance(column, NumericColumn) else column.categories)}
    for value in found:
        if made and isinstance(value, str) not in made and not _is_missing(value):
            raise DataError(
                f"items must hold {'text' if True in made else 'numbers'} in the column {column.name!r}, as the "
                f"generator makes it, but one holds {value!r}: fit a generator to what the items hold, or give the "
                "dataset a `transform` that makes of a row as the generator learned it what its items hold"
            )


def _check_scale(column: NumericColumn, found: list[Any]) -> None:
    known = [*column.values, *column.atoms]
    values = np.array([float(value) for value in found if not _is_missing(value)])
    if not known or len(values) < ENOUGH:
        return
    slack = 1e-6 * max(abs(min(known)), abs(max(known)))  # what float32 takes away
    beyond = (values < min(known) - slack) | (values > max(known) + slack)
    if beyond.mean() > MOST_BEYOND:
        raise DataError(
            f"items must hold the columns {column.name!r}, ... in the units that the generator learned, there from "
            f"{min(known):g} to {max(known):g}, but {beyond.mean():.0%} of those looked at lie beyond, from "
            f"{values.min():g} to {values.max():g}: put the columns in its order, fit a generator to what the items "
            "hold, or give the dataset a `transform` that makes of a row in those units what its items hold"
        )


def _like(example: Any, row: Row, codec: TableCodec) -> Any:
    """Return a row as the example is: its container, and the types of its values."""
    if isinstance(example, Mapping):
        given = dict(zip(codec.names, row, strict=True))
        return {name: _typed(example[name], given[name]) for name in example}
    if isinstance(example, list | tuple):
        kind = type(example)
        return getattr(kind, "_make", kind)(_typed(one, value) for one, value in zip(example, row, strict=True))
    numbers = numbers_of(row, codec.columns)
    whole = not (example.is_floating_point() if isinstance(example, Tensor) else example.dtype.kind == "f")
    if whole and np.isnan(numbers).any():
        raise DataError(
            f"items of {example.dtype} cannot hold the missing values that the generator makes: use floating point"
        )
    if isinstance(example, Tensor):
        return torch.from_numpy(numbers).to(example.device, example.dtype)
    return numbers.astype(example.dtype)


def _typed(example: Any, value: Any) -> Any:
    """Return a value with the type of a real one, where it has it."""
    if isinstance(example, Tensor):
        return torch.full_like(example, float("nan") if _is_missing(value) else float(value))
    if isinstance(example, float | np.floating) and (_is_missing(value) or isinstance(value, int | float | np.number)):
        return type(example)("nan" if _is_missing(value) else value)
    if isinstance(example, bool | np.bool_ | int | np.integer) and isinstance(value, int | float | np.number):
        return value if _is_missing(value) else type(example)(value)
    return value


def _kinds_of_row(names: list[Any]) -> list[Any]:
    """Return a row of each kind that a transform may take, the likeliest first.

    Dicts come after lists: what works on a list often works on a dict too, but on its keys.
    """
    n = len(names)
    kinds: list[Any] = []
    for value in (0.0, None, np.float64(0), np.float32(0), torch.tensor(0.0)):  # None: as the generator makes it
        kinds += [[value] * n, (value,) * n, dict.fromkeys(names, value)]
    return [*kinds[:3], torch.zeros(n), np.zeros(n), np.zeros(n, np.float32), torch.zeros(n).double(), *kinds[3:]]


def _typical(codec: TableCodec) -> Row:
    """Return a row that the columns can hold, of the types that the generator gives them."""
    return tuple(map(_typical_value, codec.columns))


def _typical_value(column: Column) -> Any:
    if not isinstance(column, NumericColumn):
        return (column.categories or (0,))[0]
    if column.kind == "datetime":
        import pandas as pd

        return pd.Timestamp(0)
    value = (column.values or column.atoms or (0.0,))[0]
    return int(value) if column.kind == "integer" else float(value)


def _is_missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value.item() if isinstance(value, Tensor) else value))


def _form(features: Any) -> str:
    if isinstance(features, Tensor | np.ndarray):
        kind = "a tensor" if isinstance(features, Tensor) else "an array"
        return f"{kind} of {features.dtype} and shape {tuple(features.shape)}"
    if isinstance(features, list | tuple | Mapping):
        return f"a {type(features).__name__} of {len(features)} values"
    return f"a {type(features).__name__}"


def _are_alike(made: Any, real: Any, kind_of: Callable[[Any], str | None]) -> bool:
    """Return whether features have one form and, where they are a list, tuple or mapping, values of the same kinds."""
    if _form(made) != _form(real) or _keys(made) != _keys(real):
        return False
    if isinstance(real, Mapping):
        return all(_are_one(made[name], real[name], kind_of) for name in real)
    return not isinstance(real, list | tuple) or all(
        _are_one(one, other, kind_of) for one, other in zip(made, real, strict=True)
    )


def _keys(features: Any) -> set[Any] | None:
    """Return the names of values, which a pandas row has too."""
    return set(features.keys()) if callable(getattr(features, "keys", None)) else None


def _are_one(one: Any, other: Any, kind_of: Callable[[Any], str | None]) -> bool:
    return _kind(one) is None or _kind(other) is None or kind_of(one) == kind_of(other)


def _kind(value: Any) -> str | None:
    """Say what a value is; nothing of one that is missing, which may stand for any."""
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool | int | float | np.number | np.bool_):
        return "a number"
    return None if value is None or type(value).__name__ in ("NAType", "NaTType") else _form(value)


def _described(features: Any) -> str:
    return _form(features) + (f", {reprlib.repr(features)}" if isinstance(features, list | tuple | Mapping) else "")
