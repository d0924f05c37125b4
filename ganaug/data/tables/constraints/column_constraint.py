"""What all constraints on columns of numbers have in common, and arithmetic that numpy and torch share.

Each function with an argument `xp` takes arrays of numpy if `xp` is numpy, and tensors of torch if `xp` is torch.
Encoding runs on numpy. Decoding runs on torch, inside the graph that is exported. Both call the same functions, so that
decoding inverts encoding.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.numeric import NumericColumn

RELATIVE_ERROR = 1e-12
"""Largest relative error of a number that should be whole."""
TIE = 1e-6
"""Steps added before rounding, so that every runtime rounds a number half way between two steps up."""


@dataclass(frozen=True, kw_only=True)
class ColumnConstraint(ABC):
    """A constraint that determines one column of numbers by others. Columns are named by their positions.

    Attributes
    ----------
    target : int
        The column that is determined.
    learned : NumericColumn, optional
        What the networks learn in place of the target. By default they learn the target itself.
    without_base : NumericColumn, optional
        The target in rows that lack what it is determined by, if the networks learn those rows apart.
    """

    sources_in_dtype: ClassVar[bool] = False
    """Whether sources and target are rounded to what their dtypes hold before the constraint is decoded."""

    target: int
    learned: NumericColumn | None = None
    without_base: NumericColumn | None = None

    @property
    @abstractmethod
    def depends_on(self) -> tuple[int, ...]:
        """The columns that `decode` reads, besides the target."""

    def to_json(self, columns: Sequence[NumericColumn]) -> tuple[str, Any] | None:  # noqa: ARG002
        """Return the name of a list in the model file's ``rules``, and this constraint's entry in the list; or None."""
        return None

    def encode(
        self,
        values: NDArray[np.float64],
        columns: Sequence[NumericColumn],  # noqa: ARG002
    ) -> NDArray[np.float64]:
        """Return what the networks learn in place of the target, (n,), NaN where missing.

        Parameters
        ----------
        values : ndarray of float64, shape (n, N)
            The values of all columns.
        columns : sequence of NumericColumn, N of them
            The columns as the codec describes them.
        """
        return values[:, self.target]

    def lacks_base(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell in which rows of values (n, N) `without_base` describes the target, (n,)."""
        return np.zeros(len(values), np.bool_)

    @abstractmethod
    def decode(self, known: Mapping[int, Any], unpaired: Any, columns: Sequence[NumericColumn], xp: Any) -> Any:
        """Return the values of the target, (n,).

        Parameters
        ----------
        known : mapping of int to array of shape (n,)
            The decoded sources, and under `target` what was learned in its place.
        unpaired : array of shape (n,), or None
            A draw of `without_base`, where there is one.
        columns : sequence of NumericColumn, N of them
            The columns as the codec describes them.
        xp : module
            numpy or torch.
        """


def to_nearest_step(values: Any, column: NumericColumn, xp: Any) -> Any:
    """Express values in steps of a column, rounded to whole ones; unchanged if the column has no steps."""
    return values if column.decimals is None else xp.round(_in_steps(values, column) + TIE)


def to_step_beyond(values: Any, column: NumericColumn, xp: Any, *, down: bool) -> Any:
    """Express values in steps of a column, rounded down or up to whole ones; unchanged if the column has no steps.

    Values that are whole but for the errors of floating point stay. The result, as a number again, is never on the
    wrong side of the value.
    """
    if column.decimals is None:
        return values
    steps = _in_steps(values, column)
    whole = xp.round(steps)
    near = abs(steps - whole) <= RELATIVE_ERROR * abs(steps)
    whole = xp.where(near, whole, xp.floor(steps) if down else xp.ceil(steps))
    back = column.from_steps(whole)
    return xp.where(back > values, whole - 1, whole) if down else xp.where(back < values, whole + 1, whole)


def to_dtype(values: Any, column: NumericColumn, xp: Any) -> Any:
    """Round values to float32 if the column holds such numbers and has no steps."""
    if column.decimals is not None or column.dtype.lower() != "float32":
        return values
    return values.astype(np.float32).astype(np.float64) if xp is np else values.float().double()


def _in_steps(values: Any, column: NumericColumn) -> Any:
    return values * 10.0 ** (column.decimals or 0) / column.unit
