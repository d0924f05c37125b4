"""How fast a table's model draws rows, and what importing the package costs."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import onnxruntime
import pandas as pd
from runs import Record

__all__ = ["measure_speed"]

TRAINING_ROWS, TRAINING_STEPS = 600, 50  # what the model has learned does not change how fast it draws
BATCH, ROUNDS, STARTS = 50_000, 5, 11
HEAVY = ("albumentations", "imblearn", "onnxruntime", "pandas", "scipy", "sklearn", "torch")


def measure_speed() -> Record:
    """Return rows a second, and the seconds that each of several imports took in fresh processes."""
    from ganaug import GANAugmenter

    X, y = ten_columns()
    generator = GANAugmenter(max_steps=TRAINING_STEPS, random_state=0).fit(X, y).generator_
    session = onnxruntime.InferenceSession(generator.to_bytes())
    random = np.random.default_rng(0)
    label = (np.arange(BATCH) % 2).astype(np.int64)

    def bare() -> None:
        noise = random.standard_normal((BATCH, generator.metadata["noise_dim"]), dtype=np.float32)
        session.run(["numeric", "category"], {"noise": noise, "label": label})

    return {
        "columns": X.shape[1],
        "rows_per_second": {"bare": _rate(bare), "generator": _rate(lambda: generator.sample(BATCH, seed=0))},
        "import_seconds": {
            code: [_start(code) for _ in range(STARTS)]
            for code in ("pass", "import ganaug", "from ganaug import GANSampler")
        },
        "heavy_modules": _heavy_modules(),
    }


def ten_columns() -> tuple[pd.DataFrame, np.ndarray]:
    """Return a mixed table: five real columns, two of whole numbers and three of categories."""
    random = np.random.default_rng(0)
    table = pd.DataFrame({f"real_{number}": random.normal(size=TRAINING_ROWS) for number in range(5)})
    for number in range(2):
        table[f"whole_{number}"] = random.poisson(4, TRAINING_ROWS)
    for number in range(3):
        table[f"category_{number}"] = pd.Categorical(random.choice(list("abcd"), TRAINING_ROWS))
    return table, (random.random(TRAINING_ROWS) < 0.1).astype(int)


def _rate(draw: Callable[[], object]) -> float:
    """Return rows a second: the median of some rounds, once warm."""
    draw()
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        draw()
        seconds.append(time.perf_counter() - began)
    return BATCH / statistics.median(seconds)


def _start(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began


def _heavy_modules() -> list[str]:
    code = f"import sys, ganaug; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
