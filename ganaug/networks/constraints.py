"""Constraints on columns of numbers, enforced inside the graph that is exported."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ganaug.data.tables.constraints.column_constraint import ColumnConstraint, to_dtype
from ganaug.data.tables.numeric import NumericColumn


class ConstrainedColumns(nn.Module):
    """Determine the targets of constraints, at least one, in their order, from the columns that they depend on.

    The arithmetic is `ColumnConstraint.decode`. Columns are handled one by one: the graph would otherwise copy whole
    rows as often as there are constraints.
    """

    def __init__(self, constraints: Sequence[ColumnConstraint], columns: Sequence[NumericColumn]) -> None:
        super().__init__()
        involved = sorted({place for one in constraints for place in (one.target, *one.depends_on)})
        unpaired = [one.target for one in constraints if one.without_base]
        self.unpaired = {target: len(columns) + number for number, target in enumerate(unpaired)}
        places = np.arange(len(columns))
        places[involved] = len(columns) + len(unpaired) + np.arange(len(involved))
        self.involved = nn.Buffer(torch.tensor(involved, dtype=torch.int64), persistent=False)
        self.places = nn.Buffer(torch.tensor(places, dtype=torch.int64), persistent=False)
        self.constraints, self.columns, self.order = constraints, columns, involved
        self.in_dtype = {
            place for one in constraints if one.sources_in_dtype for place in (one.target, *one.depends_on)
        }

    def forward(self, values: Tensor) -> Tensor:
        """Return the values (B, N) of all columns.

        `values` (B, N + A) holds the columns as they are learned, then a draw of each constraint's `without_base`, if
        it has one.
        """
        own = values.index_select(1, self.involved).T.contiguous().unbind(0)
        known = dict(zip(self.order, own, strict=True))
        for place in sorted(self.in_dtype):
            known[place] = to_dtype(known[place], self.columns[place], torch)
        for one in self.constraints:
            unpaired = values[:, self.unpaired[one.target]] if one.without_base else None
            known[one.target] = one.decode(known, unpaired, self.columns, torch)
        return torch.cat([values, torch.stack(list(known.values()), dim=0).T], dim=1).index_select(1, self.places)
