"""The demonstration: scikit-learn's digits with a long tail, and what synthetic images are worth to a classifier."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler

from ganaug.cli.demo_data.comparison import AS_IT_IS, REPEATED, SYNTHETIC, Comparison
from ganaug.evaluation.trials.image_classifier import fit_small_cnn
from ganaug.integrations.torch import AugmentedDataset, ImageFolder
from ganaug.runtime.generator import Generator

__all__ = ["ARMS", "compare", "write_digits"]

COMMONEST, RAREST = 100, 5
ARMS = (AS_IT_IS, REPEATED, SYNTHETIC)
"""The images as they are; filled up to balance with repeats; filled up by `AugmentedDataset` with synthetic ones."""
SEEDS = (0, 1, 2)
STEPS, BATCH = 300, 64


def write_digits(train: Path, test: Path) -> None:
    """Write scikit-learn's digits as two image folders of 8 x 8 pixels: a long tail to train on, and all the others.

    The digit 0 has 100 training images, and each following one fewer, down to 5 of the digit 9.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.round(digits.images * (255 / 16)).astype(np.uint8)  # (1797, 8, 8)
    counts = np.geomspace(COMMONEST, RAREST, 10).round().astype(int)
    random = np.random.default_rng(0)
    for digit, count in enumerate(counts):
        rows = random.permutation(np.flatnonzero(digits.target == digit))
        for folder, chosen in ((train, rows[:count]), (test, rows[count:])):
            (folder / str(digit)).mkdir(parents=True)
            for row in chosen:
                Image.fromarray(pixels[row]).save(folder / str(digit) / f"{row:04}.png")


def compare(
    train: Path, test: Path, generator: Generator, *, steps: int = STEPS, seeds: Sequence[int] = SEEDS
) -> Comparison:
    """Train a small classifier with and without synthetic images: the same first weights, the same number of steps."""
    size = generator.image_shape[0]
    real, held_out = ImageFolder(train, size), ImageFolder(test, size)
    recall: dict[str, list[NDArray[np.float64]]] = {arm: [] for arm in ARMS}
    for seed in seeds:
        arms: tuple[Any, ...] = (
            real,
            AugmentedDataset(real, generator, synthetic_share=0.0, seed=seed),
            AugmentedDataset(real, generator, seed=seed),
        )
        for arm, dataset in zip(ARMS, arms, strict=True):
            recall[arm].append(_recall(_fit(dataset, real, steps, seed), held_out))
    counts = np.bincount(real.targets).tolist()
    return Comparison("images", real.classes, counts, {arm: np.stack(rows) for arm, rows in recall.items()})


def _fit(dataset: Any, real: ImageFolder, steps: int, seed: int) -> nn.Module:
    random = torch.Generator().manual_seed(seed)
    order = RandomSampler(dataset, num_samples=steps * BATCH, generator=random)
    batches = iter(DataLoader(dataset, BATCH, sampler=order, generator=random))
    return fit_small_cnn(batches, channels=real[0][0].shape[0], n_classes=len(real.classes), steps=steps, seed=seed)


@torch.no_grad()
def _recall(model: nn.Module, held_out: ImageFolder) -> NDArray[np.float64]:
    predicted = torch.cat([model(image).argmax(dim=1) for image, _ in DataLoader(held_out, 256)])
    target: Tensor = torch.tensor(held_out.targets)
    hits = (predicted == target).double()
    return np.array([float(hits[target == value].mean()) for value in range(len(held_out.classes))])
