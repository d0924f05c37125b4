"""The constraints of a table: what is detected, how rows are encoded under them, and how they are written down."""

import hashlib
import json
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.codec import Column, Encoded, TableCodec, TableValues
from ganaug.data.tables.constraints.column_constraint import ColumnConstraint
from ganaug.data.tables.constraints.formulas import detect_formulas
from ganaug.data.tables.constraints.joint_choices import JointChoices
from ganaug.data.tables.constraints.lines import detect_lines
from ganaug.data.tables.constraints.ordered_differences import detect_ordered_differences
from ganaug.data.tables.constraints.orders import detect_orders, origin_shift
from ganaug.data.tables.derived_features import derived_features
from ganaug.data.tables.layout import RowLayout
from ganaug.data.tables.numeric import NumericColumn

if TYPE_CHECKING:
    from pandas import DataFrame

DIGEST = 16
"""Hexadecimal digits of a digest, which tells apart what is not the same."""
STEP_TOLERANCE = 1e-6
"""Largest distance, in steps, of a multiple of a step from a whole number of steps."""


@dataclass(frozen=True)
class Constraints:
    """The constraints of a table."""

    codec: TableCodec
    on_columns: tuple[ColumnConstraint, ...]  # on columns of numbers, in the order in which they are decoded
    orders: tuple[tuple[int, int], ...]  # pairs of columns of numbers of which the first never exceeds the second
    joint: JointChoices  # the choices of `learned` that are made together
    layout: RowLayout

    @classmethod
    def none(cls, codec: TableCodec) -> Self:
        """Return no constraints."""
        return cls(codec, (), (), JointChoices.independent(codec.options), RowLayout.of(codec))

    @classmethod
    def detect(cls, codec: TableCodec, frame: "DataFrame") -> Self:
        """Find the constraints of a table.

        Columns of few values are learned as they are, because their values may be codes. Other columns may be learned
        relative to them.
        """
        values = codec.values(frame)
        choices = codec.choices_of(values)
        columns, numbers = codec.numeric_columns, codec.exact(values.numbers)
        with np.errstate(all="ignore"):  # Numbers near the largest that float64 holds may overflow.
            pairs = detect_orders(columns, numbers)
            joint = _joint_choices(codec, choices, pairs)
            pairs, fixed, unmoved = _enforceable(codec, pairs, joint)
            lines = detect_lines(columns, numbers, {place for pair in pairs for place in pair})
            found: tuple[ColumnConstraint, ...] = (
                *detect_formulas(columns, numbers, {line.target for line in lines}, pairs),
                *lines,
            )
            computed = {one.target for one in found}
            pairs_left = [pair for pair in pairs if not computed & set(pair)]
            differences, enforced = detect_ordered_differences(columns, numbers, pairs_left, fixed, unmoved)
        detected = cls(codec, (*differences, *found), enforced, joint, RowLayout.of(codec))
        if not any(one.learned for one in detected.on_columns):
            return detected
        encoded = detected._encode(values)
        relative = {one.target for one in differences if one.learned_as != "value"}
        pairs = tuple(pair for pair in pairs if not relative & set(pair))
        learned = detected.learned
        layout = RowLayout.of(learned)
        features = derived_features(differences, layout, codec, learned, values.numbers, encoded)
        joint = _joint_choices(learned, encoded.choices, pairs)
        return replace(detected, joint=joint, layout=replace(layout, derived=features))

    @cached_property
    def learned(self) -> TableCodec:
        """The columns as the networks learn them."""
        replaced = {one.target: one.learned for one in self.on_columns if one.learned}
        numbers = (replaced.get(place, column) for place, column in enumerate(self.codec.numeric_columns))
        return TableCodec(tuple(next(numbers) if isinstance(one, NumericColumn) else one for one in self.codec.columns))

    @property
    def without_base(self) -> tuple[tuple[int, NumericColumn], ...]:
        """The targets that lack a base in some rows, and for each the column that the networks learn for those rows."""
        return tuple((one.target, one.without_base) for one in self.on_columns if one.without_base)

    def encode(self, frame: "DataFrame", rng: np.random.Generator | None = None) -> Encoded:
        """Turn a table into the quantiles and choices of `learned`; see `TableCodec.encode`."""
        return self._encode(self.codec.values(frame), rng)

    def _encode(self, values: TableValues, rng: np.random.Generator | None = None) -> Encoded:
        columns, learned = self.codec.numeric_columns, self.learned
        exact, numbers = self.codec.exact(values.numbers), values.numbers.copy()
        for one in self.on_columns:
            if one.learned:
                numbers[:, one.target] = one.encode(exact, columns)
        encoded = learned.encode_values(values._replace(numbers=numbers), rng)
        for one in self.on_columns:
            if one.without_base:
                rows = np.flatnonzero(one.lacks_base(exact))
                own = np.clip(exact[rows, one.target], *one.without_base.bounds)
                encoded.quantiles[rows, learned.quantile_index[one.target]] = one.without_base.quantiles_of(own, rng)
                if learned.numeric_columns[one.target].options > 1:
                    encoded.choices[rows, learned.choice_index[one.target]] = 0
        return encoded

    def form(self) -> dict[str, Any]:
        """Return what two tables must share so that a row means the same in both, in digests, as plain JSON.

        Values between the options of a column need not be the same: they are learned as quantiles.
        """
        columns = {str(one.name): _digest(_options(one)) for one in self.learned.columns}
        decisions = [[one.choices, one.options.tolist(), *one[2:]] for one in self.joint.decisions]
        relative = [[type(one).__name__, one.target, one.depends_on] for one in self.on_columns if one.learned]
        rules = {
            "choices that are made together": _digest(decisions),
            "columns that are learned relative to others": _digest([relative, len(self.layout.derived)]),
        }
        return {"columns": columns, "rules": rules}

    def to_json(self) -> dict[str, list[Any]]:
        """Return the constraints by the names of columns, for the model file.

        A joint choice of a column with too many categories is left out: all its rare categories are one option.
        """
        choices = self.learned.choices
        numbers = self.codec.numeric_columns
        together = [
            [choices[choice].name for choice in group if not getattr(choices[choice], "tail", ())]
            for group in self.joint.dependent
        ]
        described: dict[str, list[Any]] = {
            "joint": [names for names in together if len(names) > 1],
            "orders": [[numbers[low].name, numbers[high].name] for low, high in self.orders],
            "lines": [],
            "formulas": [],
        }
        for key, entry in filter(None, (one.to_json(numbers) for one in self.on_columns)):
            described.setdefault(key, []).append(entry)
        return described


def _joint_choices(codec: TableCodec, choices: NDArray[np.int64], pairs: Sequence[tuple[int, int]]) -> JointChoices:
    """Find joint choices; columns of few numbers that are in order are linked.

    Where an encoder writes a category as columns of two values, the greater value means on.
    """
    columns, choice = codec.numeric_columns, codec.choice_index
    few = {place for place, column in enumerate(columns) if not column.has_quantile and column.options > 2}
    linked = [(choice[low], choice[high]) for low, high in pairs if {low, high} <= few]
    return JointChoices.detect(choices, codec.options, [_greater(column) for column in codec.choices], linked)


def _greater(column: Column) -> int:
    """Return which of two options is the greater value; -1 if there are more options, or one is no value."""
    values = column.atoms if isinstance(column, NumericColumn) else column.heads
    return values.index(max(values)) if column.options == len(values) == 2 else -1


def _enforceable(
    codec: TableCodec, pairs: Sequence[tuple[int, int]], joint: JointChoices
) -> tuple[tuple[tuple[int, int], ...], set[int], set[int]]:
    """Return the pairs that can be enforced, the columns that stay as they are, and those that must not be moved.

    Columns of few numbers stay as they are. Two such columns are in order only if one decision makes their choices.
    Columns with atoms must not be moved if their choice depends on others.
    """
    columns, choice = codec.numeric_columns, codec.choice_index
    dependent = {one for group in joint.dependent for one in group}
    unmoved = {place for place, column in enumerate(columns) if column.atoms and choice[place] in dependent}
    fixed = {place for place, column in enumerate(columns) if not column.has_quantile}
    together = {
        pair
        for pair in pairs
        if fixed.issuperset(pair)
        and any(set(one.choices).issuperset(choice[place] for place in pair) for one in joint.decisions)
    }
    return _without_conflicts(columns, pairs, fixed, together), fixed, unmoved


def _without_conflicts(
    columns: Sequence[NumericColumn],
    pairs: Sequence[tuple[int, int]],
    fixed: Container[int],
    together: Container[tuple[int, int]],
) -> tuple[tuple[int, int], ...]:
    """Leave out the pairs that cannot be enforced.

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
            (between, high) if high in fixed else (low, between)
            for low, between, high in chains
            if (low, high) in conflicts or not _can_equal(columns[between], columns[low], columns[high])
        }
        if more <= conflicts:
            return tuple(pair for pair in pairs if pair not in conflicts)
        conflicts |= more


def _can_equal(column: NumericColumn, *others: NumericColumn) -> bool:
    """Tell whether the steps of a column allow every value of the others."""
    if not column.step:
        return True
    sizes = [size / column.step for other in others for size in (other.step, origin_shift(other, column))]
    return all(other.step for other in others) and all(abs(size - round(size)) < STEP_TOLERANCE for size in sizes)


def _options(column: Column) -> list[Any]:
    """Return the options of a column, in their order."""
    if isinstance(column, NumericColumn):
        return ["numbers", column.kind, column.has_quantile, column.atoms, column.missing]
    return ["categories", [column.categories[head] for head in column.heads], bool(column.tail), column.missing]


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, default=int).encode()).hexdigest()[:DIGEST]
