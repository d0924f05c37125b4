"""What a table must be for the rows of a model to stand beside its own: the same columns, of the same kinds."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganaug.cli.text import listing
from ganaug.data.tables.codec import Column
from ganaug.data.tables.datetimes import period_frequency
from ganaug.data.tables.decimals import DecimalDtype
from ganaug.data.tables.left_out import FLAG, RealRows
from ganaug.data.tables.numeric import NumericColumn
from ganaug.data.tables.series import numeric_values
from ganaug.data.tables.table_file import Table
from ganaug.errors import DataError
from ganaug.runtime.generator import Generator

if TYPE_CHECKING:
    from pandas import Series

# What a column holds.
DATES = "dates"
TRUTH_VALUES = "true and false"
NUMBERS = "numbers"
DURATIONS = "durations"
PERIODS = "periods"
TEXTS = "text"


def check_columns(source: Path, columns: list[str], generator: Generator, name: str) -> None:
    """Raise `DataError` unless a table has the column of labels, `name`, the columns of the model, and no others."""
    if name not in columns:
        raise DataError(f"--target must name a column of {source}, which has {listing(columns)}, but is {name!r}")
    if FLAG in columns:
        raise DataError(
            f"{source} must have no column {FLAG!r}, because the result gets this column: if it tells the rows that "
            "ganaug balance added, add --real-only, which draws them anew; if it means something else, rename it and "
            "fit a model to the renamed table"
        )
    left_out = {name, *map(str, generator.format.ignored_names)}
    known, here = [str(one) for one in generator.codec.names], [column for column in columns if column not in left_out]
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


def check_contents(table: Table | RealRows, generator: Generator) -> None:
    """Refuse columns of other values than the model's numbers, dates or truth values, and infinite numbers."""
    columns = {str(column.name): column for column in generator.codec.columns if held(column) != TEXTS}
    for piece in table.pieces(columns=list(columns)) if columns else ():
        for name, column in columns.items():
            series, kind = piece[name], held(column)
            if not _holds(series, kind) and not series.isna().all():
                raise DataError(
                    f"Column {name!r} of {table.file} must hold {kind}, as it did where the model was fitted, but "
                    f"holds {str(series.dropna().iloc[0])!r:.80}: correct it, or fit a model to this table"
                )
            if isinstance(column, NumericColumn):
                numeric_values(series, column)


def _holds(series: "Series[Any]", held: str) -> bool:
    """Tell whether the dtype of a column is one for what it should hold."""
    dtype = str(series.dtype)
    kinds = {DATES: "M", NUMBERS: "iufb", TRUTH_VALUES: "b", DURATIONS: "m", PERIODS: ""}[held]
    is_decimal = held == NUMBERS and DecimalDtype.parse(dtype) is not None
    return series.dtype.kind in kinds or is_decimal or (held == PERIODS and period_frequency(dtype) is not None)


def held(column: Column) -> str:
    """Tell what a column holds."""
    if isinstance(column, NumericColumn):
        return {"datetime": DATES, "duration": DURATIONS, "period": PERIODS}.get(column.kind, NUMBERS)
    is_truth = column.categories and all(isinstance(category, bool) for category in column.categories)
    return TRUTH_VALUES if is_truth else TEXTS
