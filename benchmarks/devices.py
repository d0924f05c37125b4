"""Measure training with several processes against one, at the same global batch, one torch thread for each process.

    python benchmarks/devices.py [--processes 2] [--steps 60] [--rounds 5] [--quick]

One process and several take turns, each time in new processes. What counts is the median rate of samples in the steps
at the full resolution, without validations; the first of these steps are not counted. Needs as many idle cores as
processes. Results: ``devices.json`` and ``devices.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import closing, nullcontext
from typing import Any

import numpy as np
import pandas as pd
from runs import Record, describe_machine, markdown_table, new_parser, output_folder, write_results

WARM_UP = 5  # steps that are not counted
IMAGES, CLASSES = 400, 10  # random: their content does not change the time
SETS: dict[str, dict[str, Any]] = {
    "images of 32 px": {"side": 32, "space": "pixels"},
    "images of 64 px": {"side": 64, "space": "pixels"},
    "images of 128 px": {"side": 128, "space": "pixels"},
    "latents of images of 64 px": {"side": 64, "space": "latent"},
    "rows": {},
}


def main() -> None:
    """Measure, and write ``devices.json`` and ``devices.md``."""
    parser = new_parser(__doc__, quick="10 steps, once")
    parser.add_argument("--processes", type=int, default=2, help="processes that learn together; default: 2")
    parser.add_argument("--steps", type=int, default=60, help="steps of a training that count; default: 60")
    parser.add_argument("--rounds", type=int, default=5, help="trainings of each kind; default: 5")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.steps, options.rounds = 10, 1
    if options.measure:
        _measure(options.measure[0], int(options.measure[1]), options.steps)
        return
    rates: dict[str, dict[int, list[float]]] = {}
    for name in SETS:
        rates[name] = {1: [], options.processes: []}
        for _ in range(options.rounds):
            for count, found in rates[name].items():
                found.append(_rate(name, count, options.steps))
                print(f"{name}, {count} processes: {found[-1]:.0f} samples a second", flush=True)
    rows = []
    for name, by_count in rates.items():
        one, several = (statistics.median(values) for values in by_count.values())
        rows.append([name, f"{one:.0f}", f"{several:.0f}", f"{several / one:.2f}"])
    titles = ["learned", "samples a second, one process", f"{options.processes} processes", "ratio"]
    results: Record = {"machine": describe_machine(), "steps": options.steps, "rates": rates}
    write_results(output_folder(options), "devices", results, markdown_table(titles, rows) + "\n")


def _rate(name: str, processes: int, steps: int) -> float:
    """Return the samples a second of a training in new processes."""
    command = [sys.executable, __file__, "--measure", name, str(processes), "--steps", str(steps)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return float(json.loads(done.stdout))


def _measure(name: str, processes: int, steps: int) -> None:
    """Train as one of the processes; the first of them prints the samples a second."""
    from ganaug.compute.joining import joined
    from ganaug.training import Run

    settings = dict(SETS[name])
    data = _images(settings.pop("side")) if "side" in settings else _rows()
    settings |= {"device": "cpu", "random_state": 0, "max_steps": WARM_UP + steps}
    if name != "rows":
        settings["techniques"] = {"growing": False}
    with nullcontext() if processes == 1 else joined(processes, device="cpu") as together:
        run = Run(data, processes=together, **settings)
        run.validated = False
        with run.turn(), closing(run.steps()) as taken:
            for step in taken:
                if step.number == WARM_UP:
                    begun = time.perf_counter()
            seconds = time.perf_counter() - begun
        if run.joint.leads:
            print(json.dumps(run.modality.batch_size * steps / seconds))


def _images(side: int) -> Any:
    from ganaug.data.images.dataset import from_arrays

    images = np.random.default_rng(0).integers(0, 256, (IMAGES, side, side, 3), dtype=np.uint8)
    return from_arrays(images, np.arange(IMAGES) % CLASSES, size=side)


def _rows() -> Any:
    from ganaug.data.tables.dataset import from_frame

    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(2_000, 20))).add_prefix("column")
    return from_frame(frame, np.arange(len(frame)) % 2)


if __name__ == "__main__":
    main()
