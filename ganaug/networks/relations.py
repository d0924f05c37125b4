"""Rules between the numbers of a row, kept inside the graph that is exported."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ganaug.codecs.lines import Line
from ganaug.codecs.numeric import NumericColumn
from ganaug.codecs.order import Order

__all__ = ["Exchanges", "Lines"]

TIE = 1e-6
"""Of a step: what lies half way between two, and is computed a little differently here and there, goes up."""


class Exchanges(nn.Module):
    """Exchange the values of pairs of columns, one pair after the other, where they are in the wrong order.

    Beside a fixed column the other one takes its value. What is exchanged stays within the bounds of its new column:
    the lesser column's lie below the greater's. Each column is handled by itself, for whole rows would be copied as
    often as there are pairs.
    """

    involved: Tensor
    places: Tensor

    def __init__(self, orders: Sequence[Order], columns: Sequence[NumericColumn]) -> None:
        super().__init__()
        involved = sorted({place for order in orders for place in (order.low, order.high)})
        places = np.arange(len(columns))
        places[involved] = len(columns) + np.arange(len(involved))
        self.register_buffer("involved", torch.tensor(involved, dtype=torch.int64), persistent=False)
        self.register_buffer("places", torch.tensor(places, dtype=torch.int64), persistent=False)
        self.columns = columns
        self.involved_in = [(involved.index(order.low), involved.index(order.high), order) for order in orders]

    def forward(self, values: Tensor) -> Tensor:
        """Return values (B, N) in which every order holds."""
        own = list(values.index_select(1, self.involved).T.contiguous().unbind(0))
        for low, high, order in self.involved_in:
            less, more = self._exchanged(own[low], own[high], order)
            own[low] = own[low] if order.fixed == order.low else less
            own[high] = own[high] if order.fixed == order.high else more
        return torch.cat([values, torch.stack(own, dim=0).T], dim=1).index_select(1, self.places)

    def _exchanged(self, less: Tensor, more: Tensor, order: Order) -> tuple[Tensor, Tensor]:
        lesser, greater = self.columns[order.low], self.columns[order.high]
        if order.shift:
            less = less + order.shift
        if lesser.missing or greater.missing:
            wrong = less > more  # and not where one is missing
            less, more = torch.where(wrong, more, less), torch.where(wrong, less, more)
        else:
            less, more = torch.minimum(less, more), torch.maximum(less, more)
        if order.shift:
            less = less - order.shift
        return (less, more) if lesser.step == greater.step else (_rounded(less, lesser), _rounded(more, greater))


class Lines(nn.Module):
    """Make the columns that follow from others."""

    places: Tensor

    def __init__(self, lines: Sequence[Line], columns: Sequence[NumericColumn]) -> None:
        super().__init__()
        places = np.arange(len(columns))
        places[[line.target for line in lines]] = len(columns) + np.arange(len(lines))
        self.register_buffer("places", torch.tensor(places, dtype=torch.int64), persistent=False)
        self.lines, self.columns = lines, columns

    def forward(self, values: Tensor) -> Tensor:
        """Return values (B, N) in which every line holds that has a source there."""
        made = [self._made(values[:, line.source], values[:, line.target], line) for line in self.lines]
        return torch.cat([values, torch.stack(made, dim=1)], dim=1).index_select(1, self.places)

    def _made(self, source: Tensor, target: Tensor, line: Line) -> Tensor:
        column = self.columns[line.target]
        made = _rounded(source * line.slope + line.intercept, column).clamp(*column.bounds)
        if column.missing or self.columns[line.source].missing:
            made = torch.where(torch.isnan(source) | torch.isnan(target), target, made)
        return made


def _rounded(values: Tensor, column: NumericColumn) -> Tensor:
    """Round values to what the column's are multiples of; halves up, whatever the last bits of different runtimes."""
    if column.decimals is None:
        return values
    steps = (values * 10.0**column.decimals / column.unit + TIE).round()
    return steps * column.unit / 10.0**column.decimals
