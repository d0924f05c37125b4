"""What holds in every row of a table, beyond what each column holds by itself."""

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Self

import numpy as np

from ganaug.codecs.joint import JointChoices, surprise_needed
from ganaug.codecs.numeric import NumericColumn
from ganaug.codecs.order import ordered
from ganaug.codecs.relations import Relations
from ganaug.codecs.table import Column, TableCodec

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Rules"]


@dataclass(frozen=True)
class Rules:
    """The rules of a table.

    Attributes
    ----------
    joint : JointChoices
        Which choices are made together, for no combination to be drawn that the table rules out.
    relations : Relations
        What holds between columns of the output ``numeric``.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"born": range(1950, 2000), "age": range(74, 24, -1), "adult": True})
    >>> codec = TableCodec.fit(table)
    >>> Rules.of(codec, table).named(codec)
    {'joint': [], 'orders': [], 'lines': [['born', 'age']]}
    """

    joint: JointChoices
    relations: Relations

    @classmethod
    def of(cls, codec: TableCodec, frame: "DataFrame") -> Self:
        """Find the rules of a table.

        Where an encoder writes a category as columns of two values, the greater one marks the row's own. Of numbers
        that are few, those in order are combinations too, and values of such columns, and of those that are chosen
        together with others, stay as they are when others are put in order.
        """
        columns, values = codec.numeric_columns, codec.numbers(frame)
        choice = [count - 1 for count in accumulate(column.options > 1 for column in columns)]
        few = [place for place, column in enumerate(columns) if not column.has_score and column.options > 2]
        pairs = np.argwhere(ordered(values[:, few], surprise_needed(len(few)))).tolist()
        linked = [(choice[few[low]], choice[few[high]]) for low, high in pairs]
        on = [_greater(column) for column in codec.choices]
        joint = JointChoices.of(codec.encode(frame).choices, codec.options, on, linked)

        bound = {one for choices in joint.bound_choices for one in choices}
        fixed = {
            place
            for place, column in enumerate(columns)
            if not column.has_score or (column.atoms and choice[place] in bound)
        }
        return cls(joint, Relations.of(columns, values, fixed))

    def named(self, codec: TableCodec) -> dict[str, list[list[str | int]]]:
        """Return the names of columns that are decided together, of which one is never greater, or one follows.

        Those that have too many categories for each to be an option are left out: what is decided of the rare ones is
        one thing for all of them.
        """
        numbers = [column.name for column in codec.numeric_columns]
        together = [
            [codec.choices[choice] for choice in choices if not getattr(codec.choices[choice], "tail", ())]
            for choices in self.joint.bound_choices
        ]
        orders = dict.fromkeys((order.low, order.high) for order in self.relations.orders)
        return {
            "joint": [[column.name for column in one] for one in together if len(one) > 1],
            "orders": [[numbers[low], numbers[high]] for low, high in orders],
            "lines": [[numbers[line.source], numbers[line.target]] for line in self.relations.lines],
        }


def _greater(column: Column) -> int:
    """Return which of two options is the greater value; -1 where they are more, or none is a value."""
    values = column.atoms if isinstance(column, NumericColumn) else column.heads
    return values.index(max(values)) if column.options == len(values) == 2 else -1
