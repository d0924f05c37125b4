"""The layout of a row as the networks see it."""

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.codec import Encoded, TableCodec


@dataclass(frozen=True)
class RowLayout:
    """The layout of a row: quantiles, then for each choice one number per option (one-hot), then derived features."""

    n_quantiles: int
    options: tuple[int, ...]  # of each choice
    gates: tuple[int, ...]  # for each quantile, the choice whose first option has it (else it is 0), or -1
    derived: tuple[tuple[tuple[int, float], ...], ...] = ()  # sums over the numbers before: positions and weights

    @classmethod
    def of(cls, codec: TableCodec) -> Self:
        """Return the layout of a table's rows, without derived features."""
        columns = zip(codec.numeric_columns, codec.choice_index, strict=True)
        gates = tuple(choice if column.options > 1 else -1 for column, choice in columns if column.has_quantile)
        return cls(codec.n_quantiles, codec.options, gates)

    @property
    def own_width(self) -> int:
        """Length of a row without its derived features."""
        return self.n_quantiles + sum(self.options)

    @property
    def width(self) -> int:
        """Length of a row."""
        return self.own_width + len(self.derived)

    @cached_property
    def derivation(self) -> NDArray[np.float32]:
        """The weights of the derived features as a matrix, shape (own_width, number of derived features)."""
        weights = np.zeros((self.own_width, len(self.derived)), np.float32)
        for number, terms in enumerate(self.derived):
            for place, weight in terms:
                weights[place, number] = weight
        return weights

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Where among the options each choice begins."""
        return tuple(accumulate(self.options, initial=0))[:-1]

    def rows(self, encoded: Encoded) -> NDArray[np.float32]:
        """Write quantiles and choices as rows, float32 (n, width)."""
        rows = np.zeros((len(encoded.quantiles), self.own_width), np.float32)
        rows[:, : self.n_quantiles] = encoded.quantiles
        columns = encoded.choices + self.n_quantiles + np.array(self.starts, np.int64)
        np.put_along_axis(rows, columns, 1.0, axis=1)
        return np.concatenate([rows, rows @ self.derivation], axis=1)
