"""What holds between the numbers of every row of a table."""

from collections.abc import Container, Sequence
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
    def of(cls, columns: Sequence[NumericColumn], values: NDArray[np.float64], fixed: Container[int] = ()) -> Self:
        """Find them in values (n, N), of which some columns are fixed; see `lines` and `orders`."""
        with np.errstate(all="ignore"):  # of numbers near the largest that there are
            every = orders(columns, values, fixed)
            found = lines(columns, values, {place for order in every for place in (order.low, order.high)})
            targets = {line.target for line in found}
            return cls(found, tuple(order for order in every if not {order.low, order.high} & targets))
