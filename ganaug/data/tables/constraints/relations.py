"""What holds between the numbers of every row of a table."""

from collections.abc import Container, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.constraints.formula import Formula
from ganaug.data.tables.constraints.formulas import formulas
from ganaug.data.tables.constraints.lines import lines
from ganaug.data.tables.constraints.ordered_differences import Gap, gaps
from ganaug.data.tables.numeric import NumericColumn

__all__ = ["Relations"]


class Relations(NamedTuple):
    """Rules between columns of numbers, by position; none that follows from others is in an order.

    Attributes
    ----------
    formulas : tuple of Formula
        Which columns follow from others, each after those of its sources that do.
    gaps : tuple of Gap
        Which columns are learned as their distance from others.
    orders : tuple of (int, int)
        Lesser and greater columns.
    """

    formulas: tuple[Formula, ...] = ()
    gaps: tuple[Gap, ...] = ()
    orders: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(
        cls,
        columns: Sequence[NumericColumn],
        values: NDArray[np.float64],
        pairs: Sequence[tuple[int, int]],
        fixed: Container[int] = (),
        bound: Container[int] = (),
    ) -> Self:
        """Find them in values (n, N), of which some pairs are in order, and some columns fixed or bound: see `gaps`."""
        with np.errstate(all="ignore"):  # of numbers near the largest that there are
            found = lines(columns, values, {place for pair in pairs for place in pair})
            targets = {line.target for line in found}
            found = (*formulas(columns, values, targets, pairs), *found)
            targets = {formula.target for formula in found}
            apart, ordered = gaps(columns, values, [pair for pair in pairs if not targets & set(pair)], fixed, bound)
        return cls(found, apart, ordered)

    def learned(self, columns: Sequence[NumericColumn]) -> tuple[NumericColumn, ...]:
        """Return the columns as a network learns them."""
        replaced = {gap.place: gap.column for gap in self.gaps}
        return tuple(replaced.get(place, column) for place, column in enumerate(columns))

    @property
    def alone(self) -> tuple[tuple[Gap, NumericColumn], ...]:
        """Those that have nothing to be measured from in some rows, and what they are there."""
        return tuple((gap, gap.alone) for gap in self.gaps if gap.alone)
