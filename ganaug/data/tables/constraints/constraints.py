"""The constraints of a table: what is detected, how rows are encoded under them, and how they are written down."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.codec import Column, Encoded, TableCodec, TableValues
from ganaug.data.tables.constraints.column_constraint import ColumnConstraint
from ganaug.data.tables.constraints.computed_columns import computed_columns
from ganaug.data.tables.constraints.declared import Declared, Pair
from ganaug.data.tables.constraints.difference_detection import detect_ordered_differences
from ganaug.data.tables.constraints.enforcement import check_enforced, closed, enforceable, is_certain, together_in
from ganaug.data.tables.constraints.joint_choices import MAX_OPTIONS, JointChoices
from ganaug.data.tables.constraints.orders import detect_orders
from ganaug.data.tables.derived_features import derived_features
from ganaug.data.tables.layout import RowLayout
from ganaug.data.tables.numeric import NumericColumn
from ganaug.data.tables.rules import AUTO, Rules
from ganaug.errors import DataError

if TYPE_CHECKING:
    from pandas import DataFrame

DIGEST = 16
"""Hexadecimal digits of a digest, which tells apart what is not the same."""


@dataclass(frozen=True)
class Constraints:
    """The constraints of a table."""

    codec: TableCodec
    on_columns: tuple[ColumnConstraint, ...]  # on columns of numbers, in the order in which they are decoded
    orders: tuple[tuple[int, int], ...]  # pairs of columns of numbers of which the first never exceeds the second
    joint: JointChoices  # the choices of `learned` that are made together
    layout: RowLayout
    rules: Rules = AUTO  # those that the user declares
    drawn: tuple[NumericColumn, ...] = ()  # columns of numbers with the bounds of what is drawn, if these are wider
    strict: frozenset[Pair] = frozenset()  # orders of which the first is always less

    @classmethod
    def none(cls, codec: TableCodec) -> Self:
        """Return no constraints."""
        return cls(codec, (), (), JointChoices.independent(codec.options), RowLayout.of(codec))

    @classmethod
    def detect(cls, codec: TableCodec, frame: "DataFrame", rules: Rules = AUTO) -> Self:
        """Find the constraints of a table, and add those that are declared.

        Columns of few values are learned as they are, because their values may be codes. Other columns may be learned
        relative to them. `DataError` if a declared rule does not hold in every row, or cannot be enforced.
        """
        values = codec.values(frame)
        choices = codec.choices_of(values)
        columns, numbers = codec.numeric_columns, codec.exact(values.numbers)
        declared = Declared.of(rules, codec, numbers)
        with np.errstate(all="ignore"):  # Numbers near the largest that float64 holds may overflow.
            pairs = detect_orders(columns, numbers) if declared.search else ()
            pairs = tuple(pair for pair in pairs if pair not in declared.no_orders)
            wanted = [pair for pair, apart in declared.orders.items() if not is_certain(declared.columns, pair, apart)]
            margins: dict[Pair, float] = {}
            if wanted:
                margins = closed(columns, numbers, {pair: declared.orders.get(pair, 0.0) for pair in (*pairs, *wanted)})
                pairs = tuple(margins)
            joint = _joint_choices(codec, choices, pairs, declared)
            pairs, fixed, unmoved = enforceable(codec, pairs, joint, wanted)
            found = computed_columns(columns, numbers, pairs, declared, wanted)
            computed = {one.target for one in found}
            pairs_left = [pair for pair in pairs if not computed & set(pair)]
            differences, enforced = detect_ordered_differences(
                columns, numbers, pairs_left, fixed, unmoved, margins=margins, declared=wanted
            )
        check_enforced(declared, wanted, enforced, found, together_in(codec, joint))
        detected = cls(
            codec,
            (*differences, *found),
            tuple(dict.fromkeys((*enforced, *declared.orders))),
            joint,
            RowLayout.of(codec),
            rules,
            declared.columns,
            frozenset(pair for pair, margin in declared.orders.items() if margin),
        )
        if not any(one.learned for one in detected.on_columns):
            _check_joint(rules, declared, declared, detected)
            return detected
        encoded = detected._encode(values)
        relative = {one.target for one in differences if one.learned_as != "value"}
        pairs = tuple(pair for pair in pairs if not relative & set(pair))
        learned = detected.learned
        layout = RowLayout.of(learned)
        features = derived_features(differences, layout, codec, learned, values.numbers, encoded)
        again = replace(declared, **_choices_in(learned, codec, declared))
        joint = _joint_choices(learned, encoded.choices, pairs, again)
        detected = replace(detected, joint=joint, layout=replace(layout, derived=features))
        _check_joint(rules, declared, again, detected)
        return detected

    @cached_property
    def learned(self) -> TableCodec:
        """The columns as the networks learn them."""
        replaced = {one.target: one.learned for one in self.on_columns if one.learned}
        numbers = (replaced.get(place, column) for place, column in enumerate(self.codec.numeric_columns))
        return TableCodec(tuple(next(numbers) if isinstance(one, NumericColumn) else one for one in self.codec.columns))

    @cached_property
    def output(self) -> TableCodec:
        """The columns with the bounds of what is drawn."""
        numbers = iter(self.drawn or self.codec.numeric_columns)
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
            "orders": [[numbers[a].name, numbers[b].name] for a, b in self.orders if (a, b) not in self.strict],
            "lines": [],
            "formulas": [],
        }
        for key, entry in filter(None, (one.to_json(numbers) for one in self.on_columns)):
            described.setdefault(key, []).append(entry)
        if self.strict:
            described["strict_orders"] = [[numbers[low].name, numbers[high].name] for low, high in sorted(self.strict)]
        if self.rules.texts:
            described["declared"] = list(self.rules.texts)
        return described


def _choices_in(learned: TableCodec, codec: TableCodec, declared: Declared) -> dict[str, Any]:
    """Return the choices of a codec that are declared, in the order of the choices of `learned`."""
    names = [column.name for column in codec.choices]
    place = {column.name: number for number, column in enumerate(learned.choices)}
    return {
        "joint": tuple(tuple(place[names[one]] for one in some if names[one] in place) for some in declared.joint),
        "no_joint": tuple(
            frozenset(place[names[one]] for one in some if names[one] in place) for some in declared.no_joint
        ),
    }


def _check_joint(rules: Rules, asked: Declared, learned: Declared, found: Constraints) -> None:
    """Raise `DataError` if choices that are asked for are not made together, or their columns are computed."""
    computed = {found.codec.numeric_columns[one.target].name for one in found.on_columns}
    for (text, names), before, choices in zip(rules.joint, asked.joint, learned.joint, strict=True):
        together = len(choices) < 2 or any(set(choices) <= set(one.choices) for one in found.joint.decisions)
        if not together or len(choices) < len(before) or computed.intersection(names):
            raise DataError(
                f"Columns that are drawn together must have at most {MAX_OPTIONS} combinations that occur, and no "
                f"orders or formulas, but those of the rule {text!r:.200} have more: leave it out."
            )


def _joint_choices(
    codec: TableCodec, choices: NDArray[np.int64], pairs: Sequence[Pair], declared: Declared
) -> JointChoices:
    """Find joint choices; columns of few numbers that are in order are linked.

    Where an encoder writes a category as columns of two values, the greater value means on.
    """
    columns, choice = codec.numeric_columns, codec.choice_index
    few = {place for place, column in enumerate(columns) if not column.has_quantile and column.options > 2}
    linked = [(choice[low], choice[high]) for low, high in pairs if {low, high} <= few]
    fixed = {place for place, column in enumerate(columns) if not column.has_quantile and column.options > 1}
    forced = [
        (choice[low], choice[high]) for low, high in pairs if (low, high) in declared.orders and {low, high} <= fixed
    ]
    forced += [pair for some in declared.joint for pair in pairwise(some)]
    on = [_greater(column) if declared.search else -1 for column in codec.choices]
    return JointChoices.detect(
        choices, codec.options, on, linked, forced=forced, barred=declared.no_joint, search=declared.search
    )


def _greater(column: Column) -> int:
    """Return which of two options is the greater value; -1 if there are more options, or one is no value."""
    values = column.atoms if isinstance(column, NumericColumn) else column.heads
    return values.index(max(values)) if column.options == len(values) == 2 else -1


def _options(column: Column) -> list[Any]:
    """Return the options of a column, in their order."""
    if isinstance(column, NumericColumn):
        return ["numbers", column.kind, column.has_quantile, column.atoms, column.missing]
    return ["categories", [column.categories[head] for head in column.heads], bool(column.tail), column.missing]


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, default=int).encode()).hexdigest()[:DIGEST]
