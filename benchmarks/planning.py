"""Measure the rates of one core that the guide's page "Plan a large job" computes with, and write that page's tables.

    python benchmarks/planning.py [--only NAME]... [--rounds 3] [--quick] [--page docs/guide/planning.md]

Each measurement is a process of its own on one core. A rate is counted in CPU seconds, which other programs change
little; the wall clock is kept beside it. Weights are those of a few steps, because quality does not change the speed,
and the screen accepts every sample. ``--only`` keeps the other results. ``--page`` writes the tables of the page from
the results of this program and of ``queues.py``, and measures nothing. Takes about six minutes. Results:
``planning.json`` and ``planning.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import queues
from core_rates import MEASUREMENTS
from planned_jobs import as_markdown, tables, write_page
from runs import Record, describe_machine, new_parser, output_folder, write, write_results


def main() -> None:
    """Measure, and write ``planning.json`` and ``planning.md``."""
    parser = new_parser(__doc__, quick="everything a tenth or less, once")
    parser.add_argument("--only", action="append", choices=MEASUREMENTS, help="measure this again; may be repeated")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions, of which the fastest counts; default: 3")
    parser.add_argument("--page", type=Path, help="write the tables of this page, and measure nothing")
    parser.add_argument("--measure", choices=MEASUREMENTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.rounds = 1
    if options.measure:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(MEASUREMENTS[options.measure](Path(folder), options.rounds, options.quick)))
        return
    kept = output_folder(options) / "planning.json"
    results: Record = json.loads(kept.read_text()) if kept.exists() else {"rates": {}}
    if options.page:
        simulated = json.loads(kept.with_name("queues.json").read_text())
        write(kept.with_suffix(".md"), as_markdown(results))
        write(kept.with_name("queues.md"), queues.as_markdown(simulated))
        write_page(options.page, tables(results["rates"]) | queues.tables(simulated))
        return
    results["machine"], results["rounds"] = describe_machine(), options.rounds
    for name in options.only or MEASUREMENTS:
        results["rates"][name] = _in_new_process(name, options) | {"load": round(os.getloadavg()[0], 1)}
        print(name, json.dumps(results["rates"][name]), flush=True)
    write_results(output_folder(options), "planning", results, as_markdown(results))


def _in_new_process(name: str, options: argparse.Namespace) -> Record:
    command = [sys.executable, "-W", "ignore", __file__, "--measure", name, "--rounds", str(options.rounds)]
    command += ["--quick"] if options.quick else []
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | threads)
    record: Record = json.loads(done.stdout.splitlines()[-1])
    return record


if __name__ == "__main__":
    main()
