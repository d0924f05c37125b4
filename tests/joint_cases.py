"""The runs that two processes learn together in the tests: every family, and every kind of data."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ganaug.data.dataset import Dataset
from ganaug.data.tables.dataset import LabelledTable, from_frame
from tests.conftest import moving_squares, striped_images, waves

ROWS = "gan of rows"
COUNTS = {"lying": 24, "upright": 12}
STEPS = 4


def table(counts: dict[str, int] = COUNTS) -> LabelledTable:
    random, n = np.random.default_rng(0), sum(counts.values())
    labels = np.repeat(list(counts), list(counts.values()))
    columns = {"size": random.normal(size=n) + 2 * (labels == "upright"), "kind": random.choice(["a", "b", "c"], n)}
    return from_frame(pd.DataFrame(columns), labels)


DATA: dict[str, Callable[..., Dataset]] = {
    "image": lambda: striped_images(COUNTS),
    "latents": lambda: striped_images(COUNTS, 32, 3),
    "table": table,
    "signal": lambda: waves(COUNTS),
    "clip": lambda: moving_squares(COUNTS, frames=8),
}
OF_BATCHES = {
    "feature_matching": 0.5,
    "minibatch_deviation": 0.5,
    "adaptive_augmentation": True,
    "consistency": 0.5,
    "class_gain_penalty": 0.5,
    "spectral_norm": True,
}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "gan of images": ("image", {"techniques": OF_BATCHES}),
    "gan of latents": ("latents", {"space": "latent"}),
    ROWS: ("table", {}),
    "vae of clips": ("clip", {"model": "vae"}),
    "vae of rows": ("table", {"model": "vae"}),
    "autoencoder of signals": ("signal", {"model": "autoencoder"}),
    "flow of rows": ("table", {"model": "flow"}),
}
