"""Computed columns: declared formulas, and beside them the lines and formulas that are found."""

from collections.abc import Container, Sequence

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.constraints.declared import Declared, Pair
from ganaug.data.tables.constraints.formula import Formula, in_order
from ganaug.data.tables.constraints.formulas import detect_formulas, origins
from ganaug.data.tables.constraints.intervals import implies
from ganaug.data.tables.constraints.lines import detect_lines
from ganaug.data.tables.numeric import NumericColumn


def computed_columns(
    columns: Sequence[NumericColumn],
    numbers: NDArray[np.float64],
    pairs: Sequence[Pair],
    declared: Declared,
    wanted: Sequence[Pair],
) -> tuple[Formula, ...]:
    """Return the declared formulas, and those that are found beside them and leave the declared orders.

    A formula comes after the formulas of its sources.
    """
    spared: set[int] = set()  # columns that no formula may compute that is found
    while True:
        found = _formulas_beside(columns, numbers, pairs, declared, spared)
        makers = {pair: [one for one in found if one.target in pair] for pair in wanted}
        rivals = {
            one.target
            for pair, some in makers.items()
            if not any(implies(one, pair, declared.orders[pair], declared.columns) for one in some)
            for one in some
            if one not in declared.formulas
        }
        if not rivals:
            return found
        spared |= rivals


def _formulas_beside(
    columns: Sequence[NumericColumn],
    numbers: NDArray[np.float64],
    pairs: Sequence[Pair],
    declared: Declared,
    spared: Container[int],
) -> tuple[Formula, ...]:
    lines: tuple[Formula, ...] = ()
    formulas = declared.formulas
    targets = {one.target for one in declared.formulas}
    if declared.search:
        lines = tuple(
            line
            for line in detect_lines(columns, numbers, {place for pair in pairs for place in pair})
            if frozenset((line.target, *line.sources)) not in declared.no_formulas
            and line.target not in targets | origins(line.sources, declared.formulas)
            and line.target not in spared
        )
        taken = {line.target for line in lines}
        pairs = [pair for pair in pairs if not targets & set(pair)]
        formulas = detect_formulas(columns, numbers, taken, pairs, declared.formulas, declared.no_formulas, spared)
    return in_order((*formulas, *lines))
