"""The signals of the benchmark: time series that the package aeon brings, and digits that espeak-ng speaks.

aeon (BSD-3) brings small sets of the UCR and UEA archives. It is installed without its dependencies, because only its
files are read:

    pip install --no-deps aeon

espeak-ng (GPL-3, a program) is a package of most Linux distributions: ``apt install espeak-ng``. It speaks ten digits
in different voices, pitches and speeds; nothing of it is part of ganaug.
"""

from __future__ import annotations

import importlib.util
import io
import shutil
import subprocess
import warnings
from functools import cache
from itertools import islice, product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile
from scipy.signal import resample_poly

CHOSEN_ON = ("ArrowHead", "GunPoint", "BasicMotions", "PickupGestureWiimoteZ")
"""Sets on which recipes were chosen."""
CLAIMED_ON = ("OSULeaf", "JapaneseVowels", "ItalyPowerDemand")
"""Sets that were held aside, for the target figure."""
SPOKEN = "spoken digits"  # held aside too
NAMES = (*CHOSEN_ON, *CLAIMED_ON, SPOKEN)

TAIL = 10.0
"""How many times as large the largest class is as the smallest."""
MIN_OF_A_CLASS = 4  # training signals
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5")  # voices of espeak-ng
ACCENTS = ("en-us", "en-gb", "en-gb-scotland")
PITCHES, SPEEDS = (35, 50, 70), (140, 180)
SPOKEN_OF_A_CLASS = 72  # signals
SPOKEN_RATE, SPOKEN_LENGTH = 8_000, 4_096  # Hz; values, half a second

Signals = NDArray[np.float32]  # (n, length, channels)


class Split(NamedTuple):
    """Training signals with a long tail, and test signals as they are."""

    train: Signals
    train_labels: NDArray[np.int64]
    test: Signals
    test_labels: NDArray[np.int64]
    classes: list[str]


def load(name: str, seed: int) -> Split:
    """Return a stratified half of a set as test signals, and the other half thinned out to a long tail."""
    signals, labels, classes = _read(name)
    rng = np.random.default_rng([seed, len(labels)])
    halves: list[list[NDArray[np.int64]]] = [[], []]
    for value in range(len(classes)):
        rows = rng.permutation(np.flatnonzero(labels == value))
        for half, part in zip(halves, np.array_split(rows, 2), strict=True):
            half.append(part)
    order = rng.permutation(len(classes))
    largest = min(map(len, halves[0]))  # so that every class can be the largest
    for rank, value in enumerate(order):
        size = max(MIN_OF_A_CLASS, round(largest * TAIL ** (-rank / (len(classes) - 1))))
        halves[0][value] = halves[0][value][:size]
    train, test = (np.concatenate(half) for half in halves)
    return Split(signals[train], labels[train], signals[test], labels[test], classes)


@cache
def _read(name: str) -> tuple[Signals, NDArray[np.int64], list[str]]:
    parts = _spoken() if name == SPOKEN else _bundled(name)
    classes = sorted({label for _, label in parts})
    labels = np.array([classes.index(label) for _, label in parts])
    return np.stack([signal for signal, _ in parts]), labels, classes


def _bundled(name: str) -> list[tuple[Signals, str]]:
    """Read a set from the files of aeon: signals (length, channels), and their labels."""
    found = importlib.util.find_spec("aeon")  # does not import it
    if found is None or found.origin is None:
        raise SystemExit("The package aeon must be installed for its files: pip install --no-deps aeon")
    folder = Path(found.origin).parent / "datasets" / "data" / name
    signals = []
    for part in ("TRAIN", "TEST"):
        file = folder / f"{name}_eq_{part}.ts"
        file = file if file.exists() else folder / f"{name}_{part}.ts"
        for line in file.read_text().splitlines():
            if line and line[0] not in "#@":
                *channels, label = line.split(":")
                signals.append((np.array([row.split(",") for row in channels], np.float32).T, label.strip()))
    return signals


def _spoken() -> list[tuple[Signals, str]]:
    """Let espeak-ng speak digits; silence before the word is cut, and the loudness is brought to one level."""
    if shutil.which("espeak-ng") is None:
        raise SystemExit("The program espeak-ng must be installed for spoken digits: apt install espeak-ng")
    signals = []
    for digit in DIGITS:
        manners = islice(product(PITCHES, SPEEDS, VARIANTS, ACCENTS), 0, None, 3)
        for pitch, speed, variant, accent in islice(manners, SPOKEN_OF_A_CLASS):
            command = ["espeak-ng", "-v", f"{accent}+{variant}", "-p", str(pitch), "-s", str(speed), "--stdout", digit]
            spoken = subprocess.run(command, capture_output=True, check=True).stdout
            with warnings.catch_warnings(action="ignore"):  # the length in the header is that of an endless stream
                rate, sound = wavfile.read(io.BytesIO(spoken))
            wave = resample_poly(sound.astype(np.float64), SPOKEN_RATE, rate)
            wave = wave[np.argmax(np.abs(wave) > 0.02 * np.abs(wave).max()) :][:SPOKEN_LENGTH]
            wave = np.pad(wave, (0, SPOKEN_LENGTH - len(wave)))
            signals.append(((wave / np.abs(wave).max()).astype(np.float32)[:, None], digit))
    return signals


if __name__ == "__main__":
    for set_name in NAMES:
        split = load(set_name, 0)
        use = "choosing recipes" if set_name in CHOSEN_ON else "the claim"
        counts = np.bincount(split.train_labels)
        sizes = sorted(counts.tolist(), reverse=True)
        print(f"{set_name}: {split.train.shape[1:]}, training {sizes}, test {len(split.test)}; for {use}")
