"""Rules between columns that a user declares or switches off, read from text by hand.

=========================  ======================================================================
text                       meaning
=========================  ======================================================================
``a <= b``, ``a < b``      an order, also ``>=``, ``>`` and chains such as ``a <= b <= c``
``a = b + 2 * c - 1``      a formula: a sum of columns with factors, and a constant
``a = 0.5 * b * c^-2``     a formula: a product of columns with powers; ``b / c`` is ``b * c^-1``
``a, b``                   a joint choice: only combinations that occur in the table
``not ...``                switches off a rule that is found, written as ``ganaug inspect`` prints it
``none``                   no rules are looked for
=========================  ======================================================================

A name may stand as it is, or in quotation marks as in JSON. Of several names that fit, the longest counts.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ganaug.data.labels import listed
from ganaug.errors import DataError

Name = str | int

MAX_RULES = 1_000
MAX_LENGTH = 20_000
"""Characters of a rule."""
MAX_SOURCES = 100
"""Columns on the right side of a formula."""
NONE = "none"
_NOT = re.compile(r"\s*not\s+")
_GIVES = re.compile(r"\s*,\s*which gives\s+")
_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_SIGNS = re.compile(r"\s*(<=|>=|<|>|==|=|,|\+|-|\*|/|\^|$)")
_WORD = re.compile(r"[^<>=,+*/^\"]*")
_ORDERS = ("<=", "<", ">=", ">")


class DeclaredOrder(NamedTuple):
    """Two columns of which the first never exceeds the second; if strict, it is always less."""

    low: Name
    high: Name
    strict: bool


class DeclaredFormula(NamedTuple):
    """A column that is computed from others, as in `ganaug.data.tables.constraints.formula.Formula`."""

    target: Name
    sources: tuple[Name, ...]
    factors: tuple[float, ...]
    constant: float
    multiplied: bool


@dataclass(frozen=True)
class Rules:
    """The rules that a user declares or switches off, by the names of columns.

    Attributes
    ----------
    texts : tuple of str
        The rules as they were given.
    search : bool
        Whether rules are looked for in the table.
    orders, formulas, joint : tuple
        The declared rules, each with its text.
    no_orders : frozenset of pairs
        Orders that are switched off.
    no_formulas, no_joint : frozenset of frozenset
        The columns of formulas and joint choices that are switched off.
    """

    texts: tuple[str, ...] = ()
    search: bool = True
    orders: tuple[tuple[str, DeclaredOrder], ...] = ()
    formulas: tuple[tuple[str, DeclaredFormula], ...] = ()
    joint: tuple[tuple[str, tuple[Name, ...]], ...] = ()
    no_orders: frozenset[tuple[Name, Name]] = frozenset()
    no_formulas: frozenset[frozenset[Name]] = frozenset()
    no_joint: frozenset[frozenset[Name]] = frozenset()

    @classmethod
    def read(cls, given: Any, names: Sequence[Name], barred: Mapping[Name, str] | None = None) -> "Rules":
        """Read rules about columns with these names; `DataError` if one cannot be read, or names another column.

        Parameters
        ----------
        given : "auto", None or sequence of str
            "auto" or no rules: those that are found in the table. None: no rules. Texts declare further rules, or
            switch rules off.
        names : sequence of str or int
            The names of the columns.
        barred : mapping, optional
            For each further column of the table, why no rule can name it, such as "is ignored".

        Examples
        --------
        >>> rules = Rules.read(["first <= last", "not first, which gives last"], ["first", "last"])
        >>> rules.orders[0][1].low, sorted(*rules.no_formulas)
        ('first', ['first', 'last'])
        """
        if given is None:
            return cls((NONE,), search=False)
        if isinstance(given, str) and given == "auto":
            return AUTO
        texts = given.tolist() if isinstance(given, np.ndarray) else given
        if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
            raise DataError(
                f"rules must be 'auto', None, or a list of texts such as ['admitted <= discharged'], not {given!r:.80}."
            )
        if len(texts) > MAX_RULES or any(len(text) > MAX_LENGTH for text in texts):
            raise DataError(f"There must be at most {MAX_RULES:,} rules of {MAX_LENGTH:,} characters: give fewer.")
        rules = cls(tuple(map(str, texts)))
        for text in rules.texts:
            rules = (
                replace(rules, search=False)
                if text.strip() == NONE
                else _Reader(text, names, barred or {}).added_to(rules)
            )
        return rules


AUTO = Rules()


class _Reader:
    """Reads one rule from its text, from left to right."""

    def __init__(self, text: str, names: Sequence[Name], barred: Mapping[Name, str]) -> None:
        self.text, self.at = text, 0
        self.names = {str(name): name for name in names}
        # A name that looks like a number is one only in quotation marks.
        self.bare = sorted((name for name in self.names if not _NUMBER.fullmatch(name)), key=len, reverse=True)
        self.barred = {str(name): why for name, why in barred.items()}

    def added_to(self, rules: Rules) -> Rules:
        """Return the rules and this one."""
        off = _NOT.match(self.text)
        self.at = off.end() if off else 0
        first = self._name()
        if off and _GIVES.match(self.text, self.at):
            self.at = _GIVES.match(self.text, self.at).end()  # type: ignore[union-attr]
            return replace(rules, no_formulas=rules.no_formulas | {frozenset((first, self._last_name()))})
        sign = self._sign("<=, <, >=, >, = or a comma", *_ORDERS, "=", "==", ",")
        if sign in _ORDERS:
            orders = self._orders(first, sign)
            if off:
                return replace(rules, no_orders=rules.no_orders | {(one.low, one.high) for one in orders})
            return replace(rules, orders=rules.orders + tuple((self.text, one) for one in orders))
        if sign == ",":
            together = self._listed(first)
            if off:
                return replace(rules, no_joint=rules.no_joint | {frozenset(together)})
            return replace(rules, joint=(*rules.joint, (self.text, together)))
        formula = self._formula(first)
        if off:
            return replace(rules, no_formulas=rules.no_formulas | {frozenset((first, *formula.sources))})
        return replace(rules, formulas=(*rules.formulas, (self.text, formula)))

    def _orders(self, first: Name, sign: str) -> list[DeclaredOrder]:
        orders = []
        while sign:
            second = self._name()
            low, high = (first, second) if sign[0] == "<" else (second, first)
            orders.append(DeclaredOrder(low, high, strict=len(sign) == 1))
            if low == high:
                raise self._wrong("compare two columns", f"{low!r:.80} with itself")
            first, sign = second, self._sign("<=, <, >=, > or the end", *_ORDERS, "")
        return orders

    def _listed(self, first: Name) -> tuple[Name, ...]:
        together, sign = [first], ","
        while sign:
            together.append(self._name())
            sign = self._sign("a comma or the end", ",", "")
        if len(set(together)) < len(together):
            raise self._wrong("name each column once", "one twice")
        return tuple(together)

    def _formula(self, target: Name) -> DeclaredFormula:
        constant, terms = 0.0, list[tuple[float, dict[Name, float]]]()
        sign = self._sign("a sum or a product", "-", "+", optional=True) or "+"
        while sign:
            number, powers = self._product()
            number = -number if sign == "-" else number
            if powers:
                terms.append((number, powers))
            else:
                constant += number
            sign = self._sign("+, -, *, / or the end", "+", "-", "")
        sources = [name for _, powers in terms for name in powers]
        if not terms or target in sources or len(set(sources)) < len(sources) or len(sources) > MAX_SOURCES:
            what = f"compute {target!r:.80} from one or more other columns, each of which comes once"
            raise self._wrong(what, "it does not")
        if not all(number for number, _ in terms):
            raise self._wrong("have factors other than 0", "one is 0")
        if not all(map(math.isfinite, (constant, *(number for number, _ in terms)))):
            raise self._wrong("have finite numbers", "one is not")
        if all(list(powers.values()) == [1] for _, powers in terms):
            return DeclaredFormula(target, tuple(sources), tuple(number for number, _ in terms), constant, False)
        if len(terms) > 1 or constant:
            raise self._wrong("be a sum of columns with factors, or a product of columns with powers", "it mixes both")
        [(number, powers)] = terms
        return DeclaredFormula(target, tuple(powers), tuple(powers.values()), number, True)

    def _product(self) -> tuple[float, dict[Name, float]]:
        """Return the number and the powers of columns of a term."""
        number, powers, sign = 1.0, dict[Name, float](), "*"
        while sign:
            if (found := self._number()) is not None:
                if sign == "/" and not found:
                    raise self._wrong("not divide by 0", "it does")
                number = number * found if sign == "*" else number / found
            else:
                name = self._name()
                power = self._power() if self._sign("", "^", optional=True) else 1.0
                if name in powers:
                    raise self._wrong("name each column once in a product", f"{name!r:.80} comes twice: give a power")
                powers[name] = power if sign == "*" else -power
            sign = self._sign("", "*", "/", optional=True)
        return number, powers

    def _power(self) -> float:
        sign = self._sign("", "-", "+", optional=True)
        power = self._number()
        if not power or not math.isfinite(power):
            raise self._wrong("have a number other than 0 after ^", "it has none")
        return -power if sign == "-" else power

    def _number(self) -> float | None:
        """Read a number, unless a name stands here."""
        self._skip()
        match = _NUMBER.match(self.text, self.at)
        if not match or self._bare_name(self.bare):
            return None
        self.at = match.end()
        return float(match[0])

    def _name(self) -> Name:
        """Read the name of a column."""
        self._skip()
        if self.text[self.at : self.at + 1] == '"':
            try:
                found, end = json.JSONDecoder(strict=False).raw_decode(self.text, self.at)
            except ValueError:
                raise self._wrong("close the quotation marks around a name", "it does not") from None
        else:
            found = self._bare_name(self.bare)
            end = self.at + len(found or "")
        if found not in self.names:
            word = found or _WORD.match(self.text, self.at)[0].strip()  # type: ignore[index]
            known = listed(list(self.names.values()))
            what = f"has {word!r:.80} where a column must stand" if word else "lacks a column"
            other = found or self._bare_name(sorted(self.barred, key=len, reverse=True))
            if other in self.barred:
                raise DataError(
                    f"A rule must name columns that are learned, which are {known}, but in {self.text!r:.200} "
                    f"{other!r:.80} {self.barred[other]}: correct it, or leave the rule out."
                )
            raise DataError(
                f"A rule must name columns of the table, which are {known}, but {self.text!r:.200} {what}: correct it, "
                "and put a name in quotation marks if it could be read otherwise."
            )
        self.at = end
        return self.names[found]

    def _last_name(self) -> Name:
        name = self._name()
        self._sign("the end", "")
        return name

    def _bare_name(self, names: Sequence[str]) -> str | None:
        """Return the first of the names that stands here without quotation marks."""
        for name in names:
            end = self.at + len(name)
            # Not the beginning of a longer word.
            apart = not name[-1:].isalnum() or not re.match(r"\w", self.text[end : end + 1])
            if name and self.text.startswith(name, self.at) and apart:
                return name
        return None

    def _sign(self, wanted: str, *signs: str, optional: bool = False) -> str:
        """Read one of some signs, of which the empty one is the end; return an empty text if there is none."""
        match = _SIGNS.match(self.text, self.at)
        if match and match[1] in signs:
            self.at = match.end()
            return match[1]
        if optional:
            return ""
        raise self._wrong(f"have {wanted} after {self.text[: self.at].strip()!r:.80}", "it does not")

    def _skip(self) -> None:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1

    def _wrong(self, must: str, found: str) -> DataError:
        return DataError(
            f"A rule must {must}, but in {self.text!r:.200} {found}: correct it; rules look like 'a <= b', "
            "'a = b + 2 * c', 'a = b * c', 'a, b' or 'not a <= b'."
        )
