"""The tables of arms and of classes, each value with its interval."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganaug.evaluation.report.charts import Strip, strips
from ganaug.evaluation.wording import clean, decimal, hundredths, interval, is_known, number, percent, points

__all__ = ["ArmRow", "ClassRow", "EstimateCell", "arm_rows", "class_rows", "classifier_metrics", "verdict_on"]

MAX_ARMS = 40
MAX_CLASSES = 100
MAX_CLASS_METRICS = 5
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
class EstimateCell:
    """An estimate as text, and its marks in a table row."""

    value: str
    bounds: str
    strip: Strip | None = None


@dataclass(frozen=True)
class ArmRow:
    """One way to train the classifier, and its metrics."""

    name: str
    kind: str
    role: str
    metrics: Sequence[EstimateCell]
    difference: EstimateCell | None


@dataclass(frozen=True)
class ClassRow:
    """One class: its recall without and with synthetic data."""

    name: str
    count: str
    verdict: str
    rival: str
    before: EstimateCell
    after: EstimateCell
    difference: EstimateCell
    fidelity: Sequence[str]
    copies: str


def classifier_metrics(figures: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return key, name and meaning of each metric that any arm has."""
    present = {key for arm in figures.get("arms") or [] for key, value in (arm.get("metrics") or {}).items() if value}
    return [(key, name, meaning) for key, (name, meaning, _) in METRICS.items() if key in present]


def arm_rows(figures: Mapping[str, Any]) -> list[ArmRow]:
    """Return the rows of the table of arms; the marks are those of the first metric."""
    found = (figures.get("arms") or [])[:MAX_ARMS]
    comparison = figures.get("comparison") or {}
    roles = {comparison.get("chosen"): "best with synthetic data", comparison.get("rival"): "best without"}
    keys = [key for key, _, _ in classifier_metrics(figures)]
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
            _cell(column[index], METRICS[key][2], marks[index] if place == 0 else None)
            for place, (key, column) in enumerate(zip(keys, estimates, strict=True))
        ]
        gap = arm.get("difference")
        rows.append(
            ArmRow(
                clean(arm.get("name", "")),
                KINDS.get(arm.get("kind", ""), clean(arm.get("kind", ""))),
                roles.get(arm.get("name"), "") if arm.get("name") is not None else "",
                shown,
                _cell(gap, points) if gap else None,
            )
        )
    return rows


def class_rows(figures: Mapping[str, Any]) -> tuple[list[ClassRow], list[str]]:
    """Return the rows of the table of classes, and the names of the fidelity metrics among its columns."""
    found = figures.get("classes") or []
    found = (
        sorted(found, key=lambda entry: entry.get("count") or 0)[:MAX_CLASSES] if len(found) > MAX_CLASSES else found
    )
    comparison = figures.get("comparison") or {}
    chosen = comparison.get("chosen")
    measured = list(dict.fromkeys(key for entry in found for key in entry.get("fidelity") or {}))[:MAX_CLASS_METRICS]
    marks = strips([entry.get("difference") for entry in found], 0.0, (-1.0, 1.0))
    rows = []
    for entry, mark in zip(found, marks, strict=True):
        recall, scores = entry.get("recall") or {}, entry.get("fidelity") or {}
        share = (entry.get("copies") or {}).get("share")
        rows.append(
            ClassRow(
                clean(entry.get("name", "")),
                number(entry.get("count"), 9),
                verdict_on(entry, comparison),
                clean(entry["rival"]) if entry.get("rival") else "",
                _cell(recall.get(entry.get("rival")), hundredths),
                _cell(recall.get(chosen), hundredths),
                _cell(entry.get("difference"), points, mark),
                [decimal(_mean(scores.get(key)), 2) for key in measured],
                percent(share),
            )
        )
    return rows, [clean(key.replace("_", " "), 24) for key in measured]


def verdict_on(entry: Mapping[str, Any], comparison: Mapping[str, Any]) -> str:
    """Return the verdict to show: "undecided" instead of "no difference" where a difference could not have been found.

    Parameters
    ----------
    entry : mapping
        With ``verdict`` and ``difference``.
    comparison : mapping
        With ``splits`` and, where it is known, ``fewest_splits``, the number that a verdict needs.

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
    """Return the mean of an estimate, the value of a distance, or the number itself."""
    return value.get("mean", value.get("value")) if isinstance(value, dict) else value


def _cell(estimate: Any, form: Callable[[Any], str], strip: Strip | None = None) -> EstimateCell:
    value = _mean(estimate)
    return EstimateCell(form(value) if is_known(value) else form(None), interval(estimate, form), strip)
