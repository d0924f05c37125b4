"""Surprisal: minus the logarithm of the probability that a rule between columns holds by chance."""

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

ONE_TABLE_IN = 1000
"""A rule counts if chance alone would make such a rule in fewer than one table of this many."""
MAX_PRODUCTS = 2**33
"""Multiplications for the rules of a table: rows are left out if more would be needed."""


def min_surprisal(count: int) -> float:
    """Return the surprisal that a rule between two of so many columns must have."""
    return math.log(ONE_TABLE_IN) + 2 * math.log(max(1, count))


def surprisal_of_exclusion(flags: Iterable[NDArray[np.bool_]]) -> float:
    """Return the surprisal of independent flags (n,) of which no two are on in the same row."""
    surprisal, any_on = 0.0, np.zeros(1, np.bool_)
    for own in flags:
        surprisal -= float(own.sum()) * math.log(max(1 - float(any_on.mean()), 1e-9)) if own.any() else 0.0
        any_on = any_on | own
    return surprisal


def surprisals_of_rules(taken: Sequence[NDArray[np.int64]], counts: Sequence[int]) -> NDArray[np.float64]:
    """Return for each pair of decisions the surprisal of a rule between them, (U, U); 0 where there is none.

    A rule holds if every option of one decision, but for one, occurs with a single option of the other. The surprisal
    of an option with n rows follows from the chance that n independent draws of the other decision are the same. If all
    n draws are one rare option, that is surprising by itself: n - 1 draws repeat the first. The logarithm of the number
    of options is subtracted, because any option might have been the one.

    `taken` holds for each of the U decisions the option of each row, (n,), and `counts` its number of options, K in
    all.
    """
    starts, total = np.array([0, *accumulate(counts)][:-1]), sum(counts)
    step = max(1, -(-len(taken[0]) * total**2 // MAX_PRODUCTS))
    rows = np.stack([one[::step] for one in taken], axis=1) + starts
    one_hot = np.zeros((len(rows), total), np.float32)
    np.put_along_axis(one_hot, rows, 1.0, axis=1)
    goes_with = one_hot.T @ one_hot > 0  # (K, K)
    together = np.add.reduceat(goes_with, starts, axis=1, dtype=np.int64)  # (K, U), options that an option occurs with
    own = one_hot.sum(axis=0, dtype=np.float64)
    share = np.maximum(own / len(one_hot), 1e-12)
    chance = np.add.reduceat(np.exp(np.outer(own, np.log(share))), starts, axis=1)  # (K, U)
    chance = np.where(together == 1, np.log(np.maximum(chance, 1e-300)), 0.0)
    log_share = np.where(together == 1, np.add.reduceat(goes_with * np.log(share), starts, axis=1), 0.0)
    rarest = np.maximum.reduceat(-log_share * np.maximum(own - 1, 0)[:, None], starts, axis=0)  # (U, U)
    rarest -= np.log(np.maximum(counts, 1))[:, None]
    surprisal = np.maximum(-np.add.reduceat(chance, starts, axis=0), rarest)
    ruled = np.add.reduceat(together > 1, starts, axis=0, dtype=np.int64) <= 1
    np.fill_diagonal(ruled, val=False)
    surprisal = np.where(ruled, surprisal, 0.0)
    return np.maximum(surprisal, surprisal.T)
