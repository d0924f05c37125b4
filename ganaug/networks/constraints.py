"""Rules between the numbers of a row, kept inside the graph that is exported."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ganaug.data.tables.constraints.formula import Formula
from ganaug.data.tables.constraints.ordered_differences import NOISE, Gap
from ganaug.data.tables.numeric import NumericColumn

__all__ = ["Formulas", "Gaps"]

SINGLE = 2.0**-23
"""From one number of single precision to the next, as a share of it."""
TIE = 1e-6
"""Of a step: what lies half way between two, and is computed a little differently here and there, goes up."""


class Gaps(nn.Module):
    """Make values of the distances of columns from others, one column after the other.

    They lie on the right side of their bases, and within the column's bounds; they are missing where not even the base
    is within these, for among rows that is so only where they are missing. Each column is handled by itself, for whole
    rows would be copied as often as there are distances.
    """

    involved: Tensor
    places: Tensor

    def __init__(self, gaps: Sequence[Gap], columns: Sequence[NumericColumn]) -> None:
        super().__init__()
        involved = sorted({one for gap in gaps for one in (gap.place, *dict(gap.bases), *dict(gap.limits))})
        self.alone = {gap.place: len(columns) + number for number, gap in enumerate(gap for gap in gaps if gap.alone)}
        places = np.arange(len(columns))
        places[involved] = len(columns) + len(self.alone) + np.arange(len(involved))
        self.register_buffer("involved", torch.tensor(involved, dtype=torch.int64), persistent=False)
        self.register_buffer("places", torch.tensor(places, dtype=torch.int64), persistent=False)
        self.gaps, self.columns = gaps, columns
        self.position = {place: number for number, place in enumerate(involved)}

    def forward(self, values: Tensor) -> Tensor:
        """Return values (B, N) in which no distance is left.

        Parameters
        ----------
        values : Tensor of shape (B, N + A)
            After those of all columns, for each that may have no base what it is then.
        """
        own = list(values.index_select(1, self.involved).T.contiguous().unbind(0))
        for place, position in self.position.items():
            own[position] = _held(own[position], self.columns[place])
        for gap in self.gaps:
            alone = values[:, self.alone[gap.place]] if gap.alone else None
            own[self.position[gap.place]] = self._placed(gap, own, alone)
        return torch.cat([values, torch.stack(own, dim=0).T], dim=1).index_select(1, self.places)

    def _placed(self, gap: Gap, own: list[Tensor], alone: Tensor | None) -> Tensor:
        """Return the values (B,) of a column, of which there is yet what was learned of it."""
        column, learned = self.columns[gap.place], own[self.position[gap.place]]
        base = self._furthest(gap.bases, own, least=gap.falls)
        impossible = self._beyond(base, column.bounds[not gap.falls], gap)
        start = _steps(base, column, down=gap.falls)
        if gap.measure == "difference":
            apart = _steps(learned, column)
            placed = start - apart if gap.falls else start + apart
        else:
            placed = _steps(base * learned if gap.measure == "ratio" else learned, column)
        placed = torch.where(self._beyond(start, placed, gap), start, placed)
        if alone is not None:
            placed = torch.where(torch.isnan(base) & ~torch.isnan(learned), _steps(alone, column), placed)
        if gap.limits:
            limit = self._furthest(gap.limits, own, least=not gap.falls)
            impossible = impossible | self._beyond(base, limit, gap)
            limit = _steps(limit, column, down=not gap.falls)
            placed = torch.where(self._beyond(placed, limit, gap), limit, placed)
        placed = _values(placed, column).clamp(*column.bounds)
        held = _held(placed, column)
        if held is not placed:
            further = placed.abs() * SINGLE  # than the next number that the dtype holds
            further = _held(placed - further if gap.falls else placed + further, column)
            placed = torch.where(self._beyond(base, held, gap), further, held)
        return torch.where(impossible, torch.nan, placed) if column.missing else placed

    def _beyond(self, values: Tensor, end: Tensor | float, gap: Gap) -> Tensor:
        """Tell what lies further on the column's side of its bases than an end; never where either is missing."""
        return values < end if gap.falls else values > end

    def _furthest(self, places: Sequence[tuple[int, float]], own: list[Tensor], *, least: bool) -> Tensor:
        """Return the least or the greatest of some columns (B,), NaN where all are missing."""
        shifted = [own[self.position[place]] + shift if shift else own[self.position[place]] for place, shift in places]
        some_missing = any(self.columns[place].missing for place, _ in places)
        furthest = shifted[0]
        for one in shifted[1:]:
            best = torch.minimum(furthest, one) if least else torch.maximum(furthest, one)
            if some_missing:
                best = torch.where(torch.isnan(furthest), one, torch.where(torch.isnan(one), furthest, best))
            furthest = best
        return furthest


class Formulas(nn.Module):
    """Make the columns that follow from others."""

    places: Tensor

    def __init__(self, formulas: Sequence[Formula], columns: Sequence[NumericColumn]) -> None:
        super().__init__()
        places = np.arange(len(columns))
        places[[formula.target for formula in formulas]] = len(columns) + np.arange(len(formulas))
        self.register_buffer("places", torch.tensor(places, dtype=torch.int64), persistent=False)
        self.formulas, self.columns = formulas, columns

    def forward(self, values: Tensor) -> Tensor:
        """Return values (B, N) in which every formula holds that has all its sources there."""
        made: dict[int, Tensor] = {}
        for formula in self.formulas:
            sources = [made.get(place, values[:, place]) for place in formula.sources]
            made[formula.target] = self._made(formula, sources, values[:, formula.target])
        return torch.cat([values, torch.stack(list(made.values()), dim=1)], dim=1).index_select(1, self.places)

    def _made(self, formula: Formula, sources: Sequence[Tensor], target: Tensor) -> Tensor:
        column = self.columns[formula.target]
        made = torch.full_like(target, formula.constant)
        for source, factor in zip(sources, formula.factors, strict=True):
            made = made * source**factor if formula.multiplied else made + source * factor
        endless = ~(made.abs() < torch.inf)  # a part of nothing
        made = _rounded(made, column).clamp(*column.bounds)
        if formula.multiplied and min(formula.factors) < 0:
            made = torch.where(endless, torch.nan if column.missing else target, made)
        unknown = [
            source for source, place in zip(sources, formula.sources, strict=True) if self.columns[place].missing
        ]
        for one in (*unknown, target) if column.missing or unknown else ():
            made = torch.where(torch.isnan(one), target, made)
        return made


def _rounded(values: Tensor, column: NumericColumn) -> Tensor:
    """Round values to what the column's are multiples of."""
    return _values(_steps(values, column), column)


def _steps(values: Tensor, column: NumericColumn, *, down: bool | None = None) -> Tensor:
    """Express values in steps of a column, rounded up or down, or else to the nearest; as they are, where it has none.

    Halves go up, whatever the last bits of different runtimes.
    """
    if column.decimals is None:
        return values
    steps = values * 10.0**column.decimals / column.unit
    if down is None:
        return (steps + TIE).round()
    whole = steps.round()
    whole = torch.where((steps - whole).abs() <= NOISE * steps.abs(), whole, steps.floor() if down else steps.ceil())
    back = _values(whole, column)  # may lie on the wrong side by what floats leave out
    return whole - (back > values).double() if down else whole + (back < values).double()


def _held(values: Tensor, column: NumericColumn) -> Tensor:
    """Round what is no decimal number to what the column's dtype holds."""
    return values.float().double() if column.dtype.lower() == "float32" and column.decimals is None else values


def _values(steps: Tensor, column: NumericColumn) -> Tensor:
    """Undo `_steps`, up to rounding."""
    return steps if column.decimals is None else steps * column.unit / 10.0**column.decimals
