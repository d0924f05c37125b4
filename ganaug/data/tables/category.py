"""One column of categories: their values, their frequencies, and the rare ones that share an option."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ganaug.data.json_checks import (
    BOOLEANS,
    FLOATS,
    INTEGERS,
    MAX_TEXT,
    TEXTS,
    is_finite,
    is_int,
    is_name,
    is_text,
    items,
    require,
)
from ganaug.errors import DataError

Category = str | int | float | bool

KINDS = ("category", "boolean")
MISSING = -1  # the code of a missing value
UNSEEN = -2  # the code of a value that is none of the categories
MAX_CATEGORIES = 20_000  # of a column: more different values are probably identifiers
MAX_OPTIONS = 50
"""Options for categories: if there are more categories, all rare ones share the last option."""


@dataclass(frozen=True)
class CategoryColumn:
    """The description of one column of categories.

    Each row takes one of several *options*, in this order: one of the frequent categories, the *tail* (all rare
    categories together, if there are more than 50), or missing (if the column has missing values).
    """

    name: str | int
    kind: str  # one of `KINDS`
    dtype: str  # of the pandas column, or of the categories of a pandas categorical
    ordered: bool | None  # whether a pandas categorical is ordered; None for other dtypes
    missing: bool  # whether some values were missing
    none: bool  # whether missing values are None rather than NaN, in a column of objects
    categories: tuple[Category, ...]  # The output "category" of a model holds indices into these.
    counts: tuple[int, ...]  # the number of rows of each category; 0 for an unused category of a pandas categorical

    @classmethod
    def fit(
        cls,
        name: str | int,
        dtype: str,
        categories: tuple[Category, ...],
        codes: NDArray[np.int64],
        *,
        ordered: bool | None = None,
        none: bool = False,
    ) -> Self:
        """Count the categories of a column; `codes` (n,) are indices into them, -1 where missing."""
        if dtype not in (*TEXTS, *BOOLEANS, *INTEGERS, *FLOATS):
            raise DataError(
                f"Categories must be text, numbers or truth values, but those of column {name!r} have dtype {dtype}: "
                f"convert the column with .astype({'boolean' if dtype == 'bool[pyarrow]' else 'str'!r})."
            )
        if len(categories) > MAX_CATEGORIES:
            raise DataError(
                f"A column of categories must have at most {MAX_CATEGORIES:,} different ones, but column {name!r} has "
                f"{len(categories):,}: is it an identifier? Ignore it (--ignore), or drop it."
            )
        for category in categories:
            if not (isinstance(category, bool) or is_text(category) or is_finite(category)):
                raise DataError(
                    f"Categories must be finite numbers, truth values or texts of at most {MAX_TEXT} Unicode "
                    f"characters, but column {name!r} has {repr(category)[:80]}: drop the column, or replace them."
                )
        counts = tuple(np.bincount(codes[codes >= 0], minlength=len(categories)).tolist())
        kind = "boolean" if dtype in BOOLEANS else "category"
        return cls(name, kind, dtype, ordered, bool((codes < 0).any()), none, categories, counts)

    @cached_property
    def heads(self) -> tuple[int, ...]:
        """Indices of the categories with an option of their own, in the order of the options."""
        used = [index for index, count in enumerate(self.counts) if count]
        if len(used) <= MAX_OPTIONS:
            return tuple(used)
        frequent = sorted(used, key=lambda index: -self.counts[index])[: MAX_OPTIONS - 1]
        return tuple(sorted(frequent))

    @cached_property
    def tail(self) -> tuple[int, ...]:
        """Indices of the categories that share an option; empty if there is no such option."""
        own = set(self.heads)
        return tuple(index for index, count in enumerate(self.counts) if count and index not in own)

    @property
    def options(self) -> int:
        """Number of options. A column with one option has no choice."""
        return len(self.heads) + bool(self.tail) + self.missing

    def encode(self, codes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the option of every row, (n,); `codes` (n,) are as in `TableValues`.

        If the column has no option for missing values, a missing value takes the most frequent category. An unseen
        category takes the option for missing values, else the tail, else the most frequent category.
        """
        tail = len(self.heads)
        order = np.array([self.counts[index] for index in self.heads])
        usual = int(order.argmax()) if len(order) else 0
        missing = self.options - 1 if self.missing else usual
        unseen = missing if self.missing or not self.tail else tail
        option = np.full(len(self.categories) + 2, unseen)
        option[list(self.heads)] = np.arange(len(self.heads))
        option[list(self.tail)] = tail
        option[MISSING] = missing  # The two codes are negative, and index from the end.
        return option[codes]

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Read a column from untrusted JSON; `FormatError` if it does not describe one."""
        known: dict[str, Any] = {field.name: state.get(field.name) for field in fields(cls)}
        dtype, missing, ordered, none = (known[key] for key in ("dtype", "missing", "ordered", "none"))
        require(is_name(known["name"]), "a column's name must be a short text or a whole number")
        require(isinstance(dtype, str), "dtype must be a known one")
        require(known["kind"] == ("boolean" if dtype in BOOLEANS else "category"), "kind and dtype must agree")
        require(isinstance(missing, bool) and isinstance(none, bool), "missing and none must be true or false")
        require(ordered is None or isinstance(ordered, bool), "ordered must be null, true or false")
        require(not none or (missing is True and dtype == "object"), "only objects are missing as None")

        categories, counts = items(state, "categories", MAX_CATEGORIES), items(state, "counts", MAX_CATEGORIES)
        require(len(categories) == len(counts), "there must be as many counts as categories")
        require(all(is_int(count, 0, 2**53) for count in counts), "counts must be whole numbers")
        _check_categories(categories, str(dtype))
        holds_missing = dtype in (*TEXTS, *FLOATS, "boolean") or str(dtype)[0] in "IU"
        require(not missing or ordered is not None or holds_missing, f"{dtype} has no missing values")
        column = cls(**known | {"categories": tuple(categories), "counts": tuple(counts)})
        require(column.options > 0, "a column must have categories, or be missing")
        return column


def _check_categories(categories: list[Any], dtype: str) -> None:
    if dtype in BOOLEANS:
        good = all(isinstance(category, bool) for category in categories)
    elif dtype in INTEGERS:
        limits = np.iinfo(dtype.lower())
        good = all(is_int(category, int(limits.min), int(limits.max)) for category in categories)
    elif dtype in FLOATS:
        largest = float(np.finfo(dtype.lower()).max)
        good = all(type(category) is float and abs(category) <= largest for category in categories)
    elif dtype == "object":
        good = len({type(category) for category in categories}) <= 1
        good = good and all(isinstance(item, bool) or is_finite(item) or is_text(item) for item in categories)
    else:
        good = dtype in TEXTS and all(is_text(category) for category in categories)
    require(good and len(set(categories)) == len(categories), f"categories must be different values of {dtype!r}")
