"""Measure speed: training steps beside a textbook DCGAN, samples through ONNX Runtime, memory, start of the program.

    python benchmarks/image_speed.py [--seconds 40] [--rounds 3] [--quick] [--output benchmarks/results]

Every measurement is a new process, and ganaug and the DCGAN take turns. Both train on the colour patches with the same
batch size, with one thread and with the default number. ganaug's steps a second are the mean over its training, and
beside it those of the last stage, which draws the full size. Run it on an idle machine. Results: ``image-speed.json``
and ``image-speed.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from image_sets import load
from runs import Record, describe_machine, markdown_table, new_parser, output_folder, peak_memory, write_results

STARTS = 11  # of the program, for the median start-up time
SETS = {32: "patches", 64: "patches-64"}  # by side in pixels
SAMPLES = 1_024  # images in a round of sampling
WARM_UP = 5  # steps of the DCGAN that are not counted
THREADS = ("1", "default")


def main() -> None:
    parser = new_parser(__doc__, quick="5 s of training, one round")
    parser.add_argument("--seconds", type=float, default=40.0, help="length of each training; default: 40")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions, of which the median counts; default: 3")
    parser.add_argument("--measure", choices=MEASUREMENTS, help=argparse.SUPPRESS)
    parser.add_argument("--side", type=int, default=32, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(MEASUREMENTS[options.measure](options.side, options.seconds)))
        return
    if options.quick:
        options.seconds, options.rounds = 5.0, 1
    found: dict[tuple[int, str, str], list[Record]] = {}
    for _ in range(options.rounds):
        for side, threads, what in product(SETS, THREADS, MEASUREMENTS):
            record = _in_new_process(what, side, options.seconds, threads)
            found.setdefault((side, threads, what), []).append(record)
            print(side, threads, what, record, flush=True)
    rows = [
        {"side": side, "threads": threads}
        | {key: statistics.median(one[key] for one in records) for key in records[0]}
        | {"what": what}
        for (side, threads, what), records in found.items()
    ]
    machine = describe_machine()
    results = {"machine": machine, "seconds": options.seconds, "rounds": options.rounds, "rows": rows}
    results["startup_seconds"] = startup_seconds()
    write_results(output_folder(options), "image-speed", results, as_markdown(results))


def _in_new_process(what: str, side: int, seconds: float, threads: str) -> Record:
    variables = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {key: value for key, value in os.environ.items() if key not in variables}
    if threads != "default":
        environment |= dict.fromkeys(variables, threads)
    command = [sys.executable, __file__, "--measure", what, "--side", str(side), "--seconds", str(seconds)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    record: Record = json.loads(done.stdout.splitlines()[-1])
    return record


def ganaug_speed(side: int, seconds: float) -> Record:
    """Train ganaug for the budget, and draw samples of the generator; return steps and samples a second, and memory."""
    from ganaug import GANAugmenter

    data = load(SETS[side], 0)
    generator = GANAugmenter(time_budget=seconds, random_state=0).fit(data.train_images, data.train_labels).generator_
    stages = generator.metadata["training"]["stages"]
    memory = peak_memory()
    return {
        "steps_per_second": sum(one["steps"] for one in stages) / sum(one["seconds"] for one in stages),
        "steps_per_second_at_full_size": stages[-1]["steps"] / max(stages[-1]["seconds"], 1e-9),
        "samples_per_second": _sampling_speed(generator),
        "peak_memory_mb": memory,
    }


def dcgan_speed(side: int, seconds: float) -> Record:
    """Train the DCGAN for the time; return its steps a second."""
    import torch
    from dcgan import training

    from ganaug.evaluation.trials.image_classifier import to_tensor
    from ganaug.networks.images import ImageModality

    data = load(SETS[side], 0)
    torch.manual_seed(0)
    images, labels = to_tensor(data.train_images).contiguous(), torch.from_numpy(data.train_labels)
    began, counted = time.perf_counter(), 0
    for step in training(images, labels, len(data.classes), ImageModality.batch_size):
        if step == WARM_UP:
            began = time.perf_counter()
        counted = step - WARM_UP
        if counted > 0 and time.perf_counter() - began > seconds:
            break
    return {"steps_per_second": counted / (time.perf_counter() - began), "peak_memory_mb": peak_memory()}


MEASUREMENTS = {"ganaug": ganaug_speed, "DCGAN": dcgan_speed}


def _sampling_speed(generator: Any) -> float:
    """Return the unscreened images a second: the median of three rounds after a warm-up."""
    generator.sample(SAMPLES // 8, seed=0)
    seconds = []
    for seed in range(3):
        began = time.perf_counter()
        generator.sample(SAMPLES, seed=seed)
        seconds.append(time.perf_counter() - began)
    return SAMPLES / float(np.median(seconds))


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


def as_markdown(results: Record) -> str:
    """Return the results as a table in Markdown."""
    machine = results["machine"]
    rows = []
    for side, threads in product(SETS, THREADS):
        ours, theirs = (
            next(row for row in results["rows"] if (row["side"], row["threads"], row["what"]) == (side, threads, what))
            for what in MEASUREMENTS
        )
        figures = [
            f"{ours['steps_per_second']:.1f}",
            f"{ours['steps_per_second_at_full_size']:.1f}",
            f"{theirs['steps_per_second']:.1f}",
            f"{ours['samples_per_second']:,.0f}",
            f"{ours['peak_memory_mb']:.0f}",
            f"{theirs['peak_memory_mb']:.0f}",
        ]
        rows.append([f"{side} px", threads, *figures])
    titles = ["", "threads", "ganaug, steps/s", "at full size", "DCGAN, steps/s", "samples/s", "memory, MB", "DCGAN"]
    text = (
        f"# Images: speed\n\n{machine['processor']}, {machine['cores']} cores, torch {machine['torch']}; "
        f"{results['seconds']:g} s of training, median of {results['rounds']}. Made by `python "
        f"benchmarks/image_speed.py`.\n\n{markdown_table(titles, rows)}\n"
    )
    if startup := results["startup_seconds"]:
        ganaug, python = startup["ganaug --help"], startup["python -c pass"]
        text += f"\n`ganaug --help` {ganaug:.3f} s, `python -c pass` {python:.3f} s: + {ganaug - python:.3f} s.\n"
    return text


if __name__ == "__main__":
    main()
