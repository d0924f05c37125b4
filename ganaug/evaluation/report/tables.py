"""The tables that an engineer trusts: arms, and classes, every figure with its interval."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganaug.evaluation.report.charts import Strip, strips
from ganaug.evaluation.report.wording import clean, decimal, hundredths, interval, is_known, number, percent, points

__all__ = ["Arm", "Class", "Figure", "arms", "classes", "metrics", "verdict_on"]

MOST_ARMS, MOST_CLASSES = 40, 100
KINDS = {
    "nothing": "real data alone",
    "classical": "classical remedy",
    "gan": "with synthetic data",
    "classical+gan": "classical and synthetic",
    "placebo": "placebo: jittered copies",
    "synthetic only": "synthetic data alone",
}
METRICS: dict[str, tuple[str, str, Callable[[Any], str]]] = {
    "balanced_accuracy": ("Balanced accuracy,\u00a0%", "mean of the classes' recalls; higher is better", hundredths),
    "macro_f1": ("Macro F1,\u00a0%", "mean of the classes' F1 scores; higher is better", hundredths),
    "average_precision": ("Average precision,\u00a0%", "mean over the classes; higher is better", hundredths),
    "brier": ("Brier score", "squared error of the probabilities; lower is better", decimal),
    "calibration_error": (
        "Calibration error,\u00a0%",
        "stated confidence against actual hits; lower is better",
        hundredths,
    ),
}


@dataclass(frozen=True)
class Figure:
    """An estimate in words, and its marks in a row."""

    value: str
    bounds: str
    strip: Strip | None = None


@dataclass(frozen=True)
class Arm:
    """One way to train the classifier, and how well it did."""

    name: str
    kind: str
    role: str
    metrics: Sequence[Figure]
    difference: Figure | None


@dataclass(frozen=True)
class Class:
    """One class: how well it is recognised with and without synthetic data."""

    name: str
    count: str
    verdict: str
    rival: str
    before: Figure
    after: Figure
    difference: Figure
    fidelity: Sequence[str]
    copies: str


def metrics(figures: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return key, name and explanation of each metric that any arm has."""
    present = {key for arm in figures.get("arms") or [] for key, value in (arm.get("metrics") or {}).items() if value}
    return [(key, name, meaning) for key, (name, meaning, _) in METRICS.items() if key in present]


def arms(figures: Mapping[str, Any]) -> list[Arm]:
    """Return the rows of the table of arms; the marks are those of the first metric."""
    found = (figures.get("arms") or [])[:MOST_ARMS]
    comparison = figures.get("comparison") or {}
    roles = {comparison.get("chosen"): "best with synthetic data", comparison.get("rival"): "best without"}
    keys = [key for key, _, _ in metrics(figures)]
    rows = []
    estimates = [[(arm.get("metrics") or {}).get(key) for arm in found] for key in keys]
    reference = (
        next((_mean(e) for arm, e in zip(found, estimates[0], strict=True) if _is(arm, comparison, "rival")), None)
        if keys
        else None
    )
    marks = strips(estimates[0], reference) if keys else []
    for index, arm in enumerate(found):
        shown = [
            _figure(column[index], METRICS[key][2], marks[index] if place == 0 else None)
            for place, (key, column) in enumerate(zip(keys, estimates, strict=True))
        ]
        gap = arm.get("difference")
        rows.append(
            Arm(
                clean(arm.get("name", "")),
                KINDS.get(arm.get("kind", ""), clean(arm.get("kind", ""))),
                roles.get(arm.get("name"), "") if arm.get("name") is not None else "",
                shown,
                _figure(gap, points) if gap else None,
            )
        )
    return rows


def classes(figures: Mapping[str, Any]) -> tuple[list[Class], list[str]]:
    """Return the rows of the table of classes, and the names of the fidelity measures among its columns."""
    found = figures.get("classes") or []
    found = (
        sorted(found, key=lambda entry: entry.get("count") or 0)[:MOST_CLASSES] if len(found) > MOST_CLASSES else found
    )
    comparison = figures.get("comparison") or {}
    chosen = comparison.get("chosen")
    measured = list(dict.fromkeys(key for entry in found for key in entry.get("fidelity") or {}))[:5]
    marks = strips([entry.get("difference") for entry in found], 0.0, (-1.0, 1.0))
    rows = []
    for entry, mark in zip(found, marks, strict=True):
        recall, scores = entry.get("recall") or {}, entry.get("fidelity") or {}
        share = (entry.get("copies") or {}).get("share")
        rows.append(
            Class(
                clean(entry.get("name", "")),
                number(entry.get("count"), 9),
                verdict_on(entry, comparison),
                clean(entry["rival"]) if entry.get("rival") else "",
                _figure(recall.get(entry.get("rival")), hundredths),
                _figure(recall.get(chosen), hundredths),
                _figure(entry.get("difference"), points, mark),
                [decimal(_mean(scores.get(key)), 2) for key in measured],
                percent(share),
            )
        )
    return rows, [clean(key.replace("_", " "), 24) for key in measured]


def verdict_on(entry: Mapping[str, Any], comparison: Mapping[str, Any]) -> str:
    """Return a verdict as it may be shown: "no difference" claims too much where it could not have been told.

    Parameters
    ----------
    entry : mapping
        With ``verdict`` and ``difference``.
    comparison : mapping
        With ``splits``, and perhaps ``fewest_splits``, the fewest that anything can be told from.

    Examples
    --------
    >>> entry = {"verdict": "no difference", "difference": {"mean": 0.1, "low": -0.1, "high": 0.2}}
    >>> verdict_on(entry, {"splits": 10}), verdict_on(entry, {"splits": 2, "fewest_splits": 5})
    ('no difference', 'undecided')
    >>> verdict_on({"verdict": "no difference", "difference": {"mean": 0.1, "low": None}}, {"splits": 1})
    'undecided'
    >>> verdict_on({"verdict": "no difference"}, {})
    'not measured'
    """
    difference = entry.get("difference")
    if not isinstance(difference, dict) or not is_known(difference.get("mean")):
        return "not measured"
    splits, fewest = comparison.get("splits"), comparison.get("fewest_splits")
    enough = not (is_known(splits) and is_known(fewest) and splits < fewest)
    known = is_known(difference.get("low")) and is_known(difference.get("high"))
    return str(entry.get("verdict")) if known and enough else "undecided"


def _is(arm: Mapping[str, Any], comparison: Mapping[str, Any], role: str) -> bool:
    return arm.get("name") is not None and arm.get("name") == comparison.get(role)


def _mean(value: Any) -> Any:
    """Return an estimate's mean, a distance's value, or the number itself."""
    return value.get("mean", value.get("value")) if isinstance(value, dict) else value


def _figure(estimate: Any, form: Callable[[Any], str], strip: Strip | None = None) -> Figure:
    value = _mean(estimate)
    return Figure(form(value) if is_known(value) else form(None), interval(estimate, form), strip)
