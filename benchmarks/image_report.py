"""Sum up the cells of the image benchmark: accuracy by arm, gain of the dose, quality of the samples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from image_classifiers import ARMS, CLASSICAL, DOSED, LINEAR
from image_sets import HELD_ASIDE, PHOTOGRAPHS
from runs import Record, markdown_table
from scipy import stats

GROUPS: dict[str, Sequence[str]] = {"photographs": PHOTOGRAPHS, "held aside": HELD_ASIDE}
CONFIDENCE = 0.95

Accuracies = dict[str, dict[int, dict[int, float]]]
"""Balanced accuracy by arm, split and classifier seed."""


def summarise(cells: Iterable[Record]) -> Record:
    """Return means and spreads by set and tail, and the gain of the dose by set and over all sets."""
    accuracies: dict[tuple[str, int], Accuracies] = {}
    worst: dict[tuple[str, int], dict[str, list[float]]] = {}
    generators: dict[tuple[str, int], list[Record]] = {}
    for cell in cells:
        key, arm = (cell["set"], cell["tail"]), cell["arm"]
        if arm == "generator":
            generators.setdefault(key, []).append(cell)
        else:
            by_split = accuracies.setdefault(key, {}).setdefault(arm, {})
            by_split.setdefault(cell["split"], {})[cell["seed"]] = cell["balanced_accuracy"]
            worst.setdefault(key, {}).setdefault(arm, []).append(min(cell["recall"]))
    gains = {key: found for key, by_arm in accuracies.items() if (found := dose_gains(by_arm))}
    return {
        "accuracy": [
            {"set": name, "tail": tail, "arms": {arm: _spread(by_arm[arm]) for arm in (*ARMS, LINEAR) if arm in by_arm}}
            | {"worst_recall": {arm: round(float(np.mean(found)), 4) for arm, found in worst[name, tail].items()}}
            for (name, tail), by_arm in accuracies.items()
        ],
        "gain": _gains_of_sets(gains),
        "samples": [_quality(name, tail, found) for (name, tail), found in generators.items()],
    }


def _spread(by_split: dict[int, dict[int, float]]) -> Record:
    means = [float(np.mean(list(by_seed.values()))) for by_seed in by_split.values()]
    spread = means if len(means) > 1 else list(next(iter(by_split.values())).values())  # of the seeds of a single split
    deviation = float(np.std(spread, ddof=1)) if len(spread) > 1 else 0.0
    seeds = max(len(by_seed) for by_seed in by_split.values())
    return {"mean": round(float(np.mean(means)), 5), "sd": round(deviation, 5), "splits": len(means), "seeds": seeds}


def dose_gains(accuracies: Accuracies) -> dict[int, float]:
    """Return, by split, the accuracy of the best arm with a dose minus that of the best classical arm.

    The best arms of a split are those with the highest mean over the other splits, so that no arm is chosen by the
    accuracy that it is compared in. A single split chooses for itself. Only splits and seeds count that every arm has.
    """
    arms = CLASSICAL | DOSED
    if not arms.keys() <= accuracies.keys():
        return {}
    means: dict[int, dict[str, float]] = {}
    for split in set.intersection(*(set(accuracies[arm]) for arm in arms)):
        if seeds := set.intersection(*(set(accuracies[arm][split]) for arm in arms)):
            means[split] = {arm: float(np.mean([accuracies[arm][split][seed] for seed in seeds])) for arm in arms}

    def best(arms: Iterable[str], split: int) -> str:
        others = [other for other in means if other != split] or [split]
        return max(arms, key=lambda arm: np.mean([means[other][arm] for other in others]))

    return {split: means[split][best(DOSED, split)] - means[split][best(CLASSICAL, split)] for split in sorted(means)}


def _gains_of_sets(gains: dict[tuple[str, int], dict[int, float]]) -> Record:
    """Return the gain of every set, and the mean over sets; the splits are paired, and the sets are clusters."""
    sets = list(dict.fromkeys(name for name, _ in gains))
    by_set = {}
    for name in sets:
        by_tail = {tail: found for (other, tail), found in gains.items() if other == name}
        splits = sorted(set.union(*(set(found) for found in by_tail.values())))
        values = [float(np.mean([found[split] for found in by_tail.values() if split in found])) for split in splits]
        by_set[name] = _interval(values) | {"tails": {tail: _interval(list(f.values())) for tail, f in by_tail.items()}}
    over_sets = {
        group: _interval([by_set[name]["mean"] for name in names if name in by_set])
        for group, names in ({"all sets": sets} | GROUPS).items()
        if any(name in by_set for name in names)
    }
    return {"sets": by_set, "mean": over_sets}


def _interval(values: Sequence[float]) -> Record:
    """Return the mean and its interval by Student's t; a single value has none."""
    mean, n = float(np.mean(values)), len(values)
    found: Record = {"mean": round(mean, 5), "n": n, "low": None, "high": None}
    if n > 1:
        half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * np.std(values, ddof=1) / np.sqrt(n))
        found |= {"low": round(mean - half, 5), "high": round(mean + half, 5)}
    return found


def _quality(name: str, tail: int, generators: list[Record]) -> Record:
    def over(key: str, pick: Any) -> float:
        return round(float(np.mean([pick(cell[key]) for cell in generators])), 4)

    return {
        "set": name,
        "tail": tail,
        "splits": len(generators),
        "steps": round(float(np.mean([cell["training"]["steps"] for cell in generators]))),
        "read_as_label": over("read_as_label", np.mean),
        "read_as_label_worst": over("read_as_label", np.min),
        "read_as_label_real": over("read_as_label_real", np.mean),
        "variety": over("variety", np.mean),
        "copies": over("copies", np.mean),
        "copies_worst": over("copies", np.max),
        "alarms": round(float(np.mean([len(cell["training"]["alarmed"]) for cell in generators])), 1),
    }


def as_markdown(results: Record) -> str:
    """Return the results as tables in Markdown."""
    settings, machine = results["settings"], results["machine"]
    bound = f"{settings['max_steps']:,} steps" if settings["max_steps"] else f"{settings['budget']:g} s"
    recipe = f"Recipe {settings['recipe']!r}, {bound} a generator, " if results["samples"] else "No generator, "
    introduction = (
        f"# Images: what {'synthetic images are' if results['samples'] else 'ways to augment are'} worth\n\n{recipe}"
        f"{settings['steps']} steps a classifier; {machine['processor']}, {machine['cores']} cores, torch "
        f"{machine['torch']}. Made by `python benchmarks/images.py`. Nothing was chosen on {' and '.join(HELD_ASIDE)}."
    )
    accuracy = (
        "## Balanced accuracy, in per cent\n\n"
        "Mean over splits and classifier seeds ± standard deviation over splits, or over seeds of a single split.\n\n"
    )
    gain = (
        "## Gain of the dose, in points\n\nBest arm with a dose minus best classical arm, both chosen on the other "
        f"splits; {CONFIDENCE:.0%} interval by Student's t over splits and, for the mean, over sets. The linear "
        "classifier takes no part.\n\n"
    )
    samples = (
        "## The samples\n\nA linear classifier on pretrained features, trained on unseen real images, reads screened "
        "samples as their label, and (real) the training images, which it has not seen either. Means over splits.\n\n"
    )
    sections = [introduction, accuracy + _accuracy_table(results["accuracy"])]
    if results["gain"]["sets"]:
        sections.append(gain + _gain_table(results["gain"]))
    if results["samples"]:
        sections.append(samples + _sample_table(results["samples"]))
    return "\n\n".join(sections) + "\n"


def _accuracy_table(entries: list[Record]) -> str:
    rows = []
    for arm in (*ARMS, LINEAR):
        found = [entry["arms"].get(arm) for entry in entries]
        if not any(found):
            continue
        rows.append([arm, *(_with_spread(one) if one else "" for one in found)])
    splits = [str(max(one["splits"] for one in entry["arms"].values())) for entry in entries]
    return markdown_table(["", *map(_title, entries)], [*rows, ["splits", *splits]])


def _with_spread(found: Record) -> str:
    """Return mean and standard deviation; a single classifier has none."""
    alone = found["splits"] == found["seeds"] == 1
    return f"{100 * found['mean']:.1f}" + ("" if alone else f" ± {100 * found['sd']:.1f}")


def _gain_table(gain: Record) -> str:
    rows = []
    for name, found in gain["sets"].items():
        by_tail = ", ".join(f"{tail}:1 {100 * one['mean']:+.2f}" for tail, one in found["tails"].items())
        rows.append([f"{name}{' (held aside)' if name in HELD_ASIDE else ''}", *_points(found), by_tail])
    rows += [[f"**mean, {group}**", *_points(found), ""] for group, found in gain["mean"].items()]
    return markdown_table(["", "gain", "interval", "n", "by tail"], rows)


def _points(found: Record) -> list[str]:
    interval = "" if found["low"] is None else f"{100 * found['low']:+.2f} to {100 * found['high']:+.2f}"
    return [f"{100 * found['mean']:+.2f}", interval, str(found["n"])]


def _sample_table(entries: list[Record]) -> str:
    shares = ("read_as_label", "read_as_label_worst", "read_as_label_real", "copies", "copies_worst")
    rows = [
        [
            _title(entry),
            f"{entry['steps']:,}",
            *(f"{100 * entry[key]:.0f} %" for key in shares[:3]),
            f"{entry['variety']:.2f}",
            *(f"{100 * entry[key]:.1f} %" for key in shares[3:]),
            f"{entry['alarms']:g}",
        ]
        for entry in entries
    ]
    titles = ["steps", "read as label", "worst class", "real", "variety", "near-copies", "worst class", "alarms"]
    return markdown_table(["", *titles], rows)


def _title(entry: Record) -> str:
    return f"{entry['set']} {entry['tail']}:1"
