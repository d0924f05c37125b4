"""Learn a table of mixed columns with missing values, and draw new rows of its rare class.

python examples/mixed_table.py customers.csv churned
"""

import argparse

import numpy as np
import pandas as pd

from ganaug import GANAugmenter


def customers(n=400, rare=40, seed=0):
    """Make a table of customers, few of whom have left."""
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


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("table", nargs="?", help="a CSV file; by default a made-up table of customers")
parser.add_argument("target", nargs="?", help="the column of its classes")
parser.add_argument("--steps", type=int, help="training steps")
args = parser.parse_args()
if args.table and not args.target:
    parser.error("name the column of the classes too")
try:
    table = pd.read_csv(args.table) if args.table else customers()
    target = args.target or "churned"
    X, y = table.drop(columns=target), table[target]
    augmenter = GANAugmenter(max_steps=args.steps, random_state=0).fit(X, y)
except (ValueError, KeyError, OSError) as error:  # whatever is wrong with the table
    parser.exit(2, f"Error: {error}\n")

balanced, labels = augmenter.transform(X, y)
print(f"{len(X)} real and {augmenter.is_synthetic_.sum()} synthetic rows, classes {labels.value_counts().to_dict()}")
rare = y.value_counts().idxmin()
print(f"\nSynthetic rows of {rare!r}:")
print(augmenter.sample({rare: 5})[0].to_string(index=False))
