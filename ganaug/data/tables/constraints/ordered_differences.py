"""Ordered differences: a column that never exceeds, or never falls below, another column is learned relative to it.

`OrderedDifference` describes, encodes and decodes one such column. `difference_detection` decides which columns are
learned so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.constraints.column_constraint import (
    ColumnConstraint,
    to_dtype,
    to_nearest_step,
    to_step_beyond,
)
from ganaug.data.tables.numeric import NumericColumn

Array = NDArray[np.float64]

FLOAT32_STEP = 2.0**-23
"""Distance from one number of single precision to the next, as a share of the number."""


@dataclass(frozen=True, kw_only=True)
class OrderedDifference(ColumnConstraint):
    """A column that is learned relative to its bases, which it never falls below, or never exceeds.

    If a network drew a day of admission and a day of discharge independently, their order would be left to chance, and
    the length of the stay would carry the errors of both. A difference that is drawn has a distribution of its own. It
    can begin at zero, and be zero in many rows.

    If `below`, the column never exceeds its bases, and the least base of a row counts; else the greatest. `bases` are
    pairs of a column and a shift, which is added to its values so that they count from the target's origin. `limits`,
    in the same form, are on the other side: the target must not pass them.
    """

    sources_in_dtype: ClassVar[bool] = True

    below: bool
    learned_as: str  # "difference" from the base, "ratio" to the base, or the "value" itself
    bases: tuple[tuple[int, float], ...]
    limits: tuple[tuple[int, float], ...]

    @property
    def depends_on(self) -> tuple[int, ...]:
        """The bases and the limits."""
        return (*dict(self.bases), *dict(self.limits))

    def base(self, values: Array) -> Array:
        """Return the base of each row of values (n, N), NaN where all bases are missing, (n,)."""
        base: Array = self._nearest(self.bases, dict(enumerate(values.T)), None, np, least=self.below)
        return base

    def lacks_base(self, values: Array) -> NDArray[np.bool_]:
        """Tell in which rows all bases are missing and the target is not."""
        return np.isnan(self.base(values)) & ~np.isnan(values[:, self.target])

    def encode(self, values: Array, columns: Sequence[NumericColumn]) -> Array:
        """Return differences, ratios or values; NaN where the target or its base is missing."""
        own, column = values[:, self.target], columns[self.target]
        if self.learned_as == "value":
            return own
        base = self.base(values)
        if self.learned_as == "ratio":
            ratio = np.divide(own, base, out=np.ones(len(own)), where=base != 0)
            # Any ratio to a base of zero decodes to zero. Such rows repeat the ratios of the other rows.
            usual = ratio[(base > 0) & ~np.isnan(own)]
            return np.where(base == 0, np.resize(usual if len(usual) else 1.0, len(own)), ratio)
        if column.decimals is None:
            return base - own if self.below else own - base
        apart = column.to_steps(own) - to_step_beyond(base, column, np, down=self.below)
        return column.from_steps(-apart if self.below else apart)

    def decode(self, known: Mapping[int, Any], unpaired: Any, columns: Sequence[NumericColumn], xp: Any) -> Any:
        """Return values on the right side of the bases, short of the limits, and within the bounds of the column.

        A value is missing where even the base lies beyond the bounds or the limits: in the training rows that happens
        only where the value is missing.
        """
        column, learned = columns[self.target], known[self.target]
        base = self._nearest(self.bases, known, columns, xp, least=self.below)
        impossible = self._beyond(base, column.bounds[not self.below])
        start = to_step_beyond(base, column, xp, down=self.below)
        if self.learned_as == "difference":
            apart = to_nearest_step(learned, column, xp)
            steps = start - apart if self.below else start + apart
        else:
            steps = to_nearest_step(base * learned if self.learned_as == "ratio" else learned, column, xp)
        steps = xp.where(self._beyond(start, steps), start, steps)
        if unpaired is not None:
            steps = xp.where(xp.isnan(base) & ~xp.isnan(learned), to_nearest_step(unpaired, column, xp), steps)
        if self.limits:
            limit = self._nearest(self.limits, known, columns, xp, least=not self.below)
            impossible = impossible | self._beyond(base, limit)
            limit = to_step_beyond(limit, column, xp, down=not self.below)
            steps = xp.where(self._beyond(steps, limit), limit, steps)
        values = column.from_steps(steps).clip(*column.bounds)
        rounded = to_dtype(values, column, xp)
        if rounded is not values:  # Rounding to float32 may cross the base: then the next number of float32 is taken.
            further = abs(values) * FLOAT32_STEP
            further = to_dtype(values - further if self.below else values + further, column, xp)
            values = xp.where(self._beyond(base, rounded), further, rounded)
        return xp.where(impossible, xp.nan, values) if column.missing else values

    def _beyond(self, values: Any, end: Any) -> Any:
        """Tell which values lie further from the bases than an end; False where either is missing."""
        return values < end if self.below else values > end

    def _nearest(
        self,
        places: Sequence[tuple[int, float]],
        known: Mapping[int, Any],
        columns: Sequence[NumericColumn] | None,
        xp: Any,
        *,
        least: bool,
    ) -> Any:
        """Return the least or the greatest of some columns in each row, NaN where all are missing, (n,).

        Columns, if given, tell that no value can be missing, which shortens the graph.
        """
        shifted = [known[place] + shift if shift else known[place] for place, shift in places]
        nearest = shifted[0]
        for one in shifted[1:]:
            best = xp.minimum(nearest, one) if least else xp.maximum(nearest, one)
            if columns is None or any(columns[place].missing for place, _ in places):
                best = xp.where(xp.isnan(nearest), one, xp.where(xp.isnan(one), nearest, best))
            nearest = best
        return nearest
