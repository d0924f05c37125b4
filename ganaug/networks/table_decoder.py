"""Decoding quantiles and choices to the values of a table's columns, inside the graph that is exported."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.data.tables.category import CategoryColumn
from ganaug.data.tables.codec import TableCodec
from ganaug.data.tables.constraints.constraints import Constraints
from ganaug.data.tables.numeric import NumericColumn
from ganaug.data.tables.numeric_fit import LIMIT, STEPS
from ganaug.networks.constraints import ConstrainedColumns

MAX_POOL = 2**14
"""Entries, about at most, from which a rare category of a column is drawn."""
_TAIL = -2


class TableDecoder(nn.Module):
    """Decode a generator's quantiles and choices to the values of a table's columns, under constraints.

    All columns of a kind are decoded at once, by lookups in one table of all their values. The lookups are embeddings,
    because these become the ONNX operator that takes 32-bit indices and copies whole rows.
    """

    def __init__(self, codec: TableCodec, constraints: Constraints | None = None) -> None:
        super().__init__()
        constraints = constraints or Constraints.none(codec)
        numbers, categories = codec.numeric_columns, codec.category_columns
        self.output_names = ("numeric",) * bool(numbers) + ("category",) * bool(categories)
        learned = constraints.learned
        decoded = (*learned.numeric_columns, *(column for _, column in constraints.without_base))
        self.numbers = _Numbers(decoded) if decoded else None
        again = [learned.quantile_index[target] for target, _ in constraints.without_base]
        self.again = _constant(again, torch.int64) if again else None
        self.categories = _Categories(categories) if categories else None
        enforced = [ConstrainedColumns(constraints.on_columns, numbers)] if constraints.on_columns else []
        self.constraints = nn.Sequential(*enforced)
        self.split = sum(column.options > 1 for column in learned.numeric_columns)

    def forward(self, quantiles: Tensor, choices: Tensor, uniform: Tensor) -> tuple[Tensor, ...]:
        """Return the values of the columns, one tensor for each of `output_names`.

        ``numeric`` is float64 (B, numeric columns), NaN where missing, and ``category`` int64 (B, category columns), -1
        where missing. `quantiles` are float32 (B, n_quantiles), of the standard normal, and `choices` int64 (B,
        n_choices), options. `uniform`, float32 (B, n_choices), from 0 to 1, chooses a rare category where the option is
        the tail.
        """
        outputs = []
        if self.again is not None:
            quantiles = torch.cat([quantiles, quantiles.index_select(1, self.again)], dim=1)
        if self.numbers is not None:
            outputs.append(self.constraints(self.numbers(quantiles, choices[:, : self.split])))
        if self.categories is not None:
            outputs.append(self.categories(choices[:, self.split :], uniform[:, self.split :]))
        return tuple(outputs)


class _Numbers(nn.Module):
    """Columns of numbers: a piecewise linear function of the quantile, or a constant for each other option.

    For each column `lines` holds pairs of a value and the rise to the next value: one for each point of the quantile's
    grid, then one for each atom and one for missing, with a rise of 0.
    """

    def __init__(self, columns: Sequence[NumericColumn]) -> None:
        super().__init__()
        lines, points, options = [], [], []
        start = 0
        for column in columns:
            values = np.array([*column.to_steps(np.array(column.atoms)), *[np.nan] * column.missing])
            rises = np.zeros(len(values))
            points.append(start + LIMIT)
            options.append(start)
            if column.has_quantile:
                curve = column.curve()
                options[-1] += len(curve) - 1  # because the first atom is option 1
                values, rises = np.append(curve, values), np.append(np.append(np.diff(curve), 0.0), rises)
            lines.append(np.stack([values, rises], axis=1))
            start += len(values)
        self.lines = _constant(np.concatenate(lines), torch.float64)
        self.first_point = _constant(points, torch.int32)
        self.first_option = _constant(options, torch.int32)
        self.continuous = _constant([column.has_quantile for column in columns], torch.bool)
        self.last_option = _constant([column.options - 1 for column in columns], torch.int32)
        self.rounded = _constant([column.decimals is not None for column in columns], torch.bool)
        self.unit = _constant([column.unit for column in columns], torch.float64)
        self.scale = _constant([10 ** (column.decimals or 0) for column in columns], torch.float64)
        # Python values, so that the graph holds only what these columns need.
        self.has_options = not all(column.has_quantile and column.options == 1 for column in columns)
        self.rounds_some = any(column.decimals is not None for column in columns)
        self.rounds_all = all(column.decimals is not None for column in columns)
        self.has_units = any(column.unit > 1 for column in columns)
        self.has_scales = any(column.decimals for column in columns)
        self.quantile_of = _owners([column.has_quantile for column in columns])
        self.choice_of = _owners([column.options > 1 for column in columns])

    def forward(self, quantiles: Tensor, choices: Tensor) -> Tensor:
        position = (
            _pick(quantiles.clamp(-LIMIT / STEPS, LIMIT / STEPS), self.quantile_of) * STEPS
        )  # (B, N), as all below
        point = position.floor()
        within = (position - point).double()
        index = point.int() + self.first_point
        if self.has_options:
            option = torch.minimum(_pick(choices.int(), self.choice_of), self.last_option)
            index = torch.where(self.continuous & (option == 0), index, option + self.first_option)
        line = F.embedding(index, self.lines)  # (B, N, 2)
        steps = line[..., 0] + line[..., 1] * within
        if self.rounds_some:
            steps = steps.round() if self.rounds_all else torch.where(self.rounded, steps.round(), steps)
        if self.has_units:
            steps = steps * self.unit
        return steps / self.scale if self.has_scales else steps


class _Categories(nn.Module):
    """Columns of categories: an index for each option, and for the tail one drawn from a pool of rare categories."""

    def __init__(self, columns: Sequence[CategoryColumn]) -> None:
        super().__init__()
        indices: list[int] = []
        starts = []
        for column in columns:
            starts.append(len(indices))
            indices += [*column.heads, *[_TAIL] * bool(column.tail), *[-1] * column.missing]
        self.indices = _constant(np.array(indices)[:, None], torch.int64)
        self.first_option = _constant(starts, torch.int32)
        self.last_option = _constant([column.options - 1 for column in columns], torch.int32)
        self.choice_of = _owners([column.options > 1 for column in columns])

        pools = [_pool(column) for column in columns]
        sizes = np.array([len(pool) for pool in pools])
        self.has_tail = any(column.tail for column in columns)
        self.pool = _constant(np.concatenate(pools)[:, None], torch.int64)
        self.pool_start = _constant(np.cumsum(sizes) - sizes, torch.int32)
        self.pool_size = _constant(sizes, torch.int32)

    def forward(self, choices: Tensor, uniform: Tensor) -> Tensor:
        option = torch.minimum(_pick(choices.int(), self.choice_of), self.last_option)  # (B, N), as all below
        index = F.embedding(option + self.first_option, self.indices).squeeze(-1)
        if not self.has_tail:
            return index
        drawn = (_pick(uniform, self.choice_of) * self.pool_size).int()
        drawn = torch.minimum(drawn, self.pool_size - 1)  # because float32 may round the product up
        rare = F.embedding(drawn + self.pool_start, self.pool).squeeze(-1)
        return torch.where(index == _TAIL, rare, index)


def _constant(values: Sequence[float] | np.ndarray, dtype: torch.dtype) -> nn.Buffer:
    return nn.Buffer(torch.tensor(np.asarray(values), dtype=dtype), persistent=False)


def _owners(has_one: Sequence[bool]) -> nn.Buffer | None:
    """Return the index of each column's input, any for columns without one; None if no index is needed."""
    return None if all(has_one) else _constant(np.maximum(np.cumsum(has_one), 1) - 1, torch.int64)


def _pool(column: CategoryColumn) -> np.ndarray:
    """Repeat each rare category by its number of rows, or in about that proportion if the rows are many."""
    if not column.tail:
        return np.zeros(1, dtype=np.int64)
    counts = np.array([column.counts[index] for index in column.tail], dtype=np.float64)
    if counts.sum() > MAX_POOL:
        counts = np.ceil(counts * (MAX_POOL / counts.sum()))
    return np.repeat(np.array(column.tail, dtype=np.int64), counts.astype(np.int64))


def _pick(inputs: Tensor, owners: Tensor | None) -> Tensor:
    """Return for each column its own input, (B, N); 0 if there are no inputs at all."""
    if owners is None:
        return inputs
    if inputs.shape[1] == 0:
        return inputs.new_zeros(inputs.shape[0], len(owners))
    return inputs.index_select(1, owners)
