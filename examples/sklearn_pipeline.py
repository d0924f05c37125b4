"""Compare a scikit-learn pipeline with and without synthetic rows, by cross-validation that does not leak.

python examples/sklearn_pipeline.py
"""

import argparse

import numpy as np
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_validate
from sklearn.preprocessing import StandardScaler

from ganaug import GANSampler

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, help="training steps of every generator")
parser.add_argument("--repeats", type=int, default=2, help="times that the table is split into three")
args = parser.parse_args()

# The malignant class is made rare: one in twelve of its rows is kept.
X, y = load_breast_cancer(return_X_y=True, as_frame=True)
kept = (y == 1) | (np.arange(len(y)) % 12 == 0)
X, y = X[kept], np.where(y[kept] == 0, "malignant", "benign")

arms = {
    "nothing": None,
    "SMOTE": SMOTE(k_neighbors=3, random_state=0),
    "GAN, balanced": GANSampler(max_steps=args.steps, random_state=0),
    "GAN, a third": GANSampler(sampling_strategy=1 / 3, max_steps=args.steps, random_state=0),
}
splits = RepeatedStratifiedKFold(n_splits=3, n_repeats=args.repeats, random_state=0)
print(
    f"{(y == 'malignant').sum()} malignant and {(y == 'benign').sum()} benign; mean of {splits.get_n_splits()} splits"
)
print(f"{'':<14} balanced accuracy  average precision")
for name, sampler in arms.items():
    steps = [StandardScaler(), sampler, LogisticRegression(max_iter=1000)]
    pipeline = make_pipeline(*(step for step in steps if step is not None))
    found = cross_validate(pipeline, X, y == "malignant", cv=splits, scoring=["balanced_accuracy", "average_precision"])
    print(f"{name:<14} {found['test_balanced_accuracy'].mean():>17.3f} {found['test_average_precision'].mean():>18.3f}")
