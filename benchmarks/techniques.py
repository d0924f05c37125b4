"""Switch each technique of training on or off, and measure what that does.

    python benchmarks/techniques.py [--sets digits,mnist,patches,tables] [--techniques NAME,...] [--seeds 5]
                                    [--quick] [--output benchmarks/results]

A cell is one set, one setting and one seed: ``OUTPUT/technique-cells/*.json``. An interrupted benchmark goes on where
it was, and the report has all cells that are stored. Generators of images take a fixed number of steps, so that the
clock decides nothing. A reader, a small network trained on real images that no generator has seen, reads the samples.
What samples are worth is measured by the classifier of the image benchmark; for tables, by a logistic regression and a
random forest on six of KEEL's tables, trained on rows filled up to half of the balance. Results: ``techniques.json``
and ``techniques.md``.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import keel
import numpy as np
import pandas as pd
import torch
from families import ARM, Reader
from image_classifiers import CLASSICAL, Dose, score, train
from image_sets import load
from images import FIXED_BELOW, FIXED_SHARE
from runs import Record, describe_machine, markdown_table, new_parser, output_folder, write, write_results
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ganaug import GANAugmenter, GANSampler

SETTINGS: dict[str, Record] = {
    "default": {},
    "growing off": {"growing": False},
    "averaging off": {"averaging": False},
    "early stopping off": {"early_stopping": False},
    "gradient penalty off": {"gradient_penalty": 0.0},
    "gradient penalty x 4": {"gradient_penalty": 4.0},
    "spectral norm": {"spectral_norm": True},
    "consistency": {"consistency": 1.0},
    "feature matching": {"feature_matching": 1.0},
    "adaptive augmentation": {"adaptive_augmentation": True},
    "minibatch deviation": {"minibatch_deviation": 0.5},
    "transition": {"transition": 0.3},
    "shared blocks": {"shared_blocks": 1},
    "class gain penalty": {"class_gain_penalty": 0.01},
    "one mapping layer": {"mapping_layers": 1},
    "six mapping layers": {"mapping_layers": 6},
    "style mixing": {"style_mixing": 0.5},
    "truncation": {"truncation": 0.7},
    "rejection sampling": {},
}
REJECTION = "rejection sampling"
"""Samples of the default generator, drawn again in proportion to their odds of being real (Azadi et al. 2019)."""
STEPS = {"digits": 600, "mnist": 800, "patches": 800}
OF_IMAGES: tuple[str, ...] = (
    "growing off",
    "adaptive augmentation",
    "shared blocks",
    "one mapping layer",
    "six mapping layers",
)
OF_IMAGES += ("style mixing", "truncation", "consistency", REJECTION)
"""Settings that change nothing for tables."""
TABLES = ("ecoli1", "glass1", "yeast3", "haberman", "vehicle0", "abalone9-18")
DRAWN = 200  # samples of a class
CANDIDATES = 4  # drawn for each that rejection sampling keeps
CLASSIFIER_STEPS, CLASSIFIERS = 500, 2


def main() -> None:
    parser = new_parser(__doc__, quick="digits, three settings, one seed, 30 steps")
    parser.add_argument("--sets", type=_names, default=[*STEPS, "tables"])
    parser.add_argument("--techniques", type=_names, default=list(SETTINGS))
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    if options.quick:
        options.sets, options.seeds = ["digits"], 1
        options.techniques = ["default", "feature matching", REJECTION]
        STEPS["digits"] = 30
    torch.set_num_threads(1)
    output = output_folder(options)
    for seed, name, setting in product(range(options.seeds), options.sets, options.techniques):
        if name == "tables" and setting in OF_IMAGES:
            continue
        measure = _of_tables if name == "tables" else lambda s, k, name=name: _images(name).measure(s, k)
        path = output / "technique-cells" / f"{name}-{setting.replace(' ', '_')}-{seed}.json"
        print(name, setting, seed, _stored(path, lambda: measure(setting, seed)), flush=True)  # noqa: B023
    cells = [json.loads(path.read_text()) for path in sorted((output / "technique-cells").glob("*.json"))]
    results = {"machine": describe_machine(), "settings": SETTINGS, "cells": cells}
    write_results(output, "techniques", results, as_markdown(results))


def _names(text: str) -> list[str]:
    return text.split(",")


def _stored(path: Path, measure: Callable[[], Record]) -> Record:
    if path.exists():
        record: Record = json.loads(path.read_text())
        return record
    path.parent.mkdir(parents=True, exist_ok=True)
    record = measure()
    write(path, json.dumps(record, indent=1) + "\n")
    return record


@cache
def _images(name: str) -> _Images:
    return _Images(name)


class _Images:
    """A set of images, its reader, and the scores of its classical arm."""

    def __init__(self, name: str) -> None:
        self.name, self.data = name, load(name, 0)
        self.reader = Reader(self.data)
        self.counts = np.bincount(self.data.train_labels, minlength=len(self.data.classes))
        self.classical = [self._classifier(None, seed) for seed in range(CLASSIFIERS)]

    def measure(self, setting: str, seed: int) -> Record:
        """Train a generator with a setting, and return what its samples are like and worth."""
        names = np.array(self.data.classes)[self.data.train_labels]
        began = time.process_time()
        augmenter = GANAugmenter(
            techniques=SETTINGS[setting],
            space="latent" if self.name == "patches" else "pixels",
            max_steps=STEPS[self.name],
            random_state=seed,
        )
        generator = augmenter.fit(self.data.train_images, names).generator_
        seconds = time.process_time() - began
        classes = range(len(self.data.classes))
        # The screen would hide what a setting does to the label, and is what samples are used with.
        plain, screened = (
            [self._drawn(generator, label, setting, is_on) for label in self.data.classes] for is_on in (False, True)
        )
        read = [float((self.reader.read(plain[k]) == k).mean()) for k in classes]
        dose = Dose(tuple(screened), np.where(self.counts < FIXED_BELOW, FIXED_SHARE, 0.0))
        gains = [self._classifier(dose, one) - self.classical[one] for one in range(CLASSIFIERS)]
        training = generator.metadata["training"]
        return {
            "set": self.name,
            "setting": setting,
            "seed": seed,
            "read_as_label": statistics.mean(read),
            "variety": statistics.mean(training["variety"].values()),
            "score": training["score"],
            "gain": 100 * statistics.mean(gains),
            "cpu_seconds": seconds,
        }

    def _drawn(self, generator: Any, label: str, setting: str, screened: bool) -> Any:
        if setting != REJECTION:
            return generator.sample({label: DRAWN}, seed=0, screened=screened)[0]
        images, _ = generator.sample({label: CANDIDATES * DRAWN}, seed=0)
        realism = generator.realism({label: CANDIDATES * DRAWN}, seed=0).astype(np.float64).clip(1e-6, 1 - 1e-6)
        odds = realism / (1 - realism)
        chosen = np.random.default_rng(0).choice(len(images), DRAWN, replace=False, p=odds / odds.sum())
        return images[chosen]

    def _classifier(self, dose: Dose | None, seed: int) -> float:
        network = train(self.data, CLASSICAL[ARM], dose, steps=CLASSIFIER_STEPS, seed=seed)
        predicted = network.probabilities(self.data.test_images).argmax(axis=1)
        accuracy: float = score(predicted, self.data.test_labels, len(self.data.classes))["balanced_accuracy"]
        return accuracy


def _of_tables(setting: str, seed: int) -> Record:
    """Return the mean over the tables of what half a balance of synthetic rows is worth, and its cost."""
    gains, seconds, scores, variety = [], 0.0, [], []
    for name in TABLES:
        table = keel.read(keel.data_folder(), name)
        folds = StratifiedKFold(2, shuffle=True, random_state=seed).split(table.X, table.y)
        for train_rows, test_rows in folds:
            X, y = table.X.iloc[train_rows], table.y[train_rows]
            began = time.process_time()
            sampler = GANSampler(techniques=SETTINGS[setting], random_state=seed).fit(X, y)
            seconds += time.process_time() - began
            training = sampler.generator_.metadata["training"]
            scores.append(training["score"])
            variety.append(statistics.mean(training["variety"].values()))
            drawn, _ = sampler.sample({1: max(1, int((y == 0).sum() - (y == 1).sum()) // 2)})
            # Numbers for the learners: the categories of all rows are one-hot encoded together.
            encoded = pd.get_dummies(pd.concat([X, table.X.iloc[test_rows], drawn])).to_numpy(np.float64)
            real, unseen, synthetic = np.split(encoded, [len(X), len(X) + len(test_rows)])
            test = unseen, table.y[test_rows]
            filled = np.concatenate([real, synthetic]), np.append(y, np.ones(len(drawn), int))
            gains.append(_accuracy(filled, test) - _accuracy((real, y), test))
    return {
        "set": "tables",
        "setting": setting,
        "seed": seed,
        "read_as_label": None,
        "variety": statistics.mean(variety),
        "score": statistics.mean(scores),
        "gain": 100 * statistics.mean(gains),
        "cpu_seconds": seconds,
    }


def _accuracy(train: Any, test: Any) -> float:
    learners = [
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        RandomForestClassifier(100, random_state=0),
    ]
    scores = [float(balanced_accuracy_score(test[1], one.fit(*train).predict(test[0]))) for one in learners]
    return statistics.mean(scores)


def as_markdown(results: Record) -> str:
    """Return a table for each set: each setting relative to the default, with the spread over seeds."""
    text = "# Techniques of training, one by one\n\nDifferences to the default with the same seed: mean and standard "
    text += "error over seeds. The gain is in points of balanced accuracy; a smaller score is better.\n"
    for name in dict.fromkeys(cell["set"] for cell in results["cells"]):
        cells = {(cell["setting"], cell["seed"]): cell for cell in results["cells"] if cell["set"] == name}
        rows = []
        for setting in results["settings"]:
            seeds = [seed for one, seed in cells if one == setting and ("default", seed) in cells]
            if seeds:
                row = [setting, str(len(seeds))]
                for key, factor, form in _FIGURES:
                    pairs = [(cells[setting, seed][key], cells["default", seed][key]) for seed in seeds]
                    row.append(_difference(pairs, factor, form, absolute=setting == "default"))
                rows.append(row)
        titles = ["setting", "seeds", "read as label", "variety", "score", "gain", "CPU seconds"]
        text += f"\n## {name}\n\n{markdown_table(titles, rows)}\n"
    return text


_FIGURES = (
    ("read_as_label", 100, ".1f"),
    ("variety", 1, ".2f"),
    ("score", 1, ".3f"),
    ("gain", 1, ".2f"),
    ("cpu_seconds", 1, ".0f"),
)


def _difference(pairs: list[tuple[Any, Any]], factor: float, form: str, *, absolute: bool) -> str:
    if pairs[0][0] is None:
        return "-"
    values = [factor * (one if absolute else one - other) for one, other in pairs]
    mean = f"{statistics.mean(values):{form if absolute else '+' + form}}"
    if len(values) == 1:
        return mean
    return f"{mean} ± {statistics.stdev(values) / len(values) ** 0.5:{form}}"


if __name__ == "__main__":
    main()
