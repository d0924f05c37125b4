"""Simulated data of known distribution, and generators that need no training."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug.data.dataset import Dataset

Sampled = tuple[Any, NDArray[Any]]  # images or a DataFrame, and one label each


def shells(counts: dict[str, int], rng: np.random.Generator, width: int = 6) -> tuple[pd.DataFrame, NDArray[Any]]:
    """Draw points on two concentric shells; a forest needs many points to learn their shape."""
    parts = []
    for name, count in counts.items():
        points = rng.normal(size=(count, width))
        radius = (1.0 if name == "inner" else 1.9) + 0.25 * rng.normal(size=(count, 1))
        parts.append(points / np.linalg.norm(points, axis=1, keepdims=True) * radius)
    columns = [f"c{i}" for i in range(width)]
    return pd.DataFrame(np.concatenate(parts), columns=columns), np.repeat(list(counts), list(counts.values()))


def board(counts: dict[str, int], rng: np.random.Generator, side: int = 6) -> tuple[pd.DataFrame, NDArray[Any]]:
    """Draw points on the black or the white squares of a chessboard; a few points do not show its pattern."""
    parts = []
    for name, count in counts.items():
        column = rng.integers(0, side, count)
        row = 2 * rng.integers(0, side // 2, count) + (column + (name == "rare")) % 2
        parts.append(np.stack([column, row], axis=1) + rng.random((count, 2)))
    return pd.DataFrame(np.concatenate(parts), columns=["a", "b"]), np.repeat(list(counts), list(counts.values()))


class Drawn:
    """A generator that draws with a function of the counts per class and a random source."""

    def __init__(self, make: Callable[[dict[Any, int], np.random.Generator], Sampled]) -> None:
        self.make = make

    def sample(self, n: Any, seed: Any = None, *, screened: bool = False) -> Sampled:
        return self.make(dict(n), np.random.default_rng(seed))


def truth(_: Dataset, **__: Any) -> Drawn:
    """Return a generator that draws from the true distribution of `shells`."""
    return Drawn(shells)


def real_rows(data: Dataset, counts: dict[Any, int], rng: np.random.Generator) -> Dataset:
    """Draw the given number of items of each class, with replacement."""
    rows = [rng.choice(np.flatnonzero(data.labels == data.classes.index(name)), n) for name, n in counts.items()]
    return data.part(np.concatenate(rows))


def content(data: Dataset) -> Sampled:
    """Return the items and labels of a dataset as a generator returns them."""
    return data.content, data.label_values


def copier(data: Dataset, **_: Any) -> Drawn:
    """Return a generator that repeats training items with a little noise."""
    return Drawn(lambda counts, rng: content(real_rows(data, counts, rng).jittered(rng)))


def repeater(data: Dataset, **_: Any) -> Drawn:
    """Return a generator that repeats the first item of each class."""

    def first(counts: dict[Any, int], rng: np.random.Generator) -> Sampled:
        rows = [np.full(n, np.flatnonzero(data.labels == data.classes.index(name))[0]) for name, n in counts.items()]
        return content(data.part(np.concatenate(rows)))

    return Drawn(first)


def noise(data: Dataset, **_: Any) -> Drawn:
    """Return a generator of random pixels, or of rows at the corners of the range of the data."""

    def static(counts: dict[Any, int], rng: np.random.Generator) -> Sampled:
        labels = np.repeat(list(counts), list(counts.values()))
        real = data.content
        if not isinstance(real, pd.DataFrame):
            return rng.integers(0, 256, (len(labels), *real.shape[1:]), dtype=np.uint8), labels
        low, high = real.min().to_numpy(), real.max().to_numpy()
        values = rng.choice([-1.0, 1.0], (len(labels), len(low))) * (high - low) / 2 + (high + low) / 2
        return pd.DataFrame(values, columns=real.columns), labels

    return Drawn(static)
