"""Fitting a formula: the factors, or the powers, and the constant by which given sources make a target."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.constraints.formula import MAX_TOLERANCE, Formula, float_error
from ganaug.data.tables.constraints.surprisal import min_surprisal
from ganaug.data.tables.numeric import NumericColumn

Array = NDArray[np.float64]
Numbers = tuple[tuple[float, ...], float]
"""Factors or powers, and the constant."""

FLOAT_TOLERANCE = 1e-5
"""Largest error of an exact formula, in standard deviations, from single precision and six digits."""
MIN_ROWS = 10
"""Distinct rows that a formula needs, beyond the number of its factors."""
MAX_POWER = 3.0  # of a source in a product
MAX_DENOMINATOR = 12
"""Factors are looked for among fractions with denominators up to this."""
RELATIVE_ERROR = 1e-9
"""Relative slack when an error is compared with its tolerance, because the tolerance has rounding errors itself."""


def fit_formula(
    columns: Sequence[NumericColumn], values: Array, sources: Sequence[int], target: int, multiplied: bool
) -> Formula | None:
    """Return the sum, or the product, of all these sources that equals the target but for rounding; None if none does.

    `columns` and `values` are as in `detect_orders`, `sources` and `target` positions of columns.
    """
    some = values[:, [*sources, target]]
    some = some[np.isfinite(some).all(axis=1)]
    if len(sources) < (1 if multiplied else 2) or len(some) < len(sources) + 1 + MIN_ROWS:
        return None
    x, y = some[:, :-1], some[:, -1]
    if not (y.std() > 0 and (x.std(axis=0) > 0).all()):
        return None
    errors = [float_error(columns[one], own) for one, own in zip((*sources, target), some.T, strict=True)]
    found = (_product if multiplied else _sum)(columns[target], x, y, errors)
    if not found:
        return None
    # Equal rows count once: of columns that are mostly zero, few rows are evidence.
    free = len(np.unique(some, axis=0)) - len(sources) - 1
    step = columns[target].step
    surprisal_of_row = min(-math.log(MAX_TOLERANCE), math.log(y.std() / (step / 2)) if step else math.inf)
    enough = min_surprisal(len(columns)) + (len(sources) + 1) * math.log(len(columns))
    is_sure = free >= MIN_ROWS and free * surprisal_of_row >= enough
    return Formula(target, tuple(sources), *found, multiplied) if is_sure else None


def _sum(column: NumericColumn, x: Array, y: Array, errors: Sequence[float]) -> Numbers | None:
    """Return factors and constant of a sum of x (n, K) that equals y (n,), but for rounding; None if none does."""
    middle, spread = x.mean(axis=0), x.std(axis=0)
    part = np.linalg.lstsq((x - middle) / spread, y - y.mean(), rcond=None)[0] / spread
    floats = float(np.abs(part) @ errors[:-1]) + errors[-1] + FLOAT_TOLERANCE * float(y.std())
    rest = y - x @ part
    # If the target is not rounded, the factors are known better than to half a step.
    room = min(column.step / 2, float(np.ptp(rest))) + floats
    exact, coarse = np.ptp(rest) <= 2 * floats, column.step > 2 * MAX_TOLERANCE * y.std()
    if not np.isfinite(part).all() or np.ptp(rest) > 2 * (column.step + floats) or (coarse and not exact):
        return None
    fractions = [np.rint(part * count) / count for count in range(1, MAX_DENOMINATOR + 1)]
    decimals = [np.array([float(f"{one:.{digits}g}") for one in part]) for digits in range(1, 13)]
    for factors in (fractions[0], *decimals[:2], *fractions[1:], *decimals[2:]):
        rest = y - x @ factors
        least, most = float(rest.max() - room), float(rest.min() + room)
        if least <= most and factors.all():
            return tuple(factors.tolist()), _shortest(least, most)
    return None


def _product(column: NumericColumn, x: Array, y: Array, errors: Sequence[float]) -> Numbers | None:
    """Return powers and constant of a product of x (n, K) that equals y (n,), but for rounding; None if none does."""
    positive = (x > 0).all(axis=1) & (y > 0)
    if positive.sum() < len(errors) + MIN_ROWS:
        return None
    logs, weight = np.log(x[positive]), y[positive] / y.max()  # Rounding changes the logarithm of a small y most.
    design = np.column_stack([logs, np.ones(len(logs))])
    part = np.linalg.lstsq(design * weight[:, None], np.log(y[positive]) * weight, rcond=None)[0][:-1]
    powers = np.rint(2 * part) / 2
    if not powers.all() or np.abs(powers).max() > MAX_POWER:
        return None
    with np.errstate(all="ignore"):
        once = np.prod(x**powers, axis=1)
        relative = np.abs(powers) @ (np.array(errors[:-1]) / x.max(axis=0))
        room = column.step / 2 + errors[-1] + (relative + FLOAT_TOLERANCE) * y
        least, most = float(((y - room) / once)[positive].max()), float(((y + room) / once)[positive].min())
        constant = _shortest(least, most) if most > 0 and least <= most else 0.0
        holds = (np.abs(constant * once - y) <= (1 + RELATIVE_ERROR) * room).all()
    return (tuple(powers.tolist()), constant) if holds and room.mean() <= MAX_TOLERANCE * y.std() else None


def _shortest(least: float, most: float) -> float:
    """Return the number with the fewest digits between two."""
    if least <= 0 <= most:
        return 0.0
    middle = (least + most) / 2
    shorter = (float(f"{middle:.{digits}g}") for digits in range(1, 16))
    return next((one for one in shorter if least <= one <= most), middle)
