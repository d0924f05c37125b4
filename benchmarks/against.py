"""Compare the speed of two checkouts of ganaug, side by side in one run.

    python benchmarks/against.py BASE CHANGED [--tasks NAME,...] [--rounds 9] [--quick] [--output FILE.json]

BASE and CHANGED are folders that hold a checkout each, such as ``git worktree add`` makes. Each checkout runs in a
process of its own, with one thread for torch, and keeps that process for the whole run. The processes take turns: in
every round each task runs once in both, in the order A B, in the next round in the order B A. Other programs on the
machine therefore slow down both. The ratio of a task, CHANGED over BASE, is taken within a round; the table shows its
geometric mean with a 95 % confidence interval. CPU seconds are less sensitive to other programs than wall seconds.

The tasks use the public interface and one set of model files, so that the checkouts may differ in everything else. The
last column says whether both checkouts returned the same bits. ``--quick`` takes two rounds of shorter tasks.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from runs import Record, describe_machine, markdown_table, write
from scipy import stats

MODELS = Path(__file__).resolve().parents[1] / "onnx_models"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SERVE = "--serve"  # the argument that makes this program one of the two processes
Task = Callable[[], NDArray[Any]]  # returns what the checkouts must agree on


def main() -> None:
    options = _parse()
    tasks = options.tasks.split(",")
    if unknown := set(tasks) - TASKS.keys():
        raise SystemExit(f"--tasks must be among {', '.join(TASKS)}; got {', '.join(sorted(unknown))}")
    rounds = 2 if options.quick else options.rounds
    checkouts = [options.base.resolve(), options.changed.resolve()]
    measured: dict[str, list[list[Record]]] = {task: [] for task in tasks}  # by task and round, one for each checkout
    with tempfile.TemporaryDirectory() as folder:
        workers = [_start(checkout, Path(folder), quick=options.quick) for checkout in checkouts]
        try:
            for number in range(rounds + 1):  # the first one warms up
                for task in tasks:
                    order = (0, 1) if number % 2 else (1, 0)
                    replies = {which: _ask(workers[which], task) for which in order}
                    if number:
                        measured[task].append([replies[0], replies[1]])
                print(f"round {number} of {rounds}", file=sys.stderr, flush=True)
        finally:
            for worker in workers:
                worker.terminate()
                worker.wait()
    table = [_line(task, records) for task, records in measured.items()]
    titles = ["", "base, s", "wall, changed / base", "CPU, changed / base", "same result"]
    print(markdown_table(titles, table))
    if options.output:
        results = {"machine": describe_machine(), "checkouts": [checkout.name for checkout in checkouts]}
        write(options.output, json.dumps(results | {"tasks": measured}, indent=1) + "\n")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path, help="folder of the checkout to compare with")
    parser.add_argument("changed", type=Path, help="folder of the checkout that is compared")
    parser.add_argument("--tasks", default=",".join(TASKS), help=f"of {', '.join(TASKS)}; default: all")
    parser.add_argument("--rounds", type=int, default=9, help="runs of every task in each checkout; default: 9")
    parser.add_argument("--quick", action="store_true", help="two rounds of shorter tasks")
    parser.add_argument("--output", type=Path, help="JSON file for all times")
    options = parser.parse_args()
    if options.rounds < 2:
        parser.error(f"--rounds must be 2 or more, for an interval; got {options.rounds}")
    for checkout in (options.base, options.changed):
        if not (checkout / "ganaug" / "__init__.py").is_file():
            parser.error(f"{checkout} must be a checkout of ganaug, but has no file ganaug/__init__.py")
    return options


def _line(task: str, rounds: list[list[Record]]) -> list[str]:
    base, changed = ([one[which] for one in rounds] for which in (0, 1))
    seconds = f"{np.median([record['wall'] for record in base]):.3f}"
    ratios = [_ratio([record[clock] for record in base], [record[clock] for record in changed]) for clock in CLOCKS]
    same = {record["digest"] for record in base} == {record["digest"] for record in changed}
    return [task, seconds, *ratios, "yes" if same else "NO"]


def _ratio(base: list[float], changed: list[float]) -> str:
    """Return the geometric mean of the ratios with its 95 % interval by Student's t."""
    logs = np.log(np.array(changed) / np.array(base))
    reach = stats.sem(logs) * stats.t.ppf(0.975, len(logs) - 1)
    middle, low, high = np.exp([logs.mean(), logs.mean() - reach, logs.mean() + reach])
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def _start(checkout: Path, folder: Path, *, quick: bool) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, SERVE, str(checkout), *(["--quick"] if quick else [])]
    environment = os.environ | ONE_THREAD | {"PYTHONPATH": str(checkout)}
    return subprocess.Popen(
        command, env=environment, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _ask(worker: subprocess.Popen[str], task: str) -> Record:
    requests, replies = worker.stdin, worker.stdout
    if requests is None or replies is None:
        raise RuntimeError("the process must have been started with pipes")
    requests.write(task + "\n")
    requests.flush()
    line = replies.readline()
    if not line:
        raise SystemExit(f"the process of one checkout ended during the task {task!r}; its error message is above")
    reply: Record = json.loads(line)
    return reply


def _serve(checkout: Path, replies: IO[str], *, quick: bool) -> None:
    """Run the tasks that standard input names, and reply to each with its times and a digest of its result."""
    import torch

    import ganaug

    if not Path(ganaug.__file__).is_relative_to(checkout):
        raise SystemExit(f"ganaug must be imported from {checkout}, but comes from {ganaug.__file__}")
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    ready: dict[str, Task] = {}
    for line in sys.stdin:
        name = line.strip()
        if name not in ready:
            ready[name] = TASKS[name](quick)
        began = [clock() for clock in CLOCKS.values()]
        result = ready[name]()
        times = {key: clock() - start for (key, clock), start in zip(CLOCKS.items(), began, strict=True)}
        digest = hashlib.sha256(result.tobytes()).hexdigest()
        print(json.dumps(times | {"digest": digest}), file=replies, flush=True)


CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}


def _fit_images(quick: bool) -> Task:
    from image_sets import load

    from ganaug import GANAugmenter

    data = load("digits", 0)
    steps = 20 if quick else 100

    def fit() -> NDArray[Any]:
        augmenter = GANAugmenter(max_steps=steps, random_state=0).fit(data.train_images, data.train_labels)
        return np.asarray(augmenter.sample(20)[0])

    return fit


def _fit_table(quick: bool) -> Task:
    from sklearn.datasets import load_breast_cancer

    from ganaug import GANAugmenter

    X, y = load_breast_cancer(as_frame=True, return_X_y=True)
    steps = 30 if quick else 200

    def fit() -> NDArray[Any]:
        augmenter = GANAugmenter(max_steps=steps, random_state=0).fit(X, y)
        return np.asarray(augmenter.sample(20)[0], dtype=np.float64)

    return fit


def _fit_mixed(rows: int, columns: int) -> Callable[[bool], Task]:
    """Prepare a fit with the default steps to a table of six hidden factors; a third of its columns are categories."""

    def prepare(quick: bool) -> Task:
        import pandas as pd

        from ganaug import GANAugmenter

        random = np.random.default_rng(0)
        y = (random.random(rows) < 0.1).astype(int)
        factors = random.normal(size=(rows, 6)) + y[:, None]
        table = {}
        for column in range(columns):
            values = factors @ random.normal(size=6) + random.normal(size=rows)
            if column % 3 == 2:
                table[f"c{column}"] = pd.cut(values, int(random.integers(2, 9)), labels=False).astype(str)
            else:
                table[f"n{column}"] = values.round(3)
        X = pd.DataFrame(table)
        steps = 30 if quick else None

        def fit() -> NDArray[Any]:
            augmenter = GANAugmenter(max_steps=steps, random_state=0).fit(X, y)
            return np.asarray(augmenter.generator_.sample(20)[0].select_dtypes("number"), dtype=np.float64)

        return fit

    return prepare


def _sample(model: str, n: int) -> Callable[[bool], Task]:
    def prepare(quick: bool) -> Task:
        from ganaug import Generator

        generator = Generator.load(MODELS / model)

        def sample() -> NDArray[Any]:
            content, _ = generator.sample(n // 4 if quick else n, seed=0)
            return np.asarray(content)

        return sample

    return prepare


def _loader(**settings: Any) -> Callable[[bool], Task]:
    """Prepare an epoch of `balanced_loader` over 650 images in memory, with synthetic ones for the rare classes."""

    def prepare(quick: bool) -> Task:
        import torch

        from ganaug import Generator, balanced_loader

        generator = Generator.load(MODELS / "mnist.onnx")
        common, rare = (40, 10) if quick else (200, 50)
        counts = {name: rare if number else common for number, name in enumerate(generator.classes)}
        images, names = generator.sample(counts, seed=0)
        labels = [generator.classes.index(name) for name in names]
        data: list[tuple[torch.Tensor, int]] = [
            (torch.from_numpy(image).permute(2, 0, 1).float() / 255, label)  # (1, 32, 32)
            for image, label in zip(images, labels, strict=True)
        ]
        loader = balanced_loader(_Items(data, [str(name) for name in generator.classes]), generator, 64, **settings)

        def epoch() -> NDArray[Any]:
            return np.array([float(batch.sum()) for batch, _ in loader])

        return epoch

    return prepare


class _Items:
    """A map-style dataset in memory with the attributes that torchvision's datasets have."""

    def __init__(self, items: list[tuple[Any, int]], classes: list[str]) -> None:
        self.items, self.classes = items, classes
        self.targets = [label for _, label in items]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self.items[index]


TASKS: dict[str, Callable[[bool], Task]] = {
    "fit-images": _fit_images,
    "fit-table": _fit_table,
    "fit-10-columns": _fit_mixed(500, 10),
    "fit-100-columns": _fit_mixed(2_000, 100),
    "fit-1000-columns": _fit_mixed(500, 1_000),
    "sample-images": _sample("mnist.onnx", 1_024),
    "sample-table": _sample("wine.onnx", 50_000),
    "loader": _loader(),
    "loader-fresh": _loader(fresh=True),
}


if __name__ == "__main__":
    if SERVE in sys.argv:
        answers, sys.stdout = sys.stdout, sys.stderr  # what the package prints must not be taken for a reply
        _serve(Path(sys.argv[sys.argv.index(SERVE) + 1]), answers, quick="--quick" in sys.argv)
    else:
        main()
