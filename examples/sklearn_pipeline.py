"""
Compare samplers in a scikit-learn pipeline
===========================================

This program compares four ways to treat a rare class: to do nothing, SMOTE, and a GAN that fills the rare class up
completely or to a third. The comparison does not leak: the samplers see only the training rows of each split::

    python examples/sklearn_pipeline.py
"""

import argparse
import os

import matplotlib.pyplot as plt
import numpy as np
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_validate
from sklearn.preprocessing import StandardScaler

from ganaug import GANSampler

small = "GANAUG_SMALL" in os.environ
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, default=5 if small else None, help="training steps of every generator")
parser.add_argument("--repeats", type=int, default=1 if small else 2, help="times that the table is split into three")
args = parser.parse_args()

# %%
# A table with a rare class
# -------------------------
# One in twelve of the malignant rows of scikit-learn's breast cancer data is kept.

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
kept = (y == 1) | (np.arange(len(y)) % 12 == 0)
X, y = X[kept], np.where(y[kept] == 0, "malignant", "benign")

# %%
# Four pipelines
# --------------
# imbalanced-learn's pipeline calls a sampler while it is fitted, and never while it predicts.

arms = {
    "nothing": None,
    "SMOTE": SMOTE(k_neighbors=3, random_state=0),
    "GAN, balanced": GANSampler(max_steps=args.steps, random_state=0),
    "GAN, a third": GANSampler(sampling_strategy=1 / 3, max_steps=args.steps, random_state=0),
}
splits = RepeatedStratifiedKFold(n_splits=3, n_repeats=args.repeats, random_state=0)
found = {}
for name, sampler in arms.items():
    steps = [StandardScaler(), sampler, LogisticRegression(max_iter=1000)]
    pipeline = make_pipeline(*(step for step in steps if step is not None))
    found[name] = cross_validate(
        pipeline, X, y == "malignant", cv=splits, scoring=["balanced_accuracy", "average_precision"]
    )

# %%
# The result
# ----------
# Balanced accuracy depends on the threshold of the classifier, and average precision does not. Often the sampler
# changes the first measure much and the second measure little. Then a tuned threshold would have done as well.

malignant = int((y == "malignant").sum())
print(f"{malignant} malignant and {len(y) - malignant} benign; mean of {splits.get_n_splits()} splits")
print(f"{'':<14} balanced accuracy  average precision")
for name, scores in found.items():
    print(
        f"{name:<14} {scores['test_balanced_accuracy'].mean():>17.3f} {scores['test_average_precision'].mean():>18.3f}"
    )

figure, panels = plt.subplots(1, 2, figsize=(8, 2.6), sharey=True, layout="constrained")
for axes, measure in zip(panels, ("balanced_accuracy", "average_precision"), strict=True):
    for place, name in enumerate(reversed(found)):
        values = found[name][f"test_{measure}"]
        axes.plot(values, np.full(len(values), place), "o", color="#b9b4ab", markersize=5)
        axes.plot(values.mean(), place, "D", color="#1f6f78", markersize=8)
    axes.set(xlabel=measure.replace("_", " "), yticks=range(len(found)), yticklabels=list(reversed(found)))
figure.suptitle("one dot for each split, and a diamond for the mean", fontsize="medium")
plt.show()
