"""A column of numbers that is computed from others: its description, its decoding and its text.

`lines` detects formulas of one source, `formulas` those of several. The networks learn the target as it is. Decoding
replaces the drawn target.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.json_checks import FLOATS
from ganaug.data.tables.constraints.column_constraint import ColumnConstraint, to_nearest_step
from ganaug.data.tables.constraints.orders import seconds_since_1970
from ganaug.data.tables.numeric import NumericColumn

MAX_TOLERANCE = 0.05
"""Largest distance of a row from a formula, in standard deviations of the target: chance seldom comes as near."""
PLAIN = re.compile(r"[^\W\d][\w .%()/-]*")


@dataclass(frozen=True)
class Formula(ColumnConstraint):
    """A sum or a product of columns that equals another column, but for rounding, where none of them is missing."""

    target: int
    sources: tuple[int, ...]
    factors: tuple[float, ...]  # for each source its factor in the sum, or its power in the product
    constant: float  # what is added to the sum, or what the product is multiplied by
    multiplied: bool = False  # whether it is a product

    @property
    def depends_on(self) -> tuple[int, ...]:
        """The sources."""
        return self.sources

    @property
    def is_line(self) -> bool:
        """Whether there is one source, and no power."""
        return len(self.sources) == 1 and not self.multiplied

    def compute(self, sources: Sequence[Any]) -> Any:
        """Return the sum or product of sources (n,) each, before rounding."""
        made: Any = self.constant
        for source, factor in zip(sources, self.factors, strict=True):
            made = made * source**factor if self.multiplied else made + source * factor
        return made

    def decode(self, known: Mapping[int, Any], unpaired: Any, columns: Sequence[NumericColumn], xp: Any) -> Any:  # noqa: ARG002
        """Return the computed values, rounded and within bounds. If a value is missing, the drawn target stays."""
        column, drawn = columns[self.target], known[self.target]
        sources = [known[place] for place in self.sources]
        made = self.compute(sources)
        undefined = ~(abs(made) < math.inf)  # a division by zero
        made = column.from_steps(to_nearest_step(made, column, xp)).clip(*column.bounds)
        if self.multiplied and min(self.factors) < 0:
            made = xp.where(undefined, xp.nan if column.missing else drawn, made)
        unknown = [source for source, place in zip(sources, self.sources, strict=True) if columns[place].missing]
        for one in (*unknown, drawn) if column.missing or unknown else ():
            made = xp.where(xp.isnan(one), drawn, made)
        return made

    def to_json(self, columns: Sequence[NumericColumn]) -> tuple[str, Any]:
        """Describe a line by two names, another formula by its text and numbers; dates are in seconds since 1970."""
        names = [column.name for column in columns]
        if self.is_line:
            return "lines", [names[self.sources[0]], names[self.target]]
        formula = self
        if not self.multiplied:
            parts = zip(self.sources, self.factors, strict=True)
            moved = sum(factor * seconds_since_1970(columns[place]) for place, factor in parts)
            constant = round(self.constant + seconds_since_1970(columns[self.target]) - moved, 6)
            formula = replace(self, constant=constant)
        return "formulas", {
            "text": formula.text(names),
            "target": names[self.target],
            "sources": [names[place] for place in self.sources],
            "factors": list(self.factors),
            "constant": formula.constant,
            "multiplied": self.multiplied,
        }

    def text(self, names: Sequence[object]) -> str:
        """Write the formula with these names of all columns.

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
    """Write a name, in quotation marks if it could be read as part of the formula."""
    plain = str(name)
    return plain if PLAIN.fullmatch(plain) else json.dumps(plain, ensure_ascii=False)


def _times(factor: float) -> str:
    return "" if factor == 1 else f"{factor:.9g} * "


def float_error(column: NumericColumn, values: NDArray[np.float64]) -> float:
    """Return the largest error that a few operations on the column's floating point numbers leave."""
    dtype = column.dtype.lower() if column.dtype in FLOATS else "float64"
    return 4 * float(np.finfo(dtype).eps) * float(np.abs(values).max()) if column.kind == "numeric" else 0.0


def in_order(formulas: Iterable[Formula]) -> tuple[Formula, ...]:
    """Return formulas, each after those that compute its sources; there must be no circle."""
    waiting, ordered = list(formulas), list[Formula]()
    while waiting:
        targets = {one.target for one in waiting}
        ordered += (ready := [one for one in waiting if not targets.intersection(one.sources)])
        waiting = [one for one in waiting if one not in ready]
    return tuple(ordered)
