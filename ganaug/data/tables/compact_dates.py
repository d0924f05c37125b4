"""The warning about dates that are written as whole numbers, such as 20241231."""

from typing import TYPE_CHECKING, Any

from ganaug.errors import warn

if TYPE_CHECKING:
    from pandas import DataFrame, Series

FIRST, LAST = 19000101, 21001231
MIN_DAYS = 0.9
"""Share of numbers that must be days of the calendar."""


def holds_compact_dates(column: "Series[Any]") -> bool:
    """Tell whether a column holds whole numbers that are dates: year, month and day without separators."""
    import pandas as pd

    if column.dtype.kind not in "iu":
        return False
    values = column.dropna()
    if values.empty or not values.between(FIRST, LAST).all():
        return False
    days = pd.to_datetime(values.astype("int64").astype(str), format="%Y%m%d", errors="coerce")
    return bool(days.notna().mean() >= MIN_DAYS)


def warn_about_compact_dates(frame: "DataFrame") -> None:
    """Warn of columns of dates that are learned as numbers."""
    for name, column in frame.items():
        if holds_compact_dates(column):
            warn(
                f"Column {name!r} holds dates like {int(column.dropna().iloc[0])}, which are learned as numbers: write "
                "them as 2024-12-31 to have time learned (in pandas, with pandas.to_datetime(column, "
                'format="%Y%m%d")), or ignore the column (--ignore)'
            )
