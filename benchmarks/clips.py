"""Measure how well clips and volumes are learned: samples read as their label, and speed, on one thread.

    python benchmarks/clips.py [--sets digits,head] [--models gan,vae] [--budget 3m | --max-steps N] [--quick]
                               [--output FOLDER]

For each set and family, a generator is fitted as ``ganaug fit`` does it. A classifier that is trained on real clips,
none of which the generator saw, then reads real clips and synthetic ones. ``clips.json`` and ``clips.md`` hold the
results, and ``clips-SET-FAMILY.png`` shows some real clips on the left and some synthetic ones on the right.

The sets:

- ``digits``: the digits of scikit-learn (BSD-3) move across 16 x 16 pixels in 8 frames. A class is a digit and a
  direction. The classifier learns from other digits than the generator.
- ``head``: windows of 8 slices of a head, from a magnetic resonance volume that nibabel (MIT) brings with its tests. A
  class is a place in the head. The generator learns from the first of the two volumes, and the classifier from the
  second, which is of the same head: what is measured is whether a window shows its place. It is installed by
  ``pip install nibabel``.
"""

from __future__ import annotations

import importlib
import time
import warnings
from argparse import Namespace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from runs import Record, describe_machine, markdown_table, new_parser, output_folder, write_results
from sklearn.datasets import load_digits

from ganaug.cli.options import duration
from ganaug.data.clips.dataset import LabelledClips, from_arrays
from ganaug.data.clips.pictures import draw_clips
from ganaug.evaluation.trials.clips import ClipTrial
from ganaug.families import FAMILIES
from ganaug.runtime.generator import Generator
from ganaug.training import fit

FRAMES, SIDE = 8, 16
"""Of all clips."""
DIGITS, DIRECTIONS = (0, 1, 3, 7), {"right": (0, 1), "down": (1, 0)}
SPEEDS = (0.7, 1.0)
"""Shares of the way across that a digit goes."""
OF_A_CLASS, JUDGED = 40, 64
"""Clips of a class that a generator learns from; synthetic clips of a class that are judged."""
JUDGE_STEPS = 400
WINDOW = 32
"""Side of a window of the head in voxels, which is averaged down to `SIDE`."""
PLACES = {"upper left": (12, 32), "upper right": (12, 64), "lower left": (50, 32), "lower right": (50, 64)}
"""Corners of windows in a slice, row and column, which are moved by up to `MOVED` voxels."""
MOVED = 5
VOLUMES = "example4d.nii.gz"
SHOWN = 4  # clips of a class and kind in the picture
PAPER = 255

Pixels = NDArray[np.uint8]  # (n, frames, height, width, 1)


class Clips(NamedTuple):
    """Clips of one set: for the generator, for the classifier, and for the test of the classifier."""

    learned: LabelledClips
    judging: LabelledClips
    test: LabelledClips


def digits(seed: int = 0) -> Clips:
    """Return moving digits; generator and classifier have different halves of scikit-learn's digits."""
    images, labels = load_digits(return_X_y=True)
    images, half = images.reshape(-1, 8, 8) / 16, len(images) // 2
    rng = np.random.default_rng(seed)
    parts = (slice(0, half), OF_A_CLASS), (slice(half, None), 2 * OF_A_CLASS), (slice(0, half), OF_A_CLASS)
    return Clips(*(_moving(images[part], labels[part], count, rng) for part, count in parts))


def _moving(
    images: NDArray[np.float64], labels: NDArray[np.int64], count: int, rng: np.random.Generator
) -> LabelledClips:
    clips, names = [], []
    for digit in DIGITS:
        rows = np.flatnonzero(labels == digit)
        for name, step in DIRECTIONS.items():
            clips += [_moved(images[rng.choice(rows)], step, rng) for _ in range(count)]
            names += [f"{digit} {name}"] * count
    return from_arrays(np.stack(clips)[..., None], np.array(names))


def _moved(image: NDArray[np.float64], step: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """Return one clip of a digit that moves by parts of a pixel."""
    room = SIDE - len(image)
    start, across, way = rng.uniform(0, 2), int(rng.integers(room + 1)), rng.uniform(*SPEEDS) * (room - 2)
    clip = np.zeros((FRAMES, SIDE, SIDE))
    for frame in range(FRAMES):
        along = start + way * frame / (FRAMES - 1)
        for place, weight in ((int(along), 1 - along % 1), (int(along) + 1, along % 1)):
            top, left = (place, across) if step[0] else (across, place)
            clip[frame, top : top + 8, left : left + 8] += (weight * image)[: SIDE - top, : SIDE - left]
    return np.round(255 * clip.clip(0, 1)).astype(np.uint8)


def head(seed: int = 0) -> Clips:
    """Return windows of a head; the classifier learns from another volume than the generator."""
    nibabel = importlib.import_module("nibabel")
    file = Path(str(nibabel.__file__)).parent / "tests" / "data" / VOLUMES
    values = np.asarray(nibabel.load(file).dataobj).T.astype(np.float64)  # (volumes, slices, rows, columns)
    volumes = [np.round(255 * (one / np.quantile(one, 0.999)).clip(0, 1)).astype(np.uint8) for one in values]
    rng = np.random.default_rng(seed)
    first, second = volumes
    parts = (first, OF_A_CLASS), (second, 2 * OF_A_CLASS), (first, OF_A_CLASS)
    return Clips(*(_windows(volume, count, rng) for volume, count in parts))


def _windows(volume: Pixels, count: int, rng: np.random.Generator) -> LabelledClips:
    clips, names = [], []
    for name, corner in PLACES.items():
        for _ in range(count):
            top, left = np.array(corner) + rng.integers(-MOVED, MOVED + 1, 2)
            begin = int(rng.integers(len(volume) - FRAMES + 1))
            clips.append(volume[begin : begin + FRAMES, top : top + WINDOW, left : left + WINDOW])
            names.append(name)
    return from_arrays(np.stack(clips)[..., None], np.array(names), size=SIDE)


SETS = {"digits": digits, "head": head}


def measure(name: str, model: str, options: Namespace, folder: Path) -> Record:
    """Fit a generator, and return what a classifier reads, and the speed."""
    data = SETS[name]()
    judge = ClipTrial(data.judging, data.test, None, seed=0, steps=JUDGE_STEPS)
    limits = {"time_budget": None if options.max_steps else options.budget, "max_steps": options.max_steps}
    generator = fit(data.learned, model=model, random_state=0, **limits)
    training = generator.metadata["training"]

    def read(clips: Pixels, labels: list[str]) -> float:
        guess = judge.class_probabilities(from_arrays(clips, np.array(labels), size=SIDE)).argmax(axis=1)
        return round(100 * float(np.mean([data.learned.classes[i] for i in guess] == np.array(labels))), 1)

    wanted = dict.fromkeys(generator.classes, JUDGED)
    started = time.perf_counter()
    synthetic, labels = generator.sample(wanted, seed=0)
    seconds = time.perf_counter() - started
    screened, its_labels = generator.sample(wanted, seed=0, screened=True)
    draw(data.learned, generator, folder / f"clips-{name}-{model}.png")
    return {
        "set": name,
        "model": model,
        "steps": training["steps"],
        "steps_per_second": round(training["steps"] / training["seconds"], 1),
        "samples_per_second": round(len(synthetic) / seconds),
        "real_read": read(data.test.clips, data.test.label_values.tolist()),
        "synthetic_read": read(synthetic, labels.tolist()),
        "screened_read": read(screened, its_labels.tolist()),
        "variety": round(float(np.mean(list(training["variety"].values()))), 2),
    }


def draw(real: LabelledClips, generator: Generator, file: Path) -> None:
    """Write a picture with a row for each class: real clips on the left, synthetic ones on the right."""
    rows = []
    for label, name in enumerate(real.classes):
        synthetic, _ = generator.sample({name: SHOWN}, seed=label)
        kinds = draw_clips(real.clips[real.labels == label][:SHOWN]), draw_clips(synthetic)
        strips = [np.pad(one[..., 0], ((0, 6), (0, 12)), constant_values=PAPER) for kind in kinds for one in kind]
        rows.append(np.concatenate(strips, axis=1))
    Image.fromarray(np.concatenate(rows)).save(file)


def as_markdown(found: list[Record], options: Namespace, machine: Record) -> str:
    """Return the table of the results, and how they were measured."""
    columns = {
        "set": "Set",
        "model": "Family",
        "steps": "Steps",
        "steps_per_second": "Steps a second",
        "samples_per_second": "Samples a second",
        "real_read": "Real clips read right, %",
        "synthetic_read": "Samples read as their label, %",
        "screened_read": "The same, screened, %",
        "variety": "Variety",
    }
    length = f"{options.max_steps:,} training steps" if options.max_steps else f"{options.budget:.0f} s"
    rows = [[str(one[name]) for name in columns] for one in found]
    lines = [
        "# Clips and volumes",
        "",
        f"A fit of {length} on one thread, to {OF_A_CLASS} clips of each class, {FRAMES} frames of {SIDE} x {SIDE} "
        f"pixels. {machine['processor']}, torch {machine['torch']}.",
        "",
        "The classifier learned from real clips that the generator did not see. Variety is the mean distance of "
        "samples of a class, relative to that of real clips.",
        "",
        markdown_table(list(columns.values()), rows),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, and write the results."""
    parser = new_parser(__doc__, "20 steps on the digits")
    parser.add_argument("--sets", default=",".join(SETS), help="default: %(default)s")
    parser.add_argument("--models", default="gan", help=f"some of: {', '.join(FAMILIES)}; default: %(default)s")
    parser.add_argument("--budget", type=duration, default=180.0, help="of a fit, such as 3m; default: 3m")
    parser.add_argument("--max-steps", type=int, help="of a fit, in place of the budget")
    options = parser.parse_args()
    options.sets, options.models = options.sets.split(","), options.models.split(",")
    if options.quick:
        options.sets, options.max_steps = ["digits"], 20
    if unknown := set(options.sets) - set(SETS):
        parser.error(f"--sets must name some of {', '.join(SETS)}, but names {', '.join(sorted(unknown))}")
    warnings.simplefilter("ignore")  # alarms of short fits
    torch.set_num_threads(1)
    folder, machine, found = output_folder(options), describe_machine(), []
    for name in options.sets:
        for model in options.models:
            found.append(measure(name, model, options, folder))
            print(found[-1], flush=True)
            write_results(folder, "clips", {"machine": machine, "results": found}, as_markdown(found, options, machine))


if __name__ == "__main__":
    main()
