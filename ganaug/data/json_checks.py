"""Checks on JSON from untrusted model files: the one place where its types, sizes and ranges are tested."""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ganaug.errors import FormatError

MAX_TEXT = 1000
"""Longest name, label or category, in characters."""
FLOATS = ("float16", "float32", "float64", "Float32", "Float64")
INTEGERS = tuple(f"{sign}{bits}" for sign in ("int", "uint", "Int", "UInt") for bits in (8, 16, 32, 64))
BOOLEANS = ("bool", "boolean")
TEXTS = ("object", "str", "string")
"""The names in pandas of the dtypes that a column may have, besides datetimes."""
_INT64 = range(-(2**63), 2**63)


def require(holds: bool, rule: str) -> None:
    """Raise `FormatError`, which states the rule, unless the rule holds."""
    if not holds:
        raise FormatError(f"The table's column schema is not valid: {rule}. Save the model again.")


def items(state: object, key: str, at_most: int) -> list[Any]:
    """Return a list of a JSON object; `FormatError` if there is none, or it is too long."""
    found = state.get(key) if isinstance(state, Mapping) else None
    if not isinstance(found, list) or len(found) > at_most:
        raise FormatError(f"The table's column schema is not valid: {key} must be a list of at most {at_most:,}.")
    return found


def is_int(value: object, low: int = _INT64[0], high: int = _INT64[-1]) -> bool:
    """Tell whether a value is a whole number in a range; true and false are not."""
    return type(value) is int and low <= value <= high


def is_finite(value: object) -> bool:
    """Tell whether a value is a finite number."""
    return is_int(value) or (type(value) is float and math.isfinite(value))


def is_text(value: object) -> bool:
    """Tell whether a value is a text of at most 1,000 characters that UTF-8 can hold."""
    return isinstance(value, str) and len(value) <= MAX_TEXT and is_unicode(value)


def is_unicode(text: str) -> bool:
    """Tell whether UTF-8 can hold a text: it cannot hold a surrogate alone."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_name(value: object) -> bool:
    """Tell whether a value can be the name of a column."""
    return is_text(value) or is_int(value)


def to_json_object(one: Any) -> dict[str, object]:
    """Return the fields of a dataclass as a JSON object; tuples become lists."""
    values = {field.name: getattr(one, field.name) for field in fields(one)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
