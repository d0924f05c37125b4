"""Compare methods over many data sets: mean ranks, wins, and signed-rank tests with Holm's correction.

J. Demšar: Statistical comparisons of classifiers over multiple data sets. JMLR 7, 2006.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, wilcoxon

__all__ = ["TIE", "Duel", "duels", "holm", "mean_ranks"]

TIE = 0.001
"""Two methods tie on a set if they differ by no more than this."""


@dataclass(frozen=True)
class Duel:
    """Comparison of one method with another over the sets; `difference` is the mean difference."""

    wins: int
    ties: int
    losses: int
    difference: float
    p: float
    p_holm: float


def mean_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean rank of each method; 1 is the best, and equal values get the mean of their ranks.

    Parameters
    ----------
    values : ndarray of shape (n_sets, n_methods)
        Greater is better.

    Examples
    --------
    >>> mean_ranks(np.array([[0.9, 0.8, 0.1], [0.5, 0.5, 0.1]])).tolist()
    [1.25, 1.75, 3.0]
    """
    ranks: NDArray[np.float64] = rankdata(-values, axis=1).mean(axis=0)
    return ranks


def duels(own: NDArray[np.float64], others: NDArray[np.float64]) -> list[Duel]:
    """Compare one method with each of several others by the two-sided Wilcoxon signed-rank test.

    Parameters
    ----------
    own : ndarray of shape (n_sets,)
        Greater is better.
    others : ndarray of shape (n_sets, n_others)

    Examples
    --------
    >>> own = np.linspace(0.5, 0.9, 9)
    >>> [(duel.wins, duel.losses, duel.p < 0.05) for duel in duels(own, np.stack([own - 0.1, own], axis=1))]
    [(9, 0, True), (0, 0, False)]
    """
    differences = own[:, None] - others  # (n_sets, n_others)
    p = np.array([float(wilcoxon(column).pvalue) if np.any(column) else 1.0 for column in differences.T])
    return [
        Duel(
            wins=int((column > TIE).sum()),
            ties=int((np.abs(column) <= TIE).sum()),
            losses=int((column < -TIE).sum()),
            difference=float(column.mean()),
            p=float(alone),
            p_holm=float(adjusted),
        )
        for column, alone, adjusted in zip(differences.T, p, holm(p), strict=True)
    ]


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the p-values, adjusted for multiple tests by Holm's step-down method.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted
