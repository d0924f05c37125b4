"""The images of the demonstration: the digits of scikit-learn, with a long tail."""

from pathlib import Path

import numpy as np
from PIL import Image

MAX_COUNT, MIN_COUNT = 100, 5
"""Training images of the commonest and of the rarest class."""


def write_digits(train: Path, test: Path) -> None:
    """Write the digits as two image folders of 8 x 8 pixels: a long tail to train on, and all others to test on.

    The digit 0 has 100 training images, and each following digit fewer, down to 5 images of the digit 9.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.round(digits.images * (255 / 16)).astype(np.uint8)  # (1797, 8, 8)
    counts = np.geomspace(MAX_COUNT, MIN_COUNT, 10).round().astype(int)
    random = np.random.default_rng(0)
    for digit, count in enumerate(counts):
        rows = random.permutation(np.flatnonzero(digits.target == digit))
        for folder, chosen in ((train, rows[:count]), (test, rows[count:])):
            (folder / str(digit)).mkdir(parents=True)
            for row in chosen:
                Image.fromarray(pixels[row]).save(folder / str(digit) / f"{row:04}.png")
