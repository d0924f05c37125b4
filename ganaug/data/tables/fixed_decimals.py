"""The number of decimals that all numbers of a column are written with."""

import re
from collections.abc import Collection

from ganaug.data.tables.number_format import MAX_DECIMALS


class FixedDecimals:
    """What some fields of a column have shown of the number of decimals.

    Parameters
    ----------
    decimal : str
        The decimal mark.
    gaps : collection of str
        Fields that stand for missing values.
    """

    def __init__(self, decimal: str, gaps: Collection[str]) -> None:
        self._form = re.compile(rf"\s*[+-]?\d+[{decimal}](\d{{1,{MAX_DECIMALS}}})\s*", re.ASCII)
        self._gaps = gaps
        self._seen: int | None = None  # 0 after fields that differ

    def add(self, field: str) -> None:
        """Look at one more field."""
        if self._seen == 0 or field in self._gaps:
            return
        match = self._form.fullmatch(field)
        found = len(match[1]) if match else 0
        self._seen = found if self._seen in (None, found) else 0

    @property
    def count(self) -> int:
        """The number of decimals that all fields have; 0 if they differ or are no such numbers."""
        return self._seen or 0
