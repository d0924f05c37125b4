r"""Numbers and untrusted names as text for a page.

An unknown number becomes a dash, and unknown bounds an empty text.

Examples
--------
>>> number(0.12345), number(-3), number(1234567.0), number(None)
('0.123', '−3', '1,234,567', '–')
>>> percent(0.1234), hundredths(0.1234), decimal(0.02), decimal(0, 2)
('12.3\u202f%', '12.3', '0.020', '0.00')
>>> points(0.0123), points(-0.2), points(0.00001)
('+1.2', '−20.0', '0.0')
>>> interval({"mean": 0.5, "low": 0.4, "high": 0.6}, points), interval({"mean": 0.5, "low": None}, points)
('+40.0 to +60.0', '')
>>> count(1, "class", "classes"), count(1200, "row")
('1 class', '1,200 rows')
>>> duration(8.24), duration(75), duration(7260)
('8.2 seconds', '1 min 15 s', '2 h 1 min')
"""

import math
import unicodedata
from typing import Any, TypeGuard

MAX_NAME = 60
"""Characters of a name that are shown: longer names would push everything else off the page."""
UNKNOWN = "–"

_REPLACED = {"Cc", "Cs", "Zl", "Zp"}
# Characters that change the direction of text, or that XML forbids.
_UNSAFE = set("\ufffe\uffff\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean(text: object, limit: int = MAX_NAME) -> str:
    r"""Return a name in one line, without characters that a page may not hold or that change the direction of text.

    Markup stays: the template and the library that draws the charts escape it.

    Examples
    --------
    >>> clean("cat\x00\u202e <b>"), clean("a" * 9, limit=5), clean(" ")
    ('cat\ufffd\ufffd <b>', 'aaaa…', '(blank)')
    """
    line = " ".join(str(text)[: 4 * limit].split())
    shown = "".join("\ufffd" if char in _UNSAFE or unicodedata.category(char) in _REPLACED else char for char in line)
    return (shown if len(shown) <= limit else shown[: limit - 1] + "…") or "(blank)"


def is_known(value: Any) -> TypeGuard[float]:
    """Tell whether a value is a number that can be shown."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def number(value: Any, digits: int = 3) -> str:
    """Return a number with so many significant digits."""
    if not is_known(value):
        return UNKNOWN
    if value == 0 or 1e-4 <= abs(value) < 1e9:
        magnitude = 0 if value == 0 else math.floor(math.log10(abs(value)))
        text = f"{value:,d}" if isinstance(value, int) else f"{value:,.{max(0, digits - 1 - magnitude)}f}"
    else:
        text = f"{value:.{digits - 1}e}"
    return _minus(text)


def percent(share: Any) -> str:
    """Return a share in per cent."""
    return _minus(f"{100 * share:.1f}\u202f%") if is_known(share) else UNKNOWN


def decimal(value: Any, places: int = 3) -> str:
    """Return a number with so many decimals, for a column of numbers to compare by eye."""
    return _minus(f"{value:.{places}f}") if is_known(value) else UNKNOWN


def hundredths(share: Any) -> str:
    """Return a share in per cent without the sign, for a column with the sign in its head."""
    return _minus(f"{100 * share:.1f}") if is_known(share) else UNKNOWN


def points(difference: Any) -> str:
    """Return a difference of shares in percentage points, with its sign."""
    if not is_known(difference):
        return UNKNOWN
    text = f"{100 * difference:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else _minus(text)


def interval(estimate: Any, form: Any) -> str:
    """Return the bounds of an estimate; an empty text where it has none."""
    if not isinstance(estimate, dict) or not (is_known(estimate.get("low")) and is_known(estimate.get("high"))):
        return ""
    return f"{form(estimate['low'])} to {form(estimate['high'])}"


def count(n: Any, one: str, many: str = "") -> str:
    """Return a number of things in words."""
    return f"{n:,} {one if n == 1 else many or one + 's'}" if is_known(n) else UNKNOWN


def duration(seconds: Any) -> str:
    """Return a length of time in words."""
    if not is_known(seconds):
        return UNKNOWN
    if seconds < 60:
        return f"{seconds:.1f} seconds"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _minus(text: str) -> str:
    return text.replace("-", "\u2212")
