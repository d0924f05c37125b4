"""The charts of the report. Text or a table beside each chart states the same figures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ganaug.evaluation.report.histograms import Bars, Histogram
from ganaug.evaluation.report.svg import ROLES, draw
from ganaug.evaluation.wording import clean, interval, is_known, points

INK, MUTED, RULE = ROLES["ink"], ROLES["muted"], ROLES["rule"]
REAL, SYNTHETIC, ACCENT = ROLES["real"], ROLES["synthetic"], ROLES["accent"]
LINES = ((SYNTHETIC, "-"), (REAL, (0, (5, 2))), (INK, (0, (1, 1.5))), (MUTED, (0, (5, 1.5, 1, 1.5))))
MAX_LINES = len(LINES)  # in one chart: each needs a style of its own
KEYS = ("mean", "low", "high")

Values = NDArray[np.float64]
Strip = dict[str, float | None]  # the positions of mean, low, high and reference, in per cent of the width


def strips(
    estimates: Sequence[Any], reference: float | None = None, limits: tuple[float, float] = (0.0, 1.0)
) -> list[Strip | None]:
    """Place estimates, and a reference value, on one scale for all rows of a table.

    An interval may reach beyond the `limits`, the possible values. Its marks are then moved to them.
    """
    usable = [
        {key: min(max(entry[key], limits[0]), limits[1]) if is_known(entry.get(key)) else None for key in KEYS}
        if isinstance(entry, dict) and is_known(entry.get("mean"))
        else None
        for entry in estimates
    ]
    values = [value for entry in usable if entry for value in [*entry.values(), reference] if is_known(value)]
    least, span = min(values, default=0.0), (max(values, default=0.0) - min(values, default=0.0)) or 1.0

    def place(value: Any) -> float | None:
        return round(4 + 92 * (value - least) / span, 1) if is_known(value) else None

    return [
        {key: place(value) for key, value in entry.items()} | {"reference": place(reference)} if entry else None
        for entry in usable
    ]


def difference(estimate: dict[str, Any]) -> Markup:
    """Draw a difference in points with its interval around zero."""
    known = {key: 100 * min(max(estimate[key], -1.0), 1.0) for key in KEYS if is_known(estimate.get(key))}
    reach = 1.25 * max(0.4, *map(abs, known.values()))

    def paint(figure: Any) -> None:
        axes = figure.add_axes((0.03, 0.4, 0.94, 0.35))
        axes.set_xlim(-reach, reach)
        axes.set_ylim(-1, 1)
        axes.spines["left"].set_visible(False)
        axes.set_yticks([])
        axes.axvline(0, color=MUTED, linewidth=1.2)
        if "low" in known and "high" in known:
            axes.plot(
                [known["low"], known["high"]], [0, 0], color=ACCENT, linewidth=5, solid_capstyle="round", alpha=0.45
            )
        axes.plot([known["mean"]], [0], "o", color=ACCENT, markersize=9)
        axes.text(0, 1.2, "synthetic data hurts", transform=axes.transAxes, color=MUTED)
        axes.text(1, 1.2, "helps", transform=axes.transAxes, color=MUTED, ha="right")
        axes.set_xlabel("points")

    bounds = interval(estimate, points)
    title = f"Difference {points(estimate.get('mean'))} points" + (f", 95 % interval {bounds}" if bounds else "")
    return draw("difference", title, (380, 96), paint)


def curves_chart(name: str, title: str, x: Values, lines: Sequence[Values], x_label: str, kept: float | None) -> Markup:
    """Draw quantities over the training; a dotted line marks the moment whose weights were kept.

    The legend of the page names the lines; the style sheet repeats their colours and dashes.
    """

    def paint(figure: Any) -> None:
        axes = figure.add_axes((0.13, 0.24, 0.84, 0.7))
        for y, (colour, dashes) in zip(lines, LINES, strict=False):
            known = np.isfinite(y)  # validation is less frequent than the recording of losses
            marker = "o" if known.sum() <= 30 else None
            axes.plot(x[known], y[known], color=colour, linestyle=dashes, linewidth=1.8, marker=marker, markersize=3)
        if kept is not None:
            axes.axvline(kept, color=MUTED, linewidth=1.2, linestyle=(0, (1, 2)))
        axes.grid(axis="y", color=RULE, linewidth=0.6, alpha=0.7)
        axes.margins(x=0.03, y=0.15)
        axes.locator_params(axis="y", nbins=5)
        axes.set_xlabel(x_label)

    return draw(name, title, (380, 190), paint)


def distribution(name: str, title: str, shown: Histogram | Bars) -> Markup:
    """Draw the real and the synthetic values of one column as shares, because the two sides differ in number."""
    if isinstance(shown, Bars):
        return _bars(name, title, shown)

    def paint(figure: Any) -> None:
        axes = figure.add_axes((0.04, 0.24, 0.92, 0.72))
        axes.stairs(shown.real, shown.edges, fill=True, color=REAL, alpha=0.3)
        axes.stairs(shown.real, shown.edges, color=REAL, linewidth=1.0)
        axes.stairs(shown.synthetic, shown.edges, color=SYNTHETIC, linewidth=2.0)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.margins(x=0.02)
        axes.set_ylim(bottom=0)
        if shown.is_time:
            places = np.linspace(shown.edges[0], shown.edges[-1], 5)[1::2]
            axes.set_xticks(places, _moments(places))
        else:
            axes.locator_params(axis="x", nbins=5)

    return draw(name, title, (320, 150), paint)


def _moments(days: Values) -> list[str]:
    """Return days since 1970 as text: as dates, or with the time of day where they span less than two days."""
    unit = "D" if np.ptp(days) >= 2 else "m"
    return [str(np.datetime64(round(day * 86400), "s").astype(f"datetime64[{unit}]")).replace("T", " ") for day in days]


def _bars(name: str, title: str, shown: Bars) -> Markup:
    rows, line = len(shown.labels), 26

    def paint(figure: Any) -> None:
        height = rows * line + 34
        axes = figure.add_axes((0.36, 26 / height, 0.6, (height - 30) / height))
        place = np.arange(rows)
        axes.barh(place - 0.2, shown.real, 0.36, color=REAL, alpha=0.55)
        axes.barh(place + 0.2, shown.synthetic, 0.36, color=SYNTHETIC)
        axes.set_yticks(place, [clean(label, 16) for label in shown.labels])
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.set_ylim(rows - 0.5, -0.5)
        axes.set_xlim(0, max(1e-9, 1.05 * max(max(shown.real), max(shown.synthetic))))
        axes.locator_params(axis="x", nbins=4)
        axes.xaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
        axes.spines["left"].set_visible(False)

    return draw(name, title, (320, rows * line + 34), paint)
