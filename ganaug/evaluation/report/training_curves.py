"""The training curves of a generator: its losses and its validation measures over the training."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ganaug.evaluation.report.charts import MAX_LINES, Values, curves_chart
from ganaug.evaluation.wording import clean, is_known

MEASURES = {
    "score": "Energy score, on held-out samples where there are any; lower is better",
    "agreement": "Share of samples that a classifier reads as their own class; higher is better",
    "variety": "Variety relative to real samples; 1 is as varied",
}
"""By key of the history, what a validation measure is."""


def training_curves(training: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Draw the losses in one chart, and a chart for each validation measure, from ``history`` in the JSON.

    Each has its ``title``, its ``svg``, and the names of its ``lines`` in the order of the styles `charts.LINES`.
    """
    history = training.get("history") or []
    axis = "step" if history and all(is_known(entry.get("step")) for entry in history) else "progress"
    if len(history) < 2 or not all(is_known(entry.get(axis)) for entry in history):
        return []
    scale, label = (100, "per cent of the training") if axis == "progress" else (1, "training step")
    x = scale * np.array([entry[axis] for entry in history], dtype=np.float64)
    kept = training.get("kept_from")
    moment = scale * kept if axis == "progress" and is_known(kept) else None
    # A loss and a measure may have the same name.
    losses = _lines([entry.get("losses") or {} for entry in history])
    measures = _lines([{key: entry.get(key) for key in MEASURES} for entry in history])
    groups = [("Losses", dict(list(losses.items())[:MAX_LINES]))] if losses else []
    groups += [(MEASURES[key], {key: line}) for key, line in measures.items()]
    return [
        {
            "title": title,
            "svg": curves_chart(f"curves{index}", title, x, list(group.values()), label, moment),
            "lines": [clean(key, 24) for key in group],
        }
        for index, (title, group) in enumerate(groups)
    ]


def _lines(entries: Sequence[Mapping[str, Any]]) -> dict[str, Values]:
    """Return each quantity as a line, NaN where it was not measured; the loss of the generator comes first."""
    keys = sorted(dict.fromkeys(key for entry in entries for key in entry), key=lambda key: key != "generator")
    lines = {
        key: np.array([entry[key] if is_known(entry.get(key)) else np.nan for entry in entries], dtype=np.float64)
        for key in keys
    }
    return {key: line for key, line in lines.items() if np.isfinite(line).any()}
