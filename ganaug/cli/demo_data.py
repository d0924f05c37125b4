"""The folder of a demonstration, and its data: data sets of scikit-learn, with a long tail."""

import re
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from ganaug.errors import OutputError
from ganaug.files import check_writable

MARKER = "made-by-ganaug-demo.txt"
MAX_COUNT = 100  # training images of the commonest class
MIN_COUNT = 5  # training images of the rarest class
TARGET = "diagnosis"
TRAINING_ROWS = {"benign": 200, "malignant": 10}
"""The other rows, 157 and 202, are for testing."""
_OURS = re.compile(
    r"""(
    made-by-ganaug-demo\.txt
    | (train|test|balanced)/[0-9]/([0-9]{4}|synthetic-[0-9]{5})\.png
    | balanced/manifest\.csv
    | (train|test|balanced)\.csv
    | (digits|breast-cancer)\.(onnx|preview\.png)
    | report\.html
    | (digits|breast-cancer)\.onnx\.checkpoint/(checkpoint\.json|step-[0-9]+\.safetensors)
    | ([^/]+/)?\.ganaug-[0-9a-f]+\.part(/.*)?
    )""",
    re.VERBOSE,
)


def prepare_folder(folder: Path) -> None:
    """Make the folder of the demonstration. A folder that an earlier demonstration wrote is emptied first.

    Raises `OutputError` if the folder holds anything else.
    """
    if (folder / MARKER).is_file() and not folder.is_symlink():
        found = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
        foreign = [
            path for path in found if path.is_symlink() or not _OURS.fullmatch(path.relative_to(folder).as_posix())
        ]
        if foreign:
            raise OutputError(
                f"Cannot replace {folder}: the demo did not make {foreign[0]}; move it, or choose another --output."
            )
        shutil.rmtree(folder)
    check_writable(folder, folder=True)
    folder.mkdir(exist_ok=True)
    (folder / MARKER).write_text("`ganaug demo` wrote this folder, and replaces it when it is run again.\n")


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
