"""Compare torch's own threads with one thread and whole pieces of work, on an idle machine and beside busy programs.

Each measurement is a fit of images by steps, in a process of its own:

- "one thread": one torch thread and one worker, so that nothing runs at the same time;
- "own threads": torch's default number of threads, and one worker, as before;
- "workers": one torch thread, and as many workers as there are cores, as ganaug does it.

The ways take turns, first alone, then beside as many busy processes as there are cores. The ratios are times relative
to "one thread" under the same load. A fit with torch's own threads may take hours beside busy programs: it is stopped
at ``--patience`` times the time of one thread, and the ratio is then a lower bound.

``python benchmarks/threads.py`` takes about ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import Mock

from runs import Record, describe_machine, markdown_table, new_parser, output_folder, write_results

WAYS = ("one thread", "own threads", "workers")
SIDE, IMAGES, CLASSES = 32, 400, 10  # random grey images: their content does not change the time
SPIN = "while True: pass"


def main() -> None:
    """Measure, and write ``threads.json`` and ``threads.md``."""
    parser = new_parser(__doc__, quick="20 steps, once")
    parser.add_argument("--steps", type=int, default=200, help="training steps of a fit; default: %(default)s")
    parser.add_argument("--rounds", type=int, default=3, help="fits of each way under each load; default: %(default)s")
    parser.add_argument("--patience", type=float, default=10.0, help="bound on a ratio; default: %(default)s")
    parser.add_argument("--fit", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.steps, options.rounds = 20, 1
    if options.fit:
        print(_fit(options.fit, options.steps))
        return
    loads = {"idle": 0, "beside busy processes": os.cpu_count() or 1}
    seconds = {load: _measure(busy, options) for load, busy in loads.items()}
    results = {"machine": describe_machine(), "steps": options.steps, "loads": loads, "seconds": seconds}
    write_results(output_folder(options), "threads", results, _report(results))


def _measure(busy: int, options: argparse.Namespace) -> dict[str, list[float | None]]:
    """Return the seconds of every fit by its way; None where it was stopped."""
    seconds: dict[str, list[float | None]] = {way: [] for way in WAYS}
    with _busy_processes(busy):
        for _ in range(options.rounds):
            longest: float | None = None
            for way in WAYS:
                command = [sys.executable, __file__, "--fit", way, "--steps", str(options.steps)]
                try:
                    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=longest)
                    seconds[way].append(float(done.stdout))
                    longest = longest or options.patience * float(done.stdout) + 60  # for the start of the process
                except subprocess.TimeoutExpired:
                    seconds[way].append(None)
                print(f"{busy} busy, {way}: {seconds[way][-1]} s", flush=True)
    return seconds


@contextmanager
def _busy_processes(count: int) -> Iterator[None]:
    spinning = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(count)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def _fit(way: str, steps: int) -> float:
    """Return the seconds of a fit, without imports and the export."""
    import numpy as np
    import torch

    from ganaug.compute import parallel
    from ganaug.data.images.dataset import from_arrays
    from ganaug.training import Run

    if way != "workers":
        parallel.usable_cores = lambda: 1
    if way == "own threads":
        torch.set_num_threads(os.cpu_count() or 1)
        torch.set_num_threads = Mock()  # what ganaug asks for is not done
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (IMAGES, SIDE, SIDE), dtype=np.uint8)
    run = Run(from_arrays(images, random.integers(0, CLASSES, IMAGES)), max_steps=steps, random_state=0)
    began = time.perf_counter()
    run.run()
    return time.perf_counter() - began


def _report(results: Record) -> str:
    rows = []
    for load, seconds in results["seconds"].items():
        alone = statistics.median(seconds["one thread"])
        for way, times in seconds.items():
            known = [time for time in times if time is not None]
            stopped = len(known) < len(times)
            shown = "stopped" if not known else f"{statistics.median(known):.1f}"
            ratio = "more than the patience" if stopped else f"{statistics.median(known) / alone:.2f}"
            rows.append([load, way, shown, ratio])
    heading = f"# Threads\n\nA fit of {results['steps']} steps at {SIDE} px, median of the seconds.\n\n"
    return heading + markdown_table(["load", "way", "seconds", "relative to one thread"], rows)


if __name__ == "__main__":
    main()
