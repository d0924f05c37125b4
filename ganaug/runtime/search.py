"""Samples that fulfil conditions: drawn in passes, until enough are found or a bound on the draws is reached."""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from ganaug.data.labels import Label
from ganaug.data.sample_format import Fits
from ganaug.errors import DataError
from ganaug.runtime.sampling import MAX_DRAWS, MAX_PASSES, Arrays, ModelSampler

FIRST_DRAWS = 100_000
"""Draws of a class in which the first sample must be found."""
DRAWS_PER_SAMPLE = 1_000
"""Draws that each sample found allows to go on for."""


class Search:
    """Samples of one class that fulfil conditions, one after the other.

    A sample depends on the source of its class alone, and not on how many are wanted. Samples are screened if the
    sampler has thresholds: each is the next that fits and reaches the threshold of its class. If more than `MAX_DRAWS`
    fitting samples were drawn for each one that was kept, the one with the largest agreement is kept instead.

    Rejection is the only way that a network allows whose choices depend on its code: to draw the choice again for the
    same code would make a category as common under every code, and so lose what the other columns say of it.
    """

    def __init__(self, sampler: ModelSampler, fits: Fits, label: int, name: Label, source: np.random.Generator) -> None:
        self.sampler, self.fits, self.label, self.name, self.source = sampler, fits, label, name, source
        self.drawn = self.found = self.judged = self.kept = 0
        self._passes = 1
        self._waiting: deque[tuple[float, list[Any]]] = deque()

    def next(self) -> list[Any]:
        """Return the outputs of one more sample; `DataError` if the draws do not suffice."""
        thresholds = self.sampler.thresholds
        best: tuple[float, list[Any]] | None = None
        self.kept += 1
        while True:
            while not self._waiting:
                self._draw()
            agreement, sample = self._waiting.popleft()
            self.judged += 1
            if thresholds is None or agreement >= thresholds[self.label]:
                return sample
            if best is None or agreement > best[0]:
                best = agreement, sample
            if self.judged >= MAX_DRAWS * self.kept:
                return best[1]

    def _draw(self) -> None:
        """Draw a few passes of samples, and keep those that fit."""
        if self.drawn >= FIRST_DRAWS + DRAWS_PER_SAMPLE * self.found:
            raise DataError(
                f"About one in {DRAWS_PER_SAMPLE:,} rows of a class must fulfil where, but of {self.drawn:,} rows of "
                f"class {self.name!r:.80} that were drawn, {self.found:,} do: ask for a wider range, for fewer columns "
                "or rows, or for another class."
            )
        outputs, pass_size, width = self.sampler.outputs, self.sampler.pass_size, self.sampler.runtime.noise_dim
        names = outputs if self.sampler.thresholds is None else (*outputs, "agreement")
        # Pass by pass, so that the number of passes changes no sample.
        noise = np.concatenate(
            [self.source.standard_normal((pass_size, width), np.float32) for _ in range(self._passes)]
        )
        labels = np.full(len(noise), self.label, np.int64)
        arrays = dict(zip(names, self.sampler.runtime.run(names, noise, labels, pass_size), strict=True))
        fitting = np.flatnonzero(self.fits(arrays))
        self.drawn += len(noise)
        self.found += len(fitting)
        self._passes = min(2 * self._passes, MAX_PASSES)
        for row in fitting.tolist():
            agreement = float(arrays["agreement"][row]) if "agreement" in arrays else 0.0
            self._waiting.append((agreement, [arrays[name][row] for name in outputs]))


class Searches:
    """A `Search` for each class. The samples of a class do not depend on the other classes."""

    def __init__(
        self, sampler: ModelSampler, fits: Fits, classes: Sequence[Label], source: np.random.Generator
    ) -> None:
        self.sampler = sampler
        sources = enumerate(zip(classes, source.spawn(len(classes)), strict=True))
        self.of_class = [Search(sampler, fits, label, name, own) for label, (name, own) in sources]

    def batches(self, size: int, order: Iterator[int]) -> Iterator[Arrays]:
        """Yield batches without end: the outputs, each of shape (size, ...), then the class indices, as in `order`."""
        forms = [self.sampler.runtime.outputs[name] for name in self.sampler.outputs]
        while True:
            labels = np.fromiter(islice(order, size), np.int64, size)
            batch: Arrays = [np.empty((size, *shape), dtype) for shape, dtype in forms]
            for row, label in enumerate(labels.tolist()):
                for whole, part in zip(batch, self.of_class[label].next(), strict=True):
                    whole[row] = part
            yield [*batch, labels]
