"""Measures a generator of a world whose truth is known."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ganaug.data.dataset import Dataset
from ganaug.evaluation.copying import pooled_copies, search_for_copies
from ganaug.evaluation.fidelity import measure_fidelity, pooled_fidelity
from ganaug.evaluation.samples import draw
from tests.fakes import truth


def judged(train: Dataset, held_out: Dataset, trainer: Callable[..., Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    synthetic = draw(trainer(train), train, np.bincount(held_out.labels), 3)
    codec = train.codec if trainer is not truth else None  # type: ignore[union-attr]
    fidelity = measure_fidelity(held_out, synthetic, lambda data: data.points(train), codec=codec)
    return pooled_fidelity([fidelity], "rows"), pooled_copies([search_for_copies(synthetic, train, held_out)])


def random_images() -> tuple[np.ndarray, np.ndarray]:
    """Two sets of images of 2 x 2 pixels, uint8 (40, 3, 2, 2), the second darker."""
    one, other = np.random.default_rng(0).integers(0, 256, (2, 40, 3, 2, 2), dtype=np.uint8)
    return one, other // 2


class FlatImages(torch.nn.Module):
    """The features of such images are their pixels, float32 (n, 12) in [0, 1]."""

    num_features = 12

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1).float() / 255
