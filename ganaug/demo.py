"""The demonstration: scikit-learn's digits with a long tail, and what synthetic images are worth to a classifier."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler

from ganaug.data import AugmentedDataset, ImageFolder
from ganaug.errors import OutputError
from ganaug.files import check_writable
from ganaug.generator import Generator
from ganaug.quality.image_classifier import fit_small_cnn

__all__ = ["ARMS", "Comparison", "compare", "prepare_folder", "write_digits"]

COMMONEST, RAREST = 100, 5
ARMS = ("as it is", "repeated", "synthetic")
"""The images as they are; filled up to balance with repeats; filled up by `AugmentedDataset` with synthetic ones."""
SEEDS = (0, 1, 2)
STEPS, BATCH = 300, 64

MARKER = "made-by-ganaug-demo.txt"
_OURS = re.compile(
    r"""(
    made-by-ganaug-demo\.txt
    | (train|test|balanced)/[0-9]/([0-9]{4}|synthetic-[0-9]{5})\.png
    | balanced/manifest\.csv
    | digits\.(onnx|preview\.png)
    | report\.html
    | digits\.onnx\.checkpoint/(checkpoint\.json|step-[0-9]+\.safetensors)
    | ([^/]+/)?\.ganaug-[0-9a-f]+\.part(/.*)?
    )""",
    re.VERBOSE,
)


def prepare_folder(folder: Path) -> None:
    """Make the demonstration's folder; one that an earlier run left, and that holds nothing else, is emptied first.

    Raises
    ------
    OutputError
        If anything else is there.
    """
    if (folder / MARKER).is_file() and not folder.is_symlink():
        found = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
        if foreign := [path for path in found if path.is_symlink() or not _OURS.fullmatch(_relative(path, folder))]:
            raise OutputError(
                f"Cannot replace {folder}: the demo did not make {foreign[0]}; move it, or choose another --output."
            )
        shutil.rmtree(folder)
    check_writable(folder, folder=True)
    folder.mkdir(exist_ok=True)
    (folder / MARKER).write_text("`ganaug demo` made this folder, and replaces it when it is run again.\n")


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


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


@dataclass(frozen=True)
class Comparison:
    """Recall of the same classifier, trained the same way on differently balanced images.

    Attributes
    ----------
    classes : sequence of str
    counts : sequence of int
        Real training images of each class.
    recall : dict of str to ndarray of shape (n_seeds, n_classes)
        For each of `ARMS`.
    """

    classes: Sequence[str]
    counts: Sequence[int]
    recall: dict[str, NDArray[np.float64]]

    def table(self) -> str:
        """Return the recalls side by side, in percent, and their means: the balanced accuracies."""
        means = {arm: recall.mean(axis=0) for arm, recall in self.recall.items()}
        lines = ["class   images" + "".join(f"{arm:>12}" for arm in means)]
        for row, (name, count) in enumerate(zip(self.classes, self.counts, strict=True)):
            lines.append(f"{name:<8}{count:>6}" + "".join(f"{100 * mean[row]:>12.1f}" for mean in means.values()))
        lines.append(
            "balanced" + f"{sum(self.counts):>6}" + "".join(f"{100 * mean.mean():>12.1f}" for mean in means.values())
        )
        return "\n".join(lines)

    def verdict(self) -> str:
        """Return in one sentence whether the synthetic images helped, against the better of the other two."""
        accuracy = {arm: recall.mean(axis=1) for arm, recall in self.recall.items()}  # (n_seeds,)
        rival = max(ARMS[:2], key=lambda arm: float(accuracy[arm].mean()))
        gains = 100 * (accuracy["synthetic"] - accuracy[rival])
        gain, spread = float(gains.mean()), float(gains.std(ddof=1)) if len(gains) > 1 else 0.0
        outcome = "made no difference" if abs(gain) <= spread else "helped" if gain > 0 else "hurt"
        return (
            f"Here synthetic images {outcome}: balanced accuracy changed by {gain:+.1f} points against the better "
            f"of the other two ({rival!r}), with a spread of {spread:.1f} over {len(gains)} seeds."
        )


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
    return Comparison(real.classes, counts, {arm: np.stack(rows) for arm, rows in recall.items()})


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
