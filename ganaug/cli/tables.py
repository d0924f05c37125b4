"""What the commands do with tables: read them, draw rows, and write them with synthetic rows at the end."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganaug.cli.notes import note_alarms
from ganaug.cli.text import listing
from ganaug.data.tables.codec import Column
from ganaug.data.tables.dataset import LabelledTable, from_frame, labels_of, split_target
from ganaug.data.tables.datetimes import Clock
from ganaug.data.tables.numeric import NumericColumn
from ganaug.data.tables.series import numeric_values
from ganaug.data.tables.spelling import Spelling
from ganaug.data.tables.table_file import PIECE_ROWS, column_names, read_pieces, read_table
from ganaug.data.tables.table_writer import table_writer
from ganaug.errors import DataError
from ganaug.runtime.generator import Generator

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["balance_table", "load_table", "sample_table"]

FLAG = "synthetic"
"""The column of a balanced table that tells which rows are."""
_DATES, _TRUTH = "dates", "true and false"


def load_table(source: Path, target: str | None) -> LabelledTable:
    """Read a table to learn from."""
    frame, labels = split_target(read_table(source), target, source)
    return from_frame(frame, labels, target=str(target))


def sample_table(generator: Generator, counts: dict[Any, int], output: Path, seed: int) -> None:
    """Write so many screened rows of each class, with the column of their labels last."""
    name = _target(generator)
    if name in map(str, generator.codec.names):
        raise DataError(f"the column of labels must have a name of its own, but one of the model's is {name!r} too")
    spelling = _spelling(generator) if output.suffix.lower() == ".csv" else Spelling({})
    with table_writer(output) as writer:
        for label, count in counts.items():
            for rows in _draw(generator, label, count, seed):
                rows[name] = label
                writer.write(spelling.apply(rows))


def balance_table(source: Path, generator: Generator, output: Path, target: str | None, seed: int) -> tuple[int, int]:
    """Copy a table, fill its classes up with synthetic rows, and return how many rows are real and synthetic.

    The table is copied as it is written, or a CSV file as it is read if a Parquet file comes of it. Only a piece of it
    is in memory at a time.
    """
    name = _target(generator) if target is None else target
    columns = column_names(source)
    _check_columns(source, columns, generator, name)
    counts, spelled = _count(source, name, generator)
    _check_kinds(source, generator)
    note_alarms(generator, [label for label, count in counts.items() if count < max(counts.values())])
    text = output.suffix.lower() == ".csv"
    verbatim = source.suffix.lower() != ".csv" or text
    spelling = _spelling(generator)
    with table_writer(output) as writer:
        for piece in read_pieces(source, verbatim=verbatim):
            if text:
                spelling.learn(piece)
            piece[FLAG] = False
            writer.write(piece)
        for label, count in counts.items():
            for rows in _draw(generator, label, max(counts.values()) - count, seed):
                rows[name] = spelled[label] if verbatim else label
                rows[FLAG] = True
                writer.write((spelling.apply(rows) if text else rows)[[*columns, FLAG]])
    real = sum(counts.values())
    return real, len(counts) * max(counts.values()) - real


def _spelling(generator: Generator) -> Spelling:
    """Return how a text file spells the model's dates and truth values, unless real rows show another way."""
    usual = {str(column.name): "" for column in generator.codec.columns if _kind(column)[1] in (_DATES, _TRUTH)}
    for column in generator.codec.columns:
        # pandas would spell each piece by itself, and one that happens to hold no hours without them.
        if isinstance(column, NumericColumn) and column.kind == "datetime" and Clock.of(column.dtype).zone is None:
            decimals = f".{0:0{column.decimals}}" if column.decimals else ""
            usual[str(column.name)] = "2020-01-31" + ("" if column.has_days_only else f" 00:00:00{decimals}")
    return Spelling(usual)


def _check_columns(source: Path, columns: list[str], generator: Generator, name: str) -> None:
    if name not in columns:
        raise DataError(f"--target must name a column of {source}, which has {listing(columns)}, but is {name!r}")
    if FLAG in columns:
        raise DataError(f"{source} must have no column {FLAG!r}, for the result gets one: rename it")
    known, here = [str(column) for column in generator.codec.names], [column for column in columns if column != name]
    if sorted(known) != sorted(here):
        missing, unknown = (
            [one for one in some if one not in others] for some, others in ((known, here), (here, known))
        )
        found = [f"knows {listing(missing)} as well"] * bool(missing)
        found += [f"does not know {listing(unknown)}"] * bool(unknown)
        raise DataError(
            f"the model must have been fitted to the columns of {source} without {name!r}, its --target, but it "
            f"{' and '.join(found)}: fit a model to this table"
        )


def _count(source: Path, name: str, generator: Generator) -> tuple[dict[Any, int], dict[Any, Any]]:
    """Count the rows of each of the model's classes, which must be those of the table, and tell how they are written.

    The classes 0 and 1 may well be written 0.0 and 1.0, and synthetic rows must have what the real ones have.
    """
    counts: dict[Any, int] = {}
    spelled: dict[Any, Any] = {}
    pieces, written = (read_pieces(source, verbatim=verbatim, columns=[name]) for verbatim in (False, True))
    for piece, as_written in zip(pieces, written, strict=True):
        for label, spelling in zip(labels_of(piece[name]), as_written[name], strict=True):
            counts[label] = counts.get(label, 0) + 1
            spelled.setdefault(label, spelling)
    if not counts:
        raise DataError(f"A table must have rows, but {source} has none: give a file that has some")
    if {(type(label), label) for label in counts} != {(type(label), label) for label in generator.classes}:
        raise DataError(
            f"the model must have the classes of {source}, which are {listing(list(counts))}, but it has "
            f"{listing(list(generator.classes))}: fit a model to this table"
        )
    return {label: counts[label] for label in generator.classes}, spelled


def _check_kinds(source: Path, generator: Generator) -> None:
    """Raise where numbers, dates or truth values would be added to a column that holds none, or infinite ones."""
    columns = {str(column.name): (column, *_kind(column)) for column in generator.codec.columns}
    columns = {name: found for name, found in columns.items() if found[1]}
    for piece in read_pieces(source, columns=list(columns)) if columns else ():
        for name, (column, kinds, wanted) in columns.items():
            series = piece[name]
            if series.dtype.kind not in kinds and not series.isna().all():
                raise DataError(
                    f"Column {name!r} of {source} must hold {wanted}, as it did where the model was fitted, but holds "
                    f"{str(series.dropna().iloc[0])!r:.80}: correct it, or fit a model to this table"
                )
            if isinstance(column, NumericColumn):
                numeric_values(series, column)


def _kind(column: Column) -> tuple[str, str]:
    """Return which kinds of dtypes a table may have for a column, and what it holds; nothing for text, which is any."""
    if isinstance(column, NumericColumn):
        return ("M", _DATES) if column.kind == "datetime" else ("iufb", "numbers")
    truth = all(isinstance(category, bool) for category in column.categories) and column.categories
    return ("b", _TRUTH) if truth else ("", "")


def _target(generator: Generator) -> str:
    name = generator.metadata["schema"].get("target", "target")
    return name if isinstance(name, str) else "target"


def _draw(generator: Generator, label: Any, count: int, seed: int) -> "Iterator[DataFrame]":
    """Yield pieces of screened rows of one class; they do not depend on which other classes are drawn."""
    own_seed = (seed, generator.classes.index(label))
    stream = generator.stream(min(PIECE_ROWS, max(count, 1)), labels=[label], seed=own_seed, screened=True)
    while count > 0:
        rows = next(stream)[0].iloc[:count].astype(_dtypes(generator))
        rows.columns = rows.columns.map(str)
        count -= len(rows)
        yield rows


def _dtypes(generator: Generator) -> dict[Any, Any]:
    """Return dtypes for columns of objects, which tell a file nothing where all that is drawn is missing."""
    import pandas as pd

    columns = [column for column in generator.codec.category_columns if column.dtype == "object" and column.categories]
    return {column.name: pd.array(list(column.categories)).dtype for column in columns}
