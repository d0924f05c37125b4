"""
Learn a table of mixed columns
==============================

This program learns a table with numbers, categories, dates and missing values, and draws new rows of its rare class::

    python examples/mixed_table.py customers.csv churned

Without arguments the program makes up a table of customers.
"""

import argparse
import os

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ganaug import GANAugmenter

small = "GANAUG_SMALL" in os.environ
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("table", nargs="?", help="a CSV file")
parser.add_argument("target", nargs="?", help="the column of its classes")
parser.add_argument("--steps", type=int, default=10 if small else None, help="training steps")
args = parser.parse_args()
if args.table and not args.target:
    parser.error("name the column of the classes too")

# %%
# A table of customers
# --------------------
# One customer in ten has left. These customers are older, spent more, came less often, and are more often on the basic
# plan.


def customers(n=400, rare=40, seed=0):
    """Return a table of customers, few of whom have left."""
    rng = np.random.default_rng(seed)
    left = rng.permutation(np.arange(n) < rare)
    spent = np.where(rng.random(n) < 0.3, 0.0, rng.lognormal(3 + left, 0.6, n).round(2))
    return pd.DataFrame(
        {
            "age": rng.integers(18, 80, n) + 5 * left,
            "spent": spent,
            "visits": np.where(rng.random(n) < 0.1, np.nan, rng.poisson(8 - 5 * left, n)),
            "plan": np.where(rng.random(n) < 0.3 + 0.4 * left, "basic", "full"),
            "since": pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 700, n), "D"),
            "churned": np.where(left, "yes", "no"),
        }
    )


# %%
# Learn the table
# ---------------
# ``GANAugmenter`` finds out by itself which columns are numbers, categories and dates.

try:
    table = pd.read_csv(args.table) if args.table else customers()
    target = args.target or "churned"
    X, y = table.drop(columns=target), table[target]
    augmenter = GANAugmenter(max_steps=args.steps, random_state=0).fit(X, y)
except (ValueError, KeyError, OSError) as error:  # whatever is wrong with the table
    parser.exit(2, f"Error: {error}\n")

# %%
# Balance the table
# -----------------
# The real rows come first and unchanged. ``is_synthetic_`` tells the synthetic rows apart.

balanced, labels = augmenter.transform(X, y)
print(f"{len(X)} real and {augmenter.is_synthetic_.sum()} synthetic rows, classes {labels.value_counts().to_dict()}")

# %%
# Draw rows of the rare class
# ---------------------------
# Amounts have cents, counts are whole numbers, dates are days, and some visits are missing, as in the table.

rare = y.value_counts().idxmin()
print(f"\nSynthetic rows of {rare!r}:")
print(augmenter.sample({rare: 5})[0].to_string(index=False))

# %%
# Compare the numbers of the rare class
# -------------------------------------
# Each panel shows the real rows of the rare class in grey, and synthetic rows as a line.

numbers = list(X.select_dtypes("number"))[:4]
synthetic, _ = augmenter.sample({rare: 400})
figure, panels = plt.subplots(1, len(numbers), figsize=(9, 2.6), squeeze=False, layout="constrained")
for axes, name in zip(panels[0], numbers, strict=True):
    edges = np.histogram_bin_edges(X[name].dropna().astype(float), 12)
    axes.hist(X.loc[y == rare, name].dropna().astype(float), edges, density=True, color="#d5d1c9", label="real")
    drawn = synthetic[name].dropna().astype(float)
    axes.hist(drawn, edges, density=True, histtype="step", linewidth=2, color="#1f6f78", label="synthetic")
    axes.set(xlabel=name, yticks=[])
handles, names = panels[0, 0].get_legend_handles_labels()
figure.legend(handles, names, loc="outside upper right", ncols=2, frameon=False)
plt.show()
