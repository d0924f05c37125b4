"""The format of numbers in a text file: decimals, thousands separators, units, exponents, times of day."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ganaug.data.json_checks import is_int, require

if TYPE_CHECKING:
    from pandas import Series

CLOCK = r"\d{1,3}:[0-5]\d(?::[0-5]\d)?"
"""A time of day or a duration: hours and minutes, perhaps seconds."""
_CLOCKS = ("", "H:MM", "HH:MM", "H:MM:SS", "HH:MM:SS")
_SPACES = " \u00a0\u202f"
_CURRENCIES = "$€£¥"
_AFFIX = re.compile(rf"[{_SPACES}%{_CURRENCIES}]{{0,3}}")
_AMOUNT = re.compile(
    rf"\s*-?(?P<prefix>[{_CURRENCIES}]?[{_SPACES}]?)\d[\d.,'{_SPACES}]*?(?P<suffix>[{_SPACES}]?[%{_CURRENCIES}])?\s*"
)
_SEPARATORS = f",.'{_SPACES}"
"""What may separate thousands, unless it is the decimal mark."""
_SEPARATOR = re.compile(rf"\d([{_SEPARATORS}])\d\d\d(?!\d)")
MAX_DECIMALS = 9
MAX_EXPONENT_DECIMALS = 18  # of numbers with exponents, as numpy.savetxt writes them
_EXPONENT = re.compile(r"([eE])(\+?)(0{1,3})")


@dataclass(frozen=True)
class NumberFormat:
    """The format of all numbers of a column. The default is that of plain numbers such as 1234.5.

    Times have a `clock` instead, and stand for a number of minutes, or of seconds if the clock shows them.
    """

    thousands: str = ""
    """The separator."""
    prefix: str = ""
    suffix: str = ""
    decimals: tuple[int, int] = (0, 0)
    """The fewest and the most digits after the decimal mark."""
    exponent: str = ""
    """The exponent of 1 in numbers such as 1.5E+04, which is E+00: the letter, the plus, and the fewest digits."""
    clock: str = ""
    """One of `_CLOCKS`; hours have two digits at least if it begins with HH."""

    @classmethod
    def find(cls, texts: "Series[Any]", decimal: str) -> Self | None:
        """Return the format that all texts have, at least one of them; None for plain numbers and other texts."""
        first = str(texts.iloc[0])
        if re.fullmatch(CLOCK, first):
            return cls._find_clock(texts, "MM:SS" if first.count(":") > 1 else "MM")
        amount = _AMOUNT.fullmatch(first)
        if amount is None:
            return None
        prefix, suffix = amount["prefix"], amount["suffix"] or ""
        found = (match[1] for text in texts if (match := _SEPARATOR.search(text)) and match[1] != decimal)
        thousands = next(found, "")
        if not (prefix or suffix or thousands):
            return None
        whole = rf"0|[1-9]\d{{0,14}}|[1-9]\d{{0,2}}(?:[{thousands or ','}]\d\d\d){{1,4}}"
        part = rf"[{decimal}](\d{{1,{MAX_DECIMALS}}})"
        start, end = (
            f"[{affix[0]}]" + f"[{affix[1:]}]" * (len(affix) > 1) if affix else "" for affix in (prefix, suffix)
        )
        if not texts.str.fullmatch(rf"\s*-?{start}(?:{whole})(?:{part})?{end}\s*").all():
            return None
        decimals = texts.str.extract(rf"{part}(?:\D|$)", expand=False).str.len().fillna(0)
        return cls(thousands, prefix, suffix, (int(decimals.min()), int(decimals.max())))

    @classmethod
    def _find_clock(cls, texts: "Series[Any]", rest: str) -> Self | None:
        form = r"\d{1,3}" + r":[0-5]\d" * rest.count(":") + r":[0-5]\d"
        if not texts.str.fullmatch(form).all():
            return None
        padded = texts.str.startswith("0") & (texts.str.find(":") > 1)
        return cls(clock=f"{'HH' if padded.any() else 'H'}:{rest}")

    @property
    def is_plain(self) -> bool:
        """Whether this is the format of plain numbers."""
        return self == type(self)()

    @property
    def is_marked(self) -> bool:
        """Whether numbers have more than digits, a sign and a decimal mark."""
        return bool(self.thousands or self.prefix or self.suffix or self.clock)

    def joined(self, other: Self) -> Self | None:
        """Return the format of a column, parts of which have these formats; None if they do not go together."""
        mine, yours = ((one.prefix, one.suffix, one.clock.lstrip("H")) for one in (self, other))
        if mine != yours or (self.thousands and other.thousands not in ("", self.thousands)):
            return None
        least, most = zip(self.decimals, other.decimals, strict=True)
        return type(self)(
            self.thousands or other.thousands,
            self.prefix,
            self.suffix,
            (min(least), max(most)),
            clock=max(self.clock, other.clock, key=len),
        )

    def numbers(self, texts: "Series[Any]", decimal: str) -> "Series[Any]":
        """Return the numbers of texts in this format, as float64; NaN where missing."""
        import pandas as pd

        present = texts.dropna()
        if self.clock and len(present):
            parts = present.str.split(":", expand=True).astype("float64")
            total = parts @ [60.0**power for power in reversed(range(parts.shape[1]))]
            return total.reindex(texts.index)
        for cut in filter(None, (self.prefix, self.suffix, self.thousands)):
            present = present.str.replace(cut, "", regex=False)
        numbers = pd.to_numeric(present.str.replace(decimal, ".", regex=False))
        return numbers.astype("float64").reindex(texts.index)

    def texts(self, numbers: "Series[Any]", decimal: str) -> "Series[Any]":
        """Return numbers in this format; missing ones stay."""
        text: Callable[[Any], str] = self._clock_text if self.clock else lambda number: self._text(number, decimal)
        return numbers.astype(object).map(text, na_action="ignore")

    def _text(self, number: float, decimal: str) -> str:
        if self.exponent:
            return self._exponent_text(number, decimal)
        least, most = self.decimals
        whole, _, part = f"{abs(number):,.{most}f}".partition(".")
        part = part[:least] + part[least:].rstrip("0")
        sign = "-" if number < 0 and (whole + part).strip("0,") else ""
        body = whole.replace(",", self.thousands) + (decimal + part if part else "")
        return f"{sign}{self.prefix}{body}{self.suffix}"

    def _exponent_text(self, number: float, decimal: str) -> str:
        least, most = self.decimals
        text = np.format_float_scientific(number, precision=most, min_digits=least)
        mantissa, _, power = text.partition("e")
        letter, plus, zeros = _EXPONENT.fullmatch(self.exponent).groups()  # type: ignore[union-attr]
        sign = "-" if int(power) < 0 else plus
        return f"{mantissa.rstrip('.').replace('.', decimal)}{letter}{sign}{abs(int(power)):0{len(zeros)}}"

    def _clock_text(self, number: float) -> str:
        parts: list[int] = []
        left = round(number)
        for _ in range(self.clock.count(":")):
            left, part = divmod(left, 60)
            parts.insert(0, part)
        hours = f"{left:02}" if self.clock.startswith("HH") else str(left)
        return ":".join([hours, *(f"{part:02}" for part in parts)])

    def to_state(self) -> dict[str, Any]:
        """Return the fields that differ from the default, as JSON."""
        state = {one.name: getattr(self, one.name) for one in fields(self) if getattr(self, one.name) != one.default}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in state.items()}

    @classmethod
    def from_state(cls, state: object) -> Self:
        """Read what `to_state` wrote from an untrusted file, else `FormatError`."""
        require(isinstance(state, Mapping), "the format of numbers must be an object")
        known = {one.name: state.get(one.name, one.default) for one in fields(cls)}  # type: ignore[attr-defined]
        affixes = [known["prefix"], known["suffix"]]
        require(all(isinstance(one, str) and _AFFIX.fullmatch(one) for one in affixes), "an affix must be a unit")
        require(known["thousands"] in ("", *_SEPARATORS), "thousands must be a known separator")
        require(known["clock"] in _CLOCKS, f"clock must be one of {', '.join(_CLOCKS[1:])}")
        exponent, decimals = known["exponent"], known["decimals"]
        valid = isinstance(exponent, str) and (not exponent or _EXPONENT.fullmatch(exponent) is not None)
        require(valid, "exponent must be like e+00")
        most = MAX_EXPONENT_DECIMALS if exponent else MAX_DECIMALS
        valid = isinstance(decimals, list | tuple) and len(decimals) == 2
        valid = valid and all(is_int(one, 0, most) for one in decimals) and decimals[0] <= decimals[1]
        require(valid, f"decimals must be two increasing numbers, 0 to {most}")
        return cls(**known | {"decimals": tuple(decimals)})
