"""Summarise the cells of the benchmark of tables, as numbers and as Markdown."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import asdict

import numpy as np
from learners import METRICS
from numpy.typing import NDArray
from oversampling import GUARD
from ranking import TIE, duels, mean_ranks
from runs import Record, markdown_table

__all__ = ["as_markdown", "summarise"]

TITLES = {
    "average_precision": "average precision",
    "roc_auc": "ROC AUC",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "brier": "Brier score",
    "balanced_accuracy_tuned": "balanced accuracy, tuned",
    "macro_f1_tuned": "macro F1, tuned",
}
OWN = "ganaug"  # first word of the names of the package's own arms


def summarise(cells: list[Record], learners: list[str], folds: int) -> Record:
    """Return the figures over the sets for which every method has all folds and learners.

    Parameters
    ----------
    cells : list of dict
        As `cell.measure` returns them, with the keys `set`, `fold` and `method`.

    Returns
    -------
    dict
        Under ``metrics``, the figures of each metric. Their ``by_set`` holds the values of every arm in the order of
        ``sets``, so that later runs can be compared set by set.
    """
    done = _complete(cells, learners, folds)
    sets = sorted(set.intersection(*done.values())) if done else []
    if not sets:
        return {"sets": [], "available": {method: len(own) for method, own in done.items()}}
    used = [cell for cell in cells if cell["set"] in sets and cell["method"] in done and cell["fold"] < folds]
    arms = [arm for method in done for arm in _first(used, method)["scores"]]
    scored = {metric: _values(used, metric, sets, arms, learners) for metric in METRICS}
    metrics = [metric for metric, values in scored.items() if not np.isnan(values).any()]
    return {
        "sets": sets,
        "available": {method: len(own) for method, own in done.items()},
        "arms": arms,
        "learners": learners,
        "metrics": {metric: _figures(scored[metric], METRICS[metric], arms, learners) for metric in metrics},
        "seconds": _seconds(used, arms),
        "notes": dict(Counter(f"{arm}: {_kind(note)}" for cell in used for arm, note in cell["notes"].items())),
        **({"guard": _guard(scored, sets, arms, used)} if GUARD in arms and "nothing" in arms else {}),
    }


def _complete(cells: list[Record], learners: list[str], folds: int) -> dict[str, set[str]]:
    """Return, by method, the sets of which all folds and learners are measured."""
    counts: Counter[tuple[str, str]] = Counter()
    for cell in cells:
        whole = all(set(learners) <= scores.keys() for scores in cell["scores"].values())
        counts[cell["method"], cell["set"]] += whole and cell["fold"] < folds
    done: dict[str, set[str]] = {}
    for (method, name), count in counts.items():
        done.setdefault(method, set()).update([name] if count == folds else [])
    return {method: own for method, own in done.items() if own}


def _first(cells: list[Record], method: str) -> Record:
    return next(cell for cell in cells if cell["method"] == method)


def _values(
    cells: list[Record], metric: str, sets: list[str], arms: list[str], learners: list[str]
) -> NDArray[np.float64]:
    """Return a metric as an array (n_sets, n_arms, n_learners, n_folds); NaN where it was not measured."""
    folds = 1 + max(cell["fold"] for cell in cells)
    values = np.full((len(sets), len(arms), len(learners), folds), np.nan)
    place = {name: number for names in (sets, arms) for number, name in enumerate(names)}
    for cell in cells:
        for arm, by_learner in cell["scores"].items():
            found = [by_learner[name].get(metric, np.nan) for name in learners]
            values[place[cell["set"]], place[arm], :, cell["fold"]] = found
    return values


def _figures(values: NDArray[np.float64], sign: int, arms: list[str], learners: list[str]) -> Record:
    by_learner = values.mean(axis=3)  # (n_sets, n_arms, n_learners)
    by_set = by_learner.mean(axis=2)  # (n_sets, n_arms)
    ranks = _ranks(sign * by_set, arms)
    per_learner = [_ranks(sign * by_learner[:, :, number], arms) for number in range(len(learners))]
    return {
        "mean": dict(zip(arms, by_set.mean(axis=0).round(4).tolist(), strict=True)),
        "mean_rank": dict(zip(arms, ranks.round(3).tolist(), strict=True)),
        "mean_rank_by_learner": {
            name: dict(zip(arms, own.round(3).tolist(), strict=True))
            for name, own in zip(learners, per_learner, strict=True)
        },
        "mean_by_learner": {
            name: dict(zip(arms, by_learner[:, :, number].mean(axis=0).round(4).tolist(), strict=True))
            for number, name in enumerate(learners)
        },
        "duels": {own: _duels(sign * by_set, own, arms) for own in arms if own.startswith(OWN)},
        "by_set": dict(zip(arms, by_set.T.round(5).tolist(), strict=True)),
    }


def _ranks(values: NDArray[np.float64], arms: list[str]) -> NDArray[np.float64]:
    """Return mean ranks. An own arm is ranked among the other methods alone; these beside the first own arm."""
    others = [number for number, arm in enumerate(arms) if not arm.startswith(OWN)]
    ranks = np.empty(len(arms))
    for own in reversed([number for number, arm in enumerate(arms) if arm.startswith(OWN)]):
        ranks[[*others, own]] = mean_ranks(values[:, [*others, own]])
    if len(others) == len(arms):
        ranks = mean_ranks(values)
    return ranks


def _duels(values: NDArray[np.float64], own: str, arms: list[str]) -> Record:
    """Compare an own arm with the other methods; the other own arms use the same generator, and are left out."""
    others = [arm for arm in arms if not arm.startswith(OWN)]
    if not others:
        return {}
    found = duels(values[:, arms.index(own)], values[:, [arms.index(arm) for arm in others]])
    return {arm: asdict(duel) for arm, duel in zip(others, found, strict=True)}


def _seconds(cells: list[Record], arms: list[str]) -> Record:
    """Return the seconds of the resampling: median, quartiles and maximum over sets and folds."""
    found: Record = {}
    for arm in arms:
        seconds = [cell["seconds"][arm] for cell in cells if arm in cell["seconds"]]
        if seconds:
            low, middle, high = np.quantile(seconds, [0.25, 0.5, 0.75]).round(4).tolist()
            found[arm] = {"median": middle, "quartiles": [low, high], "longest": max(seconds)}
    return found


def _kind(note: str) -> str:
    return note.split(":")[-1].strip().split(".")[0] if note.startswith("nothing") else "some rows are repeats"


def _guard(scored: dict[str, NDArray[np.float64]], sets: list[str], arms: list[str], cells: list[Record]) -> Record:
    """Return how often the automatic choice is worse than nothing by more than one standard error over the folds."""
    values = scored["balanced_accuracy"]  # the metric it chooses by; (n_sets, n_arms, n_learners, n_folds)
    difference = values[:, arms.index(GUARD)] - values[:, arms.index("nothing")]  # (n_sets, n_learners, n_folds)
    over_learners = difference.mean(axis=1)
    chosen = Counter(
        score["chosen"] for cell in cells if GUARD in cell["scores"] for score in cell["scores"][GUARD].values()
    )
    return {
        "worse_sets": [name for name, own in zip(sets, over_learners, strict=True) if _worse(own)],
        "worse_share_of_set_and_learner": float(np.mean([_worse(own) for row in difference for own in row])),
        "mean_difference": float(difference.mean()),
        "chosen": dict(chosen.most_common()),
    }


def _worse(differences: NDArray[np.float64]) -> bool:
    error = differences.std(ddof=1) / np.sqrt(len(differences)) if len(differences) > 1 else 0.0
    return bool(differences.mean() < -error)


def as_markdown(results: Record) -> str:
    """Return the results as tables in Markdown."""
    summary, settings, machine = results["summary"], results["settings"], results["machine"]
    head = (
        f"# Tables: what ganaug measures\n\nKEEL's imbalanced tables, {len(summary['sets'])} of "
        f"{results['selected']} selected sets; {settings['folds']} of 5 stratified folds, resampling inside the fold "
        f"only; learners: {', '.join(settings['learners'])}. {machine['processor']}, {machine['cores']} cores, "
        f"torch {machine['torch']}. Made by `python benchmarks/tables.py`."
    )
    left = [f"{method} ({why})" for method, why in results["absent"].items()]
    measured = [f"{method} {count}" for method, count in summary["available"].items()]
    sections = [head, f"Sets measured: {', '.join(measured) or 'none'}. Not measured: {', '.join(left) or 'none'}."]
    if not summary["sets"]:
        return "\n\n".join([*sections, "No set is complete for every method."]) + "\n"
    sections += [
        "## Mean ranks\n\n1 is the best; each set counts once, with its mean over folds and learners. Of ganaug's "
        "several arms each is ranked among the other methods alone, and these beside the first of them.\n\n"
        + _by_metric(summary, "mean_rank", 2),
        "## Means\n\n" + _by_metric(summary, "mean", 3),
        *_duel_sections(summary),
        "## Mean ranks by learner\n\n"
        + "\n\n".join(_by_learner(summary, metric) for metric in ("average_precision", "balanced_accuracy")),
        "## Seconds to resample\n\nA generator's training included; over sets and folds, one core each.\n\n"
        + _seconds_table(summary["seconds"]),
    ]
    if summary["notes"]:
        sections.append(
            "## Arms that a library could not make\n\n" + "\n".join(f"- {k} ({n})" for k, n in summary["notes"].items())
        )
    if "guard" in summary:
        sections.append("## The automatic choice\n\n" + _guard_text(summary["guard"], len(summary["sets"])))
    if results.get("speed"):
        sections.append("## Speed\n\n" + _speed_text(results["speed"]))
    return "\n\n".join(sections) + "\n"


def _by_metric(summary: Record, figure: str, decimals: int) -> str:
    metrics = summary["metrics"]
    best = {m: (min if figure == "mean_rank" or METRICS[m] < 0 else max)(metrics[m][figure].values()) for m in metrics}
    rows = []
    for arm in summary["arms"]:
        cells = []
        for metric in metrics:
            value = metrics[metric][figure][arm]
            cells.append(f"**{value:.{decimals}f}**" if value == best[metric] else f"{value:.{decimals}f}")
        rows.append([arm, *cells])
    return markdown_table(["", *(TITLES[metric] for metric in metrics)], rows)


def _by_learner(summary: Record, metric: str) -> str:
    ranks = summary["metrics"][metric]["mean_rank_by_learner"]
    rows = [[arm, *(f"{ranks[name][arm]:.2f}" for name in ranks)] for arm in summary["arms"]]
    return f"{TITLES[metric].capitalize()}:\n\n" + markdown_table(["", *ranks], rows)


def _duel_sections(summary: Record) -> list[str]:
    sections = []
    for own in (arm for arm in summary["arms"] if arm.startswith(OWN)):
        rivals = [arm for arm in summary["arms"] if not arm.startswith(OWN)]
        rows = []
        for rival in rivals:
            found = [figures["duels"][own][rival] for figures in summary["metrics"].values()]
            rows.append([rival, *(f"{d['wins']}/{d['ties']}/{d['losses']}, {_p(d['p_holm'])}" for d in found)])
        titles = ["", *(TITLES[metric] for metric in summary["metrics"])]
        sections.append(
            f"## {own}\n\nSets won/level/lost against each other method (level: within {TIE:g}), and the p-value of "
            f"Wilcoxon's signed-rank test after Holm's correction.\n\n" + markdown_table(titles, rows)
        )
    return sections


def _p(value: float) -> str:
    return "p < .001" if value < 0.001 else f"p = {value:.3f}".replace("0.", ".")


def _seconds_table(seconds: Record) -> str:
    rows = []
    for arm, own in seconds.items():
        low, high = own["quartiles"]
        rows.append([arm, f"{own['median']:.3g}", f"{low:.3g} to {high:.3g}", f"{own['longest']:.3g}"])
    return markdown_table(["", "median", "quartiles", "longest"], rows)


def _guard_text(guard: Record, sets: int) -> str:
    chosen = ", ".join(f"{name} {count}" for name, count in guard["chosen"].items())
    return (
        f'`policy="auto"` is worse than doing nothing by more than one standard error of balanced accuracy on '
        f"{len(guard['worse_sets'])} of {sets} sets (mean over learners), and in "
        f"{guard['worse_share_of_set_and_learner']:.1%} of all pairs of set and learner; on average it gains "
        f"{100 * guard['mean_difference']:+.2f} points. What it chose: {chosen}."
    )


def _speed_text(speed: Record) -> str:
    rate = {name: f"{rows:,.0f}" for name, rows in speed["rows_per_second"].items()}
    start = {code: statistics.median(seconds) for code, seconds in speed["import_seconds"].items()}
    return (
        f"Rows of {speed['columns']} columns a second through onnxruntime alone, noise included: "
        f"{rate['bare, one thread']} on one thread, {rate['bare, all threads']} on all; as a DataFrame through "
        f"`Generator.sample`: {rate['generator']}. `import ganaug` takes "
        f"{start['import ganaug'] - start['pass']:.3f} s beyond Python's start and loads "
        f"{', '.join(speed['heavy_modules']) or 'no heavy library'}."
    )
