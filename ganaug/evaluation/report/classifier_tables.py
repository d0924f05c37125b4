"""The tables of arms and of classes, each value with its interval."""

from collections.abc import Callable, Mapping
from typing import Any

from ganaug.evaluation.report.charts import Strip, strips
from ganaug.evaluation.wording import clean, decimal, hundredths, interval, is_known, number, percent, points

MAX_ARMS = 40  # rows of the table of arms
MAX_CLASSES = 100  # rows of the table of classes
MAX_CLASS_METRICS = 5  # columns of the table of classes
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
        "predicted confidence against hits; lower is better",
        hundredths,
    ),
}
"""By key of the JSON: the name, the meaning, and the form of the values."""

Row = dict[str, Any]


def classifier_metrics(figures: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return key, name and meaning of each metric that any arm has."""
    present = {key for arm in figures.get("arms") or [] for key, value in (arm.get("metrics") or {}).items() if value}
    return [(key, name, meaning) for key, (name, meaning, _) in METRICS.items() if key in present]


def arm_rows(figures: Mapping[str, Any]) -> list[Row]:
    """Return the rows of the table of arms: texts, and cells as `_cell` makes them.

    The first metric has marks, with the best arm without synthetic data as their reference.
    """
    arms, comparison = (figures.get("arms") or [])[:MAX_ARMS], figures.get("comparison") or {}
    roles = {comparison.get("chosen"): "best with synthetic data", comparison.get("rival"): "best without", None: ""}
    keys = [key for key, _, _ in classifier_metrics(figures)]
    measured = [arm.get("metrics") or {} for arm in arms]
    first = [found.get(keys[0]) if keys else None for found in measured]
    rival = comparison.get("rival")
    of_rival = [one for arm, one in zip(arms, first, strict=True) if rival is not None and arm.get("name") == rival]
    marks = strips(first, _mean(of_rival[0]) if of_rival else None)
    return [
        {
            "name": clean(arm.get("name", "")),
            "kind": KINDS.get(arm.get("kind", ""), clean(arm.get("kind", ""))),
            "role": roles.get(arm.get("name"), ""),
            "metrics": [_cell(found.get(key), METRICS[key][2], mark if key == keys[0] else None) for key in keys],
            "difference": _cell(arm["difference"], points) if arm.get("difference") else None,
        }
        for arm, found, mark in zip(arms, measured, marks, strict=True)
    ]


def class_rows(figures: Mapping[str, Any]) -> tuple[list[Row], list[str]]:
    """Return the rows of the table of classes, and the names of the fidelity metrics among its columns."""
    entries, comparison = figures.get("classes") or [], figures.get("comparison") or {}
    if len(entries) > MAX_CLASSES:
        entries = sorted(entries, key=lambda entry: entry.get("count") or 0)[:MAX_CLASSES]
    measured = list(dict.fromkeys(key for one in entries for key in one.get("fidelity") or {}))[:MAX_CLASS_METRICS]
    marks = strips([entry.get("difference") for entry in entries], 0.0, (-1.0, 1.0))
    rows = []
    for entry, mark in zip(entries, marks, strict=True):
        recall, fidelity = entry.get("recall") or {}, entry.get("fidelity") or {}
        rows.append(
            {
                "name": clean(entry.get("name", "")),
                "count": number(entry.get("count"), 9),
                "verdict": verdict_on(entry, comparison),
                "before": _cell(recall.get(entry.get("rival")), hundredths),
                "after": _cell(recall.get(comparison.get("chosen")), hundredths),
                "difference": _cell(entry.get("difference"), points, mark),
                "fidelity": [decimal(_mean(fidelity.get(key)), 2) for key in measured],
                "copies": percent((entry.get("copies") or {}).get("share")),
            }
        )
    return rows, [clean(key.replace("_", " "), 24) for key in measured]


def verdict_on(entry: Mapping[str, Any], comparison: Mapping[str, Any]) -> str:
    """Return the verdict of `entry` to show: "undecided" where its ``difference`` could not have been found.

    The ``fewest_splits`` of the comparison, where they are known, are the number of ``splits`` that a verdict needs.
    """
    difference = entry.get("difference")
    if not isinstance(difference, dict) or not is_known(difference.get("mean")):
        return "not measured"
    splits, fewest = comparison.get("splits"), comparison.get("fewest_splits")
    enough = not (is_known(splits) and is_known(fewest) and splits < fewest)
    known = is_known(difference.get("low")) and is_known(difference.get("high"))
    return str(entry.get("verdict")) if known and enough else "undecided"


def _mean(value: Any) -> Any:
    """Return the mean of an estimate, the value of a distance, or the number itself."""
    return value.get("mean", value.get("value")) if isinstance(value, dict) else value


def _cell(estimate: Any, form: Callable[[Any], str], strip: Strip | None = None) -> Row:
    """Return an estimate as text, with its marks in the table."""
    return {"value": form(_mean(estimate)), "bounds": interval(estimate, form), "strip": strip}
