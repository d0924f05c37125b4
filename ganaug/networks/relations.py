"""Rules between the numbers of a row, kept inside the graph that is exported."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ganaug.codecs.lines import Line
from ganaug.codecs.numeric import NumericColumn
from ganaug.codecs.order import Order

__all__ = ["Exchanges", "Lines"]


class Exchanges(nn.Module):
    """Exchange the values of pairs of columns, one pair after the other, where they are in the wrong order.

    What is exchanged stays within the bounds of its new column: the lesser column's lie below the greater's. Each
    column is handled by itself, for whole rows would be copied as often as there are pairs.
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
        self.columns = [columns[place] for place in involved]
        self.pairs = [(involved.index(order.low), involved.index(order.high), order.shift) for order in orders]

    def forward(self, values: Tensor) -> Tensor:
        """Return values (B, N) in which every order holds."""
        own = list(values.index_select(1, self.involved).T.contiguous().unbind(0))
        for low, high, shift in self.pairs:
            own[low], own[high] = self._exchanged(own[low], own[high], low, high, shift)
        return torch.cat([values, torch.stack(own, dim=0).T], dim=1).index_select(1, self.places)

    def _exchanged(self, less: Tensor, more: Tensor, low: int, high: int, shift: float) -> tuple[Tensor, Tensor]:
        lesser, greater = self.columns[low], self.columns[high]
        if shift:
            less = less + shift
        if lesser.missing or greater.missing:
            wrong = less > more  # and not where one is missing
            less, more = torch.where(wrong, more, less), torch.where(wrong, less, more)
        else:
            less, more = torch.minimum(less, more), torch.maximum(less, more)
        if shift:
            less = less - shift
        return (less, more) if lesser.step == greater.step else (_rounded(less, lesser), _rounded(more, greater))


class Lines(nn.Module):
    """Make the columns that follow from others."""

    places: Tensor

    def __init__(self, lines: Sequence[Line], columns: Sequence[NumericColumn]) -> None:
        super().__init__()
        places = np.arange(len(columns))
        places[[line.target for line in lines]] = len(columns) + np.arange(len(lines))
        self.register_buffer("places", torch.tensor(places, dtype=torch.int64), persistent=False)
        self.lines = [(line, columns[line.target]) for line in lines]

    def forward(self, values: Tensor) -> Tensor:
        """Return values (B, N) in which every line holds."""
        made = [
            _rounded(values[:, line.source] * line.slope + line.intercept, column).clamp(*column.bounds)
            for line, column in self.lines
        ]
        return torch.cat([values, torch.stack(made, dim=1)], dim=1).index_select(1, self.places)


def _rounded(values: Tensor, column: NumericColumn) -> Tensor:
    """Round values to what the column's are multiples of."""
    if column.decimals is None:
        return values
    steps = (values * 10.0**column.decimals / column.unit).round()
    return steps * column.unit / 10.0**column.decimals
