"""Noise vectors: what a sample is drawn from. They are read, walked through, interpolated and mixed here."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ganaug.data.json_checks import is_int, is_text
from ganaug.errors import DataError
from ganaug.runtime.arguments import source_of

Noise = NDArray[np.float32]  # (n, noise_dim)

MAX_PARTS = 16
"""Parts of a noise vector that a model file may name."""
NEARLY_PARALLEL = 1e-4
"""Sine of the angle between two vectors below which their great circle is not determined by rounding alone."""


def read_noise(value: ArrayLike | int, width: int, name: str) -> Noise:
    """Return noise vectors (n, width) from one vector, several vectors, or a seed, which stands for the one it draws.

    `DataError` if the value is neither, or has another width, or is not finite.

    Examples
    --------
    >>> read_noise(0, 3, "a").shape, read_noise([0.5, 1, 2], 3, "a").tolist()
    ((1, 3), [[0.5, 1.0, 2.0]])
    """
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return source_of(int(value)).standard_normal((1, width), np.float32)
    try:
        vectors = np.atleast_2d(np.asarray(value, np.float32))
    except (TypeError, ValueError):
        vectors = np.empty((0, 0), np.float32)
    if vectors.ndim != 2 or vectors.shape[1] != width:
        found = f"an array of shape {vectors.shape}" if vectors.size else f"{value!r:.80}"
        raise DataError(
            f"{name} must be a seed, a noise vector of {width} numbers, or an array of shape (n, {width}), but is "
            f"{found}."
        )
    if not np.isfinite(vectors).all():
        raise DataError(f"{name} must hold finite numbers, but some are NaN or infinite.")
    return vectors


def circle(source: np.random.Generator, width: int, count: int) -> Noise:
    """Return `count` vectors, evenly spaced on a closed path: a great circle through two random vectors."""
    axes = source.standard_normal((2, width))
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)[:, None]
    path: Noise = (np.cos(angles) * axes[0] + np.sin(angles) * axes[1]).astype(np.float32)  # (count, width)
    return path


def spherical(a: NDArray[Any], b: NDArray[Any], steps: int) -> Noise:
    """Return vectors from a to b (width,), evenly spaced along the arc between them; their lengths change evenly.

    On the straight line the vectors in the middle would be shorter than any that a generator has learned from
    (Shoemake 1985; White, Sampling Generative Networks, 2016). `DataError` if a and b are opposite, because then no
    arc is the shortest one.

    Examples
    --------
    >>> spherical(np.array([1.0, 0.0]), np.array([0.0, 1.0]), 3)[1].round(3)
    array([0.707, 0.707], dtype=float32)
    """
    share = np.linspace(0, 1, steps)[:, None]
    lengths = np.linalg.norm(a), np.linalg.norm(b)
    if not all(lengths):
        line: Noise = ((1 - share) * a + share * b).astype(np.float32)
        return line
    first, last = a.astype(np.float64) / lengths[0], b.astype(np.float64) / lengths[1]
    angle = np.arccos(np.clip(first @ last, -1, 1))
    if np.sin(angle) < NEARLY_PARALLEL:
        if angle > 1:
            raise DataError("a and b must not be opposite: there is no shortest way between them, so choose others.")
        direction = (1 - share) * first + share * last
    else:
        direction = (np.sin((1 - share) * angle) * first + np.sin(share * angle) * last) / np.sin(angle)
    length = (1 - share) * lengths[0] + share * lengths[1]
    arc: Noise = (length * direction).astype(np.float32)  # (steps, width)
    return arc


def is_parts(state: object, width: int) -> bool:
    """Tell whether untrusted JSON lists the parts of noise vectors of this width: pairs of a name and a length."""
    if not isinstance(state, list) or not 1 <= len(state) <= MAX_PARTS:
        return False
    if not all(isinstance(part, list) and len(part) == 2 for part in state):
        return False
    names, lengths = zip(*state, strict=True)
    valid = all(is_text(name) and name for name in names) and all(is_int(length, 1, width) for length in lengths)
    return valid and len(set(names)) == len(names) and sum(lengths) == width


def start_of(part: str, parts: Sequence[Sequence[Any]] | None) -> int:
    """Return where a named part of a noise vector begins; `DataError` unless parts stand before it."""
    if parts is None:
        raise DataError(
            "The model must say what the parts of its noise are for mix(), but its file does not: fit the model again "
            "with this version, or with the family 'gan' if this is another."
        )
    starts: Mapping[str, int] = {
        name: sum(length for _, length in parts[:place]) for place, (name, _) in enumerate(parts) if place
    }
    if not isinstance(part, str) or part not in starts:
        if not starts:
            raise DataError(f"The noise of this model has one part, {parts[0][0]!r}, so that two cannot be mixed.")
        raise DataError(f"at must be the first part that is taken from b, one of {list(starts)}, not {part!r:.80}.")
    return starts[part]
