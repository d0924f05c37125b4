"""The conditions of ``ganaug sample --where``, read from text by what each column holds and how its file writes it."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import click

from ganaug.cli.text import listing
from ganaug.errors import DataError

if TYPE_CHECKING:
    from ganaug.data.tables.codec import Column
    from ganaug.data.tables.csv_format import CsvFormat, FieldFormat
    from ganaug.data.tables.numeric import NumericColumn
    from ganaug.data.tables.sample_format import TableFormat
    from ganaug.runtime.generator import Generator

RANGE = ".."


def conditions_of(texts: Sequence[str], generator: "Generator") -> dict[Any, Any]:
    """Return the conditions that texts such as "city=Rome" or "age=18..30" state; `DataError` if one is not valid."""
    if not generator.format.column_names:
        generator.format.conditions({})  # refuses them
    columns = {str(column.name): column for column in generator.codec.columns}
    form = cast("TableFormat", generator.format).csv
    where: dict[Any, list[Any]] = {}
    for text in texts:
        name = _name(text, list(columns))
        if name is None:
            raise _unknown(text, list(columns), generator)
        column = columns[name]
        where.setdefault(column.name, []).append(_wanted(column, text[len(name) + 1 :], form))
    generator.format.conditions(where)  # refuses what no row can fulfil
    return where


def _name(text: str, names: Sequence[str]) -> str | None:
    """Return the name with which a condition begins; None for no name. A name may contain the equals sign itself."""
    return max((one for one in names if text.startswith(f"{one}=")), key=len, default=None)


def _unknown(text: str, names: Sequence[str], generator: "Generator") -> Exception:
    """Return what is wrong with a condition that does not begin with a column of the model."""
    if "=" not in text:
        return click.UsageError(f"--where must be COLUMN=VALUE or COLUMN=LOW..HIGH, but is {text!r}.")
    target = generator.metadata["schema"].get("target")  # from an untrusted file, so of any form
    if isinstance(target, str) and text.startswith(f"{target}="):
        return DataError(
            f"--where must name a column other than the classes, but {target!r} holds the classes: write "
            f"--class {text[len(target) + 1 :]!r} instead"
        )
    ignored = _name(text, [str(name) for name in generator.format.ignored_names])
    if ignored is not None:
        return DataError(
            f"--where must name a column that the model learned ({listing(names)}), but {ignored!r} was ignored when "
            "the model was fitted: name another column, or fit a model that learns this one"
        )
    return DataError(f"--where must begin with a column of the model ({listing(names)}), but is {text!r}")


def _wanted(column: "Column", text: str, form: "CsvFormat") -> Any:
    """Return the value or the range that a text asks for; None for a missing value."""
    from ganaug.data.tables.csv_format import FieldFormat
    from ganaug.data.tables.numeric import NumericColumn

    field = (form.columns or {}).get(str(column.name), FieldFormat())
    if not isinstance(column, NumericColumn):
        return _category(list(column.categories), text, {field.gap, *(form.missing or ())})
    if text.strip() in _gaps(field, form):
        return None
    decimal = form.decimal or "."
    if RANGE not in text:
        value = _value(column, text, field, decimal)
        _check_clock(column, (value, value), text, field)
        return value
    ends = tuple(_value(column, end, field, decimal) for end in text.split(RANGE, 1))
    if ends == (None, None):
        raise DataError(
            f"--where must give a range at least one end, as in {column.name}=LOW.. or {column.name}=..HIGH, but is "
            f"{f'{column.name}={text}'!r}: add an end, or leave the condition out"
        )
    _check_clock(column, ends, text, field)
    return ends


def _gaps(field: "FieldFormat", form: "CsvFormat") -> set[str | None]:
    """Return what stands for a missing value in a column of numbers, times, or true and false."""
    from ganaug.data.tables.csv_columns import GAPS

    return {field.gap, *(form.missing or ()), *GAPS, ""}


def _check_clock(column: "NumericColumn", ends: tuple[Any, ...], text: str, field: "FieldFormat") -> None:
    """Refuse times of day that no row has. Elsewhere they are refused as well, but shown as numbers of minutes."""
    import pandas as pd

    if field.number is None or not field.number.clock:
        return
    least, most = column.bounds
    low, high = (known if end is None else end for end, known in zip(ends, (least, most), strict=True))
    if low > high or low > most or high < least:
        first, last = field.number.texts(pd.Series([least, most]), ":")
        raise DataError(
            f"column {str(column.name)!r} has times from {first} to {last}, but --where asks for {text!r}: ask for "
            "other times"
        )


def _value(column: Any, text: str, field: "FieldFormat", decimal: str) -> Any:
    """Return a number, or a time as text; None for no text."""
    from ganaug.data.tables.condition_values import TIMES

    text = text.strip()
    if not text or column.kind in TIMES:
        return text or None
    number = _number(text, field, decimal)
    if not math.isfinite(number):
        raise DataError(
            f"column {str(column.name)!r} holds numbers, but --where asks for {text!r}: give a number, such as "
            f"{_example(column, field, decimal)}"
        )
    if text.lstrip("+-").isdecimal():
        return int(text)  # exact
    return int(number) if number.is_integer() else number


def _number(text: str, field: "FieldFormat", decimal: str) -> float:
    """Return the number that a text is in the format of its column, or as a plain number; NaN if it is none."""
    import pandas as pd

    from ganaug.data.tables.number_format import NumberFormat

    known, texts = field.number or NumberFormat(), pd.Series([text])
    found = NumberFormat.find(texts, decimal)
    if found is not None and found.thousands in ("", known.thousands) and known.joined(found) is not None:
        return float(found.numbers(texts, decimal).iloc[0])
    for plain in (text, text.replace(decimal, ".")):
        try:
            return float(plain)
        except ValueError:
            continue
    return math.nan


def _example(column: Any, field: "FieldFormat", decimal: str) -> str:
    """Return a number of a column as its file writes it."""
    import pandas as pd

    number = column.bounds[0]
    if field.number is not None and not field.number.is_plain:
        return str(field.number.texts(pd.Series([number]), decimal).iloc[0])
    return f"{number:.{column.decimals or 0}f}".replace(".", decimal) if column.decimals is not None else f"{number:g}"


def _category(categories: list[Any], text: str, gaps: set[str | None]) -> Any:
    """Return the category that is written as a text; None for a missing value; the text itself if there is none."""
    if text in categories:
        return text
    if not text:
        return None
    for one in categories:
        same = text.lower() == str(one).lower() if isinstance(one, bool) else text == str(one)
        if same:
            return one
    return None if text in gaps else text
