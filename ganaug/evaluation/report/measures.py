"""Fidelity and copies in words: what was measured, what it came to, and how to read that."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganaug.evaluation.chance import usual_share
from ganaug.evaluation.report.wording import count, interval, is_known, number, percent

__all__ = ["Measure", "copies", "fidelity"]


@dataclass(frozen=True)
class Measure:
    """One line of a table.

    Attributes
    ----------
    name : str
    value, bounds : str
        The value, and its 95 % interval or standard error where it has one.
    reference : str
        What real data comes to, or the ideal.
    meaning, reading : str
        What the measure is; what this value says.
    """

    name: str
    value: str
    bounds: str
    reference: str
    meaning: str
    reading: str = ""


SHARES = {
    "precision": ("Precision", "Share of synthetic samples that lie among the real ones. Low: they look wrong."),
    "recall": ("Recall", "Share of real samples that lie among the synthetic ones. Low: variety is lost."),
    "density": ("Density", "How crowded with real samples the places of the synthetic ones are. 1: as for real ones."),
    "coverage": ("Coverage", "Share of real samples with a synthetic one nearby. Near 0: the generator collapsed."),
}


def fidelity(figures: Mapping[str, Any]) -> list[Measure]:
    """Return the lines on whether it looks real, for whatever was measured."""
    found = figures.get("fidelity") or {}
    lines = [
        _auc(
            found.get("two_sample_auc"),
            "Told apart by a classifier (AUC)",
            "A classifier learns to tell real from synthetic and is tried on samples it has not seen. "
            "0.5: it cannot; 1: it always can.",
        ),
        _auc(
            found.get("realism_auc"),
            "Told apart by the model's discriminator (AUC)",
            "The same for the discriminator that the generator learned from, on real samples that it has not seen.",
        ),
        _distance(
            found.get("frechet_distance"),
            "Fréchet distance",
            "How far apart the two clouds of features lie, by their means and spreads. The floor is what two halves of "
            "the real data have; nearer than that cannot be measured.",
        ),
        _distance(
            found.get("kernel_distance"),
            "Kernel distance",
            "The same question without assuming a shape of the clouds. Its standard error tells noise from difference.",
        ),
    ]
    score = found.get("inception_score") or {}
    if is_known(score.get("value")):
        meaning = "How clearly and how evenly the samples fall into classes. Compare with the real data's own score."
        lines.append(Measure("Inception Score", number(score["value"]), "", _known("real", score.get("real")), meaning))
    for key, (name, meaning) in SHARES.items():
        if is_known(found.get(key)):
            lines.append(Measure(name, number(found[key]), "", "ideal 1", meaning))
    associations, constraints = found.get("associations") or {}, found.get("constraints") or {}
    if is_known(associations.get("distance")):
        meaning = "How much pairs of columns depend on each other, real against synthetic: mean absolute difference."
        floor = associations.get("floor")
        lines.append(
            Measure("Associations of columns", number(associations["distance"]), "", _known("floor", floor), meaning)
        )
    if is_known(constraints.get("checked")):
        meaning = "What the columns promise (bounds, decimals, known categories, no gaps), checked value by value."
        broken = constraints.get("violated")
        reading = "All are kept." if broken == 0 else "Some are broken: report this as a fault."
        lines.append(
            Measure("Constraints broken", number(broken), "", f"of {number(constraints['checked'])}", meaning, reading)
        )
    return [line for line in lines if line is not None]


def copies(figures: Mapping[str, Any]) -> list[Measure]:
    """Return the lines on whether it is copied."""
    found = figures.get("copies") or {}
    lines: list[Measure | None] = []
    if is_known(found.get("share")):
        reference = f"{percent(usual_share(found))} by chance" if is_known(found.get("expected_share")) else ""
        meaning = (
            f"Share of {count(found.get('n'), 'synthetic sample')} nearer to a training sample than "
            f"{number(found.get('threshold'))} times the distance from that one to its own neighbours: nearer than "
            "all but a few real samples come that were not learned from. Rare classes have more than their part in it: "
            "each class has 30 samples in a split, or more."
        )
        lines.append(Measure("Near-copies", percent(found["share"]), "", reference, meaning, _of_share(found)))
    tried = found.get("calibration") or {}
    for key, name, reference, meaning in (
        ("planted_exact_found", "Planted copies found", "ideal 100 %", "Training samples, mixed in as they are."),
        ("planted_altered_found", "Planted altered copies found", "ideal 100 %", "The same, slightly changed first."),
        ("false_alarms", "False alarms", "as by chance", "Real samples, not learned from, that are taken for copies."),
    ):
        if is_known(tried.get(key)):
            lines.append(Measure(name, percent(tried[key]), "", reference, meaning))
    meaning = (
        "Tries to tell from the samples which rows the generator was trained on. 0.5: it cannot; 1: it always can."
    )
    lines.append(_auc(found.get("membership_auc"), "Training rows recognised (AUC)", meaning, "recognised"))
    return [line for line in lines if line is not None]


def _auc(estimate: Any, name: str, meaning: str, verb: str = "told apart") -> Measure | None:
    if not isinstance(estimate, dict) or not is_known(estimate.get("mean")):
        return None
    mean, low = estimate["mean"], estimate.get("low")
    if mean <= 0.5 or (is_known(low) and low <= 0.5):
        reading = f"Not {verb} beyond chance."
    else:
        degree = "a little better than chance" if mean < 0.7 else "often" if mean < 0.9 else "nearly always"
        reading = f"{verb.capitalize()} {degree}."
    return Measure(name, number(mean), interval(estimate, number), "chance 0.5", meaning, reading)


def _distance(found: Any, name: str, meaning: str) -> Measure | None:
    if not isinstance(found, dict) or not is_known(found.get("value")):
        return None
    value, floor, error = found["value"], found.get("floor"), found.get("standard_error")
    reading = ""
    if is_known(floor) and floor > 0:
        slack = 2 * error if is_known(error) else 0.1 * floor
        reading = "At the floor." if value <= floor + slack else f"{number(value / floor, 2)} times the floor."
    bounds = f"± {number(error)} (standard error)" if is_known(error) else ""
    return Measure(name, number(value), bounds, _known("floor", floor), meaning, reading)


def _of_share(found: Mapping[str, Any]) -> str:
    share, expected = found["share"], usual_share(found)
    if share == 0:
        return "None found."
    if not is_known(found.get("expected_share")):
        return ""
    return "No more than chance gives." if share <= expected else f"{number(100 * (share - expected), 2)} points more."


def _known(word: str, value: Any) -> str:
    return f"{word} {number(value)}" if is_known(value) else ""
