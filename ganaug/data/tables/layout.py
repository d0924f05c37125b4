"""What stands where in a row of numbers, as the networks see it."""

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.codec import Encoded, TableCodec

__all__ = ["RowLayout"]


@dataclass(frozen=True)
class RowLayout:
    """What stands where in a row as the networks see it: the scores, then for each choice one column per option.

    The generator alone decides some choices together (see `JointChoices`); in a row each has its own columns.

    Attributes
    ----------
    n_scores : int
        Number of scores.
    options : tuple of int
        Number of options of each choice.
    gates : tuple of int
        For each score the choice whose first option it belongs to, or -1: under any other option it says nothing.
    echoes : tuple of tuple of (int, float)
        Sums of what stands before them, of which each lists places and factors. See `echoes`.
    """

    n_scores: int
    options: tuple[int, ...]
    gates: tuple[int, ...]
    echoes: tuple[tuple[tuple[int, float], ...], ...] = ()

    @classmethod
    def of(cls, codec: TableCodec) -> Self:
        """Return the layout of a table's rows."""
        choice = accumulate((column.options > 1 for column in codec.numeric_columns), initial=0)
        gates = [
            number if column.options > 1 else -1
            for column, number in zip(codec.numeric_columns, choice, strict=False)
            if column.has_score
        ]
        return cls(codec.n_scores, codec.options, tuple(gates))

    @property
    def own_width(self) -> int:
        """Length of a row without its echoes."""
        return self.n_scores + sum(self.options)

    @property
    def width(self) -> int:
        """Length of a row."""
        return self.own_width + len(self.echoes)

    @cached_property
    def echo(self) -> NDArray[np.float32]:
        """What a row is multiplied by for its echoes, shape (own_width, number of echoes)."""
        factors = np.zeros((self.own_width, len(self.echoes)), np.float32)
        for number, terms in enumerate(self.echoes):
            for place, factor in terms:
                factors[place, number] = factor
        return factors

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Where among the options each choice begins."""
        return tuple(accumulate(self.options, initial=0))[:-1]

    def rows(self, encoded: Encoded) -> NDArray[np.float32]:
        """Write scores and choices as rows, float32 (n, width)."""
        rows = np.zeros((len(encoded.scores), self.own_width), np.float32)
        rows[:, : self.n_scores] = encoded.scores
        columns = encoded.choices + self.n_scores + np.array(self.starts, np.int64)
        np.put_along_axis(rows, columns, 1.0, axis=1)
        return np.concatenate([rows, rows @ self.echo], axis=1)
