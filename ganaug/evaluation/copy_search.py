"""The search for copies in a given time: among some samples and training items, where all would take longer."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.dataset import Dataset
from ganaug.evaluation.copying import Copying, search_for_copies

SHARE = 0.05
"""Part of the budget of an evaluation in which copies are looked for."""
MIN_SEARCHED = 30
MAX_SEARCHED = 300
"""Samples of one class among which copies are looked for: as many as there are test items, within these bounds."""
PROBED = 1_000
"""Samples, and training items, of a first search that shows how long a larger one takes."""


@dataclass(frozen=True)
class Search:
    """A search for copies, and the samples among which they were looked for."""

    copying: Copying
    samples: Dataset


def search_within(
    seconds: float | None,
    drawn: Callable[[NDArray[np.int64]], Dataset],
    train: Dataset,
    held_out: Dataset,
    counts: NDArray[np.int64],
    *,
    seed: int,
    **options: Any,
) -> Search:
    """Look for copies of training items among as many samples as the time allows; None for no limit.

    ``drawn(counts)`` draws samples, (n_classes,) of each class. `counts` are the numbers of real items that the numbers
    of samples follow. The time grows with the product of samples and training items: from a first, small search
    follows the size of a second one. `options` are those of `search_for_copies`.
    """
    wanted = np.clip(counts, MIN_SEARCHED, MAX_SEARCHED)
    whole = max(int(wanted.sum()), len(train), len(held_out))
    size, left = whole if seconds is None else min(whole, PROBED), seconds or 0.0
    while True:
        begun = time.perf_counter()
        search = _search(size, drawn, train, held_out, wanted, seed, options)
        took = max(time.perf_counter() - begun, 1e-9)
        left -= took
        larger = min(whole, int(size * math.sqrt(max(left, 0.0) / took)))
        if larger < min(whole, 2 * size) or size == whole:
            return search
        size = larger


def _search(
    size: int,
    drawn: Callable[[NDArray[np.int64]], Dataset],
    train: Dataset,
    held_out: Dataset,
    wanted: NDArray[np.int64],
    seed: int,
    options: dict[str, Any],
) -> Search:
    """Look for copies among at most `size` samples, of at most so many training items."""
    rng = np.random.default_rng([seed, 8])
    rows, held = (np.sort(rng.permutation(len(one))[:size]) for one in (train, held_out))
    samples = drawn(at_most(wanted, size, rng))
    found = search_for_copies(samples, train.part(rows), held_out.part(held), seed=seed, **options)
    # The scan numbers the items that were searched; they are the training items, and perhaps the held-out ones.
    items = np.concatenate([rows, len(train) + held])
    results = found.results | {"copies": replace(found.scan, nearest=items[found.scan.nearest])}
    return Search(replace(found, results=results, wanted=int(wanted.sum()), n_items=len(train)), samples)


def at_most(wanted: NDArray[np.int64], most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return numbers of samples of each class, `most` in all: as many of each class, or all that are wanted."""
    if wanted.sum() <= most:
        return wanted
    totals = np.array([np.minimum(wanted, cap).sum() for cap in range(int(wanted.max()) + 1)])
    cap = int(np.searchsorted(totals, most, side="right")) - 1
    counts = np.minimum(wanted, cap)
    more = rng.permutation(np.flatnonzero(wanted > cap))[: most - counts.sum()]
    counts[more] += 1
    return counts
