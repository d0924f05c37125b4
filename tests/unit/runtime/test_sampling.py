"""Chunks and batches of samples."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from ganaug.runtime.sampling import MAX_PASSES, batches_of, passes_per_chunk


@pytest.mark.parametrize(("n_samples", "passes"), [(0, 0), (1, 1), (16, 1), (40, 3), (256, 16), (257, 9), (320, 10)])
def test_a_chunk_wastes_few_samples(n_samples: int, passes: int) -> None:
    assert passes_per_chunk(n_samples, 16) == passes
    assert passes <= MAX_PASSES


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_batches_hold_the_items_of_the_chunks_in_their_order(size: int) -> None:
    def chunks() -> Iterator[list[NDArray[np.float64]]]:
        for start in range(0, 30, 3):
            numbers = np.arange(start, start + 3.0)
            yield [np.stack([numbers, -numbers], axis=1), numbers]

    batches = batches_of(size, chunks(), [((2,), np.float64), ((), np.float64)])
    for number in range(4):
        pairs, numbers = next(batches)
        assert numbers.tolist() == list(range(number * size, (number + 1) * size))
        assert pairs.tolist() == [[value, -value] for value in numbers]


def test_chunks_are_drawn_when_they_are_needed() -> None:
    drawn = []

    def chunks() -> Iterator[list[NDArray[np.int64]]]:
        while True:
            drawn.append(4)
            yield [np.zeros(4, np.int64)]

    batches = batches_of(2, chunks(), [((), np.int64)])
    counts = []
    for _ in range(3):
        next(batches)
        counts.append(len(drawn))
    assert counts == [1, 1, 2]
