"""What holds between the numbers of every row of a table."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ganaug.codecs.lines import Line, lines
from ganaug.codecs.numeric import NumericColumn
from ganaug.codecs.order import Order, orders

__all__ = ["Relations"]


class Relations(NamedTuple):
    """Rules between columns of numbers, by position; none that is the target of a line is in an order."""

    lines: tuple[Line, ...] = ()
    orders: tuple[Order, ...] = ()

    @classmethod
    def of(cls, columns: Sequence[NumericColumn], values: NDArray[np.float64]) -> Self:
        """Find them in values (n, N); see `lines` and `orders`."""
        found = lines(columns, values)
        return cls(found, orders(columns, values, {line.target for line in found}))
