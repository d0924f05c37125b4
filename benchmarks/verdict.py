"""Measure how often `ganaug.evaluate` is right on simulated data of known distribution, and how long it takes.

    python benchmarks/verdict.py [--seeds 20] [--output benchmarks/results] [--images FOLDER] [--quick]

The generators need no training and have a known quality, so that the results describe the evaluation and not a GAN.
Data with shuffled labels are also evaluated with ganaug's own generator. A finished case is stored in
``OUTPUT/verdict.json``: an interrupted benchmark continues with the next case. At the end the table is written to
``OUTPUT/verdict.md``. Times are wall-clock seconds: run the program on an idle machine. ``--quick`` takes one seed and
generators of 20 steps, and measures no times.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from runs import new_parser, output_folder, write
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier

from ganaug.evaluation.arms import NOTHING, Arm
from ganaug.evaluation.evaluate import begin, report_of
from ganaug.evaluation.trainers import train_generator

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.fakes import Drawn, board, copier, noise, repeater, shells, truth

Case = dict[str, Any]
ONE_ARM = (NOTHING, Arm("GAN, the whole gap", "gan", share=1.0))


def main() -> None:
    parser = new_parser(__doc__, quick="one seed, generators of 20 steps, no times")
    parser.add_argument("--seeds", type=int, default=20, help="data sets of each kind; default: 20")
    parser.add_argument("--images", type=Path, help="folder of about 1,000 images at 32 px, to time an evaluation")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    seeds = 1 if options.quick else options.seeds
    steps = 20 if options.quick else 300
    folder = output_folder(options)
    file = folder / "verdict.json"
    done: dict[str, Case] = json.loads(file.read_text()) if file.exists() else {}
    for name, judge in cases(seeds, steps, options.images).items():
        if name not in done and not (options.quick and name.startswith("1,")):
            begun = time.perf_counter()
            done[name] = judge() | {"seconds": round(time.perf_counter() - begun, 1)}
            write(file, json.dumps(done, indent=2) + "\n")
            print(f"{name}: {done[name]}", flush=True)
    write(folder / "verdict.md", as_markdown(done))


def cases(seeds: int, steps: int, images: Path | None) -> dict[str, Callable[[], Case]]:
    """Return the cases by name; each evaluates one data set with one generator."""
    found: dict[str, Callable[[], Case]] = {}
    for kind, trainer in (("other real rows", truth), ("jittered copies", copier)):
        for seed in range(seeds):
            found[f"{kind} {seed}"] = partial(like, trainer, seed)
    for kind, trainer in (("noise", noise), ("one row repeated", repeater)):
        for seed in range(min(seeds, 5)):
            found[f"{kind} {seed}"] = partial(like, trainer, seed)
    for seed in range(seeds):
        found[f"a chessboard {seed}"] = partial(chessboard, seed)
        found[f"shuffled labels {seed}"] = partial(shuffled, seed, copier)
    for seed in range(seeds):
        found[f"shuffled labels, a GAN {seed}"] = partial(shuffled, seed, trained_for(steps))
    found["1,500 rows"] = rows_timed
    if images is not None:
        found["1,000 images at 32 px"] = partial(evaluated, images, budget=600)
    return found


def evaluated(real: Any, **settings: Any) -> Case:
    """Evaluate one data set, and return the figures that the table needs."""
    session = begin(real, **settings)
    for _ in session.steps():
        pass
    figures = report_of(session).to_dict()
    fidelity, copies = figures["fidelity"], figures["copies"]
    return {
        "verdict": figures["verdict"],
        "difference": figures["comparison"]["difference"],
        "splits": figures["comparison"]["splits"],
        "auc": fidelity["two_sample_auc"],
        "kernel": fidelity["kernel_distance"],
        "coverage": fidelity["coverage"],
        "copies": copies["share"],
        "false_alarms": copies["calibration"]["false_alarms"],
        "altered_found": copies["calibration"]["planted_altered_found"],
        "collapse": any("collapse" in finding["text"] for finding in figures["findings"]),
        "left_out": figures["left_out"],
    }


def like(trainer: Callable[..., Any], seed: int) -> Case:
    """Evaluate fidelity and copies on shells in six dimensions, with one repetition and one arm."""
    data = shells({"inner": 300, "outer": 200}, np.random.default_rng(seed))
    return evaluated(data, trainer=trainer, estimator=RandomForestClassifier(15), arms=ONE_ARM, repeats=1, seed=seed)


def chessboard(seed: int) -> Case:
    """Evaluate all arms on a rare class that a forest cannot learn from few rows, with a perfect generator."""
    data = board({"common": 800, "rare": 120}, np.random.default_rng(seed))
    return evaluated(data, trainer=lambda *_, **__: Drawn(board), estimator=RandomForestClassifier(20), seed=seed)


def trained_for(steps: int) -> Callable[..., Any]:
    """Return a function that trains ganaug's own generator for the given number of steps."""

    def train(part: Any, *, seed: int, **_: Any) -> Any:
        return train_generator(part, seed=seed, steps=steps, device="cpu")

    return train


def shuffled(seed: int, trainer: Callable[..., Any]) -> Case:
    """Evaluate all arms on a table whose labels are shuffled."""
    X, y = make_classification(300, 6, n_informative=4, weights=[0.8], random_state=seed)
    frame = pd.DataFrame(X.round(3), columns=[f"c{i}" for i in range(6)])
    labels = np.random.default_rng(seed).permutation(np.array(["common", "rare"])[y])
    return evaluated((frame, labels), trainer=trainer, estimator=RandomForestClassifier(30), seed=seed)


def rows_timed() -> Case:
    """Evaluate a table of 1,500 rows with default settings."""
    X, y = make_classification(
        1500, 12, n_informative=6, n_redundant=2, n_classes=3, weights=[0.85, 0.1, 0.05], random_state=0
    )
    return evaluated((pd.DataFrame(X.round(3), columns=[f"c{i}" for i in range(12)]), y), budget=600)


def as_markdown(done: dict[str, Case]) -> str:
    """Return a table of expected and observed results."""

    def of(kind: str) -> list[Case]:
        return [case for name, case in done.items() if name.rsplit(" ", 1)[0] == kind]

    def count(kind: str, holds: Callable[[Case], bool]) -> str:
        return f"{sum(map(holds, of(kind)))} of {len(of(kind))}"

    def mean(kind: str, figure: str) -> str:
        return f"{np.mean([case[figure] for case in of(kind)]):.1%}" if of(kind) else "-"

    lines = ["| case | expected | observed |", "|---|---|---|"]
    real, copied = "other real rows", "jittered copies"
    told = count(real, lambda case: case["auc"]["low"] <= 0.5 <= case["auc"]["high"])
    lines.append(f"| {real} | the AUC's interval holds 0.5 | {told} |")
    near = count(real, lambda case: case["kernel"]["value"] <= case["kernel"]["floor"])
    lines.append(f"| {real} | kernel distance within the floor | {near} |")
    lines.append(f"| {real} | 3 % taken for copies | {mean(real, 'copies')} |")
    for kind in ("noise", "one row repeated"):
        found = count(kind, lambda case: case["auc"]["mean"] > 0.95 and case["coverage"] < 0.1 and case["collapse"])
        lines.append(f"| {kind} | AUC near 1, coverage near 0, collapse | {found} |")
    lines.append(f"| {copied} | at least 95 % found | {mean(copied, 'copies')} |")
    lines.append(f"| {copied} | fewer than 5 % false alarms | {mean(copied, 'false_alarms')} |")
    lines.append(f"| a chessboard | helps | {count('a chessboard', lambda case: case['verdict'] == 'helps')} |")
    for kind in ("shuffled labels", "shuffled labels, a GAN"):
        helps = count(kind, lambda case: case["verdict"] == "helps")
        lines.append(f"| {kind} | helps at most once in 20 | {helps} |")
    for name in ("1,500 rows", "1,000 images at 32 px"):
        if name in done:
            case = done[name]
            lines.append(f"| {name} | time of all of it | {case['seconds']:.0f} s, {case['splits']} splits |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
