"""What holds in every row of a table, beyond what each column holds by itself."""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ganaug.data.tables.codec import Column, Encoded, TableCodec
from ganaug.data.tables.constraints.formula import Formula
from ganaug.data.tables.constraints.joint import JointChoices
from ganaug.data.tables.constraints.order import lag, orders, since_1970
from ganaug.data.tables.constraints.ordered_differences import measured, without_base
from ganaug.data.tables.constraints.relations import Relations
from ganaug.data.tables.numeric import NumericColumn

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Rules"]

NEARLY = 1e-6
"""How far off, in steps, what is a multiple of a step may be."""


@dataclass(frozen=True)
class Rules:
    """The rules of a table.

    Attributes
    ----------
    codec : TableCodec
        The columns of the table.
    relations : Relations
        What holds between columns of the output ``numeric``.
    joint : JointChoices
        Which of the choices of `learned` are made together, for no combination to be drawn that the table rules out.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"born": range(1950, 2000), "age": range(74, 24, -1), "adult": True})
    >>> Rules.of(TableCodec.fit(table), table).named()
    {'joint': [], 'orders': [], 'lines': [['born', 'age']], 'formulas': []}
    """

    codec: TableCodec
    relations: Relations
    joint: JointChoices

    @classmethod
    def of(cls, codec: TableCodec, frame: "DataFrame") -> Self:
        """Find the rules of a table.

        Numbers that are few stay as they are when others are learned as distances: their values may mean something, as
        those of a code do.
        """
        columns, values = codec.numeric_columns, codec.numbers(frame)
        with np.errstate(all="ignore"):  # of numbers near the largest that there are
            pairs = orders(columns, values)
        joint = _joint(codec, codec.encode(frame), pairs)
        choice, chosen = _choices(columns), {one for choices in joint.bound_choices for one in choices}
        bound = {place for place, column in enumerate(columns) if column.atoms and choice[place] in chosen}
        few = {place for place, column in enumerate(columns) if not column.has_score}
        together = {
            pair
            for pair in pairs
            if few.issuperset(pair)
            and any(set(one.choices).issuperset(choice[place] for place in pair) for one in joint.joints)
        }
        pairs = _without_clashes(columns, pairs, few, together)
        found = cls(codec, Relations.of(columns, values, pairs, few, bound), joint)
        if not found.relations.gaps:
            return found
        replaced = {gap.place for gap in found.relations.gaps if gap.measure != "value"}
        pairs = tuple(pair for pair in pairs if not replaced & set(pair))
        return replace(found, joint=_joint(found.learned, found.encode(frame), pairs))

    @cached_property
    def learned(self) -> TableCodec:
        """The columns as a network learns them."""
        numbers = iter(self.relations.learned(self.codec.numeric_columns))
        return TableCodec(tuple(next(numbers) if isinstance(one, NumericColumn) else one for one in self.codec.columns))

    def encode(self, frame: "DataFrame", rng: np.random.Generator | None = None) -> Encoded:
        """Turn a table into the scores and choices of `learned`; see `TableCodec.encode`."""
        if not self.relations.gaps:
            return self.codec.encode(frame, rng)
        columns, values = self.codec.numeric_columns, self.codec.numbers(frame)
        position = [place for place, column in enumerate(self.codec.columns) if isinstance(column, NumericColumn)]
        apart = frame.copy(deep=False)
        for gap in self.relations.gaps:
            if gap.measure != "value":
                apart.isetitem(position[gap.place], measured(gap, columns[gap.place], values))
        encoded, learned = self.learned.encode(apart, rng), self.learned.numeric_columns
        for gap, column in self.relations.alone:
            rows = np.flatnonzero(without_base(gap, values))
            own = np.clip(values[rows, gap.place], *column.bounds)
            score = sum(one.has_score for one in learned[: gap.place])
            encoded.scores[rows, score] = column.scores_of(own, rng)
            if gap.column.options > 1:
                encoded.choices[rows, _choices(learned)[gap.place]] = 0
        return encoded

    def named(self) -> dict[str, list[Any]]:
        """Return which columns are decided together, which one is never greater, and which follow, by their names.

        Those that have too many categories for each to be an option are left out: what is decided of the rare ones is
        one thing for all of them.
        """
        choices, made = self.learned.choices, self.relations.formulas
        numbers = [column.name for column in self.codec.numeric_columns]
        together = [
            [choices[choice].name for choice in bound if not getattr(choices[choice], "tail", ())]
            for bound in self.joint.bound_choices
        ]
        return {
            "joint": [names for names in together if len(names) > 1],
            "orders": [[numbers[low], numbers[high]] for low, high in self.relations.orders],
            "lines": [[numbers[one.sources[0]], numbers[one.target]] for one in made if one.is_line],
            "formulas": [self._written(one) for one in made if not one.is_line],
        }

    def _written(self, formula: Formula) -> dict[str, object]:
        """Write a formula down; dates are in seconds since 1970 in it."""
        columns = self.codec.numeric_columns
        if not formula.multiplied:
            parts = zip(formula.sources, formula.factors, strict=True)
            moved = sum(factor * since_1970(columns[place]) for place, factor in parts)
            constant = round(formula.constant + since_1970(columns[formula.target]) - moved, 6)
            formula = formula._replace(constant=constant)
        names = [column.name for column in columns]
        return {
            "text": formula.text(names),
            "target": names[formula.target],
            "sources": [names[place] for place in formula.sources],
            "factors": list(formula.factors),
            "constant": formula.constant,
            "multiplied": formula.multiplied,
        }


def _without_clashes(
    columns: Sequence[NumericColumn],
    pairs: Sequence[tuple[int, int]],
    fixed: Container[int],
    together: Container[tuple[int, int]],
) -> tuple[tuple[int, int], ...]:
    """Leave out pairs that cannot be kept: two that stay as they are, in any order, and some of what lies between.

    Between two in any order that is on the right side of one of them alone; and where its steps are coarse there may be
    none of its values between the others'.
    """
    clashes = {pair for pair in pairs if pair not in together and all(place in fixed for place in pair)}
    chains = [
        (low, between, high)
        for low, between in pairs
        for other, high in pairs
        if other == between and between not in fixed and (low in fixed or high in fixed)
    ]
    while True:
        more = {
            (between, high) if high in fixed else (low, between)
            for low, between, high in chains
            if (low, high) in clashes or not _divides(columns[between], columns[low], columns[high])
        }
        if more <= clashes:
            return tuple(pair for pair in pairs if pair not in clashes)
        clashes |= more


def _divides(column: NumericColumn, *others: NumericColumn) -> bool:
    """Tell whether all values of others could be a column's, as far as its steps go."""
    if not column.step:
        return True
    sizes = [size / column.step for other in others for size in (other.step, lag(other, column))]
    return all(other.step for other in others) and all(abs(size - round(size)) < NEARLY for size in sizes)


def _joint(codec: TableCodec, encoded: Encoded, pairs: Sequence[tuple[int, int]]) -> JointChoices:
    """Find which choices are made together; of these pairs of columns in order those of few values are.

    Where an encoder writes a category as columns of two values, the greater one marks the row's own.
    """
    columns, choice = codec.numeric_columns, _choices(codec.numeric_columns)
    few = {place for place, column in enumerate(columns) if not column.has_score and column.options > 2}
    linked = [(choice[low], choice[high]) for low, high in pairs if {low, high} <= few]
    return JointChoices.of(encoded.choices, codec.options, [_greater(column) for column in codec.choices], linked)


def _choices(columns: Sequence[NumericColumn]) -> list[int]:
    """Return which choice each column has, if it has one."""
    return [count - 1 for count in accumulate(column.options > 1 for column in columns)]


def _greater(column: Column) -> int:
    """Return which of two options is the greater value; -1 where they are more, or none is a value."""
    values = column.atoms if isinstance(column, NumericColumn) else column.heads
    return values.index(max(values)) if column.options == len(values) == 2 else -1
