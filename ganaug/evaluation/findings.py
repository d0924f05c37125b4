"""The findings of an evaluation: what somebody should know before they rely on it, each in a sentence."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ganaug.evaluation.metrics.copies import usual_share
from ganaug.evaluation.metrics.variety import MIN_VARIETY
from ganaug.evaluation.statistics import share_estimate

MIN_COVERAGE = 0.2
"""Share of the real samples with a synthetic one nearby; below it the generator has collapsed."""
MIN_ROWS = 10
"""Real samples of a class, below which hardly anything can be said of the class."""
MIN_FOUND = 0.8
"""Share of the slightly altered copies that a search must find to be reliable."""
MAX_MEMBERSHIP = 0.55
"""Area under the curve of membership inference; above it, training rows can be told from others."""
FACTOR = 3
"""Ratio beyond chance: of the flagged share to the usual one, or of the usual unflagged share to the unflagged one."""
ALARMING_SHARE = 0.25
"""Share of flagged samples above which copies are an alarm and not only a warning."""
MAX_NAMES = 5
"""Names that a sentence lists."""

LEVELS = ("alarm", "warning", "note")
SEEN = {
    "all": "The model was trained on all of this data and cannot be judged by it: fidelity and verdict are those of "
    "generators that were trained the same way inside the splits; copies were looked for in the model's own samples.",
    "part": "The model was trained on a part of this data, and is judged by the rest: one split, in which only the "
    "seeds differ.",
    "none": "By its fingerprint, the model was not trained on exactly this data. Its file does not tell whether it was "
    "trained on some of this data, and copies of training data that is not here cannot be found. The verdict is that "
    "of generators that were trained inside the splits.",
}
"""The note on a given model, by how much of the data the model has seen."""

Findings = Iterator[tuple[str, str]]  # level and text
Classes = Sequence[Mapping[str, Any]]


def findings(
    fidelity: Mapping[str, Any], copies: Mapping[str, Any], classes: Classes, *, seen: str, repeated: int, grouped: bool
) -> list[dict[str, str]]:
    """Return the findings, the gravest first, each with ``level`` ("alarm", "warning" or "note") and ``text``.

    The first three arguments are parts of the JSON (see the schema in docs/evaluation.md). `seen` says how much of the
    data a given model was trained on, as far as its file tells: "all", "part", "none" (which may be a part) or "not
    applicable". `repeated` is the number of samples that are the same as an earlier one, and `grouped` says whether the
    splits kept groups together.
    """
    found = [
        *_collapse(fidelity, classes),
        *_copied(copies, classes),
        *_data(classes, repeated, grouped),
        *([("note", SEEN[seen])] if seen in SEEN else []),
        *_unlike(fidelity),
    ]
    return [{"level": level, "text": text} for level, text in sorted(found, key=lambda one: LEVELS.index(one[0]))]


def _collapse(fidelity: Mapping[str, Any], classes: Classes) -> Findings:
    coverage = fidelity.get("coverage")
    if coverage is not None and coverage < MIN_COVERAGE:
        yield (
            "alarm",
            f"Only {coverage:.0%} of the real samples have a synthetic one nearby (collapse, or no likeness).",
        )
    varieties = {one["name"]: one["fidelity"].get("variety") for one in classes}
    if narrow := [name for name, variety in varieties.items() if variety is not None and variety < MIN_VARIETY]:
        yield "alarm", f"The samples of {_listed(narrow)} vary less than half as much as the real ones do (collapse)."


def _unlike(fidelity: Mapping[str, Any]) -> Findings:
    told = fidelity.get("two_sample_auc") or {}
    if round(told.get("low") or 0, 2) > 0.5:  # as it is printed
        yield "note", f"A classifier tells real from synthetic: its area under the curve is at least {told['low']:.2f}."
    constraints = fidelity.get("constraints")
    if constraints and constraints["violated"]:
        yield "alarm", f"{constraints['violated']:,} synthetic values violate the constraints of their columns."


def _copied(copies: Mapping[str, Any], classes: Classes) -> Findings:
    share, usual = copies.get("share"), usual_share(copies)
    copied = [one for one in classes if _is_copied(one.get("copies") or {}, usual)]
    names = _listed([one["name"] for one in copied])
    criterion = f"are nearer to a training sample than all but {usual:.0%} of real ones are"
    if share is not None and _is_beyond(share, share, usual):
        where = f", above all those of {names}" if 0 < len(copied) < len(classes) else ""
        yield "alarm" if share > ALARMING_SHARE else "warning", f"{share:.0%} of the samples {criterion}{where}."
    elif copied:
        lowest = min(one["copies"]["share"] for one in copied)
        alarming = any(one["copies"]["share"] > ALARMING_SHARE and not _few_real(one) for one in copied)
        yield (
            "alarm" if alarming else "warning",
            f"Of the samples of {names}, {lowest:.0%}{' or more' * (len(copied) > 1)} {criterion}; of all samples "
            f"together, {share or 0:.0%}.",
        )
    if few := [one["name"] for one in classes if _few_real(one)]:
        yield (
            "note",
            f"Too few real samples of {_listed(few)} were unseen, fewer than {MIN_ROWS}, to tell how near such samples "
            "come by chance. Copies of these classes are judged by what is usual in the other classes.",
        )
    altered = (copies.get("calibration") or {}).get("planted_altered_found")
    if altered is not None and altered < MIN_FOUND:
        yield (
            "warning",
            f"Copies cannot be told reliably in this data: {altered:.0%} of the slightly altered copies that were "
            "planted were found, because real samples lie as near to one another.",
        )
    membership = (copies.get("membership_auc") or {}).get("low")
    if membership is not None and membership > MAX_MEMBERSHIP:
        text = "The samples reveal training rows: their distance to the nearest sample tells these from other rows."
        yield "warning", text


def _is_beyond(low: float, share: float, usual: float) -> bool:
    # With few real samples to calibrate on, the usual share is coarse, and three times it may be more than 1.
    return low > FACTOR * usual or FACTOR * (1 - share) < 1 - usual


def _is_copied(of_class: Mapping[str, Any], usual: float) -> bool:
    """Tell whether more samples of a class are flagged than chance gives, in all classes and in this one."""
    share, n = of_class.get("share"), of_class.get("n") or 0
    if share is None:
        return False
    if (of_class.get("n_real") or 0) >= MIN_ROWS:
        usual = max(usual, of_class.get("false_alarms") or 0.0)
    return _is_beyond(share_estimate(round(share * n), n).low or 0.0, share, usual)


def _few_real(one: Mapping[str, Any]) -> bool:
    of_class = one.get("copies") or {}
    return of_class.get("share") is not None and (of_class.get("n_real") or 0) < MIN_ROWS


def _data(classes: Classes, repeated: int, grouped: bool) -> Findings:
    if few := [one["name"] for one in classes if one["count"] < MIN_ROWS]:
        text = f"There are fewer than {MIN_ROWS} samples of {_listed(few)}: figures of such a class are mostly chance."
        yield "warning", text
    if repeated and not grouped:
        yield (
            "warning",
            f"{repeated:,} samples are the same as others. Where they fall on both sides of a split, every figure is "
            "too good: drop them, or keep them together with --group.",
        )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:MAX_NAMES]))
    return shown if len(names) <= MAX_NAMES else f"{shown} and {len(names) - MAX_NAMES} more"
