"""Simulate the queues of a large job, and compare the simulation with ``ganaug sample --shards`` on this machine.

    python benchmarks/queues.py [--only PART]... [--rounds 3] [--processes 2] [--quick]

Two pipelines are simulated, as `queue_simulation` describes them, with the rates of ``planning.json``, which
``planning.py`` measures.

To check it, some processes first draw shards side by side, each into a folder of its own. From the CPU seconds of these
shards the simulation predicts how long the same processes take together for one folder; then they do it. CPU seconds
are compared, because other programs change them less than the wall clock. Needs as many cores as processes. Takes about
three minutes. Results: ``queues.json`` and ``queues.md``.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from queue_simulation import ORDERS, Loading, Sampling, efficiency, load, sample
from runs import RESULTS, Record, describe_machine, markdown_table, new_parser, output_folder, write_results

PARTS = ("simulation", "check", "waiting")
SEEDS = 5  # simulations of which the mean is shown
WAIT = 0.1  # seconds in which a thread seems to draw a shard
SHARDS, CALIBRATED, FEW = 16, 6, 2  # files in the check, and in the folders before it


def main() -> None:
    """Simulate and check, and write ``queues.json`` and ``queues.md``."""
    parser = new_parser(__doc__, quick="few workers, once")
    parser.add_argument("--rounds", type=int, default=3, help="times that the processes run together; default: 3")
    parser.add_argument("--processes", type=int, default=2, help="processes that run together; default: 2")
    parser.add_argument("--only", action="append", choices=PARTS, help="do this again, and keep the others")
    options = parser.parse_args()
    rates = RESULTS / "planning.json"
    if not rates.exists():
        parser.error(f"there must be measured rates in {rates}: run planning.py")
    if options.quick:
        options.rounds = 1
    seeds, largest = (1, 16) if options.quick else (SEEDS, 256)
    kept = output_folder(options) / "queues.json"
    results: Record = json.loads(kept.read_text()) if kept.exists() else {}
    results["machine"], asked = describe_machine(), options.only or PARTS
    if "simulation" in asked:
        results |= simulated(json.loads(rates.read_text())["rates"], seeds, largest)
    if "check" in asked:
        results["check"] = check((1, options.processes), options.rounds, 2_000 if options.quick else 20_000)
    if "waiting" in asked:
        results["waiting"] = waiting(((2, 32), (8, 128), (32, 512)), options.rounds)
    write_results(output_folder(options), "queues", results, as_markdown(results))


def simulated(rates: Record, seeds: int, largest: int) -> Record:
    """Return the figures of all simulations."""
    rows, images = rates["rows"], rates["images"]["64 px"]
    million_rows = Sampling(
        0, 0, 1e6 / rows["rows_per_second"], shard_bytes=1e6 * rows["bytes_per_row"], start=rows["start_seconds"]
    )
    images_10k = Sampling(
        0,
        0,
        1e4 / images["images_per_second"],
        shard_bytes=1e4 * images["bytes_per_image"],
        start=rows["start_seconds"],
    )
    throughput = {}
    for name, job in {"a million rows": million_rows, "10,000 images": images_10k}.items():
        for workers in (count for count in (1, 4, 16, 64, 256) if count <= largest):
            plan = replace(job, workers=workers, shards=20 * workers, bandwidth=BANDWIDTH)
            found = [sample(plan, seed) for seed in range(min(seeds, 3))]
            seconds = statistics.mean(one.seconds for one in found)
            bound = min(workers / job.draw, BANDWIDTH / job.shard_bytes)
            throughput[f"{name}, {workers}"] = {
                "shards_per_hour": 3600 * plan.shards / seconds,
                "bound_per_hour": 3600 * bound,
                "disk_busy": statistics.mean(one.disk_busy for one in found),
            }
    workers = min(64, largest)
    plain = Sampling(workers, workers, 1.0, uneven=0.2)
    tails = {
        str(each): {order: efficiency(replace(plain, shards=each * workers, order=order), seeds) for order in ORDERS}
        for each in (1, 2, 4, 8, 16, 32)
    }
    lost: dict[str, dict[str, float]] = {}
    for each, order in product((1, 4, 16), ORDERS[:2]):
        whole = replace(plain, shards=each * workers, order=order)
        less = replace(whole, lost=workers // 16, lost_before=each)
        lost.setdefault(str(each), {})[order] = efficiency(whole, 3 * seeds) / efficiency(less, 3 * seeds) - 1
    decode = 1 / rates["reading"]["500 x 375"]["read_per_second"]
    loading = {
        f"{decoders}, {prefetch}": load(Loading(decoders, decode, STEP, prefetch=prefetch)) / (32 / STEP)
        for decoders in (1, 2, 4, 8)
        for prefetch in (1, 4)
    }
    return {"throughput": throughput, "workers": workers, "tails": tails, "lost": lost, "loading": loading}


BANDWIDTH = 2e8
"""Bytes a second of a network share that all workers write to: a network of 2 gigabits."""
STEP = 0.02
"""Seconds of a training step of 32 images in the simulated training, as on a small GPU."""


def check(counts: tuple[int, ...], rounds: int, per_class: int) -> Record:
    """Return predicted and measured seconds of shards that some processes write together."""
    from table_speed import ten_columns

    from ganaug import GANAugmenter

    found: Record = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        model = folder / "model.onnx"
        GANAugmenter(max_steps=50, random_state=0).fit(*ten_columns()).generator_.save(model)
        for count in counts:
            draws, starts, spreads, measured = [], [], [], []
            for number in range(rounds):
                apart = [folder / f"apart-{count}-{number}-{one}" for one in range(count)]
                few = _run_together(model, [one.with_suffix(".few") for one in apart], FEW, per_class)
                many = _run_together(model, apart, CALIBRATED, per_class)
                draws.append((statistics.mean(many.cpu) - statistics.mean(few.cpu)) / (CALIBRATED - FEW))
                starts.append(statistics.mean(few.cpu) - FEW * draws[-1])
                spreads.append(_spread(many.outputs))
                together = [folder / f"together-{count}-{number}"] * count
                measured.append(_run_together(model, together, SHARDS, per_class))
            draw, start, spread = (statistics.median(values) for values in (draws, starts, spreads))
            plan = Sampling(count, SHARDS, draw, start=start, spread=spread)
            predicted = [sample(plan, seed).seconds for seed in range(100)]
            found[str(count)] = {
                "draw": draw,
                "start": start,
                "spread": spread,
                "predicted": [float(np.quantile(predicted, share)) for share in (0.05, 0.5, 0.95)],
                "measured": [max(one.cpu) for one in measured],
                "wall": [one.wall for one in measured],
                "load": round(os.getloadavg()[0], 1),
            }
            print(count, found[str(count)], flush=True)
    return found


def waiting(counts: tuple[tuple[int, int], ...], rounds: int) -> Record:
    """Return predicted and measured times of threads that write shards together, and only wait where they would draw.

    The times are in those of a shard. More threads than cores can be measured so.
    """
    found: Record = {}
    for workers, shards in counts:
        measured = [_wait_together(workers, shards) for _ in range(rounds)]
        predicted = [sample(Sampling(workers, shards, 1.0, spread=0.02), seed) for seed in range(20)]
        found[f"{workers}, {shards}"] = {
            "predicted": statistics.median(one.seconds for one in predicted),
            "predicted_drawn": statistics.median(one.drawn for one in predicted),
            "measured": [seconds for seconds, _ in measured],
            "measured_drawn": [drawn for _, drawn in measured],
        }
    return found


def _wait_together(workers: int, shards: int) -> tuple[float, int]:
    """Return after how many times of a shard all shards were written, and how many were drawn until then."""
    from types import SimpleNamespace

    from ganaug.cli.shards import REQUEST, write_shards

    drawn: list[Path] = []

    def draw(_generator: object, _labels: object, _count: int, shard: Path, *_: object) -> None:
        time.sleep(WAIT)
        shard.touch()
        drawn.append(shard)

    files: Any = SimpleNamespace(shard_ending=".parquet", write_samples=draw)
    with tempfile.TemporaryDirectory() as place:
        output, request = Path(place), {"shards": shards}
        (output / REQUEST).write_text(json.dumps(request))
        with ThreadPoolExecutor(workers) as pool:
            begun = time.perf_counter()
            ends = [
                pool.submit(write_shards, files, files, ["x"], shards, output, 0, None, request) for _ in range(workers)
            ]
            while len(list(output.glob("part-*"))) < shards:
                time.sleep(WAIT / 20)
            seconds, count = time.perf_counter() - begun, len(drawn)
            for end in ends:
                end.result()
    return seconds / WAIT, count


class Ran(NamedTuple):
    """What some processes took: the wall seconds of all, the CPU seconds of each."""

    outputs: list[Path]
    wall: float
    cpu: list[float]


def _run_together(model: Path, outputs: list[Path], shards: int, per_class: int) -> Ran:
    """Run ``ganaug sample`` in a process for each output, at the same time and on one core each."""
    command = [sys.executable, "-m", "ganaug", "sample", str(model), "--per-class", str(shards * per_class)]
    command += ["--shards", str(shards), "--output"]
    cores, begun = sorted(os.sched_getaffinity(0)), time.perf_counter()
    running = [
        subprocess.Popen(
            ["taskset", "--cpu-list", str(cores[number % len(cores)]), *command, str(output)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for number, output in enumerate(outputs)
    ]
    ended = [os.wait4(process.pid, 0) for process in running]
    assert [status for _, status, _ in ended] == [0] * len(running)
    return Ran(outputs, time.perf_counter() - begun, [used.ru_utime + used.ru_stime for *_, used in ended])


def _spread(outputs: list[Path]) -> float:
    """Return the coefficient of variation of the seconds of a shard, from the times at which shards were complete."""
    moments = [sorted(part.stat().st_mtime for part in one.glob("part-*")) for one in outputs]
    seconds = [float(step) for one in moments for step in np.diff(one)]
    return statistics.stdev(seconds) / statistics.mean(seconds)


def tables(results: Record) -> dict[str, str]:
    """Return the tables of the results by their names."""
    tails = [[each, *(f"{found[order]:.0%}" for order in ORDERS[:2])] for each, found in results["tails"].items()]
    rows = [
        [name, f"{one['shards_per_hour']:,.0f}", f"{one['bound_per_hour']:,.0f}", f"{one['disk_busy']:.0%}"]
        for name, one in results["throughput"].items()
    ]
    lost = [[each, *(f"{share:+.0%}" for share in shares.values())] for each, shares in results["lost"].items()]
    loading = [[*name.split(", "), f"{share:.0%}"] for name, share in results["loading"].items()]
    checks = [
        [
            count,
            f"{one['draw']:.2f}",
            f"{one['predicted'][1]:.1f} ({one['predicted'][0]:.1f} to {one['predicted'][2]:.1f})",
            f"{statistics.median(one['measured']):.1f} ({min(one['measured']):.1f} to {max(one['measured']):.1f})",
            f"{statistics.median(one['wall']):.1f}",
            f"{one['load']:g}",
        ]
        for count, one in results["check"].items()
    ]
    in_check = ["processes", "CPU seconds of a shard", "predicted (5 to 95 %)", "measured (range)", "wall", "load"]
    waited = [
        [
            *name.split(", "),
            f"{one['predicted']:.1f}",
            f"{statistics.median(one['measured']):.1f} ({min(one['measured']):.1f} to {max(one['measured']):.1f})",
            f"{one['predicted_drawn']:.0f}",
            f"{statistics.median(one['measured_drawn']):.0f}",
        ]
        for name, one in results["waiting"].items()
    ]
    in_waiting = ["threads", "shards", "time predicted", "measured (range)", "drawn, predicted", "drawn, measured"]
    return {
        "waiting": markdown_table(in_waiting, waited),
        "workers": markdown_table(["shard; workers", "shards an hour", "bound", "network is busy"], rows),
        "shards": markdown_table(["shards for each worker", *ORDERS[:2]], tails),
        "lost": markdown_table(["shards for each worker", *ORDERS[:2]], lost),
        "loading": markdown_table(["decoders", "batches that may wait", "of full speed"], loading),
        "check": markdown_table(in_check, checks),
    }


def as_markdown(results: Record) -> str:
    """Return the results in Markdown."""
    machine, workers = results["machine"], results["workers"]
    texts = {
        "check": f"CPU seconds of the longest of some processes of `ganaug sample --shards {SHARDS}` into one folder; "
        "and the wall seconds of all, which are as many if nothing else runs.",
        "waiting": "Threads that only wait where they would draw a shard, so that there may be more of them than "
        "cores; times in those of a shard.",
        "workers": f"Shards an hour of workers that share {BANDWIDTH / 1e6:.0f} MB/s; 20 shards for each worker.",
        "shards": f"Ideal time over simulated time; {workers} workers whose speeds differ by 20 %.",
        "lost": "Time more if one worker in sixteen ends for good, at a random moment.",
        "loading": "Share of its full speed at which a trainer learns from JPEG files of 500 x 375 pixels; a step of "
        f"32 images takes {1000 * STEP:.0f} ms.",
    }
    head = f"# Queues\n\n{machine['processor']}, {machine['cores']} cores. Made by `python benchmarks/queues.py`.\n"
    shown = tables(results)
    return head + "".join(f"\n## {name}\n\n{text}\n\n{shown[name]}\n" for name, text in texts.items())


if __name__ == "__main__":
    main()
