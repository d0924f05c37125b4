"""Multivariate Gaussian SMOTE: synthetic rows from a normal distribution around each row of the rare class.

A. Sakho, E. Malherbe, E. Scornet: Do we need rebalancing strategies? A theoretical and empirical study around SMOTE and
its variants. arXiv:2402.03819, 2024. The paper has numbers only. Here categories are the most frequent ones among the
same neighbours, as in SMOTENC.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

__all__ = ["gaussian_smote"]

MIN_NEIGHBOURS = 5

Matrix = NDArray[np.float64]


def gaussian_smote(rows: Matrix, levels: Sequence[int], count: int, random: np.random.Generator) -> Matrix:
    """Return `count` synthetic rows.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_numbers + sum(levels))
        The rows of the rare class: standardised numbers, followed by the one-hot encoded categories.
    levels : sequence of int
        Number of categories of each categorical column.
    """
    numbers = rows.shape[1] - sum(levels)
    neighbours = min(max(numbers + 1, MIN_NEIGHBOURS), len(rows) - 1)
    near = NearestNeighbors(n_neighbors=neighbours + 1).fit(rows).kneighbors(rows, return_distance=False)
    group = rows[near[random.integers(len(rows), size=count)]]  # (count, n_neighbours + 1, n_columns): the row is one
    mean = group[:, :, :numbers].mean(axis=1)
    # A normal combination of the centred rows has their covariance, whatever its rank.
    normal = random.standard_normal(group.shape[:2]) / np.sqrt(group.shape[1])
    drawn = mean + np.einsum("nk,nkd->nd", normal, group[:, :, :numbers] - mean[:, None])
    votes = np.split(group[:, :, numbers:].sum(axis=1), np.cumsum(levels)[:-1], axis=1) if levels else []
    modes = [np.eye(own.shape[1])[own.argmax(axis=1)] for own in votes]
    return np.hstack([drawn, *modes])
