"""What a column is about that is learned by its distance from others, for those who judge rows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ganaug.data.tables.constraints.constraints import Rules
from ganaug.data.tables.layout import RowLayout
from ganaug.data.tables.numeric import NumericColumn

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["with_echoes"]


def with_echoes(layout: RowLayout, rules: Rules, frame: "DataFrame") -> RowLayout:
    """Let rows say of each column that is learned by its distance what its score would be, as far as a sum can.

    Where a weight, a half and a third of it are learned as one weight and two ratios, that one class is the light one
    is written once, and twice something else: judges that have few rows to learn from would go by the ratios. Nothing
    new is said by a sum of what is there, but more is made of it.

    Parameters
    ----------
    layout : RowLayout
        Of the columns as they are learned.
    rules : Rules
        Which these are.
    frame : DataFrame
        The rows to take the factors from, by least squares.
    """
    learned, columns = rules.learned.numeric_columns, rules.codec.numeric_columns
    own, rows = rules.codec.encode(frame), layout.rows(rules.encode(frame))
    echoes = []
    for gap in rules.relations.gaps:
        if gap.measure == "value" or not columns[gap.place].has_score:
            continue
        said = own.scores[:, sum(column.has_score for column in columns[: gap.place])]
        choice = sum(column.options > 1 for column in columns[: gap.place])
        there = own.choices[:, choice] == 0 if columns[gap.place].options > 1 else np.ones(len(rows), np.bool_)
        places = [at for place in (gap.place, *dict(gap.bases)) for at in _places(layout, learned, place)]
        factors = np.linalg.lstsq(rows[there][:, places].astype(np.float64), said[there], rcond=None)[0]
        echoes.append(tuple(zip(places, factors.tolist(), strict=True)))
    return replace(layout, echoes=tuple(echoes))


def _places(layout: RowLayout, columns: Sequence[NumericColumn], number: int) -> Iterator[int]:
    """Yield where in a row a column's score and options stand."""
    if columns[number].has_score:
        yield sum(column.has_score for column in columns[:number])
    if columns[number].options > 1:
        start = layout.n_scores + layout.starts[sum(column.options > 1 for column in columns[:number])]
        yield from range(start, start + columns[number].options)
