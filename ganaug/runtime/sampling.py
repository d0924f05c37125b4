"""Samples from a running model: an endless series in chunks and batches, or one sample for each seed."""

from collections.abc import Iterator, Sequence
from itertools import islice
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.sample_format import OutputForm
from ganaug.runtime.session import Runtime

MIN_STREAM_PASSES = 4
"""Passes of the network in one chunk where the number of samples is unknown, and where samples are screened."""
MAX_PASSES = 16
"""Passes of the network in one chunk; more would occupy no more threads."""
MAX_DRAWS = 4
"""Draws for each sample that is kept by the screen."""

Arrays = list[NDArray[Any]]


class ModelSampler:
    """Draws the samples of some outputs and, if there are thresholds, screens them.

    A pass of the network has `pass_size` samples; the rounding of the network may depend on it. `thresholds`, of shape
    (n_classes,), holds the smallest `agreement` of a sample of each class. Samples below it are drawn again,
    `MAX_DRAWS` times at most.
    """

    def __init__(
        self, runtime: Runtime, outputs: tuple[str, ...], pass_size: int, thresholds: NDArray[Any] | None = None
    ) -> None:
        self.runtime, self.outputs, self.pass_size, self.thresholds = runtime, outputs, pass_size, thresholds

    def chunks(self, order: Iterator[int], rng: np.random.Generator, passes: int) -> Iterator[Arrays]:
        """Draw chunks of samples without end, each in several passes, which may run at the same time.

        `order` has the class index of each sample, without end. A chunk has the outputs, each of shape
        (passes * pass_size, ...), then the class indices.
        """
        size = passes * self.pass_size
        while True:
            labels = np.fromiter(islice(order, size), np.int64, size)
            if self.thresholds is None:
                yield [*self._run(self.outputs, labels, rng), labels]
            else:
                yield [*self._screened(labels, rng, self.thresholds), labels]

    def for_seeds(self, labels: NDArray[np.int64], sources: Sequence[np.random.Generator]) -> Arrays:
        """Draw one sample for each class index, each from a source of noise of its own; return the outputs (n, ...).

        Every pass has the same size, so that a sample does not depend on the others. If no draw of a sample reaches its
        threshold, the draw with the largest agreement is kept.
        """
        width, forms = self.runtime.noise_dim, [self.runtime.outputs[name] for name in self.outputs]
        kept: Arrays = [np.empty((len(labels), *shape), dtype) for shape, dtype in forms]
        outputs = self.outputs if self.thresholds is None else (*self.outputs, "agreement")
        best = np.full(len(labels), -np.inf)  # the largest agreement of each sample so far
        rows = np.arange(len(labels))  # the samples that are still to be drawn
        for _ in range(MAX_DRAWS):
            if not len(rows):
                break
            noise = np.stack([sources[row].standard_normal(width, np.float32) for row in rows.tolist()])
            padding = -len(rows) % self.pass_size
            noise, index = np.pad(noise, ((0, padding), (0, 0))), np.pad(labels[rows], (0, padding), mode="edge")
            drawn = [array[: len(rows)] for array in self.runtime.run(outputs, noise, index, self.pass_size)]
            agreement = np.zeros(len(rows)) if self.thresholds is None else drawn[-1]
            better = agreement > best[rows]
            for whole, part in zip(kept, drawn, strict=False):
                whole[rows[better]] = part[better]
            best[rows] = np.maximum(best[rows], agreement)
            rows = rows[:0] if self.thresholds is None else rows[best[rows] < self.thresholds[labels[rows]]]
        return kept

    def _screened(self, wanted: NDArray[np.int64], rng: np.random.Generator, thresholds: NDArray[Any]) -> Arrays:
        """Draw the samples of a chunk together until enough of each class reach the threshold."""
        classes, need = np.unique(wanted, return_counts=True)
        drawn: Arrays = []
        missing = need
        for _ in range(MAX_DRAWS):
            # Twice the missing samples, as some will fail again, but never more of a class than the chunk needs of it.
            labels = np.repeat(classes, np.minimum(need, 2 * missing))
            more = [*self._run((*self.outputs, "agreement"), labels, rng), labels]
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

    def _run(self, outputs: tuple[str, ...], labels: NDArray[np.int64], rng: np.random.Generator) -> Arrays:
        noise = rng.standard_normal((len(labels), self.runtime.noise_dim), np.float32)
        return self.runtime.run(outputs, noise, labels, self.pass_size)


def passes_per_chunk(n_samples: int, pass_size: int) -> int:
    """Return the passes in a chunk that wastes few samples of `n_samples`: 3 for 40 in passes of 16, but 10 for 320."""
    passes = ceil(n_samples / pass_size)
    return ceil(passes / max(1, ceil(passes / MAX_PASSES)))


def batches_of(size: int, chunks: Iterator[Arrays], forms: Sequence[OutputForm]) -> Iterator[Arrays]:
    """Regroup chunks into batches of another size; `forms` are the shape and dtype of one item of each array."""
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
