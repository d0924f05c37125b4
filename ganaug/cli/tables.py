"""Tables and models of tables: what the commands read and write."""

from collections.abc import Mapping, Sequence
from os.path import realpath
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import click

from ganaug.cli import traversal
from ganaug.cli.data_files import DataFiles, Lines, Reading, Written, note_alarms
from ganaug.cli.drawn_rows import draw_rows
from ganaug.cli.table_match import DATES, TRUTH_VALUES, check_columns, check_contents, held
from ganaug.cli.text import counted, listing, printable, shortened
from ganaug.data.tables.csv_format import CsvFormat, FieldFormat
from ganaug.data.tables.dataset import LabelledTable, from_frame, labels_of, split_target
from ganaug.data.tables.datetimes import DatetimeDtype
from ganaug.data.tables.free_text import ignore_free_text
from ganaug.data.tables.identifiers import IgnoredColumns, warn_about_identifiers
from ganaug.data.tables.left_out import FLAG, RealRows
from ganaug.data.tables.numeric import NumericColumn
from ganaug.data.tables.table_file import ENDINGS, Table, is_table, open_table
from ganaug.data.tables.table_writer import table_writer
from ganaug.data.tables.text_format import TextFormat
from ganaug.errors import DataError, MissingFileError
from ganaug.files import atomic_write, check_writable
from ganaug.runtime.generator import Generator

if TYPE_CHECKING:
    from ganaug.data.tables.sample_format import TableFormat

CONSTRAINTS = {
    "joint": ("jointly drawn", ", "),
    "orders": ("ordered", " <= "),
    "strict_orders": ("ordered", " < "),
    "lines": ("linear", ", which gives "),
    "formulas": ("formula", ""),
}
"""For each kind of constraint in the schema, its title, and the separator of the names of its columns."""
MAX_CONSTRAINTS = 20
"""Constraints of one kind that `ganaug inspect` prints."""


class _TableFiles(DataFiles):
    """Tables in .csv and .parquet files, with a column of labels."""

    modality = "table"
    noun = "row"
    source_form = "a .csv or .parquet file or a folder of .parquet files"
    shard_ending = ".parquet"
    foreign_options: ClassVar[Mapping[str, str]] = {
        "size": "--size is for images; a table has none.",
        "synthetic_share": "--synthetic-share is for images; all rows that a table lacks are synthetic.",
        "features": "--features is for images; the columns of a table are compared as they are.",
    }

    def claims(self, source: Path) -> bool:
        return is_table(source)

    def check_source(self, source: Path, target: str | None) -> None:
        if not source.exists():
            raise MissingFileError(f"There is no table {source}: check the name.")
        if target is None:
            raise click.UsageError("A table needs --target, the column that holds the classes.")

    def target_of(self, generator: Generator) -> str:
        return generator.format.label_name

    def read(self, source: Path, reading: Reading) -> LabelledTable:
        target = reading.target
        table = open_table(source, reading.csv, target)
        frame, labels = split_target(reading.left_out.read(table, target), target, source)
        frame, texts = ignore_free_text(frame)
        warn_about_identifiers(frame)
        ignored = list(dict.fromkeys([*reading.left_out.columns, *texts]))
        form = table.format.part([*frame.columns, str(target)])
        return from_frame(
            frame, labels, target=str(target), ignored=ignored, csv=form, rules=list(reading.rules) or "auto"
        )

    def described(self, data: LabelledTable) -> str:
        columns = counted(len(data.frame.columns), "column")
        ignored = f"; ignored: {listing(list(data.ignored))}" if data.ignored else ""
        return f"{counted(len(data), 'row')} of {len(data.classes)} classes, with {columns}{ignored}."

    def check_output(self, output: Path, source: Path | None = None) -> None:
        if output.suffix.lower() not in ENDINGS:
            raise click.UsageError(f"A table is written to a .csv or .parquet file, but --output is {str(output)!r}.")
        check_writable(output, folder=False)
        if source is not None and realpath(output) == realpath(source):  # Path.resolve raises where links form a loop
            raise click.UsageError("--output must not be SOURCE itself, whose rows it would replace.")

    def write_samples(
        self,
        generator: Generator,
        labels: Sequence[Any],
        per_class: int,
        output: Path,
        seed: int,
        where: Mapping[Any, Any] | None = None,
    ) -> None:
        form = _recorded(generator)
        is_text = output.suffix.lower() == ".csv"
        spelling = _spelling(generator, form.columns, form.decimal) if is_text else TextFormat({})
        dates = {} if is_text else _format(generator).date_dtypes
        with table_writer(output, form) as writer:
            for rows, drawn in draw_rows(generator, dict.fromkeys(labels, per_class), seed, where):
                writer.write(spelling.apply(_format(generator).labelled(rows, drawn).astype(dates)))

    def check_walk_output(self, output: Path) -> None:
        if output.suffix.lower() not in traversal.FORMATS:
            raise click.UsageError(
                f"--walk draws a plot of a table's columns: --output must end in .png or .svg, but is {str(output)!r}."
            )
        check_writable(output, folder=False)

    def write_walk(self, generator: Generator, labels: Sequence[Any], steps: int, output: Path, seed: int) -> str:
        content = traversal.draw_traversal(generator, labels, steps, output.suffix.lower(), seed)
        with atomic_write(output) as file:
            file.write(content)
        columns, shown = len(generator.codec.columns), min(len(generator.codec.columns), traversal.MAX_PANELS)
        first = f"the first {shown} of {columns:,} columns" if shown < columns else counted(columns, "column")
        return f"{counted(steps, 'step')} of {counted(len(labels), 'class', 'classes')} in {first}"

    def write_balanced(
        self,
        source: Path,
        generator: Generator,
        output: Path,
        *,
        target: str | None,
        seed: int,
        csv: CsvFormat | None = None,
        real_only: bool = False,
        **_: Any,
    ) -> Written:
        # One piece of the table is in memory at a time.
        name = self.target_of(generator) if target is None else target
        form = (csv or CsvFormat()).filled(_recorded(generator))
        whole = open_table(source, form, name, list(map(str, generator.format.ignored_names)))
        table = RealRows(whole, name) if real_only else whole
        columns = table.names
        check_columns(source, columns, generator, name)
        counts, written = _count(table, name, generator)
        check_contents(table, generator)
        largest = max(counts.values())
        note_alarms(generator, [label for label, count in counts.items() if count < largest])
        to_text = output.suffix.lower() == ".csv"
        # Real rows are copied unchanged. If a CSV file becomes a Parquet file, their parsed values are copied.
        verbatim = source.suffix.lower() != ".csv" or to_text
        spelling = _balanced_spelling(table.format, generator, is_csv=source.suffix.lower() == ".csv", to_text=to_text)
        ignored = _ignored(generator, columns)
        with table_writer(output, table.format) as writer:
            for piece in table.pieces(verbatim=verbatim):
                if to_text:
                    spelling.learn(piece)
                ignored.learn(piece)
                piece[FLAG] = False
                writer.write(piece)
            for rows, drawn in draw_rows(generator, {label: largest - count for label, count in counts.items()}, seed):
                rows[name] = [written[label] for label in drawn] if verbatim else drawn
                rows[FLAG] = True
                writer.write(spelling.apply(ignored.filled(rows))[[*columns, FLAG]])
        real = sum(counts.values())
        return Written(real, len(counts) * largest - real)

    def schema_lines(self, schema: Mapping[str, Any]) -> Lines:
        names = [str(column["name"]) for column in schema["columns"]]
        ignored = [str(name) for name in schema.get("ignored", [])]
        lines = [("columns", shortened(f"{len(names):,}: {', '.join(names)}"))]
        return [*lines, ("ignored", shortened(f"{len(ignored):,}: {', '.join(ignored)}"))] if ignored else lines

    def constraint_lines(self, schema: Mapping[str, Any]) -> Lines:
        found = schema.get("rules")  # from an untrusted file, so of any form
        lines: Lines = []
        for name, (title, separator) in CONSTRAINTS.items():
            stated = found.get(name) if isinstance(found, dict) else None
            texts = [_constraint_text(one, separator) for one in stated] if isinstance(stated, list) else []
            texts = [text for text in texts if text]
            lines += [(title, shortened(text)) for text in texts[:MAX_CONSTRAINTS]]
            if len(texts) > MAX_CONSTRAINTS:
                lines.append((title, f"{len(texts) - MAX_CONSTRAINTS:,} more: --json lists them"))
        return lines


FILES = _TableFiles()


def _constraint_text(constraint: Any, separator: str) -> str:
    if isinstance(constraint, dict):
        return constraint["text"] if isinstance(constraint.get("text"), str) else ""
    return separator.join(map(str, constraint)) if isinstance(constraint, list) else ""


def _spelling(generator: Generator, fields: Mapping[str, FieldFormat] | None, decimal: str | None) -> TextFormat:
    """Return the spelling of rows in a text file; real rows may change that of dates and truth values."""
    fields = fields or {}
    usual = {str(column.name): "" for column in generator.codec.columns if held(column) in (DATES, TRUTH_VALUES)}
    for column in generator.codec.columns:
        # pandas decides the form for each piece, and would omit the hours of a piece in which all are zero.
        if isinstance(column, NumericColumn) and column.kind == "datetime":
            offset = "+00:00" if DatetimeDtype.parse(column.dtype).zone else ""
            time = f" 00:00:00{f'.{0:0{column.decimals}}' if column.decimals else ''}{offset}"
            usual[str(column.name)] = "2020-01-31" + ("" if column.has_days_only and not offset else time)
    usual |= {name: field.example for name, field in fields.items() if field.example}
    return TextFormat(usual, fields, decimal or ".")


def _recorded(generator: Generator) -> CsvFormat:
    """Return the format of the file that a model was fitted to."""
    return _format(generator).csv


def _format(generator: Generator) -> "TableFormat":
    return cast("TableFormat", generator.format)


def _balanced_spelling(form: CsvFormat, generator: Generator, *, is_csv: bool, to_text: bool) -> TextFormat:
    """Return the spelling of synthetic rows beside the real rows of a file of this format."""
    here, known = form.columns or {}, _recorded(generator).columns or {}
    if to_text and is_csv:
        both = {name: here[name].filled(known.get(name, FieldFormat())) for name in here}
        return _spelling(generator, both, form.decimal)
    if to_text:
        return _spelling(generator, here, None)
    return TextFormat({}, {} if is_csv else here)


def _ignored(generator: Generator, columns: list[str]) -> IgnoredColumns:
    """Return the columns of a table that its model ignores, and note that they tell synthetic rows from real ones."""
    names = [name for name in map(str, generator.format.ignored_names) if name in columns]
    if names:
        click.echo(
            f"Note: the model ignores {printable(listing(names, limit=5))}, where synthetic rows are empty or have "
            "fresh numbers: leave these columns out when you train, or a classifier may tell synthetic rows by them.",
            err=True,
        )
    return IgnoredColumns(names)


def _count(table: Table | RealRows, name: str, generator: Generator) -> tuple[dict[Any, int], dict[Any, Any]]:
    """Return for each class the number of its rows and how its label is written; the model has the same classes.

    A table may write the classes 0 and 1 as 0.0 and 1.0, and synthetic rows are written as the real rows are.
    """
    counts: dict[Any, int] = {}
    written: dict[Any, Any] = {}
    read, verbatim = (table.pieces(verbatim=verbatim, columns=[name]) for verbatim in (False, True))
    for piece, piece_as_written in zip(read, verbatim, strict=True):
        for label, label_as_written in zip(labels_of(piece[name]), piece_as_written[name], strict=True):
            counts[label] = counts.get(label, 0) + 1
            written.setdefault(label, label_as_written)
    if not counts:
        raise DataError(f"A table must have rows, but {table.file} has none: give a file that has some")
    if {(type(label), label) for label in counts} != {(type(label), label) for label in generator.classes}:
        raise DataError(
            f"the model must have the classes of {table.file}, which are {listing(list(counts))}, but it has "
            f"{listing(list(generator.classes))}: fit a model to this table"
        )
    return {label: counts[label] for label in generator.classes}, written
