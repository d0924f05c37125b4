"""Columns of free text, which are too long or too varied to be learned as categories."""

from typing import TYPE_CHECKING, Any

from ganaug.data.json_checks import MAX_TEXT
from ganaug.data.labels import listed
from ganaug.data.tables.category import MAX_CATEGORIES
from ganaug.errors import warn

if TYPE_CHECKING:
    from pandas import DataFrame, Series


def ignore_free_text(frame: "DataFrame") -> "tuple[DataFrame, tuple[Any, ...]]":
    """Return a table without its columns of free text, and their names; warn if there are any."""
    names = [name for name, column in frame.items() if _is_free_text(column)]
    if names:
        warn(
            f"Ignored {listed(names)}, as --ignore would: a column of text must have at most {MAX_CATEGORIES:,} "
            f"different texts of at most {MAX_TEXT:,} characters to be learned"
        )
    return frame.drop(columns=names), tuple(names)


def _is_free_text(column: "Series[Any]") -> bool:
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        column = pd.Series(column.cat.categories)
    if column.dtype.kind not in "OU" or pd.api.types.infer_dtype(column, skipna=True) != "string":
        return False
    texts = column.dropna().unique()
    return len(texts) > MAX_CATEGORIES or max(map(len, texts), default=0) > MAX_TEXT
