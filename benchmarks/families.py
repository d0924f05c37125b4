"""Compare the families of generators on image sets: how samples are read, how varied, how quick, what they are worth.

    python benchmarks/families.py [--sets mnist,patches] [--models gan,vae,autoencoder,flow,auto] [--splits 1]
                                  [--seeds 3] [--budget 180] [--cpu-clock] [--quick] [--output benchmarks/results]

Each family is fitted once for each set and split, through `GANAugmenter`. A reader, a small network trained on real
images that no generator has seen, reads the samples. The classifier of the image benchmark is trained with and without
samples in the classes of few images, with several seeds. Each result is a cell, ``OUTPUT/family-cells/*.json``; an
interrupted benchmark goes on where it was. Results: ``families.json`` and ``families.md``.

For tables: ``python benchmarks/tables.py --sets quick --methods
ganaug,ganaug-vae,ganaug-autoencoder,ganaug-flow,ganaug-tried``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from image_altering import Images
from image_classifiers import CLASSICAL, Dose, score, train
from image_sets import LongTail, load
from images import FIXED_BELOW, FIXED_SHARE
from runs import Record, describe_machine, markdown_table, new_parser, output_folder, write, write_results

from ganaug import GANAugmenter, Generator
from ganaug.families import MODELS

ARM = "albumentations"
"""The arm that synthetic samples are added to."""
DRAWN = 200  # samples of a class
READER_STEPS = 1500
SPEED_SAMPLES = 2048
CLASSIFIER_STEPS = 500


def main() -> None:
    parser = new_parser(__doc__, quick="digits, 10 s, one seed")
    parser.add_argument("--sets", type=_names, default=["mnist", "patches"])
    parser.add_argument("--models", type=_names, default=list(MODELS))
    parser.add_argument("--splits", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=3, help="of the classifier")
    parser.add_argument("--budget", type=float, default=180.0, help="seconds of each training")
    parser.add_argument("--cpu-clock", action="store_true", help="count CPU seconds, which other programs do not take")
    options = parser.parse_args()
    reader_steps, steps = READER_STEPS, CLASSIFIER_STEPS
    if options.quick:
        options.sets, options.seeds, options.budget, reader_steps, steps = ["digits"], 1, 10.0, 100, 40
    torch.set_num_threads(1)
    if options.cpu_clock:
        time.perf_counter = time.process_time
    output = output_folder(options)
    cells = []
    for split, name in product(range(options.splits), options.sets):
        measure = _Measurement(load(name, split), options, reader_steps, steps)
        for model in options.models:
            path = output / "family-cells" / f"{name}-{split}-{model}.json"
            cells.append({"set": name, "split": split, "model": model} | _stored(path, options, lambda: measure(model)))  # noqa: B023
            print(cells[-1], flush=True)
    results = {"machine": describe_machine(), "budget": options.budget, "seeds": options.seeds, "cells": cells}
    write_results(output, "families", results, as_markdown(results))


def _names(text: str) -> list[str]:
    return text.split(",")


def _stored(path: Path, options: argparse.Namespace, measure: Any) -> Record:
    settings = {"budget": options.budget, "seeds": options.seeds, "cpu_clock": options.cpu_clock}
    if path.exists():
        record: Record = json.loads(path.read_text())
        if record["settings"] == settings:
            return record
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {"settings": settings} | measure()
    write(path, json.dumps(record, indent=1) + "\n")
    return record


class Reader:
    """A small network, trained on real images that no generator has seen, which reads the class of images."""

    def __init__(self, data: LongTail, steps: int = READER_STEPS) -> None:
        unseen = replace(data, train_images=data.unseen_images, train_labels=data.unseen_labels)
        self._network = train(unseen, CLASSICAL[ARM], None, steps=steps, seed=99)

    def read(self, images: Images) -> Any:
        """Return the index of the class that each image is read as, (n,)."""
        return self._network.probabilities(images).argmax(axis=1)


class _Measurement:
    """The measurements of one split of a set; the reader and the classical arm are measured once."""

    def __init__(self, data: LongTail, options: argparse.Namespace, reader_steps: int, steps: int) -> None:
        self.data, self.options, self.steps = data, options, steps
        self.counts = np.bincount(data.train_labels, minlength=len(data.classes))
        self.reader = Reader(data, reader_steps)
        self.classical = self._classifiers(None)
        right = self.reader.read(data.test_images) == data.test_labels
        self.real_read = [float(right[data.test_labels == k].mean()) for k in range(len(data.classes))]

    def __call__(self, model: str) -> Record:
        data, names = self.data, np.array(self.data.classes)[self.data.train_labels]
        began = time.perf_counter()
        augmenter = GANAugmenter(model=model, time_budget=self.options.budget, random_state=0)
        generator = augmenter.fit(data.train_images, names).generator_
        seconds = time.perf_counter() - began
        drawn, labels = generator.sample(dict.fromkeys(data.classes, DRAWN), seed=0)
        index = np.array([data.classes.index(label) for label in labels])
        read = [float((self.reader.read(drawn[index == k]) == k).mean()) for k in range(len(data.classes))]
        screened, labels = generator.sample(dict.fromkeys(data.classes, DRAWN), seed=1, screened=True)
        index = np.array([data.classes.index(label) for label in labels])
        shares = np.where(self.counts < FIXED_BELOW, FIXED_SHARE, 0.0)
        dose = Dose(tuple(screened[index == k] for k in range(len(data.classes))), shares)
        training = generator.metadata["training"]
        return {
            "family": generator.metadata["family"],
            "space": generator.metadata.get("space"),
            "why": training["family"],
            "seconds": round(seconds, 1),
            "steps": training["steps"],
            "score": training["score"],
            "read_as_label": round(statistics.mean(read), 4),
            "worst": round(min(read), 4),
            "real_read_as_label": round(statistics.mean(self.real_read), 4),
            "real_worst": round(min(self.real_read), 4),
            "variety": round(statistics.mean(training["variety"].values()), 3),
            "samples_per_second": round(_speed(generator), 1),
            "classical": self.classical,
            "with_samples": self._classifiers(dose),
        }

    def _classifiers(self, dose: Dose | None) -> list[float]:
        scores = []
        for seed in range(self.options.seeds):
            network = train(self.data, CLASSICAL[ARM], dose, steps=self.steps, seed=seed)
            predicted = network.probabilities(self.data.test_images).argmax(axis=1)
            scores.append(score(predicted, self.data.test_labels, len(self.data.classes))["balanced_accuracy"])
        return scores


def _speed(generator: Generator) -> float:
    """Return samples a second, unscreened, on the runtime's usual threads."""
    generator.sample(64, seed=0)
    began = time.perf_counter()
    generator.sample(SPEED_SAMPLES, seed=1)
    return SPEED_SAMPLES / (time.perf_counter() - began)


def as_markdown(results: Record) -> str:
    """Return a table of all cells; gains are in points of balanced accuracy, with the spread over classifiers."""
    speed = {
        (cell["set"], cell["split"]): cell["samples_per_second"] for cell in results["cells"] if cell["model"] == "gan"
    }
    rows = []
    for cell in results["cells"]:
        gains = [100 * (b - a) for a, b in zip(cell["classical"], cell["with_samples"], strict=True)]
        against = speed.get((cell["set"], cell["split"]))
        rows.append(
            [
                f"{cell['set']} {cell['split']}",
                cell["model"] + (f" ({cell['family']})" if cell["family"] != cell["model"] else ""),
                str(cell["space"]),
                f"{cell['steps']:,}",
                f"{cell['read_as_label']:.1%} / {cell['worst']:.0%}",
                f"{cell['real_read_as_label']:.1%} / {cell['real_worst']:.0%}",
                f"{cell['variety']:.2f}",
                f"{cell['score']:.2f}",
                f"{statistics.mean(gains):+.2f} ({min(gains):+.1f} to {max(gains):+.1f})",
                "-" if against is None else f"{cell['samples_per_second'] / against:.2f}",
            ]
        )
    titles = ["set, split", "model", "space", "steps", "read as label / worst", "real images", "variety", "score"]
    titles += ["gain", "speed"]
    text = f"# Families of generators\n\nTrained for {results['budget']:.0f} s each; {results['seeds']} classifiers. "
    text += "The gain is that of 30 % synthetic samples in the classes of few images, over the same arm without, in "
    text += "points of balanced accuracy. Speed: samples a second through ONNX Runtime, relative to the GAN.\n\n"
    return text + markdown_table(titles, rows) + "\n"


if __name__ == "__main__":
    main()
