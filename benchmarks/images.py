"""Measure ganaug on long-tailed image sets: speed, memory, fidelity, variety, copies, and a classifier's gain.

    python benchmarks/images.py [--datasets mnist,digits,fashion,patches] [--budget 3m | --max-steps N] [--seeds 5]
                                [--quick] [--output benchmarks/results]

One run is one data set with one seed. A finished run is written to ``OUTPUT/runs/``: an interrupted benchmark
continues with the next run, and a run with other settings is repeated. At the end ``images.json`` and ``images.md``
hold the mean and the standard deviation over the seeds, of all stored runs with the present settings. ``--quick`` takes
the digits alone, one seed, a budget of 10 seconds and short arms.

The program needs ``pip install 'ganaug[bench]'``, and Debian's package dataset-fashion-mnist for Fashion-MNIST. Run it
on an idle machine, or set ``OMP_NUM_THREADS`` to the number of free cores: torch's threads spin while they wait for
each other, and two threads on one core took up to 50 times as long. On a shared machine, bound the generators by
``--max-steps``: the quality is then measured after that many steps, and the number of steps that a budget affords has
to be measured separately.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from downstream import (
    ARMS,
    JUDGE_STEPS,
    Images,
    Labels,
    copies,
    read_as_label,
    reference_for,
    score_arms,
    variety_ratio,
)
from image_sets import NAMES, LongTail, Pool, load, pool
from numpy.typing import NDArray
from runs import Record, describe_machine, markdown_table, new_parser, output_folder, write, write_results

from ganaug.data.images.dataset import from_arrays
from ganaug.evaluation.trials.image_classifier import ImageClassifier
from ganaug.runtime.generator import Generator
from ganaug.training import Run, fit

VERSION = 3  # of the format of a stored run; runs of another version are repeated
STARTS = 11  # of the program, for the median start-up time
MEMORY_STEPS = 60  # of a fit that reaches every resolution
QUICK_NAMES = ["digits"]  # scikit-learn brings it


@dataclass(frozen=True)
class Settings:
    """Settings of a run besides its data set and seed."""

    budget: float | None = 180.0  # seconds of training of a generator
    max_steps: int | None = None  # of a generator, instead of the budget
    steps: int = 600  # of the classifier in every arm
    synthetic_share: float = 0.3  # of every batch
    per_class: int = 400  # synthetic images of a class
    judge_steps: int = JUDGE_STEPS
    version: int = VERSION


QUICK = Settings(budget=10.0, steps=40, per_class=40, judge_steps=60)


def main() -> None:
    options = _parse()
    if options.memory_of:
        print(_peak_memory_of_fit(options.memory_of))
        return
    bounds = {"budget": None, "max_steps": options.max_steps} if options.max_steps else {"budget": options.budget}
    settings = QUICK if options.quick else Settings(**bounds)
    output = output_folder(options)
    (output / "runs").mkdir(exist_ok=True)

    for name in options.datasets or (QUICK_NAMES if options.quick else NAMES):
        for seed in range(1 if options.quick else options.seeds):
            path = output / "runs" / f"{name}-{seed}.json"
            _resumed(path, {"dataset": name, "seed": seed, "settings": asdict(settings)}, measure_run)
    key = {"machine": describe_machine(), "memory_of": QUICK_NAMES[0] if options.quick else "mnist"}
    machine = _resumed(output / "runs" / "machine.json", key, measure_machine)

    stored = [json.loads(path.read_text()) for path in sorted((output / "runs").glob("*-*.json"))]
    runs = [run for run in stored if run["settings"] == asdict(settings)]
    results = {"settings": asdict(settings), **machine, "datasets": aggregate(runs)}
    write_results(output, "images", results, as_markdown(results))


def _parse() -> argparse.Namespace:
    parser = new_parser(__doc__, quick="digits, one seed, 10 s, short arms")
    parser.add_argument("--datasets", type=_names, help=f"of {', '.join(NAMES)}, separated by commas; default: all")
    parser.add_argument("--budget", type=_seconds, default=180.0, help="training time of every generator; default: 3m")
    parser.add_argument("--max-steps", type=int, help="training steps of every generator, instead of the budget")
    parser.add_argument("--seeds", type=int, default=5, help="splits of every data set; default: 5")
    parser.add_argument("--memory-of", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(NAMES):
        raise argparse.ArgumentTypeError(f"must be among {', '.join(NAMES)}; got {', '.join(sorted(unknown))}")
    return names


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"must be a time like 90s, 3m or 1h; got {text!r}")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


def _resumed(path: Path, key: Record, measure: Callable[[Record], Record]) -> Record:
    """Return the stored run if it has this key; otherwise measure and store it."""
    if path.exists():
        record: Record = json.loads(path.read_text())
        if key.items() <= record.items():
            return record
    print(f"{path.stem} ...", flush=True)
    record = key | measure(key)
    write(path, json.dumps(record, indent=2) + "\n")
    return record


def measure_run(key: Record) -> Record:
    """Train one generator on one split, and measure its speed, its samples and the arms."""
    name, seed, settings = key["dataset"], key["seed"], Settings(**key["settings"])
    data = load(name, seed)
    generator, training = fit_generator(data, settings, seed)
    raw = draw(generator, data, settings.per_class, screened=False)
    synthetic = draw(generator, data, settings.per_class, screened=True)
    return {
        "classes": list(data.classes),
        "counts": np.bincount(data.train_labels).tolist(),
        "training": training | {"images_per_second": sampling_speed(generator)},
        "quality": measure_quality(reference_for(name, settings.judge_steps), data, raw, synthetic),
        "arms": measure_arms(data, synthetic, settings, seed),
    }


def fit_generator(data: LongTail, settings: Settings, seed: int) -> tuple[Generator, Record]:
    """Train a generator; return it with the steps, seconds and alarms of its training."""
    began = time.perf_counter()
    real = from_arrays(data.train_images, data.train_labels, data.classes)
    best = Run(real, time_budget=settings.budget, max_steps=settings.max_steps, random_state=seed).run()
    trained = time.perf_counter()
    generator = best.export()
    done = time.perf_counter()
    summary = generator.metadata["training"]
    return generator, {
        "steps": summary["steps"],
        "stages": summary["stages"],
        "fit_seconds": done - began,
        "export_seconds": done - trained,
        "model_bytes": len(generator.to_bytes()),
        "stopped_early": summary["stopped_early"],
        "alarms": summary["alarms"],
    }


def draw(generator: Generator, data: LongTail, per_class: int, *, screened: bool) -> tuple[Images, Labels]:
    """Draw the same number of images of each class; the labels are indices into the data set's classes."""
    images, names = generator.sample(dict.fromkeys(data.classes, per_class), seed=0, screened=screened)
    return images, np.array([data.classes.index(name) for name in names], dtype=np.int64)


def sampling_speed(generator: Generator, n: int = 2_048) -> float:
    """Return the unscreened images per second that ONNX Runtime draws: the median of three rounds after a warm-up."""
    generator.sample(n // 8, seed=0)
    seconds = []
    for seed in range(3):
        began = time.perf_counter()
        generator.sample(n, seed=seed)
        seconds.append(time.perf_counter() - began)
    return n / statistics.median(seconds)


def measure_quality(
    judge: ImageClassifier, data: LongTail, raw: tuple[Images, Labels], synthetic: tuple[Images, Labels]
) -> dict[str, list[float]]:
    """Return fidelity, variety and copies by class; keys in ``_raw`` are of unscreened samples."""
    real = pool(data.name)
    return {
        "read_as_label_raw": _rounded(read_as_label(judge, *raw)),
        "read_as_label": _rounded(read_as_label(judge, *synthetic)),
        "read_as_label_real": _rounded(read_as_label(judge, data.test_images, data.test_labels)),
        "variety_raw": _rounded(variety_ratio(judge, *raw, real.images, real.labels)),
        "variety": _rounded(variety_ratio(judge, *synthetic, real.images, real.labels)),
        "copies": _rounded(copies(judge, *synthetic, data)),
    }


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 4) for value in values]


def measure_arms(data: LongTail, synthetic: tuple[Images, Labels], settings: Settings, seed: int) -> dict[str, Record]:
    """Return the `Score` of every arm, without and with synthetic samples."""
    share, steps = settings.synthetic_share, settings.steps
    scores = score_arms(data, synthetic, synthetic_share=share, steps=steps, seed=seed)
    return {name: asdict(score) for name, score in scores.items()}


def measure_machine(key: Record) -> Record:
    """Return peak memory and start-up time, measured in new processes."""
    data = pool(key["memory_of"])
    described = f"{len(data.images):,} images of {data.images.shape[1]} px"
    return {"peak_memory_mb": peak_memory(data), "fitted": described, "startup_seconds": startup_seconds()}


def peak_memory(data: Pool) -> float:
    """Return the peak memory, in MB, of a process that fits a generator to the images and exports it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "images.npz"
        np.savez(file, images=data.images, labels=data.labels, classes=np.array(data.classes))
        command = [sys.executable, __file__, "--memory-of", str(file)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _peak_memory_of_fit(file: Path) -> float:
    """Fit the images in the file for `MEMORY_STEPS` steps, and return this process's peak memory in MB."""
    with np.load(file) as stored:
        data = from_arrays(stored["images"], stored["labels"], stored["classes"].tolist())
    fit(data, max_steps=MEMORY_STEPS, random_state=0).sample(1_000, seed=0)
    # VmHWM is this program's own peak; ru_maxrss includes the memory of the parent when it started this one.
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) * 1024 / 1e6  # type: ignore[index]
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def startup_seconds() -> dict[str, float] | None:
    """Return the median wall time, in seconds, of ``ganaug --help`` and ``python -c pass``, started in turns."""
    beside = Path(sys.executable).with_name("ganaug")
    ganaug = str(beside) if beside.exists() else shutil.which("ganaug")
    if ganaug is None:
        return None
    commands = {"ganaug --help": [ganaug, "--help"], "python -c pass": [sys.executable, "-c", "pass"]}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(STARTS):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            times[name].append(time.perf_counter() - began)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def aggregate(runs: list[Record]) -> dict[str, Record]:
    """Return the mean and standard deviation over the seeds of every number of a run, by data set."""
    names = dict.fromkeys(run["dataset"] for run in runs)
    return {name: _over_seeds([_scalars(run) for run in runs if run["dataset"] == name]) for name in names}


def _over_seeds(scalars: list[dict[str, float]]) -> Record:
    keys = [key for key in scalars[0] if all(key in one for one in scalars)]
    values = {key: [one[key] for one in scalars] for key in keys}
    spread = {
        key: {"mean": statistics.fmean(several), "sd": statistics.stdev(several) if len(several) > 1 else 0.0}
        for key, several in values.items()
    }
    return spread | {"seeds": len(scalars)}


def _scalars(run: Record) -> dict[str, float]:
    """Return the numbers of a run by name."""
    training, quality = run["training"], run["quality"]
    scalars = {key: training[key] for key in ("steps", "fit_seconds", "export_seconds", "images_per_second")}
    for stage in training["stages"]:
        scalars[f"steps_per_second_{stage['resolution']}"] = stage["steps"] / stage["seconds"]
    for key, values in quality.items():
        scalars[f"{key}_mean"] = float(np.mean(values))
        scalars[f"{key}_worst"] = max(values) if key == "copies" else min(values)
    accuracy = {arm: score["balanced_accuracy"] for arm, score in run["arms"].items()}
    scalars |= {f"accuracy_{arm}": value for arm, value in accuracy.items()}
    scalars |= {f"worst_recall_{arm}": min(score["recall"]) for arm, score in run["arms"].items()}
    scalars |= {f"gain_{arm}": accuracy[f"{arm}+synthetic"] - accuracy[arm] for arm in ARMS}
    return scalars


def best_gain(scores: Record) -> tuple[str, str, float]:
    """Return the best arm without and the best arm with synthetic samples, and the difference of their means."""
    classical = max(ARMS, key=lambda arm: scores[f"accuracy_{arm}"]["mean"])
    augmented = max((f"{arm}+synthetic" for arm in ARMS), key=lambda arm: scores[f"accuracy_{arm}"]["mean"])
    gain: float = scores[f"accuracy_{augmented}"]["mean"] - scores[f"accuracy_{classical}"]["mean"]
    return classical, augmented, gain


def as_markdown(results: Record) -> str:
    """Return the results as tables in Markdown."""
    datasets, settings, machine = results["datasets"], results["settings"], results["machine"]
    bound = f"{settings['max_steps']:,} steps" if settings["max_steps"] else f"Budget {settings['budget']:g} s"
    sections = [
        "# Images: what ganaug measures\n\n"
        f"{bound} a generator; {machine['processor']}, {machine['cores']} cores, "
        f"torch {machine['torch']}. Mean ± standard deviation over seeds (splits). "
        f"Made by `python benchmarks/images.py`; seeds of each set: {_seeds(datasets)}.",
        "## Training and sampling\n\n" + _table(datasets, _training_columns(datasets)),
        "## The samples\n\nRead as their label by a classifier trained on all real data; variety is the mean pairwise "
        "feature distance inside a class over that of real images; a copy is nearer to a training image of its class "
        "than 99 % of held-out real images are, in pixels or in features (real images: 1 to 3 %). Unscreened "
        "samples, and samples that `screened=True` keeps.\n\n" + _table(datasets, QUALITY_COLUMNS),
        "## What a classifier gains\n\nBalanced accuracy in per cent of a small CNN, "
        f"{settings['steps']} steps in every arm; with synthetic samples they are {settings['synthetic_share']:.0%} "
        "of every batch, and albumentations change the real ones alone.\n\n" + _arms_table(datasets),
        "## The program\n\n" + _program(results),
    ]
    return "\n\n".join(sections) + "\n"


def _seeds(datasets: Record) -> str:
    return ", ".join(f"{name} {scores['seeds']}" for name, scores in datasets.items())


# Column title, scalar, factor, decimals.
Column = tuple[str, str, float, int]
QUALITY_COLUMNS: list[Column] = [
    ("unscreened read as label, %", "read_as_label_raw_mean", 100, 1),
    ("its worst class", "read_as_label_raw_worst", 100, 1),
    ("screened read as label, %", "read_as_label_mean", 100, 1),
    ("its worst class", "read_as_label_worst", 100, 1),
    ("real, worst class", "read_as_label_real_worst", 100, 1),
    ("unscreened variety", "variety_raw_mean", 1, 2),
    ("screened variety", "variety_mean", 1, 2),
    ("its worst class", "variety_worst", 1, 2),
    ("copies, %", "copies_mean", 100, 1),
    ("its worst class", "copies_worst", 100, 1),
]


def _training_columns(datasets: Record) -> list[Column]:
    prefix = "steps_per_second_"
    found = {int(key.removeprefix(prefix)) for scores in datasets.values() for key in scores if key.startswith(prefix)}
    return [
        ("steps", "steps", 1, 0),
        *((f"steps/s at {side} px", f"{prefix}{side}", 1, 1) for side in sorted(found)),
        ("whole fit, s", "fit_seconds", 1, 1),
        ("export, s", "export_seconds", 1, 1),
        ("images/s sampled", "images_per_second", 1, 0),
    ]


def _table(datasets: Record, columns: list[Column]) -> str:
    rows = [
        [name, *(_cell(scores.get(key), factor, decimals) for _, key, factor, decimals in columns)]
        for name, scores in datasets.items()
    ]
    return markdown_table(["", *(title for title, *_ in columns)], rows)


def _arms_table(datasets: Record) -> str:
    rows = []
    gains = []
    for name, scores in datasets.items():
        cells = [_cell(scores[f"accuracy_{arm}{extra}"], 100, 1) for arm in ARMS for extra in ("", "+synthetic")]
        gains.append(best_gain(scores)[2])
        rows.append([name, *cells, f"{100 * gains[-1]:+.2f}"])
    rows.append(["mean", *[""] * (2 * len(ARMS)), f"{100 * statistics.fmean(gains):+.2f}"])
    titles = [f"{arm}{extra}" for arm in ARMS for extra in ("", " + synthetic")]
    return markdown_table(["", *titles, "best with - best without, points"], rows)


def _cell(value: Record | None, factor: float, decimals: int) -> str:
    if value is None:
        return ""
    return f"{factor * value['mean']:.{decimals}f} ± {factor * value['sd']:.{decimals}f}"


def _program(results: Record) -> str:
    lines = [f"Peak memory of a fit of {results['fitted']}: {results['peak_memory_mb']:.0f} MB."]
    if startup := results["startup_seconds"]:
        ganaug, python = startup["ganaug --help"], startup["python -c pass"]
        lines.append(f"`ganaug --help` {ganaug:.3f} s, `python -c pass` {python:.3f} s: + {ganaug - python:.3f} s.")
    return " ".join(lines)


if __name__ == "__main__":
    main()
