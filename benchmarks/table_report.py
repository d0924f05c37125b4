"""Summarise the cells of the benchmark of tables as numbers; `table_markdown` writes them for people."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

import numpy as np
from learners import METRICS
from numpy.typing import NDArray
from oversampling import GUARD
from ranking import duels, mean_ranks
from runs import Record

__all__ = ["OWN", "summarise"]

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
        **({"worse_than_nothing": _worse_sets(scored, metrics, sets, arms)} if "nothing" in arms and folds > 1 else {}),
        **({"guard": _guard(used, sets, learners)} if GUARD in arms and "nothing" in arms else {}),
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


def _worse_sets(scored: dict[str, NDArray[np.float64]], metrics: list[str], sets: list[str], arms: list[str]) -> Record:
    """Return, by metric and arm, the sets on which the arm is worse than nothing by more than one standard error."""
    found: Record = {}
    for metric in metrics:
        over_learners = METRICS[metric] * scored[metric].mean(axis=2)  # (n_sets, n_arms, n_folds)
        differences = over_learners - over_learners[:, [arms.index("nothing")]]
        found[metric] = {
            arm: [name for name, own in zip(sets, differences[:, number], strict=True) if _worse(own)]
            for number, arm in enumerate(arms)
            if arm != "nothing"
        }
    return found


def _worse(differences: NDArray[np.float64]) -> bool:
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    return bool(differences.mean() < -error)


def _guard(cells: list[Record], sets: list[str], learners: list[str]) -> Record:
    """Return how often the automatic choice is worse than nothing by more than one standard error over test rows."""
    compared = [_gains(cells, name, learners) for name in sets]
    by_set = [_gained(gains.mean(axis=1), y) for gains, y in compared]
    by_pair = [_gained(own, y) for gains, y in compared for own in gains.T]
    fits = [score for cell in cells if GUARD in cell["scores"] for score in cell["scores"][GUARD].values()]
    return {
        "worse_sets": [name for name, (gain, error) in zip(sets, by_set, strict=True) if gain < -error],
        "worse_share_of_set_and_learner": float(np.mean([gain < -error for gain, error in by_pair])),
        "mean_difference": float(np.mean([gain for gain, _ in by_set])),
        "chosen": dict(Counter(score["chosen"] for score in fits).most_common()),
        "fit_seconds": np.quantile([score["fit_seconds"] for score in fits], [0.25, 0.5, 0.75, 1]).round(1).tolist(),
    }


def _gains(cells: list[Record], name: str, learners: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return 1 where only the automatic choice predicts a test row rightly, -1 where only nothing does, else 0.

    Returns
    -------
    gains : ndarray of shape (n_rows, n_learners)
        Of the test rows of all folds.
    y : ndarray of shape (n_rows,)
    """
    by_fold = {(cell["fold"], arm): cell for cell in cells if cell["set"] == name for arm in cell["scores"]}
    folds = sorted({fold for fold, _ in by_fold})
    y = np.concatenate([_digits(by_fold[fold, GUARD]["labels"]) for fold in folds])
    right = {
        arm: [
            np.concatenate([_digits(by_fold[fold, arm]["scores"][arm][own]["predicted"]) for fold in folds]) == y
            for own in learners
        ]
        for arm in (GUARD, "nothing")
    }
    return np.subtract(right[GUARD], right["nothing"], dtype=np.int64).T, y


def _digits(text: str) -> NDArray[np.int64]:
    return np.array(list(text), dtype=np.int64)


def _gained(gains: NDArray[np.float64] | NDArray[np.int64], y: NDArray[np.int64]) -> tuple[float, float]:
    """Return the gain in balanced accuracy and its standard error."""
    by_class = [gains[y == label] for label in (0, 1)]
    error = np.sqrt(sum(own.var(ddof=int(len(own) > 1)) / len(own) for own in by_class)) / 2
    return float(np.mean([own.mean() for own in by_class])), float(error)
