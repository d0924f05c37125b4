"""
Find out whether synthetic rows help
====================================

This program evaluates augmentation on a table with a rare class, prints the verdict, and compares the arms: the ways to
train the classifier with and without synthetic rows::

    python examples/does_it_help.py --budget 600

A verdict needs several splits of the data, and a generator is trained in each. Give it the time: what did not fit into
the budget is listed at the end.
"""

import argparse
import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes

from ganaug import evaluate

small = "GANAUG_SMALL" in os.environ
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--budget", type=float, default=3 if small else 240, help="seconds")
args = parser.parse_args()

# %%
# The table
# ---------
# The table is scikit-learn's diabetes data. The rare class is the tenth of the patients whose disease advanced fastest.

X, progress = load_diabetes(return_X_y=True, as_frame=True)
table = X.assign(progress=np.where(progress > progress.quantile(0.9), "fast", "slow"))
print(table["progress"].value_counts().to_string())

# %%
# The evaluation
# --------------
# The table is split again and again. For each split, a generator is trained on the training part, and the same
# classifier is trained in every arm and scored on the test part.

report = evaluate(table, target="progress", budget=args.budget)
print(report.sentence)
print("Left out:", *(report.left_out or ["nothing"]), sep="\n  ")

# %%
# The arms
# --------
# The bars are 95 % intervals. The verdict compares the best arm with synthetic rows to the best arm without them. Often
# a tuned threshold is the arm to beat.

arms = [arm for arm in report.to_dict()["arms"] if arm["metrics"]["balanced_accuracy"]["mean"] is not None]
arms.sort(key=lambda arm: arm["metrics"]["balanced_accuracy"]["mean"])
figure, axes = plt.subplots(figsize=(7, 0.6 + 0.3 * len(arms)), layout="constrained")
for place, arm in enumerate(arms):
    estimate = arm["metrics"]["balanced_accuracy"]
    if estimate["low"] is not None:
        axes.plot([estimate["low"], estimate["high"]], [place, place], color="#b9b4ab", linewidth=3)
    axes.plot(estimate["mean"], place, "D", color="#1f6f78")
axes.set(xlabel="balanced accuracy", yticks=range(len(arms)), yticklabels=[arm["name"] for arm in arms])
plt.show()
