"""Samples from a running model: an endless series in chunks and batches, or one sample for each seed."""

from collections.abc import Iterator, Sequence
from itertools import islice
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.sample_format import OutputForm
from ganaug.runtime.session import Runtime

__all__ = ["MIN_STREAM_PASSES", "Arrays", "batches_of", "draw_chunks", "draw_for_seeds", "passes_per_chunk"]

MIN_STREAM_PASSES = 4
"""Passes of the network in one chunk where the number of samples is unknown, and where samples are screened."""
MAX_PASSES = 16
"""Passes of the network in one chunk; more would occupy no more threads."""
MAX_DRAWS = 4
"""Draws for each sample that is kept by the screen."""

Arrays = list[NDArray[Any]]


def passes_per_chunk(n_samples: int, pass_size: int) -> int:
    """Return the number of passes in a chunk that wastes few samples when `n_samples` are needed.

    Examples
    --------
    >>> passes_per_chunk(40, pass_size=16), passes_per_chunk(320, pass_size=16)  # one chunk, and two chunks
    (3, 10)
    """
    passes = ceil(n_samples / pass_size)
    return ceil(passes / max(1, ceil(passes / MAX_PASSES)))


def draw_chunks(
    runtime: Runtime,
    outputs: tuple[str, ...],
    order: Iterator[int],
    rng: np.random.Generator,
    passes: int,
    pass_size: int,
    thresholds: NDArray[Any] | None = None,
) -> Iterator[Arrays]:
    """Draw samples without end, one chunk at a time.

    Parameters
    ----------
    runtime : Runtime
        Runs the model.
    outputs : tuple of str
        The outputs to yield.
    order : iterator of int
        The class index of each sample, without end.
    rng : numpy.random.Generator
        Source of the noise.
    passes : int
        Passes of the network in one chunk. Where there are threads, passes run at the same time.
    pass_size : int
        Samples in one pass. The rounding of the network may depend on it.
    thresholds : ndarray of shape (n_classes,), optional
        Smallest `agreement` of a sample of each class. Samples below it are drawn again, `MAX_DRAWS` times at most.

    Yields
    ------
    list of ndarray, each of shape (passes * pass_size, ...)
        The outputs, then the class indices.
    """
    size = passes * pass_size
    while True:
        labels = np.fromiter(islice(order, size), np.int64, size)
        if thresholds is None:
            drawn = _run(runtime, outputs, labels, rng, pass_size)
        else:
            drawn = _draw_screened(runtime, outputs, labels, rng, pass_size, thresholds)
        yield [*drawn, labels]


def batches_of(size: int, chunks: Iterator[Arrays], forms: Sequence[OutputForm]) -> Iterator[Arrays]:
    """Regroup chunks into batches of another size; `forms` are the shape and dtype of one item of each array.

    Examples
    --------
    >>> chunks = iter([[np.arange(4)], [np.arange(4, 8)]])
    >>> next(batches_of(6, chunks, [((), np.int64)]))
    [array([0, 1, 2, 3, 4, 5])]
    """
    chunk: Arrays = [np.empty((0, *shape), dtype) for shape, dtype in forms]
    while True:
        batch: Arrays = [np.empty((size, *shape), dtype) for shape, dtype in forms]
        filled = 0
        while filled < size:
            if not len(chunk[-1]):
                chunk = next(chunks)
            taken = min(size - filled, len(chunk[-1]))
            for whole, part in zip(batch, chunk, strict=True):
                whole[filled : filled + taken] = part[:taken]
            chunk = [part[taken:] for part in chunk]
            filled += taken
        yield batch


def draw_for_seeds(
    runtime: Runtime,
    outputs: tuple[str, ...],
    labels: NDArray[np.int64],
    sources: Sequence[np.random.Generator],
    thresholds: NDArray[np.float64] | None,
    pass_size: int,
) -> Arrays:
    """Draw one sample for each label, each from a source of noise of its own.

    A sample whose `agreement` is below the threshold is drawn again, `MAX_DRAWS` times at most. If no draw reaches the
    threshold, the draw with the largest agreement is kept.

    Parameters
    ----------
    runtime : Runtime
        Runs the model.
    outputs : tuple of str
        The outputs to return.
    labels : ndarray of int64, shape (n,)
        Class indices.
    sources : sequence of numpy.random.Generator, length n
        Source of the noise of each sample.
    thresholds : ndarray of shape (n_classes,), or None
        Smallest `agreement` of a sample of each class; None keeps every sample.
    pass_size : int
        Samples in every pass; the last pass is padded. The rounding of the network may depend on the size of a pass,
        and a sample must not depend on the others.

    Returns
    -------
    list of ndarray, each of shape (n, ...)
        The outputs.
    """
    forms = [runtime.outputs[name] for name in outputs]
    kept: Arrays = [np.empty((len(labels), *shape), dtype) for shape, dtype in forms]
    if thresholds is not None:
        outputs = (*outputs, "agreement")
    best = np.full(len(labels), -np.inf)  # the largest agreement of each sample so far
    rows = np.arange(len(labels))  # the samples that are still to be drawn
    for _ in range(MAX_DRAWS):
        if not len(rows):
            break
        noise = np.stack([sources[row].standard_normal(runtime.noise_dim, np.float32) for row in rows.tolist()])
        padding = -len(rows) % pass_size
        padded = np.pad(noise, ((0, padding), (0, 0))), np.pad(labels[rows], (0, padding), mode="edge")
        drawn = [array[: len(rows)] for array in runtime.run(outputs, *padded, pass_size)]
        agreement = np.zeros(len(rows)) if thresholds is None else drawn[-1]
        better = agreement > best[rows]
        for whole, part in zip(kept, drawn, strict=False):
            whole[rows[better]] = part[better]
        best[rows] = np.maximum(best[rows], agreement)
        rows = rows[:0] if thresholds is None else rows[best[rows] < thresholds[labels[rows]]]
    return kept


def _draw_screened(
    runtime: Runtime,
    outputs: tuple[str, ...],
    wanted: NDArray[np.int64],
    rng: np.random.Generator,
    pass_size: int,
    thresholds: NDArray[Any],
) -> Arrays:
    """Draw samples of a chunk jointly until enough of each class reach the threshold, `MAX_DRAWS` times at most."""
    classes, need = np.unique(wanted, return_counts=True)
    drawn: Arrays = []
    missing = need
    for _ in range(MAX_DRAWS):
        # Twice the missing samples, as some will fail again, but never more of a class than the chunk needs of it.
        labels = np.repeat(classes, np.minimum(need, 2 * missing))
        more = [*_run(runtime, (*outputs, "agreement"), labels, rng, pass_size), labels]
        drawn = [np.concatenate(pair) for pair in zip(drawn, more, strict=True)] if drawn else more
        *content, agreement, labels = drawn
        passed = agreement >= thresholds[labels]
        missing = np.maximum(need - [np.count_nonzero(passed[labels == label]) for label in classes], 0)
        if not missing.any():
            break
    chosen = np.empty(len(wanted), np.int64)
    for label, count in zip(classes, need, strict=True):
        own = np.flatnonzero(labels == label)
        # First the samples that passed, in the order of drawing; then the others, by falling agreement.
        rank = np.argsort(np.where(passed[own], -np.inf, -agreement[own]), kind="stable")
        chosen[wanted == label] = own[rank[:count]]
    return [array[chosen] for array in content]


def _run(
    runtime: Runtime, outputs: tuple[str, ...], labels: NDArray[np.int64], rng: np.random.Generator, pass_size: int
) -> Arrays:
    return runtime.run(outputs, rng.standard_normal((len(labels), runtime.noise_dim), np.float32), labels, pass_size)
