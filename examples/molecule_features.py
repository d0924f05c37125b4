"""
Augment molecules in a feature space
====================================

A generator of tables does not draw molecules. It can draw what a classifier of molecules reads: here 24 numbers that a
truncated singular value decomposition makes of the Morgan fingerprint of a molecule. This program does that inside a
scikit-learn pipeline, and prints whether it helped, whatever the answer is::

    pip install 'ganaug[molecules]'
    python examples/molecule_features.py

The molecules come with RDKit: a series of 1,017 arylsulfonamides of ChEMBL (document CHEMBL2321810), with the activity
that was measured. The rare class is the most active tenth.
"""

import argparse
import csv
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.decomposition import TruncatedSVD
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ganaug import AugmentedClassifier, GANSampler

small = "GANAUG_SMALL" in os.environ
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, default=5 if small else 300, help="training steps of every generator")
args = parser.parse_args()
try:
    from rdkit import Chem, RDConfig
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
except ImportError:
    parser.error("this example needs RDKit: pip install 'ganaug[molecules]'")

# %%
# The molecules
# -------------
# RDKit keeps them beside its code for the analysis of Free and Wilson. The activity is the negative logarithm of a
# concentration in mol/l: 9 stands for 1 nanomolar.

folder = Path(RDConfig.RDContribDir) / "FreeWilson" / "data"
with (folder / "CHEMBL2321810_act.csv").open() as file:
    activity = {row["Name"]: float(row["Act"]) for row in csv.DictReader(file)}
smiles = dict(line.split()[::-1] for line in (folder / "CHEMBL2321810.smi").read_text().splitlines())
bits = GetMorganGenerator(radius=2, fpSize=1024)
X = np.stack([bits.GetFingerprintAsNumPy(Chem.MolFromSmiles(smiles[name])) for name in activity]).astype(np.float32)
values = np.array(list(activity.values()))
y = np.where(values > np.quantile(values, 0.9), "most active", "less active")
print(f"{len(y)} molecules, {(y == 'most active').sum()} of them most active")

# %%
# Features, and a classifier that may use synthetic ones
# ------------------------------------------------------
# `AugmentedClassifier` compares by inner cross-validation what to do about the rare class: nothing, class weights,
# repeats, SMOTE, or the generator.

features = make_pipeline(TruncatedSVD(24, random_state=0), StandardScaler())
plain = LogisticRegression(max_iter=1000)
augmented = AugmentedClassifier(plain, GANSampler(max_steps=args.steps), random_state=0)

# %%
# The verdict
# -----------
# The table is what the inner cross-validation found. An arm is chosen only if it is better beyond chance. Balanced
# accuracy depends on the threshold of the classifier, and average precision does not: often only the first gains.

known, unseen, y_known, y_unseen = train_test_split(X, y, test_size=0.4, stratify=y, random_state=0)
print("On unseen molecules:")
models = {name: make_pipeline(clone(features), one) for name, one in (("nothing", plain), ("chosen", augmented))}
for name, model in models.items():
    model.fit(known, y_known)
    ranked = average_precision_score(y_unseen == "most active", model.predict_proba(unseen)[:, 1])
    right = balanced_accuracy_score(y_unseen, model.predict(unseen))
    print(f"{name:<8} balanced accuracy {right:.3f}, average precision {ranked:.3f}")
decision = models["chosen"][-1].decision_
chosen = decision.loc[decision["chosen"], "candidate"].item()
print(decision[["candidate", "score", "difference", "needed", "chosen"]].round(3).to_string(index=False))
print(f"Verdict: chosen is {chosen!r}.")

figure, axes = plt.subplots(figsize=(7, 0.8 + 0.35 * len(decision)), layout="constrained")
tried = decision.dropna(subset="score").sort_values("score")
axes.barh(tried["candidate"], tried["score"], color=np.where(tried["chosen"], "#1f6f78", "#b9b4ab"))
axes.set(xlabel="balanced accuracy in inner cross-validation; the chosen arm is dark", xlim=(0, 1))
plt.show()
