"""Measure what synthetic signals are worth to a classifier, beside classical augmentation, on long-tailed sets.

    python benchmarks/signals.py [--sets OSULeaf,JapaneseVowels] [--splits 3] [--seeds 2] [--steps 150]
                                 [--budget 2m | --max-steps N] [--dose] [--quick] [--output FOLDER]

A generator is fitted once for each set and split, as ``ganaug fit`` does. Every arm trains the same one-dimensional CNN
with some seeds. Each set and split is a cell: one JSON file in ``OUTPUT/signal-cells/``. An interrupted benchmark goes
on where it was. A cell with other settings is measured again. ``signals.json`` and ``signals.md`` sum up the cells.

``--dose`` measures the dose at the end of each fit, as ``ganaug fit`` does by default, and adds the arm that follows
it. ``--quick`` takes the smallest set, few steps, and one seed.

``python benchmarks/signal_sets.py`` lists the sets, and says what must be installed. Nothing may be chosen on those
that are held aside.
"""

from __future__ import annotations

import json
import warnings
from argparse import Namespace
from pathlib import Path

import numpy as np
import torch
from runs import Record, describe_machine, markdown_table, new_parser, output_folder, write, write_results
from signal_sets import CHOSEN_ON, CLAIMED_ON, NAMES, load
from sklearn.metrics import balanced_accuracy_score

from ganaug.cli.options import duration
from ganaug.data.signals.dataset import from_arrays
from ganaug.evaluation import dose
from ganaug.evaluation.arms import NOTHING, Arm, Filling
from ganaug.evaluation.trials.signals import SignalTrial
from ganaug.runtime.generator import Generator
from ganaug.training import fit

VERSION = 2  # of the format of a cell; cells of another version are measured again
CLASSICAL: dict[str, Filling] = {
    "random oversampling": "repeats",
    "SMOTE": "smote",
    "jitter": "jittered",
    "time warp": "warped",
}
"""The classical arms that balance the classes, and how each fills them up."""
SHARE = 0.3  # of a batch: synthetic signals
GENERATED, DOSED = " + GAN", " + the dose"  # after the name of a classical arm


def measure(name: str, split: int, options: Namespace, settings: Record) -> Record:
    """Fit a generator, and return the balanced accuracy of every arm with each seed, in per cent."""
    data = load(name, split)
    train, test = (
        from_arrays(data.train, data.train_labels, data.classes),
        from_arrays(data.test, data.test_labels, data.classes),
    )
    limits = {"time_budget": None if options.max_steps else options.budget, "max_steps": options.max_steps}
    generator = (dose.fit if options.dose else fit)(train, random_state=split, **limits)
    trial = SignalTrial(train, test, generator, seed=split, steps=options.steps)
    shares = {GENERATED: (SHARE,) * len(train.classes)}
    if generator.dose is not None:
        shares[DOSED] = tuple(generator.dose.values())
    arms = [NOTHING, *(Arm(name, "classical", filled=filled) for name, filled in CLASSICAL.items())]
    for suffix, own in shares.items():
        arms += [Arm(name + suffix, "gan", shares=own, filled=filled) for name, filled in CLASSICAL.items()]
    scores: dict[str, list[float]] = {}
    for arm in arms:
        for seed in range(options.seeds):
            guess = trial.reseeded(100 * split + seed).predict(arm).probability.argmax(axis=1)
            scores.setdefault(arm.name, []).append(round(100 * balanced_accuracy_score(test.labels, guess), 2))
    return {"settings": settings, "set": name, "split": split, "scores": scores} | _said(generator)


def _said(generator: Generator) -> Record:
    metadata = generator.metadata
    training, measured = metadata["training"], metadata.get("dose")
    return {
        "steps": training["steps"],
        "seconds": training["seconds"],
        "agreement": round(float(np.mean(list(training["agreement"].values()))), 3),
        "variety": round(float(np.mean(list(training["variety"].values()))), 3),
        "dose": measured and {"sentence": measured["sentence"], "shares": measured["shares"]},
    }


def cells(options: Namespace, folder: Path) -> list[Record]:
    """Return the cells with the present settings, and measure those that are missing."""
    own = {key: getattr(options, key) for key in ("seeds", "steps", "budget", "max_steps", "dose")}
    settings, found = own | {"version": VERSION}, []
    folder.mkdir(parents=True, exist_ok=True)
    for split in range(options.splits):
        for name in options.sets:
            path = folder / f"{name.replace(' ', '-')}-{split}.json"
            record = json.loads(path.read_text()) if path.exists() else {}
            if record.get("settings") != settings:
                record = measure(name, split, options, settings)
                write(path, json.dumps(record, indent=1) + "\n")
                print(f"{name}, split {split}: {_means(record)}", flush=True)
            found.append(record)
    return found


def _means(cell: Record) -> dict[str, float]:
    return {arm: round(float(np.mean(values)), 1) for arm, values in cell["scores"].items()}


def summarise(found: list[Record]) -> Record:
    """Return for each set the mean of every arm over splits and seeds, and the gain over the best classical arm.

    The best classical arm is chosen by its scores on the test signals, which favours it. The gain is that of the same
    arm with synthetic signals, split by split.
    """
    sets: Record = {}
    for name in dict.fromkeys(cell["set"] for cell in found):
        own = [cell for cell in found if cell["set"] == name]
        by_split = {arm: np.array([np.mean(cell["scores"][arm]) for cell in own]) for arm in own[0]["scores"]}
        best = max(CLASSICAL, key=lambda arm: by_split[arm].mean())
        sets[name] = {
            "splits": len(own),
            "means": {arm: round(float(values.mean()), 1) for arm, values in by_split.items()},
            "spread": {arm: round(float(values.std(ddof=len(own) > 1)), 1) for arm, values in by_split.items()},
            "best_classical": best,
            "gain": {
                suffix.strip(" +"): [round(float(gain), 2) for gain in by_split[best + suffix] - by_split[best]]
                for suffix in (GENERATED, DOSED)
                if best + suffix in by_split
            },
        }
    claimed = [sets[name] for name in CLAIMED_ON if name in sets]
    gains = [float(np.mean(one["gain"]["GAN"])) for one in claimed]
    return {"sets": sets, "mean_gain": round(float(np.mean(gains)), 2) if gains else None, "claimed_sets": len(claimed)}


def as_markdown(summary: Record, options: Namespace, machine: Record) -> str:
    """Return the tables of the results, and how they were measured."""
    arms = list(dict.fromkeys(arm for one in summary["sets"].values() for arm in one["means"]))
    rows = [
        [f"{name}{' (recipes were chosen on it)' if name in CHOSEN_ON else ''}", str(one["splits"])]
        + [f"{one['means'][arm]} ± {one['spread'][arm]}" if arm in one["means"] else "" for arm in arms]
        for name, one in summary["sets"].items()
    ]
    gains = [
        [name, one["best_classical"], what, f"{np.mean(values):+.1f}", ", ".join(f"{value:+.1f}" for value in values)]
        for name, one in summary["sets"].items()
        for what, values in one["gain"].items()
    ]
    length = f"{options.max_steps:,} training steps" if options.max_steps else f"{options.budget:.0f} s"
    lines = [
        "# Synthetic signals",
        "",
        f"A fit of {length}; a classifier of {options.steps} steps with {options.seeds} seeds for each split. "
        f"{machine['processor']}, {machine['cores']} cores, torch {machine['torch']}.",
        "",
        "Balanced accuracy in per cent: mean and standard deviation over the splits.",
        "",
        markdown_table(["Set", "Splits", *arms], rows),
        "",
        "Points of balanced accuracy that synthetic signals add to the best classical arm, which is chosen on the test "
        f"signals. GAN: {SHARE:.0%} of each batch are synthetic.".replace("%", " %"),
        "",
        markdown_table(["Set", "Best classical arm", "Added", "Mean", "By split"], gains),
    ]
    if summary["mean_gain"] is not None:
        lines += ["", f"Mean of the {summary['claimed_sets']} sets held aside: {summary['mean_gain']:+.1f} points."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure what is missing, and write the results."""
    parser = new_parser(__doc__, "the smallest set, few steps and one seed")
    parser.add_argument(
        "--sets", default=",".join(CLAIMED_ON), help=f"some of: {', '.join(NAMES)}; default: %(default)s"
    )
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=2, help="of the classifier; default: %(default)s")
    parser.add_argument("--steps", type=int, default=150, help="of the classifier; default: %(default)s")
    parser.add_argument("--budget", type=duration, default=120.0, help="of a fit, such as 2m; default: 2m")
    parser.add_argument("--max-steps", type=int, help="of a fit, in place of the budget")
    parser.add_argument("--dose", action="store_true", help="measure the dose too")
    options = parser.parse_args()
    options.sets = options.sets.split(",")
    if options.quick:
        options.sets, options.splits, options.seeds, options.steps, options.max_steps = (
            ["ItalyPowerDemand"],
            1,
            1,
            20,
            20,
        )
    if unknown := set(options.sets) - set(NAMES):
        parser.error(f"--sets must name some of {', '.join(NAMES)}, but names {', '.join(sorted(unknown))}")
    warnings.simplefilter("ignore")  # alarms of short fits are in the cells
    torch.set_num_threads(1)
    folder = output_folder(options)
    summary, machine = summarise(cells(options, folder / "signal-cells")), describe_machine()
    write_results(folder, "signals", {"machine": machine} | summary, as_markdown(summary, options, machine))


if __name__ == "__main__":
    main()
