"""Rows as tables of Arrow."""

from typing import TYPE_CHECKING, Any

from ganaug.errors import DataError

if TYPE_CHECKING:
    from pandas import DataFrame


def arrow_table(rows: "DataFrame", schema: Any = None) -> Any:
    """Return rows as a `pyarrow.Table`, cast to a schema if there is one; `DataError` if they cannot be converted."""
    import pyarrow

    try:
        table = pyarrow.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(None)
        return table if schema is None else table.cast(schema)
    except pyarrow.ArrowException as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise DataError(
            f"All values of a column must have one type, but some have another ({reason}): fit a model to this "
            "table, or write a .csv file."
        ) from error
