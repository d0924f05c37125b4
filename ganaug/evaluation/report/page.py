"""The page: a template, which escapes all text, and its content."""

import base64
import hashlib
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

from ganaug import __version__
from ganaug.evaluation import metrics
from ganaug.evaluation.exhibits import Exhibits
from ganaug.evaluation.report import charts, classifier_tables, gallery
from ganaug.evaluation.report.training_curves import training_curves
from ganaug.evaluation.wording import clean, count, duration, interval, is_known, number, percent, points

VERDICTS = {"helps": "helps", "no difference": "same", "hurts": "hurts"}
"""By verdict, the class of the style sheet."""
LEVELS = {"alarm": 0, "warning": 1, "note": 2}
MAX_SENTENCE = 600
"""Characters of a sentence; the rest is cut."""
MAX_FINDINGS = 60  # also of the list of what was left out
MAX_SETTINGS = 60  # lines
SEEN = {
    "all": "The model had learned from all of this data, so it could not be judged by it. Unless it is said otherwise, "
    "the figures are those of generators that were trained the same way inside every split.",
    "part": "The model had learned from a part of this data, and was judged by the rest alone.",
    None: "By its fingerprint, the model had not learned from exactly this data. Its file does not tell whether it had "
    "learned from some of it.",
    "not applicable": "A new generator was trained inside every split, on its training part alone.",
}
"""A sentence on a given model, by how much of the data the model has seen."""


def render(figures: Mapping[str, Any], exhibits: Exhibits) -> str:
    """Return the report of an evaluation as one HTML page that needs nothing else; the same input gives the same page.

    `figures` are what ``Report.to_dict()`` returns. A part that is missing or None is left out of the page, or named as
    missing where a reader would look for it. All text is treated as hostile. The page has less than five million bytes
    in UTF-8, for any number of classes and any size of images.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ganaug.evaluation.report", "page_parts"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "points": points, "number": number, "things": count, "time": duration}
    environment.filters["clean"] = clean
    style, script = _asset("style.css"), _asset("script.js")
    return environment.get_template("page.html.jinja").render(
        _content(figures, exhibits), style=style, script=script, style_hash=_hash(style), script_hash=_hash(script)
    )


def _content(figures: Mapping[str, Any], exhibits: Exhibits) -> dict[str, Any]:
    comparison, data = figures.get("comparison") or {}, figures.get("data") or {}
    gap = comparison.get("difference")
    verdict = classifier_tables.verdict_on({"verdict": figures.get("verdict"), "difference": gap}, comparison)
    features = (figures.get("fidelity") or {}).get("features")
    rows, measured = classifier_tables.class_rows(figures)
    return {
        "verdict": verdict,
        "tone": VERDICTS.get(verdict, "same"),
        "sentence": clean(figures.get("sentence") or "Nothing was compared.", MAX_SENTENCE),
        "source": clean(re.split(r"[\\/]", str(data["source"]).rstrip("\\/"))[-1], 80) if data.get("source") else "",
        "n": data.get("n"),
        "comparison": _some(comparison, "chosen", "rival", "splits", "grouped"),
        "gap": gap,
        "gap_bounds": interval(gap, points),
        "gap_chart": charts.difference(gap) if isinstance(gap, dict) and is_known(gap.get("mean")) else None,
        "metrics": classifier_tables.classifier_metrics(figures),
        "arms": classifier_tables.arm_rows(figures),
        "n_arms": len(figures.get("arms") or []),
        "findings": _findings(figures),
        "alerts": _alerts(figures),
        "n_findings": len(figures.get("findings") or []),
        "classes": rows,
        "n_classes": len(figures.get("classes") or []),
        "class_metrics": measured,
        "quiz": gallery.quiz(exhibits),
        "no_quiz": gallery.no_quiz(exhibits),
        "pictured": clean(figures.get("modality") or "image", 20) + "s",
        "samples": gallery.class_samples(figures, exhibits),
        "training": _some(figures.get("training") or {}, "steps", "seconds", "kept_from"),
        "curves": training_curves(figures.get("training") or {}),
        "walks": gallery.walks(figures, exhibits),
        "pairs": gallery.pairs(exhibits),
        "plots": gallery.plots(figures, exhibits),
        "n_columns": len(exhibits.distributions),
        "fidelity": metrics.lines("fidelity", figures.get("fidelity") or {}),
        "features": clean(features, 120) if features else "",
        "copies": metrics.lines("copies", figures.get("copies") or {}),
        "seen": SEEN.get(data.get("seen_by_model", ""), ""),
        "settings": _settings(figures),
        "seconds": figures.get("seconds"),
        "left_out": [clean(line, MAX_SENTENCE) for line in (figures.get("left_out") or [])[:MAX_FINDINGS]],
        "version": clean(figures.get("ganaug_version") or __version__),
    }


def _some(found: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Return these entries, None where one is missing; an empty dict for an empty mapping."""
    return {key: found.get(key) for key in keys} if found else {}


def _findings(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return level and text of the findings, the gravest first."""
    found = [
        (entry["level"] if entry.get("level") in LEVELS else "note", clean(entry.get("text", ""), MAX_SENTENCE))
        for entry in figures.get("findings") or []
    ]
    return sorted(found, key=lambda entry: LEVELS[entry[0]])[:MAX_FINDINGS]


def _alerts(figures: Mapping[str, Any]) -> str:
    """Return how many alarms and warnings there are; an empty text if there are none."""
    levels = [entry.get("level") for entry in figures.get("findings") or []]
    counts = [count(levels.count(level), level) for level in ("alarm", "warning") if level in levels]
    return " and ".join(counts)


def _settings(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the settings and the source of the data, as names and values."""
    comparison, data = figures.get("comparison") or {}, figures.get("data") or {}
    lines: list[tuple[str, Any]] = [
        ("source", data.get("source")),
        ("samples", data.get("n")),
        ("schema of the figures", figures.get("schema_version")),
        ("fingerprint of the data", data.get("fingerprint")),
        ("splits that were compared", comparison.get("splits")),
        ("repeats", comparison.get("repeats")),
        *(figures.get("settings") or {}).items(),
    ]
    shown = {clean(str(name).replace("_", " ")): value for name, value in lines if value not in (None, "", [], {})}
    return [(name, clean(value, 120)) for name, value in list(shown.items())[:MAX_SETTINGS]]


def _asset(name: str) -> str:
    """Return a file of the page with the line ends that browsers hash."""
    text = (resources.files("ganaug.evaluation.report") / "page_parts" / name).read_text(encoding="utf-8")
    return text.replace("\r\n", "\n")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
