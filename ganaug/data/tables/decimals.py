"""Conversion between pandas columns of decimals, a type of Arrow, and plain numbers."""

import re
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.numeric_fit import LARGEST_INTEGER
from ganaug.errors import DataError

if TYPE_CHECKING:
    from pandas import Series

MAX_DECIMALS = 9
"""Decimals of a column whose numbers are rounded to them; with more, numbers have the precision of float64."""
MAX_PRECISION = 76
"""Digits that the longest decimals of Arrow have."""
_CONTEXT = Context(prec=2 * MAX_PRECISION)
_DTYPE = re.compile(r"decimal(32|64|128|256)\((\d{1,2}), (-?\d{1,2})\)\[pyarrow\]", re.ASCII)


@dataclass(frozen=True)
class DecimalDtype:
    """The size in bits, the number of digits and the number of decimals of Arrow's dtype of decimals."""

    bits: int
    precision: int
    scale: int

    @classmethod
    def parse(cls, dtype: str) -> Self | None:
        """Read the text of a dtype; None if it is not one of decimals."""
        match = _DTYPE.fullmatch(dtype)
        return cls(*map(int, match.groups())) if match else None

    @property
    def pandas(self) -> Any:
        """The dtype of pandas."""
        import pandas as pd
        import pyarrow

        make = getattr(pyarrow, f"decimal{self.bits}", pyarrow.decimal128)  # older versions lack the short ones
        return pd.ArrowDtype(make(self.precision, self.scale))

    def holds(self, low: float, high: float) -> bool:
        """Tell whether all numbers between two bounds fit."""
        digits = {32: 9, 64: 18, 128: 38, 256: MAX_PRECISION}[self.bits]
        fits = 1 <= self.precision <= digits and abs(self.scale) <= digits
        return fits and max(-low, high) < 10.0 ** (self.precision - self.scale)

    def series(self, numbers: NDArray[np.float64], missing: NDArray[np.bool_], decimals: int | None) -> Any:
        """Return numbers, rounded to `decimals` unless that is None, as a pandas Series."""
        import pandas as pd

        form = repr if decimals is None else f"{{:.{decimals}f}}".format
        place = Decimal(1).scaleb(-self.scale)
        texts = map(form, numbers.tolist())
        exact = [
            None if is_missing else Decimal(text).quantize(place, context=_CONTEXT)
            for text, is_missing in zip(texts, missing.tolist(), strict=True)
        ]
        return pd.Series(exact, dtype=self.pandas)


def used_decimals(series: "Series[Any]") -> int | None:
    """Return the number of decimals that a column of decimals uses; None if float64 does not hold all of them.

    `DataError` if the numbers are whole then, or float64 cannot tell them apart.
    """
    values, dtype = series.dropna().unique().tolist(), DecimalDtype.parse(str(series.dtype))
    used = max((_places(value) for value in values), default=0)
    most = max(map(abs, values), default=Decimal(0))
    fits = used <= MAX_DECIMALS and most.scaleb(used, _CONTEXT) <= LARGEST_INTEGER
    kept = used > 0 and len({float(value) for value in values}) == len(values)
    if not (fits or kept) or (dtype and not dtype.holds(-float(most), float(most))):
        raise DataError(
            f"Decimals must have at most 15 digits, but column {series.name!r} has longer ones: is it an identifier? "
            "Ignore it (--ignore), or drop it. If it is a quantity, convert it with .astype('float64')."
        )
    return used if fits else None


def numbers_of_decimals(series: "Series[Any]") -> NDArray[np.float64]:
    """Return decimals as the nearest numbers of float64, (n,), NaN where missing."""
    import pandas as pd

    codes, values = pd.factorize(series)
    numbers: NDArray[np.float64] = np.array([*map(float, values.tolist()), np.nan])[codes]
    return numbers


def arrow_decimals(series: "Series[Any]") -> "Series[Any]":
    """Return a column of Python's Decimal objects with a dtype of Arrow; `DataError` if none holds them."""
    values = series.dropna()
    if not all(value.is_finite() for value in values):
        raise DataError(
            f"Numbers must be finite, but column {series.name!r} has infinities: mark them as missing, with "
            ".replace([decimal.Decimal('Infinity'), decimal.Decimal('-Infinity')], None) for example."
        )
    scale = max((-int(value.as_tuple().exponent) for value in values), default=0)
    whole = max((value.adjusted() + 1 for value in values if value), default=1)
    scale, digits = max(scale, 0), max(scale, 0) + max(whole, 1)
    if digits > MAX_PRECISION:
        raise DataError(
            f"Decimals must have at most {MAX_PRECISION} digits, but those of column {series.name!r} have {digits}: "
            "convert it with .astype('float64')."
        )
    dtype = DecimalDtype(128 if digits <= 38 else 256, digits, scale)
    return series.where(series.notna(), None).astype(dtype.pandas)


def _places(value: Decimal) -> int:
    """Return the number of decimals without the zeros at the end."""
    return max(0, -int(value.normalize(_CONTEXT).as_tuple().exponent))
