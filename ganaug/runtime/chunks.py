"""An endless run of samples: drawn in chunks of one width, dealt out in batches of any."""

from collections.abc import Iterator, Sequence
from itertools import islice
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.sample_format import OutputForm
from ganaug.runtime.rejection import ROUNDS
from ganaug.runtime.session import Runtime

__all__ = ["AHEAD", "Arrays", "deal", "draw_chunks", "passes_at_once"]

AHEAD = 4
"""So many passes of the network are made at once where nobody knows how many are needed, and for screening,
which looks at what they draw as a whole."""
MOST = 16
"""More at once would make no thread busier."""

Arrays = list[NDArray[Any]]


def passes_at_once(samples: int, width: int) -> int:
    """Return how many passes of the network to make at once for so many samples, so that few are drawn in vain.

    Examples
    --------
    >>> passes_at_once(40, width=16), passes_at_once(320, width=16)  # all at once, and twice ten
    (3, 10)
    """
    passes = ceil(samples / width)
    return ceil(passes / max(1, ceil(passes / MOST)))


def draw_chunks(
    runtime: Runtime,
    outputs: tuple[str, ...],
    order: Iterator[int],
    rng: np.random.Generator,
    passes: int,
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
    passes : int
        How often the network runs for a chunk, several times at once where there are threads.
    width : int
        How many samples it sees in one pass: its rounding may depend on it.
    thresholds : ndarray of shape (n_classes,), optional
        The `agreement` that a sample of each class needs to be kept, as long as enough are found.

    Yields
    ------
    list of ndarray, each of shape (passes * width, ...)
        The outputs, then the class indices.
    """
    size = passes * width
    while True:
        labels = np.fromiter(islice(order, size), np.int64, size)
        drawn = (
            _run(runtime, outputs, labels, rng, width)
            if thresholds is None
            else _screened(runtime, outputs, labels, rng, width, thresholds)
        )
        yield [*drawn, labels]


def deal(chunks: Iterator[Arrays], size: int, forms: Sequence[OutputForm]) -> Iterator[Arrays]:
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
    width: int,
    thresholds: NDArray[Any],
) -> Arrays:
    """Draw samples that agree with their labels or, after a bounded number of draws, the best there are."""
    classes, need = np.unique(wanted, return_counts=True)
    drawn: Arrays = []
    missing = need
    for _ in range(ROUNDS):
        # Twice what is missing, since some will fail again, but one for each that is wanted is the most.
        draw = np.repeat(classes, np.minimum(need, 2 * missing))
        more = [*_run(runtime, (*outputs, "agreement"), draw, rng, width), draw]
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


def _run(
    runtime: Runtime, outputs: tuple[str, ...], labels: NDArray[np.int64], rng: np.random.Generator, width: int
) -> Arrays:
    return runtime.run(outputs, rng.standard_normal((len(labels), runtime.noise_dim), np.float32), labels, width)
