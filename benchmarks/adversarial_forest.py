"""Adversarial random forests, written from the paper, with rows drawn for one class.

D. S. Watson, K. Blesch, J. Kapar, M. N. Wright: Adversarial random forests for density estimation and generative
modeling. AISTATS, 2023. The settings are the defaults of the authors' package ``arfpy``. That package cannot draw for a
class, calls functions that NumPy has removed, and is slow.

A forest tells real rows from synthetic rows. New synthetic rows are drawn from its leaves, column by column, and a new
forest is fitted, until it guesses. Then the columns are independent within each leaf: a density, from which the rows
are drawn.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import truncnorm
from sklearn.ensemble import RandomForestClassifier

__all__ = ["rows_of_class"]

TREES, MIN_LEAF_ROWS, MAX_ROUNDS = 30, 5, 10

Matrix = NDArray[np.float64]
Indices = NDArray[np.int64]


def rows_of_class(X: pd.DataFrame, y: Indices, count: int, seed: int) -> pd.DataFrame:
    """Return `count` rows of class 1. The forest is fitted to all rows, with the label as one of the columns."""
    random = np.random.default_rng(seed)
    categorical = [dtype == "category" for dtype in X.dtypes]
    columns = [X[name].cat.codes if kind else X[name] for name, kind in zip(X, categorical, strict=True)]
    rows = np.column_stack([*columns, y]).astype(np.float64)  # (n_rows, n_columns + 1)
    forest = _fit(rows, random)
    leaves = _pruned_leaves(forest, rows)
    # A leaf's share of the class is its share of the rows of the class.
    trees, chosen = random.integers(TREES, size=count), random.choice(np.flatnonzero(y == 1), count)
    drawn = np.empty((count, X.shape[1]))
    for number in range(TREES):
        of_tree = np.flatnonzero(trees == number)
        drawn[of_tree] = _draw(forest, number, leaves[:, number], rows, chosen[of_tree], categorical, random)
    found = {}
    for number, (name, kind) in enumerate(zip(X, categorical, strict=True)):
        values = drawn[:, number] if X[name].dtype == np.float64 else drawn[:, number].round().astype(np.int64)
        found[name] = pd.Categorical.from_codes(values, dtype=X[name].dtype) if kind else values
    return pd.DataFrame(found)


def _fit(rows: Matrix, random: np.random.Generator) -> RandomForestClassifier:
    """Return the last forest that still told real from synthetic rows better than the next one."""
    synthetic = random.permuted(rows, axis=0)
    best: RandomForestClassifier | None = None
    for _ in range(MAX_ROUNDS + 1):
        forest = RandomForestClassifier(
            TREES, min_samples_leaf=MIN_LEAF_ROWS, oob_score=True, random_state=int(random.integers(2**31))
        ).fit(np.vstack([rows, synthetic]), np.repeat([0, 1], len(rows)))
        if best is not None and (forest.oob_score_ <= 0.5 or forest.oob_score_ > best.oob_score_):
            break
        best = forest
        if forest.oob_score_ <= 0.5:
            break
        leaves = forest.apply(rows)  # (n_rows, n_trees)
        trees, chosen = random.integers(TREES, size=len(rows)), random.integers(len(rows), size=len(rows))
        for number in range(TREES):
            of_tree = np.flatnonzero(trees == number)
            members = _members(leaves[:, number], chosen[of_tree], rows.shape[1], random)
            synthetic[of_tree] = np.take_along_axis(rows, members, axis=0)
    assert best is not None
    return best


def _members(leaves: Indices, chosen: Indices, columns: int, random: np.random.Generator) -> Indices:
    """Return, for each chosen row and each column, a random row of the same leaf: (n_chosen, n_columns)."""
    order = np.argsort(leaves, kind="stable")
    first = np.searchsorted(leaves[order], leaves[chosen], side="left")
    beyond = np.searchsorted(leaves[order], leaves[chosen], side="right")
    members: Indices = order[random.integers(first[:, None], beyond[:, None], size=(len(chosen), columns))]
    return members


def _pruned_leaves(forest: RandomForestClassifier, rows: Matrix) -> Indices:
    """Remove leaves of too few real rows, whose place the other child of the parent takes; return each row's leaves."""
    for estimator in forest.estimators_:
        tree = estimator.tree_
        left, right = tree.children_left, tree.children_right  # views
        counts = np.bincount(estimator.apply(rows), minlength=tree.node_count)
        small = np.flatnonzero((left < 0) & (counts < MIN_LEAF_ROWS))
        while len(small):
            of_left, of_right = np.isin(left, small), np.isin(right, small)
            gone = np.flatnonzero(of_left & of_right)
            left[of_left], right[of_right & ~of_left] = right[of_left], left[of_right & ~of_left]
            small = gone
    leaves: Indices = forest.apply(rows)
    return leaves


def _draw(
    forest: RandomForestClassifier,
    number: int,
    leaves: Indices,
    rows: Matrix,
    chosen: Indices,
    categorical: list[bool],
    random: np.random.Generator,
) -> Matrix:
    """Return a row from the leaf of each chosen row: (n_chosen, n_columns)."""
    low, high = _bounds(forest.estimators_[number].tree_, rows.shape[1])
    sizes = np.bincount(leaves)
    own = leaves[chosen]
    drawn = np.take_along_axis(rows, _members(leaves, chosen, rows.shape[1], random), axis=0)[:, : len(categorical)]
    for column in np.flatnonzero(~np.array(categorical, dtype=bool)):
        mean = np.bincount(leaves, rows[:, column]) / np.maximum(sizes, 1)
        squares = np.bincount(leaves, (rows[:, column] - mean[leaves]) ** 2)
        spread = np.sqrt(squares / np.maximum(sizes - 1, 1))[own]
        varies = spread > 0  # a leaf of equal values repeats them
        where, center, scale = own[varies], mean[own][varies], spread[varies]
        edges = ((bound[where, column] - center) / scale for bound in (low, high))
        drawn[varies, column] = truncnorm(*edges, loc=center, scale=scale).rvs(random_state=random)
    return drawn


def _bounds(tree: object, columns: int) -> tuple[Matrix, Matrix]:
    """Return the lowest and highest value of each column in each node: two arrays (n_nodes, n_columns)."""
    left, right = tree.children_left, tree.children_right  # type: ignore[attr-defined]
    low, high = (np.full((len(left), columns), bound) for bound in (-np.inf, np.inf))
    for node in np.flatnonzero(left >= 0):  # parents before children
        for child in (left[node], right[node]):
            low[child], high[child] = low[node], high[node]
        if left[node] != right[node]:  # a pruned split divides nothing
            feature, threshold = tree.feature[node], tree.threshold[node]  # type: ignore[attr-defined]
            high[left[node], feature] = low[right[node], feature] = threshold
    return low, high
