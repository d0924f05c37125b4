"""One column of numbers: its quantile transform to a standard normal, its atoms and its decimals."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ganaug.data.json_checks import FLOATS, INTEGERS, is_finite, is_int, is_name, items, require
from ganaug.data.tables.datetimes import DAY, DatetimeDtype, duration_unit, period_frequency, period_ordinal
from ganaug.data.tables.decimals import DecimalDtype
from ganaug.data.tables.numeric_fit import LARGEST_INTEGER, LIMIT, STEPS, common_factor, find_atoms, find_knots
from ganaug.errors import DataError

Array = NDArray[Any]

KINDS = ("numeric", "integer", "datetime", "duration", "period")
MAX_ATOMS = 100  # that an untrusted model file may list for a column; a fit finds fewer


@dataclass(frozen=True)
class NumericColumn:
    """The description of one column of numbers, integers, datetimes, durations or periods.

    Each row takes one of several *options*: continuous (if there are knots), one of the atoms, or missing (if the
    column has missing values), in this order. A continuous row has a *quantile* of the standard normal.

    All values are multiples of ``unit / 10**decimals``, unless `decimals` is None. `unit` is the largest for which this
    holds: 5 for multiples of 5, or, with two decimals, of 0.05. Datetimes are in seconds since `origin`. Their
    unit is in seconds too: 86400 for days, 604800 for one day of the week. Durations are in seconds. Periods are
    counted from `origin`.

    `values` and `scores`, the model file's name for their quantiles, are the knots of the piecewise linear quantile
    transform. Values do not decrease; quantiles, in steps of 1/32, increase. The first and the last value are the
    bounds of the data. A value in two knots is a tie: all quantiles between them decode to it.
    """

    name: str | int
    kind: str  # one of `KINDS`
    dtype: str  # of the pandas column
    missing: bool  # whether some values were missing
    decimals: int | None
    unit: int
    origin: str | None  # the earliest of datetimes, in ISO format and local time, or of periods, as its ordinal
    atoms: tuple[float, ...]  # values with an option of their own, the most frequent first
    values: tuple[float, ...]
    scores: tuple[int, ...]

    @classmethod
    def fit(
        cls,
        name: str | int,
        kind: str,
        dtype: str,
        numbers: NDArray[np.float64],
        *,
        decimals: int | None,
        unit: int = 1,
        origin: str | None = None,
        spikes: bool = True,
    ) -> Self:
        """Find the atoms, if there may be `spikes`, and the knots of numbers (n,), NaN where missing.

        `unit` is a unit of the values; the column's own may be a multiple. Raise `DataError` if there are infinities,
        or values whose difference float64 cannot hold.
        """
        present = ~np.isnan(numbers)
        values, counts = np.unique(numbers[present] + 0.0, return_counts=True)  # Adding 0 turns -0 into 0.
        with np.errstate(over="ignore", invalid="ignore"):
            spans_too_much = values.size > 0 and not np.isfinite(values[-1] - values[0])
        if spans_too_much:
            raise DataError(
                f"The numbers of a column must be finite and less than 1.8e308 apart, but those of column {name!r} go "
                f"from {values[0]:g} to {values[-1]:g}: replace them, or mark them as missing."
            )
        if decimals is not None:
            steps = np.rint(values * 10.0**decimals / unit)
            # A unit counts only if no value was rounded: seconds can have more decimals than float64 holds.
            if np.array_equal(steps * unit / 10.0**decimals, values):
                unit *= common_factor(steps)
        is_atom = find_atoms(counts) if spikes else np.zeros(len(counts), np.bool_)
        by_frequency = np.argsort(-counts[is_atom], kind="stable")
        knots, quantiles = find_knots(values[~is_atom], counts[~is_atom])
        atoms = tuple(values[is_atom][by_frequency].tolist())
        tied = tuple(knots.tolist()), tuple(quantiles.tolist())
        return cls(name, kind, dtype, not present.all(), decimals, unit, origin, atoms, *tied)

    @property
    def has_quantile(self) -> bool:
        """Whether there is a continuous option."""
        return len(self.values) > 0

    @property
    def options(self) -> int:
        """Number of options. A column with one option has no choice."""
        return self.has_quantile + len(self.atoms) + self.missing

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest value; zeros if all are missing."""
        known = (*self.atoms, *self.values[:1], *self.values[-1:]) or (0.0,)
        return min(known), max(known)

    @property
    def has_days_only(self) -> bool:
        """Whether all datetimes are midnights."""
        if self.kind != "datetime" or self.unit % DAY:
            return False
        clock = DatetimeDtype.parse(self.dtype)
        return clock.count(self.origin) % (DAY * clock.per_second) == 0

    @property
    def step(self) -> float:
        """What all values are multiples of, from the origin; 0 if they are not rounded."""
        return 0.0 if self.decimals is None else self.unit / 10.0**self.decimals

    def to_steps(self, numbers: Array) -> NDArray[np.float64]:
        """Express values in whole steps; unchanged if the column is not rounded."""
        if self.decimals is None:
            return np.asarray(numbers, dtype=np.float64)
        return np.rint(np.asarray(numbers, dtype=np.float64) * 10.0**self.decimals / self.unit)

    def from_steps(self, steps: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values of steps (numpy or torch), the inverse of `to_steps` up to rounding."""
        return steps if self.decimals is None else steps * self.unit / 10.0**self.decimals

    def curve(self) -> NDArray[np.float64]:
        """Return the value, in steps, at each point of the quantile's grid, shape (2 * LIMIT + 1,)."""
        return np.interp(np.arange(-LIMIT, LIMIT + 1), self.scores, self.to_steps(np.array(self.values)))

    def encode(
        self, numbers: NDArray[np.float64], rng: np.random.Generator | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the quantile and the option of every row of numbers (n,), NaN where missing, each of shape (n,).

        Values beyond the bounds are moved to them. If the column has no missing values, a missing value becomes the
        median quantile, or the most frequent atom. Rows with equal values take the middle one of the quantiles that
        decode to the value; `rng` spreads them over all of these quantiles.
        """
        options = self.options_of(numbers)
        quantiles = np.zeros(len(numbers), dtype=np.float32)
        if self.has_quantile:
            continuous = ~np.isnan(numbers) & (options == 0)
            quantiles[continuous] = self.quantiles_of(self._tidy(numbers[continuous]), rng)
        return quantiles, options

    def options_of(self, numbers: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the option of every row, (n,); see `encode`."""
        missing = np.isnan(numbers)
        options = np.zeros(len(numbers), dtype=np.int64)
        if self.atoms:
            order = np.argsort(self.atoms)
            atoms = np.array(self.atoms)[order]
            tidy = self._tidy(numbers)
            nearest = np.searchsorted(atoms[1:] / 2 + atoms[:-1] / 2, tidy)
            taken = ~missing & ((atoms[nearest] == tidy) | (not self.has_quantile))
            options[taken] = self.has_quantile + order[nearest[taken]]
        if self.missing:
            options[missing] = self.options - 1
        return options

    def _tidy(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Move values to the bounds and to whole steps."""
        return self.from_steps(self.to_steps(np.clip(numbers, *self.bounds)))

    def quantiles_of(self, numbers: NDArray[np.float64], rng: np.random.Generator | None = None) -> NDArray[np.float64]:
        """Return the quantiles of values (n,) within the bounds that are no atoms; see `encode`."""
        values, quantiles = np.array(self.values), np.array(self.scores) / STEPS
        # A little less than half a step, so that no quantile decodes to the next value.
        half = 0.0 if rng is None else 0.49 * self.step
        highest = _interpolated(numbers + half, values, quantiles)
        lowest = -_interpolated(half - numbers, -values[::-1], -quantiles[::-1])
        return lowest + (highest - lowest) * (0.5 if rng is None else rng.random(len(numbers)))

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Read a column from untrusted JSON; `FormatError` if it does not describe one."""
        known: dict[str, Any] = {field.name: state.get(field.name) for field in fields(cls)}
        decimals, unit = known["decimals"], known["unit"]
        require(is_name(known["name"]), "a column's name must be a short text or a whole number")
        require(known["kind"] in KINDS and isinstance(known["dtype"], str), "kind and dtype must be known ones")
        require(isinstance(known["missing"], bool), "missing must be true or false")
        require(decimals is None or is_int(decimals, 0, 9), "decimals must be null or 0 to 9")
        require(is_int(unit, 1, LARGEST_INTEGER), "unit must be a whole number, 1 to 2**53")
        require(unit == 1 or decimals is not None, "a unit above 1 needs decimals, 0 at least")

        atoms, values = items(state, "atoms", MAX_ATOMS), items(state, "values", 2 * LIMIT + 1)
        scores = items(state, "scores", 2 * LIMIT + 1)
        require(all(map(is_finite, atoms + values)), "atoms and values must be finite numbers")
        require(all(is_int(score, -LIMIT, LIMIT) for score in scores), f"scores must be whole, {-LIMIT} to {LIMIT}")
        require(len(scores) == len(values) != 1, "there must be as many scores as values, and not one")
        require(all(one < two for one, two in pairwise(scores)), "scores must increase")
        require(all(one <= two for one, two in pairwise(values)), "values must not decrease")
        require(not values or values[0] < values[-1], "values must not all be the same")
        require(len(set(atoms)) == len(atoms), "atoms must differ")
        known |= {"atoms": tuple(map(float, atoms)), "values": tuple(map(float, values)), "scores": tuple(scores)}
        column = cls(**known)
        column._check()
        return column

    def _check(self) -> None:
        """Raise `FormatError` if some values do not fit the dtype."""
        low, high = self.bounds
        require(self.options > 0, "a column must have values, or be missing")
        require(math.isfinite(high - low), "values are too far apart")
        if self.decimals is not None:
            largest = max(abs(low), abs(high)) * 10**self.decimals
            require(largest <= LARGEST_INTEGER, f"values must be below 2**53 units of {self.decimals} decimals")
        if self.unit > 1:
            known = np.array(self.atoms + self.values)
            whole = np.array_equal(self.from_steps(self.to_steps(known)), known)
            require(whole, "atoms and values must be multiples of the unit")
        self.check_range(low, high)
        require(self.kind in ("datetime", "period") or self.origin is None, "only datetimes and periods have an origin")

    def check_range(self, low: float, high: float) -> None:
        """Raise `FormatError` unless the dtype can hold the numbers between two bounds."""
        checks = {
            "numeric": self._check_floats,
            "integer": self._check_integers,
            "datetime": self._check_datetimes,
            "duration": self._check_durations,
            "period": self._check_periods,
        }
        checks[self.kind](low, high)

    def _check_floats(self, low: float, high: float) -> None:
        if decimal := DecimalDtype.parse(self.dtype):
            require(decimal.holds(low, high), f"values must fit {self.dtype}")
            return
        require(self.dtype in FLOATS, "numeric columns have a floating point dtype, or one of decimals")
        require(max(-low, high) <= float(np.finfo(self.dtype.lower()).max), f"values must fit {self.dtype}")

    def _check_integers(self, low: float, high: float) -> None:
        require(self.dtype in INTEGERS and self.decimals == 0, "integer columns have an integer dtype")
        require(not self.missing or self.dtype[0] in "IU", f"{self.dtype} has no missing values")
        require(all(value.is_integer() for value in self.atoms + self.values), "integers must be whole")
        limits = np.iinfo(self.dtype.lower())
        require(limits.min <= low and high <= limits.max, f"values must fit {self.dtype}")

    def _check_datetimes(self, low: float, high: float) -> None:
        require(self.decimals is not None, "datetimes are multiples of their unit since their origin")
        clock = DatetimeDtype.parse(self.dtype)
        origin = clock.count(self.origin)
        first = origin + min(0, math.floor(low)) * clock.per_second  # What is computed may come before the origin.
        last = origin + math.ceil(high) * clock.per_second
        require(first > -(2**63) and last < 2**63, f"dates must fit {self.dtype}")

    def _check_durations(self, low: float, high: float) -> None:
        unit = duration_unit(self.dtype)
        require(unit is not None and self.decimals is not None, "durations are multiples of the unit of their dtype")
        most = math.ceil(max(-low, high)) * DatetimeDtype(str(unit), None).per_second
        require(most < 2**63, f"durations must fit {self.dtype}")

    def _check_periods(self, low: float, high: float) -> None:
        known = period_frequency(self.dtype) is not None and self.decimals == 0
        require(known, "periods are whole numbers since their origin")
        origin = period_ordinal(self.origin)
        first, last = origin + math.floor(low), origin + math.ceil(high)
        require(first > -(2**63) and last < 2**63, f"periods must fit {self.dtype}")


def _interpolated(x: Array, knots: Array, heights: Array) -> NDArray[np.float64]:
    """Interpolate linearly, also between knots so close that the slope of `numpy.interp` is infinite."""
    result = np.interp(x, knots, heights)
    steep = ~np.isfinite(result)
    right = np.searchsorted(knots, x[steep])
    share = (x[steep] - knots[right - 1]) / (knots[right] - knots[right - 1])
    result[steep] = heights[right - 1] + share * (heights[right] - heights[right - 1])
    return result
