"""Measure how often the dose of a fit is right, where the worth of the synthetic samples is known.

    python benchmarks/dose.py [--quick] [--seeds 20] [--datasets digits,mnist] [--cases unseen,copies,noise,shuffled]

The generators need no training. On data with shuffled labels, and where samples are noise, the dose must be zero. Where
samples are unseen real images of their class, it must be above zero. Jittered copies of training images are between.
The table says for each case how often the dose was above zero, and how much a classifier of all training images then
gained by it on a large test set: as measured, and if the last quarter of its training is on real images alone.

A finished run is stored in ``OUTPUT/dose.json``: an interrupted benchmark continues with the next run. ``--quick``
takes the digits, which scikit-learn brings, with three seeds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from image_sets import LongTail, load
from numpy.typing import NDArray
from runs import Record, markdown_table, new_parser, output_folder, write
from torch import Tensor

from ganaug.data.dataset import Dataset
from ganaug.data.images.dataset import LabelledImages, from_arrays
from ganaug.evaluation.arms import Arm
from ganaug.evaluation.dose_measurement import measure_dose
from ganaug.evaluation.trials.images import QuickImageTrial

CASES = ("unseen", "copies", "noise", "shuffled")
PLAIN = Arm("plain", "classical", filled="altered")
Sampled = tuple[NDArray[np.uint8], NDArray[Any]]


class Drawn:
    """A sampler that draws with a function of class indices."""

    def __init__(self, classes: tuple[str, ...], images: Callable[[NDArray[np.int64], np.random.Generator], Any]):
        self.classes, self.images = classes, images

    def sample(self, n: dict[str, int], seed: Any = None, *, screened: bool = False) -> Sampled:  # noqa: ARG002
        """Return images and labels for a mapping from label to number."""
        labels = np.repeat(list(n), list(n.values()))
        index = np.array([self.classes.index(label) for label in labels])
        return self.images(index, np.random.default_rng(seed)), labels.astype(object)


def trainer_for(case: str, data: LongTail) -> Callable[..., Drawn]:
    """Return a function that makes the sampler of a case from a training part."""

    def train(part: LabelledImages, **_: Any) -> Drawn:
        shape = part.images.shape[1:]

        def one_of(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Callable[..., Any]:
            def drawn(index: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.uint8]:
                rows = [rng.choice(np.flatnonzero(labels == value)) for value in index]
                return images[rows].reshape(len(rows), *shape)

            return drawn

        if case == "unseen":
            return Drawn(part.classes, one_of(data.test_images[::2], data.test_labels[::2]))
        if case == "noise":
            return Drawn(part.classes, lambda index, rng: rng.integers(0, 256, (len(index), *shape), dtype=np.uint8))
        jittered = part.jittered(np.random.default_rng(0))
        return Drawn(part.classes, one_of(jittered.content, jittered.labels))

    return train


def measure(name: str, case: str, seed: int) -> Record:
    """Measure the dose of one case, and what a classifier of all training images gains by it on the test set."""
    data = load(name, seed)
    labels = data.train_labels
    if case == "shuffled":
        labels = np.random.default_rng(seed).permutation(labels)
    train = from_arrays(data.train_images, labels, data.classes)
    trainer, begun = trainer_for(case, data), time.perf_counter()
    dose = measure_dose(train, trainer, seed=seed)
    seconds = time.perf_counter() - begun
    assert dose.shares is not None, dose.sentence
    record: Record = {
        "sentence": dose.sentence,
        "gain": dose.gain,
        "share": max(dose.shares),
        "seconds": round(seconds),
    }
    if max(dose.shares) > 0:
        dosed = Arm("dosed", "gan", shares=tuple(dose.shares), filled="altered")
        for name, trial in (("test_gain", QuickImageTrial), ("late_gain", LateTrial)):
            one = trial(train, held_out(data), trainer(train), seed=seed)
            record[name] = 100 * tested_gain(one, dosed, seed)
    return record


def held_out(data: LongTail) -> Dataset:
    """Return the half of the test set that no sampler draws from."""
    return from_arrays(data.test_images[1::2], data.test_labels[1::2], data.classes)


def tested_gain(trial: QuickImageTrial, arm: Arm, seed: int) -> float:
    """Return the gain in balanced accuracy on the test set by an arm with synthetic samples, over two seeds."""

    def accuracy(one: QuickImageTrial, arm: Arm) -> float:
        return one.score(arm).metrics["balanced_accuracy"]

    trials = [trial.reseeded(seed + 100 * number) for number in range(2)]
    return float(np.mean([accuracy(one, arm) - accuracy(one, PLAIN) for one in trials]))


class LateTrial(QuickImageTrial):
    """The last quarter of the training is on real images alone."""

    def _batches(self, arm: Arm, train: LabelledImages) -> Iterator[tuple[Tensor, Tensor]]:
        with_synthetic, real = super()._batches(arm, train), super()._batches(PLAIN, train)
        for number in range(self.steps):
            mixed, alone = next(with_synthetic), next(real)
            yield mixed if number < 0.75 * self.steps else alone


def main() -> None:
    """Run the cases and write the table."""
    parser = new_parser(__doc__, quick="the digits and three seeds")
    parser.add_argument("--seeds", type=int, default=20, help="runs of every case; default: 20")
    parser.add_argument("--datasets", default="digits,mnist", help="separated by commas; default: digits,mnist")
    parser.add_argument("--cases", default=",".join(CASES), help=f"separated by commas; default: {','.join(CASES)}")
    options = parser.parse_args()
    folder = output_folder(options)
    file: Path = folder / "dose.json"
    done: dict[str, Record] = json.loads(file.read_text()) if file.exists() else {}
    names = ["digits"] if options.quick else options.datasets.split(",")
    for seed in range(3 if options.quick else options.seeds):
        for name in names:
            for case in options.cases.split(","):
                key = f"{name} {case} {seed}"
                if key not in done:
                    done[key] = measure(name, case, seed)
                    write(file, json.dumps(done, indent=1) + "\n")
                    print(f"{key}: {done[key]}", flush=True)
    write(folder / "dose.md", as_markdown(done))


def as_markdown(done: dict[str, Record]) -> str:
    """Return how often the dose was above zero, and what it was worth."""
    kinds = list(dict.fromkeys(key.rsplit(" ", 1)[0] for key in done))
    rows = []
    for kind in kinds:
        runs = [run for key, run in done.items() if key.rsplit(" ", 1)[0] == kind]
        given = [run for run in runs if run["share"] > 0]
        promised = f"{np.mean([run['gain'] for run in given]):+.1f}" if given else "-"
        found, late = (
            f"{np.mean([run[name] for run in given]):+.1f}" if given else "-" for name in ("test_gain", "late_gain")
        )
        seconds = f"{np.median([run['seconds'] for run in runs]):.0f}"
        rows.append([kind, f"{len(given)} of {len(runs)}", promised, found, late, seconds])
    titles = [
        "data set, samples",
        "dose above zero",
        "gain measured",
        "on the test set",
        "real images last",
        "seconds",
    ]
    return markdown_table(titles, rows) + "\n"


if __name__ == "__main__":
    main()
