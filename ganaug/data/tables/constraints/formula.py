"""A column of numbers that follows from others."""

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.numeric import NumericColumn

__all__ = ["NARROW", "Formula", "float_error"]

NARROW = 0.05
"""So much of a standard deviation a formula may leave open: by chance rows would seldom lie as near to it."""

PLAIN = re.compile(r"[^\W\d][\w .%()/-]*")


class Formula(NamedTuple):
    """A column of numbers, by position, that follows from others wherever all are, but for rounding.

    It is ``constant`` and the sum of its sources, each times its factor; or else the product of ``constant`` and its
    sources, each to the power that its factor says.
    """

    target: int
    sources: tuple[int, ...]
    factors: tuple[float, ...]
    constant: float
    multiplied: bool = False

    @property
    def is_line(self) -> bool:
        """Whether it follows from one column along a straight line."""
        return len(self.sources) == 1 and not self.multiplied

    def of(self, sources: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return what sources (n,) each make, before it is rounded."""
        made = np.full(len(sources[0]), float(self.constant))
        for source, factor in zip(sources, self.factors, strict=True):
            made = made * source**factor if self.multiplied else made + source * factor
        return made

    def text(self, names: Sequence[object]) -> str:
        """Write it down.

        Examples
        --------
        >>> Formula(0, (1, 2), (2, -1), 0).text(["x", "a", "b"]), Formula(0, (1, 2), (1, -2), 5, True).text("xab")
        ('x = 2 * a - b', 'x = 5 * a * b^-2')
        """
        named = [(_name(names[place]), factor) for place, factor in zip(self.sources, self.factors, strict=True)]
        if self.multiplied:
            powers = [name if power == 1 else f"{name}^{power:g}" for name, power in named]
            right = " * ".join([f"{self.constant:.9g}"] * (self.constant != 1) + powers)
        else:
            terms = [("-" if factor < 0 else "+") + _times(abs(factor)) + name for name, factor in named]
            terms += [f"{self.constant:+.9g}"] * (self.constant != 0)
            right = " ".join(f"{term[0]} {term[1:]}" for term in terms).removeprefix("+ ")
        return f"{_name(names[self.target])} = {right}"


def _name(name: object) -> str:
    """Write a name, in quotation marks where it could be taken for something else."""
    plain = str(name)
    return plain if PLAIN.fullmatch(plain) else json.dumps(plain, ensure_ascii=False)


def _times(factor: float) -> str:
    return "" if factor == 1 else f"{factor:.9g} * "


def float_error(column: NumericColumn, values: NDArray[np.float64]) -> float:
    """Return what a few operations on the column's floating point numbers leave behind."""
    dtype = column.dtype.lower()
    return 4 * float(np.finfo(dtype).eps) * float(np.abs(values).max()) if column.kind == "numeric" else 0.0
