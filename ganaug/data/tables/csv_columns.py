"""The dtypes of the columns of a CSV file, from what its pieces show."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganaug.errors import DataError

if TYPE_CHECKING:
    from pandas import Series

CODE = re.compile(r",\s*(?:0\d+|\+\d{7,})\s*(?=,|$)", re.ASCII)
"""After a comma, a whole number with leading zeros, or a long one with a plus: a postal code or a telephone number.
One such field makes a column without fractions text, because a number would lose the zeros or the plus."""
MIN_NUMBERS = 0.9
"""Share of numbers in a column above which a text among them is a mistake or stands for a missing value."""
_ISO_DATE = r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?"
_ISO_INSTANT = rf"{_ISO_DATE}(Z|[+-]\d\d:?\d\d)"
_DATES = ("datetime64[s]", "datetime64[ms]", "datetime64[us]", "datetime64[ns]")
_UTC = "datetime64[us, UTC]"
_NANOSECOND_YEARS = ("1678", "2261")
"""The years that 64 bits of nanoseconds reach. A column with nanoseconds and other years stays text."""


class CsvColumn:
    """What the pieces of a CSV file have shown of one column.

    Parameters
    ----------
    codes : bool
        Whether a field of the column is a `CODE`.
    """

    def __init__(self, codes: bool) -> None:
        self.codes = codes
        self.kinds: set[str] = set()
        self.present = self.numbers = 0
        self.text = ""
        self.far = False

    def add(self, column: "Series[Any]") -> None:
        """Look at the column in one more piece."""
        import pandas as pd

        column = column.dropna()
        if column.empty:
            return
        self.present += len(column)
        if column.dtype.kind in "iuf":
            self.numbers += len(column)
        else:
            text = column.astype(str)
            numbers = pd.to_numeric(text, errors="coerce").notna()
            self.numbers += int(numbers.sum())
            self.text = next(iter(text[~numbers]), self.text)
        date = _date_dtype(column)
        self.far = self.far or bool(date and not column.str[:4].between(*_NANOSECOND_YEARS).all())
        self.kinds.add(date or str(column.dtype))

    def dtype(self, name: str, file: Path) -> str:
        """Return the dtype that holds all pieces; `DataError` if there is text among many numbers."""
        if self.codes and "Float64" not in self.kinds:
            return "str"
        if self.kinds <= {"Int64", "Float64"}:
            return "Int64" if self.kinds == {"Int64"} else "float64"
        if self.kinds == {"boolean"}:
            return "boolean"
        if self.far and "datetime64[ns]" in self.kinds:
            return "str"
        if self.kinds <= set(_DATES) or self.kinds == {_UTC}:
            return max(self.kinds, key=[*_DATES, _UTC].index)
        if self.text and self.numbers > MIN_NUMBERS * self.present:
            raise DataError(
                f"Column {name!r} of {file} must hold numbers or text, but among its numbers is {self.text!r:.80}: "
                "correct it, or leave the field empty if that means a missing value."
            )
        return "str"


def _date_dtype(column: "Series[Any]") -> str | None:
    """Return the dtype of a column of text that holds dates in ISO format alone; None for other columns."""
    import pandas as pd

    if not isinstance(column.dtype, pd.StringDtype):
        return None
    zoned = column.str.fullmatch(_ISO_INSTANT).all()
    if not zoned and not column.str.fullmatch(_ISO_DATE).all():
        return None
    try:
        dtype = str(pd.to_datetime(column, format="ISO8601", utc=bool(zoned)).dtype)
    except ValueError:  # for example the 31st of February
        return None
    return dtype if dtype in (*_DATES, _UTC) else None
