"""Arguments of a generator's methods, checked: seeds, counts, and requests that memory cannot hold."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ganaug.errors import DataError

Seed = int | Sequence[int] | None

MAX_SAMPLES = 2**31
"""Samples of one call."""


def source_of(seed: Seed) -> np.random.Generator:
    """Return a source of random numbers; `DataError` if the seed is not valid."""
    try:
        return np.random.Generator(np.random.PCG64(seed))
    except (TypeError, ValueError) as error:
        raise DataError(f"seed must be None or a whole number, 0 or more, not {seed!r}.") from error


def checked_count(value: Any, what: str, minimum: int = 0) -> int:
    """Return a number of samples; `DataError` if it is not a whole number in the range."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not minimum <= value <= MAX_SAMPLES:
        raise DataError(f"{what} must be a whole number from {minimum} to {MAX_SAMPLES:,}, not {value!r}.")
    return int(value)


@contextmanager
def in_memory(samples: int, advice: str) -> Iterator[None]:
    """Turn a lack of memory into a `DataError` with advice."""
    try:
        yield
    except MemoryError as error:
        raise DataError(f"{samples:,} samples do not fit in memory: {advice}.") from error
