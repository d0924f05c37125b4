"""An endless run of samples: drawn in chunks of one width, dealt out in batches of any."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.rejection import ROUNDS
from ganaug.runtime import Form, Runtime

__all__ = ["Arrays", "deal", "draw_chunks"]

Arrays = list[NDArray[Any]]


def draw_chunks(
    runtime: Runtime,
    outputs: tuple[str, ...],
    order: Iterator[int],
    rng: np.random.Generator,
    width: int,
    thresholds: NDArray[Any] | None = None,
) -> Iterator[Arrays]:
    """Draw samples for ever, so many at once.

    Parameters
    ----------
    runtime : Runtime
        Runs the model.
    outputs : tuple of str
        The outputs to yield.
    order : iterator of int
        The endless order of class indices.
    rng : numpy.random.Generator
        Where all noise comes from.
    width : int
        Samples in a chunk.
    thresholds : ndarray of shape (n_classes,), optional
        The `agreement` that a sample of each class needs to be kept, as long as enough are found.

    Yields
    ------
    list of ndarray, each of shape (width, ...)
        The outputs, then the class indices.
    """
    while True:
        labels = np.fromiter(islice(order, width), np.int64, width)
        drawn = (
            _run(runtime, outputs, labels, rng)
            if thresholds is None
            else _screened(runtime, outputs, labels, rng, thresholds)
        )
        yield [*drawn, labels]


def deal(chunks: Iterator[Arrays], size: int, forms: Sequence[Form]) -> Iterator[Arrays]:
    """Deal chunks out in batches of another size; `forms` are the shape and type of one item of each array.

    Examples
    --------
    >>> chunks = iter([[np.arange(4)], [np.arange(4, 8)]])
    >>> next(deal(chunks, 6, [((), np.int64)]))
    [array([0, 1, 2, 3, 4, 5])]
    """
    rest: Arrays = [np.empty((0, *shape), dtype) for shape, dtype in forms]
    while True:
        batch: Arrays = [np.empty((size, *shape), dtype) for shape, dtype in forms]
        filled = 0
        while filled < size:
            if not len(rest[-1]):
                rest = next(chunks)
            taken = min(size - filled, len(rest[-1]))
            for whole, part in zip(batch, rest, strict=True):
                whole[filled : filled + taken] = part[:taken]
            rest = [part[taken:] for part in rest]
            filled += taken
        yield batch


def _screened(
    runtime: Runtime,
    outputs: tuple[str, ...],
    wanted: NDArray[np.int64],
    rng: np.random.Generator,
    thresholds: NDArray[Any],
) -> Arrays:
    """Draw samples that agree with their labels or, after a bounded number of draws, the best there are."""
    classes, need = np.unique(wanted, return_counts=True)
    drawn: Arrays = []
    missing = need
    for _ in range(ROUNDS):
        # Twice what is missing, since some will fail again, but one for each that is wanted is the most.
        draw = np.repeat(classes, np.minimum(need, 2 * missing))
        more = [*_run(runtime, (*outputs, "agreement"), draw, rng), draw]
        drawn = [np.concatenate(pair) for pair in zip(drawn, more, strict=True)] if drawn else more
        *content, scores, labels = drawn
        passed = scores >= thresholds[labels]
        missing = np.maximum(need - [np.count_nonzero(passed[labels == label]) for label in classes], 0)
        if not missing.any():
            break
    chosen = np.empty(len(wanted), np.int64)
    for label, count in zip(classes, need, strict=True):
        own = np.flatnonzero(labels == label)
        # Those that passed, in the order they were drawn, then the rest, best first.
        rank = np.argsort(np.where(passed[own], -np.inf, -scores[own]), kind="stable")
        chosen[wanted == label] = own[rank[:count]]
    return [array[chosen] for array in content]


def _run(runtime: Runtime, outputs: tuple[str, ...], labels: NDArray[np.int64], rng: np.random.Generator) -> Arrays:
    return runtime.run(outputs, rng.standard_normal((len(labels), runtime.noise_dim), np.float32), labels)
