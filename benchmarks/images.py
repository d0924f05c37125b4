"""Measure what synthetic images are worth to a classifier, beside classical augmentation, on long-tailed image sets.

    python benchmarks/images.py [--sets mnist,scenes] [--tails 20,100] [--splits 5] [--seeds 3]
                                [--arms natural,style] [--budget 3m | --max-steps N] [--jobs 1]
                                [--recipe NAME [--options JSON]] [--look] [--quick] [--output FOLDER]

A generator is fitted once for each set, tail and split, through `GANAugmenter`. Every arm trains the same small network
with three seeds; one arm is a linear classifier on pretrained features. Each result is a cell: one JSON file in
``OUTPUT/image-cells/``. An interrupted benchmark goes on where it was. A cell with other settings is measured again.
All recipes share the cells of arms without synthetic images. ``images.json`` and ``images.md`` sum up the cells with
the present settings, however many there are.

``--arms`` measures some arms alone. Without an arm with a dose among them, no generator is fitted, and the sums are
``images-arms.json`` and ``images-arms.md``.

``--recipe`` names a way to train generators, and ``--options`` are further parameters of `GANAugmenter` for it. After a
change of ganaug's training, take another name. ``--look`` draws real images beside synthetic ones of each class into
``OUTPUT/image-looks/``, and measures no classifier. ``--quick`` takes the digits alone.

``python benchmarks/image_sets.py`` lists the sets and what must be installed. Nothing may be chosen on those that are
held aside; ``--sets`` leaves them out unless it names them, or says ``all``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from image_classifiers import ARMS, DOSE_SUFFIX, DOSED, LINEAR, STYLE_P, Dose, score, train
from image_judge import judged
from image_look import draw_look
from image_report import as_markdown, summarise
from image_sets import HELD_ASIDE, NAMES, load, tails
from pretrained import features, linear_classifier
from runs import Record, describe_machine, new_parser, output_folder, write, write_results

from ganaug import GANAugmenter, Generator

VERSION = 2  # of the format of a cell; cells of another version are measured again
SEEDS = 3  # of the classifier
FIXED_SHARE, FIXED_BELOW = 0.3, 40  # synthetic share of the classes of fewer training images than that
QUICK_SETS = ["digits"]  # scikit-learn brings it
MAX_DRAWN = 200  # synthetic images of a class, for a classifier and for the judge


@dataclass(frozen=True)
class Settings:
    """Settings of a recipe, and of the classifiers."""

    recipe: str = "default"
    options: Record = field(default_factory=dict)  # further parameters of GANAugmenter
    budget: float | None = 180.0  # seconds of training of a generator
    max_steps: int | None = None  # of a generator, instead of the budget
    steps: int = 500  # of a classifier
    drawn: int = MAX_DRAWN
    dose: str = "auto"

    def of_generator(self) -> Record:
        """Return what a generator and its judgement depend on."""
        return {"version": VERSION} | {
            key: value for key, value in asdict(self).items() if key not in ("steps", "dose")
        }

    def of_arm(self, arm: str) -> Record:
        """Return what the score of an arm depends on."""
        if arm == LINEAR:
            return {"version": VERSION}
        own: Record = {"version": VERSION, "steps": self.steps}
        if arm in ARMS and ARMS[arm].style:
            own |= {"strength": list(ARMS[arm].strength), "p": STYLE_P}
        return own | self.of_generator() | {"dose": self.dose} if arm in DOSED else own


@dataclass(frozen=True)
class Unit:
    """A split of a set, with its cells."""

    set: str
    tail: int
    split: int
    seeds: int
    settings: Settings
    output: Path
    names: tuple[str, ...] = (*ARMS, LINEAR)  # of the arms

    @cached_property
    def data(self) -> Any:
        """The training images, test images and unseen images."""
        return load(self.set, self.split, self.tail)

    @property
    def name(self) -> str:
        """Name in file names and messages."""
        return f"{self.set}-{self.tail}-{self.split}"

    @cached_property
    def counts(self) -> Any:
        """The training images of each class."""
        return np.bincount(self.data.train_labels, minlength=len(self.data.classes))

    @property
    def model(self) -> Path:
        """The file of the generator."""
        return self._folder(generated=True) / "generator.onnx"

    def _folder(self, *, generated: bool) -> Path:
        folder = self.output / "image-cells" / (self.settings.recipe if generated else "classical") / self.name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def cell(self, name: str, settings: Record, measure: Callable[[], Record] | None) -> Record | None:
        """Return the stored cell if it has these settings; otherwise measure and store it, or return None."""
        path = self._folder(generated="recipe" in settings) / f"{name}.json"
        if path.exists():
            record: Record = json.loads(path.read_text())
            if record["settings"] == settings:
                return record
        if measure is None:
            return None
        began = time.process_time()
        record = {"settings": settings, "set": self.set, "tail": self.tail, "split": self.split, "arm": name}
        record |= measure()
        record["cpu_seconds"] = round(time.process_time() - began, 1)
        write(path, json.dumps(record, indent=1) + "\n")
        return record

    def generator(self) -> Record:
        """Return the cell of the generator, which is fitted if need be."""
        found = self.cell("generator", self.settings.of_generator(), self._fit_and_judge)
        assert found is not None
        return found

    def _fit_and_judge(self) -> Record:
        data, settings = self.data, self.settings
        names = np.array(data.classes)[data.train_labels]
        augmenter = GANAugmenter(
            time_budget=settings.budget, max_steps=settings.max_steps, random_state=self.split, **settings.options
        )
        generator = augmenter.fit(data.train_images, names).generator_
        generator.save(self.model)
        summary = generator.metadata["training"]
        images, labels = self.samples(generator)
        return {
            "classes": list(data.classes),
            "counts": self.counts.tolist(),
            "training": {key: summary[key] for key in ("steps", "seconds", "alarmed")},
        } | judged(data, images, labels, self.split)

    def samples(self, generator: Generator) -> tuple[Any, Any]:
        """Draw the same number of screened images of each class; labels are indices into the classes."""
        drawn, names = generator.sample(dict.fromkeys(self.data.classes, self.settings.drawn), seed=0, screened=True)
        return drawn, np.array([self.data.classes.index(name) for name in names], dtype=np.int64)

    @cached_property
    def dose(self) -> Dose:
        """The samples of the generator and their share of each class."""
        self.generator()
        generator = Generator.load(self.model)
        images, labels = self.samples(generator)
        shares = dose_of(generator, self.counts, self.settings.dose)
        return Dose(tuple(images[labels == label] for label in range(len(self.data.classes))), shares)

    def arms(self) -> Iterator[tuple[str, str, int]]:
        """Yield the name of every cell of a classifier, its arm and its seed."""
        for seed, arm in product(range(self.seeds), [arm for arm in self.names if arm != LINEAR]):
            yield _cell_name(arm, seed), arm, seed
        if LINEAR in self.names:
            yield "linear", LINEAR, 0

    def measure(self) -> None:
        """Measure all cells that are not stored."""
        if not DOSED.keys().isdisjoint(self.names):
            self.generator()
        for name, arm, seed in self.arms():
            self.cell(name, self.settings.of_arm(arm), lambda arm=arm, seed=seed: self._score(arm, seed))  # type: ignore[misc]

    def _score(self, arm: str, seed: int) -> Record:
        data = self.data
        dose = self.dose if arm in DOSED else None
        if dose is not None and not dose.shares.any():  # its batches are those of the classical arm
            classical = arm.removesuffix(DOSE_SUFFIX)
            cell = self.cell(_cell_name(classical, seed), self.settings.of_arm(classical), None)
            if cell is not None:
                return {key: cell[key] for key in ("seed", "balanced_accuracy", "recall")} | {
                    "dose": dose.shares.tolist()
                }
        if arm == LINEAR:
            linear = linear_classifier(features(data.train_images), data.train_labels)
            predicted = linear.predict(features(data.test_images))
        else:
            network = train(data, ARMS[arm], dose, steps=self.settings.steps, seed=seed)
            predicted = network.probabilities(data.test_images).argmax(axis=1)
        found = {"seed": seed} | score(predicted, data.test_labels, len(data.classes))
        return found if dose is None else found | {"dose": dose.shares.round(4).tolist()}

    def stored(self) -> Iterator[Record]:
        """Yield the stored cells with the present settings; the arm of each is that of `ARMS`."""
        dosed = not DOSED.keys().isdisjoint(self.names)
        if dosed and (found := self.cell("generator", self.settings.of_generator(), None)):
            yield found
        for name, arm, _ in self.arms():
            if found := self.cell(name, self.settings.of_arm(arm), None):
                yield found | {"arm": arm}


def _cell_name(arm: str, seed: int) -> str:
    return f"{arm.replace(' + ', '-')}-{seed}"


def dose_of(generator: Generator, counts: Any, wanted: str = "auto") -> Any:
    """Return the synthetic share of each class: the one place that decides it.

    "auto" is the dose that the model file records as measured; a file without one is treated as "fixed", which is
    `FIXED_SHARE` in the classes of fewer than `FIXED_BELOW` training images.
    """
    measured = getattr(generator, "dose", None) if wanted == "auto" else None
    if measured is not None:
        return np.array([measured[name] for name in generator.metadata["classes"]], dtype=np.float64)
    return np.where(counts < FIXED_BELOW, FIXED_SHARE, 0.0)


def main() -> None:
    options = _parse()
    output = output_folder(options)
    settings = Settings(options.recipe, options.options, options.budget, dose=options.dose)
    if options.max_steps:
        settings = replace(settings, budget=None, max_steps=options.max_steps)
    if options.quick:
        settings = replace(settings, budget=10.0, max_steps=None, steps=40, drawn=40)
        options.sets, options.tails, options.splits, options.seeds = QUICK_SETS, [20], 2, 1
    units = [
        Unit(name, tail, split, options.seeds, settings, output, options.arms)
        for split, name in product(range(options.splits), options.sets)
        for tail in tails(name)
        if tail in options.tails
    ]
    if options.look:
        for unit in units:
            look(unit)
        return
    if not options.report_only:
        measure_all(units, options.jobs)
    cells = [cell for unit in units for cell in unit.stored()]
    if not cells:
        raise SystemExit("There must be cells with these settings in OUTPUT: run without --report-only")
    results = {"settings": asdict(settings), "machine": describe_machine()} | summarise(cells)
    some = DOSED.keys().isdisjoint(options.arms)
    write_results(output, "images-arms" if some else "images", results, as_markdown(results))


def _parse() -> argparse.Namespace:
    parser = new_parser(__doc__, quick="digits, two splits, one seed, 10 s, short arms")
    usual = [name for name in NAMES if name not in HELD_ASIDE]
    parser.add_argument("--sets", type=_names, default=usual, help=f"all, or of {', '.join(NAMES)}, with commas")
    parser.add_argument("--tails", type=_numbers, default=[20, 100], help="of 20 and 100, with commas; default: both")
    parser.add_argument("--splits", type=int, default=5, help="splits of every set and tail; default: 5")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"seeds of every classifier; default: {SEEDS}")
    every = (*ARMS, LINEAR)
    parser.add_argument("--arms", type=_arms, default=every, help=f"of {', '.join(every)}, with commas; default: all")
    parser.add_argument("--budget", type=_seconds, default=180.0, help="training time of every generator; default: 3m")
    parser.add_argument("--max-steps", type=int, help="training steps of every generator, instead of the budget")
    parser.add_argument("--jobs", type=int, default=1, help="processes with one thread each; default: 1")
    parser.add_argument("--recipe", default="default", help="name of a way to train generators; default: default")
    parser.add_argument("--options", type=json.loads, default={}, help="further parameters of GANAugmenter, as JSON")
    parser.add_argument("--dose", choices=("auto", "fixed"), default="auto", help="see dose_of; default: auto")
    parser.add_argument("--look", action="store_true", help="draw real images beside synthetic ones, and stop")
    parser.add_argument("--report-only", action="store_true", help="measure nothing")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = list(NAMES) if text == "all" else text.split(",")
    if unknown := set(names) - set(NAMES):
        raise argparse.ArgumentTypeError(f"must be among {', '.join(NAMES)}; got {', '.join(sorted(unknown))}")
    return names


def _arms(text: str) -> tuple[str, ...]:
    arms = tuple(text.split(","))
    if unknown := set(arms) - {*ARMS, LINEAR}:
        raise argparse.ArgumentTypeError(
            f"must be among {', '.join((*ARMS, LINEAR))}; got {', '.join(sorted(unknown))}"
        )
    return arms


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"must be a time like 90s, 3m or 1h; got {text!r}")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


def measure_all(units: list[Unit], jobs: int) -> None:
    """Measure the missing cells of all units, each unit in a process with one thread."""
    # The libraries read these variables when they are loaded, in the new processes.
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    began = time.perf_counter()
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        running = {pool.submit(unit.measure): unit for unit in units}
        for number, future in enumerate(as_completed(running), 1):
            future.result()
            left = (time.perf_counter() - began) / number * (len(units) - number)
            print(f"{number}/{len(units)} {running[future].name}, {left / 60:.0f} min left", flush=True)


def look(unit: Unit) -> None:
    """Draw real images beside synthetic ones of each class, and print where the picture is."""
    unit.generator()
    drawn, labels = unit.samples(Generator.load(unit.model))
    folder = unit.output / "image-looks"
    folder.mkdir(exist_ok=True)
    path = folder / f"{unit.settings.recipe}-{unit.name}.png"
    draw_look(unit.data, drawn, labels, path)
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
