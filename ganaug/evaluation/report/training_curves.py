"""The training curves of a generator: its losses and its validation measures over the training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ganaug.evaluation.report.charts import MAX_LINES, curves_chart
from ganaug.evaluation.wording import clean, is_known

MEASURES = {
    "score": "Energy score, on held-out samples where there are any; lower is better",
    "agreement": "Share of samples that a classifier reads as their own class; higher is better",
    "variety": "Variety relative to real samples; 1 is as varied",
}
"""By key of the history, what a validation measure is."""


@dataclass(frozen=True)
class TrainingCurves:
    """A chart, its title, and the names of its lines in the order of the styles `charts.LINES`."""

    title: str
    svg: Markup
    lines: Sequence[str]


def training_curves(training: Mapping[str, Any]) -> list[TrainingCurves]:
    """Draw what the history of the training has: the losses in one chart, and a chart for each validation measure.

    Parameters
    ----------
    training : mapping
        From the JSON: ``history`` is a list of entries, each with ``progress`` (0 to 1) or ``step``, and with
        ``losses``, validation measures, or both.
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
        TrainingCurves(
            title,
            curves_chart(f"curves{index}", title, x, list(group.values()), label, moment),
            [clean(key, 24) for key in group],
        )
        for index, (title, group) in enumerate(groups)
    ]


def _lines(entries: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[np.float64]]:
    """Return each quantity as a line, NaN where it was not measured; the loss of the generator comes first."""
    keys = sorted(dict.fromkeys(key for entry in entries for key in entry), key=lambda key: key != "generator")
    lines = {
        key: np.array([entry[key] if is_known(entry.get(key)) else np.nan for entry in entries], dtype=np.float64)
        for key in keys
    }
    return {key: line for key, line in lines.items() if np.isfinite(line).any()}
