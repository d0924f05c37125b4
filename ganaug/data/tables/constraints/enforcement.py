"""Which orders can be enforced, and how: orders that follow, orders that conflict, and columns that must not move."""

from collections.abc import Container, Mapping, Sequence
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from ganaug.data.labels import listed
from ganaug.data.tables.codec import TableCodec
from ganaug.data.tables.constraints.declared import Declared, Pair
from ganaug.data.tables.constraints.formula import Formula
from ganaug.data.tables.constraints.intervals import implies
from ganaug.data.tables.constraints.joint_choices import JointChoices
from ganaug.data.tables.constraints.orders import origin_shift
from ganaug.data.tables.numeric import NumericColumn
from ganaug.errors import DataError

STEP_TOLERANCE = 1e-6
"""Largest distance, in steps, of a multiple of a step from a whole number of steps."""


def is_certain(columns: Sequence[NumericColumn], pair: Pair, margin: float) -> bool:
    """Tell whether the bounds of two columns alone keep them in order."""
    low, high = (columns[place] for place in pair)
    return low.bounds[1] + origin_shift(low, high) + margin <= high.bounds[0]


def closed(
    columns: Sequence[NumericColumn], numbers: NDArray[np.float64], margins: Mapping[Pair, float]
) -> dict[Pair, float]:
    """Add the orders that follow from two others, with their least differences, if they hold in every row."""
    known = dict(margins)
    for middle in sorted({place for pair in margins for place in pair}):
        lows, highs = [low for low, one in known if one == middle], [high for one, high in known if one == middle]
        for low, high in product(lows, highs):
            margin = known[low, middle] + known[middle, high]
            apart = numbers[:, high] - (numbers[:, low] + origin_shift(columns[low], columns[high]))
            # A row without a value of the middle column may break the order, or have a smaller difference.
            if low != high and not (apart < 0).any():
                enough = not (apart < margin * (1 - STEP_TOLERANCE)).any()
                known[low, high] = max(known.get((low, high), 0.0), margin if enough else 0.0)
    return known


def together_in(codec: TableCodec, joint: JointChoices) -> set[Pair]:
    """Return the pairs of columns of few numbers whose values are drawn together."""
    columns = enumerate(codec.numeric_columns)
    few = {codec.choice_index[place]: place for place, one in columns if not one.has_quantile and one.options > 1}
    groups = ([few[choice] for choice in one.choices if choice in few] for one in joint.decisions)
    return {pair for group in groups for pair in permutations(group, 2)}


def enforceable(
    codec: TableCodec, pairs: Sequence[Pair], joint: JointChoices, declared: Sequence[Pair]
) -> tuple[tuple[Pair, ...], set[int], set[int]]:
    """Return the pairs that can be enforced, the columns that stay as they are, and those that must not be moved.

    Columns of few numbers stay as they are. Two such columns are in order only if one decision makes their choices, or
    if their order is declared: then they are learned as other numbers are. Columns with atoms must not be moved if
    their choice depends on others.
    """
    columns, choice = codec.numeric_columns, codec.choice_index
    dependent = {one for group in joint.dependent for one in group}
    unmoved = {place for place, column in enumerate(columns) if column.atoms and choice[place] in dependent}
    fixed = {place for place, column in enumerate(columns) if not column.has_quantile}
    together = together_in(codec, joint) & set(pairs)
    fixed -= {place for pair in declared if fixed.issuperset(pair) and pair not in together for place in pair}
    return _without_conflicts(columns, pairs, fixed, together, set(declared)), fixed, unmoved


def _without_conflicts(
    columns: Sequence[NumericColumn],
    pairs: Sequence[tuple[int, int]],
    fixed: Container[int],
    together: Container[tuple[int, int]],
    declared: set[tuple[int, int]],
) -> tuple[tuple[int, int], ...]:
    """Leave out the pairs that cannot be enforced, declared ones last.

    Two fixed columns that are drawn independently come in any order. A column between them can be on the right side of
    one of them only. A column with coarse steps may have no value between two others.
    """
    conflicts = {pair for pair in pairs if pair not in together and all(place in fixed for place in pair)}
    chains = [
        (low, between, high)
        for low, between in pairs
        for other, high in pairs
        if other == between and between not in fixed and (low in fixed or high in fixed)
    ]
    while True:
        more = {
            (between, high) if (high in fixed or (low, between) in declared) else (low, between)
            for low, between, high in chains
            if (low, high) in conflicts or not _can_equal(columns[between], columns[low], columns[high])
        } - declared
        if more <= conflicts:
            return tuple(pair for pair in pairs if pair not in conflicts)
        conflicts |= more


def _can_equal(column: NumericColumn, *others: NumericColumn) -> bool:
    """Tell whether the steps of a column allow every value of the others."""
    if not column.step:
        return True
    sizes = [size / column.step for other in others for size in (other.step, origin_shift(other, column))]
    return all(other.step for other in others) and all(abs(size - round(size)) < STEP_TOLERANCE for size in sizes)


def check_enforced(
    declared: Declared,
    wanted: Sequence[Pair],
    enforced: Container[Pair],
    found: Sequence[Formula],
    together: Container[Pair],
) -> None:
    """Raise `DataError` if one of the declared orders that are wanted cannot be promised."""
    columns = declared.columns
    names = [column.name for column in columns]
    for pair in wanted:
        makers = [one for one in found if one.target in pair]
        if pair in enforced or (pair in together and not makers):
            continue
        if any(implies(one, pair, declared.orders[pair], columns) for one in makers):
            continue
        low, high = (names[place] for place in pair)
        others = listed([one.text(names) for one in makers]) if makers else "others that are found"
        raise DataError(
            f"A declared rule must be kept in every synthetic row, but the order of {low!r:.80} and {high!r:.80} "
            f"cannot be kept beside the rules of the same columns, {others}: leave one out, or switch it off with "
            "'not'."
        )
