"""The conditions of ``ganaug sample --where``, read from text by what each column holds."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from ganaug.cli.text import listing
from ganaug.errors import DataError

if TYPE_CHECKING:
    from ganaug.data.tables.codec import Column
    from ganaug.runtime.generator import Generator

RANGE = ".."


def conditions_of(texts: Sequence[str], generator: "Generator") -> dict[Any, Any]:
    """Return the conditions that texts such as "city=Rome" or "age=18..30" state; `DataError` if one is not valid."""
    if not generator.format.column_names:
        generator.format.conditions({})  # refuses them
    columns = {str(column.name): column for column in generator.codec.columns}
    where: dict[Any, list[Any]] = {}
    for text in texts:
        # A name may contain the sign itself.
        name = max((one for one in columns if text.startswith(f"{one}=")), key=len, default=None)
        if name is None:
            if "=" not in text:
                raise click.UsageError(f"--where must be COLUMN=VALUE or COLUMN=LOW..HIGH, but is {text!r}.")
            raise DataError(
                f"--where must begin with a column of the model ({listing(list(columns))}), but is {text!r}"
            )
        column = columns[name]
        where.setdefault(column.name, []).append(_wanted(column, text[len(name) + 1 :]))
    generator.format.conditions(where)  # refuses what no row can fulfil
    return where


def _wanted(column: "Column", text: str) -> Any:
    """Return the value or the range that a text asks for."""
    from ganaug.data.tables.numeric import NumericColumn

    if not isinstance(column, NumericColumn):
        return _category(list(column.categories), text)
    if RANGE in text:
        low, _, high = text.partition(RANGE)
        return _value(column, low), _value(column, high)
    return _value(column, text)


def _value(column: Any, text: str) -> Any:
    """Return a number, or a time as text; None for no text."""
    from ganaug.data.tables.condition_values import TIMES

    text = text.strip()
    if not text or column.kind in TIMES:
        return text or None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DataError(f"column {str(column.name)!r} holds numbers, but --where asks for {text!r}: give a number")
    return int(text) if text.lstrip("+-").isdecimal() else number


def _category(categories: list[Any], text: str) -> Any:
    """Return the category that is written as a text; None for no text; the text itself if there is none."""
    if text in categories:
        return text
    if not text:
        return None
    for one in categories:
        same = text.lower() == str(one).lower() if isinstance(one, bool) else text == str(one)
        if same:
            return one
    return text
