"""The demonstration for tables: scikit-learn's breast cancer data with few malignant tumours."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import recall_score
from sklearn.preprocessing import StandardScaler

from ganaug.cli.demo_data.comparison import AS_IT_IS, REPEATED, SYNTHETIC, Comparison

__all__ = ["TARGET", "compare_rows", "write_tumours"]

TARGET = "diagnosis"
TRAINING_ROWS = {"benign": 200, "malignant": 10}
"""All others, 157 and 202, are for testing."""
SEEDS = (0, 1, 2, 3, 4)
FLAG = "synthetic"


def write_tumours(train: Path, test: Path) -> None:
    """Write the breast cancer data as two .csv files: a long tail to train on, and all other rows."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer(as_frame=True)
    table = data.data.assign(**{TARGET: data.target_names[data.target]})
    random = np.random.default_rng(0)
    chosen = [
        random.permutation(np.flatnonzero(table[TARGET] == name))[:count] for name, count in TRAINING_ROWS.items()
    ]
    rows = np.concatenate(chosen)
    table.iloc[random.permutation(rows)].to_csv(train, index=False)
    table.drop(index=rows).to_csv(test, index=False)


def compare_rows(train: Path, balanced: Path, test: Path, *, seeds: Sequence[int] = SEEDS) -> Comparison:
    """Train a random forest with and without the synthetic rows of a balanced table, and with two older remedies."""
    real, filled, held_out = (pd.read_csv(path) for path in (train, balanced, test))
    X, y = real.drop(columns=TARGET), real[TARGET]
    X_filled, y_filled = filled.drop(columns=[TARGET, FLAG]), filled[TARGET]
    classes, counts = np.unique(y, return_counts=True)
    neighbours = min(5, int(counts.min()) - 1)
    recall: dict[str, list[NDArray[np.float64]]] = {}
    for seed in seeds:
        arms: dict[str, tuple[Any, pd.DataFrame, pd.Series]] = {
            AS_IT_IS: ("passthrough", X, y),
            REPEATED: (RandomOverSampler(random_state=seed), X, y),
            "SMOTE": (SMOTE(k_neighbors=neighbours, random_state=seed), X, y),
            SYNTHETIC: ("passthrough", X_filled, y_filled),
        }
        for arm, (sampler, rows, labels) in arms.items():
            # Standardised, for SMOTE looks for neighbours; to a forest it is all the same.
            model = make_pipeline(StandardScaler(), sampler, RandomForestClassifier(random_state=seed))
            predicted = model.fit(rows, labels).predict(held_out.drop(columns=TARGET))
            own = recall_score(held_out[TARGET], predicted, labels=classes, average=None)
            recall.setdefault(arm, []).append(own)
    return Comparison("rows", classes.tolist(), counts.tolist(), {arm: np.stack(own) for arm, own in recall.items()})
