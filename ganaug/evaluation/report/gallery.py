"""The exhibits of an evaluation as the page shows them, with bounds on their number, size and text."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganaug.evaluation.exhibits import Exhibits
from ganaug.evaluation.report.charts import distribution
from ganaug.evaluation.report.histograms import counted, missing
from ganaug.evaluation.report.pictures import Sheet, evenly, picture, sheet, within
from ganaug.evaluation.wording import clean, number, percent

MAX_CLASSES = 12  # with samples
MAX_ROWS = 5
"""Rows of a table of each class."""
MAX_COLUMNS = 16
"""Columns of a row."""
GRID_TRIES = ((96, 8), (64, 8), (64, 4), (48, 8), (32, 8), (24, 8), (16, 8))
"""Longer side in pixels, and number, of the images of each class: tried in this order until the budget is met."""
MAX_WALKS = 6  # classes with a walk
MAX_FRAMES = 24  # of a walk
MAX_PAIRS = 8  # of a synthetic and its closest real item
MAX_QUESTIONS = 40  # items of the quiz
MAX_PLOTS = 24  # charts of columns
MIN_QUESTIONS = 2
"""Items of either kind that a quiz needs."""
MAX_CELL = 32
"""Characters of a table cell."""
# Characters of the pictures of each section: together 4.25 MB of the 5 MB of a page.
GRID_BYTES = 2_400_000
WALK_BYTES = 1_000_000
PAIR_BYTES = 250_000
QUIZ_BYTES = 600_000


Entry = dict[str, Any]


@dataclass(frozen=True)
class TableExcerpt:
    """Rows of a table as text, without the last `more` columns."""

    columns: Sequence[str]
    cells: Sequence[Sequence[str]]
    more: int


def chosen_classes(figures: Mapping[str, Any], available: Sequence[str], most: int) -> list[str]:
    """Return the names of the classes to show, in the order of the figures; of too many, the rarest ones."""
    counts = {str(entry["name"]): entry.get("count") or 0 for entry in figures.get("classes") or []}
    names = [name for name in counts if name in available] + [name for name in available if name not in counts]
    kept = set(sorted(names, key=lambda name: counts.get(name, 0))[:most])
    return [name for name in names if name in kept]


def class_samples(figures: Mapping[str, Any], exhibits: Exhibits) -> list[Entry]:
    """Return for each class its name, its real and its synthetic samples: `Sheet`, `TableExcerpt`, or None for none."""
    sides = [{str(name): items for name, items in side.items()} for side in (exhibits.real, exhibits.synthetic)]
    names = chosen_classes(figures, list(dict.fromkeys([*sides[0], *sides[1]])), MAX_CLASSES)

    def entries(laid: Callable[[Any], Sheet | TableExcerpt | None]) -> list[Entry]:
        shown = [(name, *(laid(side.get(name)) for side in sides)) for name in names]
        return [{"name": clean(name), "is_table": False, "real": a, "synthetic": b} for name, a, b in shown]

    if any(not isinstance(side.get(name), np.ndarray | None) for side in sides for name in names):
        return [entry | {"is_table": bool(entry["real"] or entry["synthetic"])} for entry in entries(_rows)]

    def make(one: tuple[int, int]) -> list[Entry]:
        side, each = one
        return entries(lambda items: sheet(items[:each], side, 4) if items is not None and len(items) else None)

    def size(made: list[Entry]) -> int:
        return sum(len(entry[side].source) for entry in made for side in ("real", "synthetic") if entry[side])

    return within(GRID_BYTES, make, size, GRID_TRIES)


def walks(figures: Mapping[str, Any], exhibits: Exhibits) -> list[tuple[str, Sheet]]:
    """Return for each class its name and the frames of its walk."""
    frames = {str(name): images for name, images in exhibits.walk.items() if len(images)}
    names = chosen_classes(figures, list(frames), MAX_WALKS)

    def make(side: int) -> list[tuple[str, Sheet]]:
        return [(clean(name), sheet(frames[name][evenly(len(frames[name]), MAX_FRAMES)], side, 8)) for name in names]

    return within(WALK_BYTES, make, lambda made: sum(len(film.source) for _, film in made))


def pairs(exhibits: Exhibits) -> list[Entry]:
    """Return name, distance, and the pictures ``real`` and ``synthetic`` or the ``cells`` of the closest pairs."""
    closest = exhibits.closest[:MAX_PAIRS]
    are_rows = any(not isinstance(real, np.ndarray) for _, real, _, _ in closest)
    entries = [
        {"name": clean(name), "distance": number(float(far), 2), "cells": _compared(a, b) if are_rows else None}
        for name, a, b, far in closest
    ]
    if are_rows:
        return entries

    def make(side: int) -> list[Entry]:
        return [
            entry | {"real": picture(real, side), "synthetic": picture(synthetic, side)}
            for entry, (_, real, synthetic, _) in zip(entries, closest, strict=True)
        ]

    return within(PAIR_BYTES, make, lambda made: sum(len(pair["real"]) + len(pair["synthetic"]) for pair in made))


def quiz(exhibits: Exhibits) -> dict[str, Any] | None:
    """Return ``kind`` and ``items`` of the quiz, as many real as synthetic ones, so that guessing scores one half.

    Each item has ``real`` and its ``picture`` or its ``cells``. None where there are too few items of either kind.
    """
    asked = [(item, bool(is_real)) for item, is_real in exhibits.quiz]
    sides = [[place for place, (_, is_real) in enumerate(asked) if is_real is side] for side in (True, False)]
    each = min(*map(len, sides), MAX_QUESTIONS // 2)
    if each < MIN_QUESTIONS:
        return None
    asked = [asked[place] for place in sorted(sides[0][:each] + sides[1][:each])]
    if any(not isinstance(item, np.ndarray) for item, _ in asked):
        cells = [_cells(item)[:MAX_COLUMNS] for item, _ in asked]
        return {"kind": "row", "items": [{"cells": c, "real": r} for c, (_, r) in zip(cells, asked, strict=True)]}

    def make(side: int) -> list[str]:
        return [picture(item, side) for item, _ in asked]

    pictures = within(QUIZ_BYTES, make, lambda made: sum(map(len, made)))
    return {"kind": "image", "items": [{"picture": p, "real": r} for p, (_, r) in zip(pictures, asked, strict=True)]}


def no_quiz(exhibits: Exhibits) -> str:
    """Return why there is no quiz; an empty text where there is one."""
    if not exhibits.quiz:
        return "There is no quiz: the evaluation ended before it had samples to show."
    n_real = sum(bool(is_real) for _, is_real in exhibits.quiz)
    if min(n_real, len(exhibits.quiz) - n_real) >= MIN_QUESTIONS:
        return ""
    return (
        f"There is no quiz: it needs {MIN_QUESTIONS} real samples that the generator has not seen and {MIN_QUESTIONS} "
        f"synthetic ones of the same classes, and had {n_real} and {len(exhibits.quiz) - n_real}."
    )


def plots(figures: Mapping[str, Any], exhibits: Exhibits) -> list[Entry]:
    """Return ``name``, ``kind``, ``chart`` and ``note`` of the columns, the largest distance above the floor first."""
    known = {str(entry["name"]): entry for entry in (figures.get("fidelity") or {}).get("columns") or []}

    def excess(column: Mapping[str, Any]) -> float:
        entry = known.get(str(column["name"]), {})
        return float((entry.get("distance") or 0.0) - (entry.get("floor") or 0.0))

    shown = sorted(exhibits.distributions, key=lambda column: -excess(column))[:MAX_PLOTS]
    return [_plot(f"column{index}", column, known.get(str(column["name"]), {})) for index, column in enumerate(shown)]


def _plot(name: str, column: Mapping[str, Any], entry: Mapping[str, Any]) -> Entry:
    values, title = counted(column), clean(column["name"])
    notes = [] if values else ["No values to draw."]
    if entry.get("distance") is not None:
        floor = f"; the floor is {number(entry['floor'])}" if entry.get("floor") is not None else ""
        notes.append(f"Distance {number(entry['distance'])}{floor}.")
    gaps = missing(column)
    if any(gaps):
        notes.append(f"Missing: {percent(gaps[0])} of real, {percent(gaps[1])} of synthetic values.")
    chart = distribution(name, f"Real and synthetic values of {title}", values) if values else None
    return {"name": title, "kind": clean(column.get("kind", "")), "chart": chart, "note": " ".join(notes)}


def _rows(frame: Any) -> TableExcerpt | None:
    if frame is None or not len(frame):
        return None
    shown = frame.iloc[:MAX_ROWS, :MAX_COLUMNS]
    cells = [[_text(value) for value in row] for row in shown.itertuples(index=False, name=None)]
    return TableExcerpt([clean(name, MAX_CELL) for name in shown.columns], cells, frame.shape[1] - shown.shape[1])


def _cells(item: Any) -> list[tuple[str, str]]:
    return [(clean(name, MAX_CELL), _text(value)) for name, value in dict(item).items()]


def _compared(real: Any, synthetic: Any) -> list[tuple[str, str, str, bool]]:
    other = dict(synthetic)
    return [
        (clean(name, MAX_CELL), _text(value), _text(other.get(name)), _text(value) == _text(other.get(name)))
        for name, value in list(dict(real).items())[:MAX_COLUMNS]
    ]


def _text(value: Any) -> str:
    """Return a cell as text; numbers with five significant digits."""
    import pandas as pd

    if np.ndim(value) == 0 and pd.isna(value):
        return "(missing)"
    if isinstance(value, float | np.floating) and math.isfinite(value):
        return f"{value:.5g}".replace("-", "\u2212")
    return clean(value, MAX_CELL).removesuffix(" 00:00:00")
