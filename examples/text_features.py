"""
Augment text in a feature space
===============================

A generator of tables does not write sentences. It can draw what a text classifier reads: the numbers that TF-IDF and a
truncated singular value decomposition make of a text. This program does that inside a scikit-learn pipeline, and prints
whether it helped, whatever the answer is::

    python examples/text_features.py

The corpus comes with Python: the docstrings of its standard library. The class of a docstring is the package that it
documents, and some packages say much less than others.
"""

import argparse
import ast
import os
import re
import sysconfig
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ganaug import AugmentedClassifier, GANSampler

small = "GANAUG_SMALL" in os.environ
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, default=5 if small else 300, help="training steps of every generator")
args = parser.parse_args()

# %%
# The texts
# ---------
# The names of the packages are removed from the texts: they would give the answer away.

PACKAGES = ["asyncio", "email", "logging", "json", "wsgiref"]
LEAST_WORDS = 5


def docstrings(package):
    """Return the docstrings of the functions and classes of a package of the standard library."""
    names = re.compile("|".join(PACKAGES), re.IGNORECASE)
    for file in sorted((Path(sysconfig.get_path("stdlib")) / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                text = ast.get_docstring(node) or ""
                if len(text.split()) >= LEAST_WORDS:
                    yield names.sub(" ", text)


found = {package: list(dict.fromkeys(docstrings(package))) for package in PACKAGES}
texts = [text for several in found.values() for text in several]
y = np.repeat(PACKAGES, [len(several) for several in found.values()])
print(", ".join(f"{package}: {len(several)}" for package, several in found.items()))

# %%
# Features, and a classifier that may use synthetic ones
# ------------------------------------------------------
# The vocabulary and the decomposition are learned from the training texts alone. `AugmentedClassifier` compares by
# inner cross-validation what to do about the rare classes: nothing, class weights, repeats, SMOTE, or the generator.

features = make_pipeline(
    TfidfVectorizer(sublinear_tf=True, min_df=2, stop_words="english"),
    TruncatedSVD(24, random_state=0),
    StandardScaler(),
)
plain = LogisticRegression(max_iter=1000)
augmented = AugmentedClassifier(plain, GANSampler(max_steps=args.steps), random_state=0)

# %%
# The verdict
# -----------
# The table is what the inner cross-validation found. An arm is chosen only if it is better beyond chance.

known, unseen, y_known, y_unseen = train_test_split(texts, y, test_size=0.4, stratify=y, random_state=0)
models = {name: make_pipeline(clone(features), one) for name, one in (("nothing", plain), ("chosen", augmented))}
scores = {
    name: balanced_accuracy_score(y_unseen, model.fit(known, y_known).predict(unseen)) for name, model in models.items()
}
decision = models["chosen"][-1].decision_
chosen = decision.loc[decision["chosen"], "candidate"].item()
print(decision[["candidate", "score", "difference", "needed", "chosen"]].round(3).to_string(index=False))
print(f"Verdict: chosen is {chosen!r}.")
print("Balanced accuracy on unseen texts:", ", ".join(f"{name} {score:.3f}" for name, score in scores.items()))

figure, axes = plt.subplots(figsize=(7, 0.8 + 0.35 * len(decision)), layout="constrained")
tried = decision.dropna(subset="score").sort_values("score")
axes.barh(tried["candidate"], tried["score"], color=np.where(tried["chosen"], "#1f6f78", "#b9b4ab"))
axes.set(xlabel="balanced accuracy in inner cross-validation; the chosen arm is dark", xlim=(0, 1))
plt.show()
