"""How the plain numbers of a column are written: with a fixed number of decimals, or with exponents."""

import re
from collections.abc import Collection

from ganaug.data.tables.number_format import MAX_DECIMALS, MAX_EXPONENT_DECIMALS, NumberFormat


class SeenNumbers:
    """What some fields of a column have shown of the format of its numbers.

    Parameters
    ----------
    decimal : str
        The decimal mark.
    gaps : collection of str
        Fields that stand for missing values.
    """

    def __init__(self, decimal: str, gaps: Collection[str]) -> None:
        part = rf"(?:[{decimal}](?P<part>\d{{1,{MAX_EXPONENT_DECIMALS}}}))?"
        exponent = r"(?:(?P<letter>[eE])(?P<sign>[+-]?)(?P<exponent>\d{1,3}))?"
        self._form = re.compile(rf"\s*[+-]?(?P<whole>\d+){part}{exponent}\s*", re.ASCII)
        self._gaps = gaps
        self._differ = False
        self._letter: str | None = None  # empty where numbers have no exponent
        self._least, self._most = MAX_EXPONENT_DECIMALS, 0
        # digits of the shortest exponent, and of the longest with a leading zero
        self._width, self._padded = 3, 1
        self._signs: set[str] = set()  # of exponents that are not negative

    def add(self, field: str) -> None:
        """Look at one more field."""
        if self._differ or field in self._gaps:
            return
        match = self._form.fullmatch(field)
        if match is None or self._letter not in (None, match["letter"] or ""):
            self._differ = True
            return
        decimals, self._letter = len(match["part"] or ""), match["letter"] or ""
        self._least, self._most = min(self._least, decimals), max(self._most, decimals)
        if not self._letter:
            self._differ = self._least != self._most or not 0 < decimals <= MAX_DECIMALS
            return
        zero = not (match["whole"] + (match["part"] or "")).strip("0")
        exponent = match["exponent"]
        self._width = min(self._width, len(exponent))
        if exponent.startswith("0"):
            self._padded = max(self._padded, len(exponent))
        if match["sign"] != "-":
            self._signs.add(match["sign"])
        # Only with one digit before the decimal mark, and not 0, a number has one exponent.
        normal = len(match["whole"]) == 1 and (zero or match["whole"] != "0")
        self._differ = not normal or len(self._signs) > 1

    @property
    def format(self) -> NumberFormat:
        """The format that all fields have; that of plain numbers if they differ or are no such numbers."""
        if self._differ or self._letter is None or (self._letter and self._padded > self._width):
            return NumberFormat()
        decimals = (self._least, self._most)
        if not self._letter:
            return NumberFormat(decimals=decimals)
        # If no exponent shows its sign, those with two digits have one, as C writes them.
        has_plus = self._signs == {"+"} or (not self._signs and self._width > 1)
        return NumberFormat(decimals=decimals, exponent=self._letter + "+" * has_plus + "0" * self._width)
