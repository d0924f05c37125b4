"""Measure how many synthetic rows keep the rules between columns: orders, sums, products and ratios.

    python benchmarks/derived.py [--seeds N] [--methods ganaug,tvae,ctgan] [--quick] [--output benchmarks/results]

The table is simulated: hospital stays, insurance claims and payments, list and sale prices, marks, orders, patients. It
has 800 rows, one in eight of the rare class, whose stays are longer. The benchmark draws 500 rows of the rare class and
counts the rows that keep each rule. It also compares the mean length of a stay, and the share of sales at full price,
with the real rows. SMOTE is left out: it keeps linear rules by construction, and breaks the others. CTGAN and TVAE need
``pip install ctgan``, whose licence is not an open-source licence. ``--quick`` takes one seed.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from combinations import METHODS
from oversampling import not_installed
from runs import Record, describe_machine, markdown_table, new_parser, output_folder, write_results

ROWS = 800


def main() -> None:
    parser = new_parser(__doc__, quick="one seed")
    parser.add_argument("--seeds", type=int, default=3, help="simulated tables; default: 3")
    parser.add_argument("--methods", default="ganaug", help=f"of {', '.join(METHODS)}")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    methods = options.methods.split(",")
    if absent := not_installed(methods):
        raise SystemExit(f"--methods must be installed; missing: {', '.join(sorted(set(absent.values())))}")
    found: list[Record] = []
    for seed in range(1 if options.quick else options.seeds):
        table = _table(seed)
        y = table.pop("rare").to_numpy()
        found.append({"seed": seed, "method": "real rows", **_facts(table[y == 1])})
        for method in methods:
            found.append({"seed": seed, "method": method, **_facts(METHODS[method](table, y))})
            print(found[-1], flush=True)
    results = {"machine": describe_machine(), "tables": found}
    write_results(output_folder(options), "derived", results, _as_markdown(found, ["real rows", *methods]))


def _table(seed: int) -> pd.DataFrame:
    """Simulate the table; the column ``rare`` is the label."""
    rng = np.random.default_rng(seed)
    rare = (np.arange(ROWS) % 8 == 0).astype(np.int64)
    table = pd.DataFrame({"rare": rare, "admission": rng.integers(0, 365, ROWS)})
    table["discharge"] = table["admission"] + rng.poisson(3 + 5 * rare)
    table["claimed"] = np.where(rng.random(ROWS) < 0.2, 0, np.exp(rng.normal(6, 1, ROWS))).round(2)
    table["paid"] = (table["claimed"] * rng.beta(5, 2, ROWS)).round(2)
    table["price"] = np.exp(rng.normal(3, 1, ROWS)).round(2)
    reduced = (table["price"] * rng.uniform(0.5, 0.95, ROWS)).round(2)
    table["sale"] = np.where(rng.random(ROWS) < 0.8, table["price"], reduced)
    for mark in ("maths", "reading", "writing"):
        table[mark] = rng.integers(0, 101, ROWS)
    table["total"] = table["maths"] + table["reading"] + table["writing"]
    table["pieces"] = rng.integers(1, 20, ROWS)
    table["amount"] = (table["pieces"] * table["price"]).round(2)
    table["height"] = rng.normal(170, 9, ROWS).round(0)
    table["weight"] = (rng.normal(75, 12, ROWS) + 8 * rare).round(1)
    table["bmi"] = (table["weight"] / (table["height"] / 100) ** 2).round(1)
    return table


def _facts(rows: pd.DataFrame) -> Record:
    """Return the share of rows that keep each rule, the mean stay in days, and the share of sales at full price."""
    stay = rows["discharge"].round() - rows["admission"].round()
    body = rows["weight"] / (rows["height"] / 100) ** 2
    holds = {
        "discharge >= admission": stay >= 0,
        "paid <= claimed": rows["paid"] <= rows["claimed"],
        "sale <= price": rows["sale"] <= rows["price"],
        "total": (rows[["maths", "reading", "writing"]].sum(axis=1) - rows["total"]).abs() < 0.5,
        "amount": (rows["pieces"] * rows["price"] - rows["amount"]).abs() < 0.01,
        "bmi": (body - rows["bmi"]).abs() < 0.06,
    }
    facts = {name: float(one.mean()) for name, one in holds.items()}
    return facts | {
        "mean stay": float(stay.mean()),
        "sale at full price": float((rows["sale"] == rows["price"]).mean()),
    }


def _as_markdown(found: list[Record], methods: list[str]) -> str:
    names = [name for name in found[0] if name not in {"seed", "method"}]
    mean = {
        method: {name: np.mean([one[name] for one in found if one["method"] == method]) for name in names}
        for method in methods
    }
    lines = [
        [
            name,
            *(
                f"{mean[method][name]:.1f}" if name == "mean stay" else f"{mean[method][name]:.1%}"
                for method in methods
            ),
        ]
        for name in names
    ]
    heads = ["", *methods]
    return f"# Rows of the rare class that keep each rule\n\n{markdown_table(heads, lines)}\n"


if __name__ == "__main__":
    main()
