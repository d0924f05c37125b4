"""The table of the demonstration: the breast cancer data of scikit-learn, with few malignant tumours."""

from pathlib import Path

import numpy as np

TARGET = "diagnosis"
TRAINING_ROWS = {"benign": 200, "malignant": 10}
"""The other rows, 157 and 202, are for testing."""


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
