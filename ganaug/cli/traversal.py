"""The plot of ``ganaug sample --walk`` for tables: how each column changes along a walk through the noise."""

import io
import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganaug.cli.text import printable
from ganaug.data.tables.numeric import NumericColumn
from ganaug.data.tables.times import charted
from ganaug.errors import DataError

if TYPE_CHECKING:
    import matplotlib.axes
    from pandas import Series

    from ganaug.runtime.generator import Generator

FORMATS = {".png": "png", ".svg": "svg"}
"""The format of a file by its ending."""
MAX_PANELS = 30
"""Columns of the table in one plot, the first ones."""
MAX_CLASSES = 40
"""Lines in a panel: ten colours in four styles."""
MAX_CATEGORIES = 8
"""Categories on an axis: the most frequent ones; the rest share a place."""
MAX_NAME, MAX_TITLE = 18, 40
"""Characters of the name of a class or a category, and of a column."""
STYLES = ("-", "--", ":", "-.")
SPREAD = 0.3
"""How far the lines of all classes lie apart where they show the same category, in places of the axis."""
PANELS_ACROSS = 3
PANEL = (4.0, 2.0)  # inches
DOTS = 110  # of a PNG, for each inch
REST, MISSING = "other", "missing"


def draw_traversal(generator: "Generator", labels: Sequence[Any], steps: int, suffix: str, seed: int) -> bytes:
    """Return the plot as the content of a file: a panel for each column, and in it a line for each class.

    Every class takes the same walk, a great circle, so that lines can be compared point by point.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    if len(labels) > MAX_CLASSES:
        raise DataError(
            f"a plot must show at most {MAX_CLASSES} classes, but there are {len(labels):,}: name some with --class"
        )
    walks = [generator.walk(label, steps, seed) for label in labels]
    shown = generator.codec.columns[:MAX_PANELS]
    across = min(PANELS_ACROSS, len(shown))
    down = math.ceil(len(shown) / across)
    # The same walk gives the same file: the names inside an SVG come from a fixed salt.
    with rc_context({"svg.hashsalt": "ganaug", "font.size": 8}):
        figure = Figure(figsize=(across * PANEL[0], down * PANEL[1] + 0.8), layout="constrained", dpi=DOTS)
        panels = figure.subplots(down, across, sharex=True, squeeze=False).ravel()
        for place, (axes, column) in enumerate(zip(panels, shown, strict=False)):
            own = [walk.iloc[:, place] for walk in walks]
            draw = _draw_numbers if isinstance(column, NumericColumn) else _draw_categories
            draw(axes, own, [str(label) for label in labels])
            axes.set_title(_short(column.name, MAX_TITLE), fontsize=9, loc="left", parse_math=False)
        for axes in panels[len(shown) :]:
            axes.set_visible(False)
        for axes in panels[: len(shown)][-across:]:
            axes.tick_params(labelbottom=True)
        legend = figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=6)
        for text in legend.get_texts():
            text.set_parse_math(False)
        figure.supxlabel("share of a closed walk through the noise")
        file = io.BytesIO()
        figure.savefig(file, format=FORMATS[suffix], metadata={"Date": None} if suffix == ".svg" else None)
    return file.getvalue()


def _draw_numbers(axes: "matplotlib.axes.Axes", walks: "Sequence[Series[Any]]", names: Sequence[str]) -> None:
    for number, (name, values) in enumerate(zip(names, walks, strict=True)):
        numbers: Any
        values = charted(values)
        if values.dtype.kind == "M":
            numbers = values.dt.tz_localize(None) if values.dt.tz is not None else values
        else:
            numbers = values.to_numpy(np.float64, na_value=np.nan)
        axes.plot(_shares(len(values)), numbers, _style(number), color=_colour(number), label=_short(name), lw=1.3)


def _draw_categories(axes: "matplotlib.axes.Axes", walks: "Sequence[Series[Any]]", names: Sequence[str]) -> None:
    texts = [_texts(walk) for walk in walks]
    counts = Counter(text for own in texts for text in own)
    common = sorted(text for text, _ in counts.most_common(MAX_CATEGORIES))
    ticks = [*common, *([REST] if len(counts) > len(common) else [])]
    places = {name: place for place, name in enumerate(common)}
    for number, (name, text) in enumerate(zip(names, texts, strict=True)):
        apart = SPREAD * ((number + 0.5) / len(names) - 0.5)
        heights = [places.get(value, len(common)) + apart for value in text]
        colour, short = _colour(number), _short(name)
        axes.step(_shares(len(text)), heights, _style(number), where="mid", color=colour, label=short, lw=1.3)
    axes.set_yticks(range(len(ticks)), [_short(tick) for tick in ticks], parse_math=False)
    axes.set_ylim(-0.5, len(ticks) - 0.5)


def _texts(values: "Series[Any]") -> list[str]:
    pairs = zip(values, values.isna(), strict=True)
    return [MISSING if missing else printable(value) for value, missing in pairs]


def _shares(count: int) -> NDArray[np.float64]:
    return np.linspace(0, 1, count, endpoint=False)


def _style(number: int) -> str:
    return STYLES[number // 10 % len(STYLES)]


def _colour(number: int) -> str:
    return f"C{number % 10}"


def _short(name: object, most: int = MAX_NAME) -> str:
    text = printable(name)
    return text if len(text) <= most else text[: most - 3] + "..."
