"""Samples that each have a seed of their own: drawn together, screened one by one, the same in whatever company."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.runtime.session import Runtime

__all__ = ["ROUNDS", "draw_each"]

ROUNDS = 4
"""Most draws for each sample that is kept."""


def draw_each(
    runtime: Runtime,
    outputs: tuple[str, ...],
    labels: NDArray[np.int64],
    sources: Sequence[np.random.Generator],
    thresholds: NDArray[np.float64] | None,
    width: int,
) -> list[NDArray[Any]]:
    """Draw one sample for each label, from a source of noise of its own.

    A sample that the model's classifier does not read as its label is drawn anew, `ROUNDS` times at most; of those that
    never pass, the best stays.

    Parameters
    ----------
    runtime : Runtime
        Runs the model.
    outputs : tuple of str
        The outputs to return.
    labels : ndarray of int64, shape (n,)
        Indices into the classes.
    sources : sequence of numpy.random.Generator, length n
        Where each sample's noise comes from.
    thresholds : ndarray of shape (n_classes,), or None
        The `agreement` that a sample of each class needs; None keeps whatever is drawn.
    width : int
        How many samples the network sees at once, always: its rounding may depend on it, and a sample must not.

    Returns
    -------
    list of ndarray, each of shape (n, ...)
        The outputs.
    """
    shapes = [runtime.outputs[name] for name in outputs]
    kept: list[NDArray[Any]] = [np.empty((len(labels), *shape), dtype) for shape, dtype in shapes]
    asked = outputs if thresholds is None else (*outputs, "agreement")
    score = np.full(len(labels), -np.inf)
    rows = np.arange(len(labels))
    for _ in range(ROUNDS):
        if not len(rows):
            break
        noise = np.stack([sources[row].standard_normal(runtime.noise_dim, np.float32) for row in rows.tolist()])
        drawn = _run(runtime, asked, noise, labels[rows], width)
        agreement = np.zeros(len(rows)) if thresholds is None else drawn[-1]
        better = agreement > score[rows]
        for whole, part in zip(kept, drawn, strict=False):
            whole[rows[better]] = part[better]
        score[rows] = np.maximum(score[rows], agreement)
        rows = rows[:0] if thresholds is None else rows[score[rows] < thresholds[labels[rows]]]
    return kept


def _run(
    runtime: Runtime, outputs: tuple[str, ...], noise: NDArray[np.float32], labels: NDArray[np.int64], width: int
) -> list[NDArray[Any]]:
    """Run the model in batches of one width, the last of them filled up with what is thrown away."""
    spare = -len(labels) % width
    noise, labels = np.pad(noise, ((0, spare), (0, 0))), np.pad(labels, (0, spare), mode="edge")
    drawn = runtime.run(outputs, noise, labels, width)
    return [array[: len(array) - spare] for array in drawn]
