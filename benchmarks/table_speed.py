"""Measure how many rows a table's model draws per second, and how long imports take."""

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

from ganaug import GANAugmenter, Generator

__all__ = ["measure_speed"]

TRAINING_ROWS, TRAINING_STEPS = 600, 50  # few, because the quality of the model does not change its speed
BATCH = 4_096  # rows
BATCHES, ROUNDS = 12, 5  # batches in a round, rounds for the median
STARTS = 11  # of Python, for the median import time
HEAVY = ("albumentations", "imblearn", "onnxruntime", "pandas", "scipy", "sklearn", "torch")


def measure_speed() -> Record:
    """Return rows per second, and the seconds that imports take in new processes."""
    X, y = ten_columns()
    generator = GANAugmenter(max_steps=TRAINING_STEPS, random_state=0).fit(X, y).generator_
    return {
        "columns": X.shape[1],
        "rows_per_second": {
            "bare, one thread": _rate(_bare(generator, threads=1)),
            "bare, all threads": _rate(_bare(generator, threads=0)),
            "generator": _rate(lambda: generator.sample(BATCH * BATCHES, seed=0)),
        },
        "import_seconds": {
            code: [_start(code) for _ in range(STARTS)]
            for code in ("pass", "import ganaug", "from ganaug import GANSampler")
        },
        "heavy_modules": _heavy_modules(),
    }


def _bare(generator: Generator, threads: int) -> Callable[[], None]:
    """Return a function that draws rows, noise included, with onnxruntime alone, as any other program can."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads  # 0: onnxruntime chooses
    session = onnxruntime.InferenceSession(generator.to_bytes(), options)
    random = np.random.default_rng(0)
    label = (np.arange(BATCH) % len(generator.classes)).astype(np.int64)

    def draw() -> None:
        for _ in range(BATCHES):
            noise = random.standard_normal((BATCH, generator.metadata["noise_dim"]), dtype=np.float32)
            session.run(["numeric", "category"], {"noise": noise, "label": label})

    return draw


def ten_columns() -> tuple[pd.DataFrame, np.ndarray]:
    """Return a mixed table: five columns of floats, two of integers and three of categories."""
    random = np.random.default_rng(0)
    table = pd.DataFrame({f"real_{number}": random.normal(size=TRAINING_ROWS) for number in range(5)})
    for number in range(2):
        table[f"whole_{number}"] = random.poisson(4, TRAINING_ROWS)
    for number in range(3):
        table[f"category_{number}"] = pd.Categorical(random.choice(list("abcd"), TRAINING_ROWS))
    return table, (random.random(TRAINING_ROWS) < 0.1).astype(int)


def _rate(draw: Callable[[], object]) -> float:
    """Return rows per second: the median of `ROUNDS` rounds after a warm-up."""
    draw()
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        draw()
        seconds.append(time.perf_counter() - began)
    return BATCH * BATCHES / statistics.median(seconds)


def _start(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began


def _heavy_modules() -> list[str]:
    code = f"import sys, ganaug; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
