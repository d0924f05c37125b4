"""Declared constraints: the rules of a user as positions of columns, checked against the rows of the table."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ganaug.data.labels import listed
from ganaug.data.tables.codec import TableCodec
from ganaug.data.tables.constraints.formula import Formula, float_error, in_order
from ganaug.data.tables.constraints.intervals import range_of, widened
from ganaug.data.tables.constraints.orders import origin_of, origin_shift, scale_of
from ganaug.data.tables.numeric import NumericColumn
from ganaug.data.tables.rules import DeclaredFormula, DeclaredOrder, Name, Rules
from ganaug.data.tables.times import value_text
from ganaug.errors import DataError

Array = NDArray[np.float64]
Pair = tuple[int, int]

RELATIVE_ERROR = 1e-9
"""Error of a formula whose numbers have nine digits, as a share of the numbers that it adds up."""
ROUNDING = 1e-6
"""Part of a step that the difference of two times may be off."""


@dataclass(frozen=True)
class Declared:
    """What a user declares of a table and switches off; columns of numbers and choices by their positions."""

    columns: tuple[NumericColumn, ...]  # with the bounds of what is drawn: computed ones are as wide as their results
    search: bool = True
    orders: Mapping[Pair, float] = field(default_factory=dict)  # for each pair, by how much the first is less
    formulas: tuple[Formula, ...] = ()
    joint: tuple[tuple[int, ...], ...] = ()
    no_orders: frozenset[Pair] = frozenset()
    no_formulas: frozenset[frozenset[int]] = frozenset()
    no_joint: tuple[frozenset[int], ...] = ()

    @classmethod
    def of(cls, rules: Rules, codec: TableCodec, numbers: Array) -> "Declared":
        """Return the declared constraints of a table with exact numbers (n, N).

        Raise `DataError` if a rule is about columns of another kind, does not hold in every row, or contradicts one
        before it.
        """
        place = {column.name: number for number, column in enumerate(codec.numeric_columns)}
        choice = {column.name: number for number, column in enumerate(codec.choices)}
        orders: dict[Pair, float] = {}
        for text, order in rules.orders:
            low, high = _numbers_of(text, (order.low, order.high), place)
            pair = low, high
            orders[pair] = max(orders.get(pair, 0.0), _margin(text, order, pair, codec.numeric_columns, numbers))
        formulas = tuple(_formula(text, one, place, codec.numeric_columns, numbers) for text, one in rules.formulas)
        _check_targets(rules, formulas)
        columns, formulas = list(codec.numeric_columns), in_order(formulas)
        for formula in formulas:
            interval = range_of(formula, [columns[one].bounds for one in formula.sources])
            columns[formula.target] = widened(columns[formula.target], interval)
        return cls(
            columns=tuple(columns),
            search=rules.search,
            orders=orders,
            formulas=formulas,
            joint=tuple(_choices_of(text, names, codec, choice) for text, names in rules.joint),
            no_orders=frozenset((place[a], place[b]) for a, b in rules.no_orders if a in place and b in place),
            no_formulas=frozenset(frozenset(place[one] for one in some if one in place) for some in rules.no_formulas),
            no_joint=tuple(frozenset(choice[one] for one in some if one in choice) for some in rules.no_joint),
        )


def _numbers_of(text: str, names: Sequence[Name], place: Mapping[Name, int]) -> tuple[int, ...]:
    if other := [name for name in names if name not in place]:
        raise DataError(
            f"An order or a formula must be of columns of numbers or times, but in the rule {text!r:.200} "
            f"{other[0]!r:.80} holds categories: leave the rule out, or convert the column."
        )
    return tuple(place[name] for name in names)


def _margin(text: str, order: DeclaredOrder, pair: Pair, columns: Sequence[NumericColumn], numbers: Array) -> float:
    """Check an order, and return by how much the lesser column is less at least: 0 unless the order is strict."""
    low, high = (columns[place] for place in pair)
    if scale_of(low) != scale_of(high):
        raise DataError(
            f"Columns that are compared must both hold numbers, times of one zone, durations, or periods of one "
            f"frequency, but those of the rule "
            f"{text!r:.200} differ: convert one, or leave the rule out."
        )
    apart = numbers[:, pair[1]] - (numbers[:, pair[0]] + origin_shift(low, high))
    room = ROUNDING * min(low.step, high.step) if low.kind == "datetime" else 0.0
    _check_rows(text, apart <= room if order.strict else apart < -room, pair, columns, numbers)
    if not order.strict:
        return 0.0
    if low.step and high.step:
        common = _common(Fraction(low.unit, 10 ** (low.decimals or 0)), Fraction(high.unit, 10 ** (high.decimals or 0)))
        return float(_common(common, abs(origin_of(low) - origin_of(high))))
    known = apart[~np.isnan(apart)]
    least = float(known.min()) if len(known) else 0.0
    if least <= RELATIVE_ERROR * max(*map(abs, low.bounds), *map(abs, high.bounds)):
        raise DataError(
            f"Numbers of a column that is always less must be clearly less, but in the rule {text!r:.200} some differ "
            f"by {least:g}: declare <= in place of <."
        )
    return least


def _common(one: Fraction, other: Fraction) -> Fraction:
    """Return the largest number that both are multiples of."""
    return Fraction(
        math.gcd(one.numerator * other.denominator, other.numerator * one.denominator),
        one.denominator * other.denominator,
    )


def _formula(
    text: str, declared: DeclaredFormula, place: Mapping[Name, int], columns: Sequence[NumericColumn], numbers: Array
) -> Formula:
    """Return a formula in the units of the columns, checked."""
    target, *sources = _numbers_of(text, (declared.target, *declared.sources), place)
    constant = Fraction(declared.constant)
    if declared.multiplied:
        if any(columns[one].origin is not None for one in (target, *sources)):
            raise DataError(f"Times must not be multiplied, but the rule {text!r:.200} does: write a sum.")
        for name, one, power in zip(declared.sources, sources, declared.factors, strict=True):
            least = columns[one].bounds[0]
            if (least <= 0 and power < 0) or (least < 0 and not power.is_integer()):
                raise DataError(
                    f"A column that is divided by, or has a root taken, must be above 0, but in the rule {text!r:.200} "
                    f"{name!r:.80} is not: leave the rule out."
                )
    else:
        for one, factor in zip(sources, declared.factors, strict=True):
            constant += Fraction(factor) * origin_of(columns[one])
        constant -= origin_of(columns[target])
    formula = Formula(target, tuple(sources), declared.factors, float(constant), declared.multiplied)
    _check_rows(text, breaks(formula, columns, numbers), (target, *sources), columns, numbers)
    return formula


def breaks(formula: Formula, columns: Sequence[NumericColumn], numbers: Array) -> NDArray[np.bool_]:
    """Tell in which rows of numbers (n, N) a formula does not hold, but for rounding; False where one is missing."""
    parts, own = [numbers[:, one] for one in formula.sources], numbers[:, formula.target]
    with np.errstate(all="ignore"):
        made = formula.compute(parts)
        size = np.abs(own) + np.abs(made) + abs(formula.constant)
        if not formula.multiplied:
            size = size + sum(np.abs(part * factor) for part, factor in zip(parts, formula.factors, strict=True))
        off = np.abs(made - own)
    # Of the numbers as they are held, each adds an error of its own to a product.
    powers = (1.0, *formula.factors) if formula.multiplied else (1.0,) * (1 + len(parts))
    held = zip((formula.target, *formula.sources), powers, strict=True)
    share = RELATIVE_ERROR + sum(float_error(columns[one], np.ones(1)) * max(1.0, abs(power)) for one, power in held)
    broken: NDArray[np.bool_] = off > columns[formula.target].step / 2 + share * size
    return broken


def _check_rows(
    text: str, broken: NDArray[np.bool_], places: Sequence[int], columns: Sequence[NumericColumn], numbers: Array
) -> None:
    """Raise `DataError` if there are rows that break a rule."""
    rows = np.flatnonzero(broken)
    if len(rows):
        shown = [
            f"{one.name!r:.40} is {value_text(one, numbers[rows[0], place])}"
            for place, one in ((place, columns[place]) for place in places[:4])
        ]
        raise DataError(
            f"A declared rule must hold in every row, but {len(rows):,} of {len(broken):,} rows break {text!r:.200}; "
            f"the first is row {rows[0] + 1:,}, where {', '.join(shown)}: correct the rows, or leave the rule out."
        )


def _check_targets(rules: Rules, formulas: Sequence[Formula]) -> None:
    """Raise `DataError` if two formulas compute one column, or columns compute each other."""
    made: dict[int, Formula] = {}
    for (text, _), formula in zip(rules.formulas, formulas, strict=True):
        waiting, origins = list(formula.sources), set[int]()
        while waiting:
            origins.add(place := waiting.pop())
            waiting += [one for one in (made[place].sources if place in made else ()) if one not in origins]
        if formula.target in made or formula.target in origins:
            raise DataError(
                f"Each column must be computed by one rule, and not from itself, but {text!r:.200} contradicts a rule "
                "before it: leave one of them out."
            )
        made[formula.target] = formula


def _choices_of(text: str, names: Sequence[Name], codec: TableCodec, choice: Mapping[Name, int]) -> tuple[int, ...]:
    """Return the choices of columns that are drawn together."""
    columns = {column.name: column for column in codec.columns}
    for name in names:
        column = columns[name]
        if getattr(column, "has_quantile", False) or getattr(column, "tail", ()):
            raise DataError(
                f"Columns that are drawn together must have at most 50 categories, or few numbers, but in the rule "
                f"{text!r:.200} {name!r:.80} has more: leave the rule out. Columns in it: {listed(names)}."
            )
    return tuple(choice[name] for name in names if name in choice)  # A column of one value has no choice.
