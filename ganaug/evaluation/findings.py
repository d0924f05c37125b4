"""What somebody should know before they believe an evaluation, each in a sentence."""

from collections.abc import Mapping, Sequence
from typing import Any

from ganaug.evaluation.chance import usual_share
from ganaug.evaluation.fidelity import COLLAPSED
from ganaug.evaluation.statistics import share_estimate

__all__ = ["findings"]

LOWEST_COVERAGE = 0.2
FEW_ROWS = 10
FOUND = 0.8
"""Share of the slightly altered copies that a search must find to be believed."""
CLEARLY = 0.55
"""A membership-inference area whose interval lies above this tells rows apart."""
BEYOND = 3
"""How many times as many samples as real ones must be taken for copies, or how many times fewer must not be."""

Finding = dict[str, str]


def findings(
    fidelity: Mapping[str, Any],
    copies: Mapping[str, Any],
    classes: Sequence[Mapping[str, Any]],
    *,
    seen: str,
    repeated: int,
    grouped: bool,
) -> list[Finding]:
    """Return findings, the worst first.

    Parameters
    ----------
    fidelity, copies, classes
        As in the report (see the schema in docs/evaluation.md).
    seen : {"all", "part", "none", "not applicable"}
        How much of the data a given model was trained on, as far as its file tells: "none" may be a part.
    repeated : int
        Samples that are the same as an earlier one.
    grouped : bool
        Whether the splits kept groups together.

    Examples
    --------
    >>> found = findings({"coverage": 0.01, "two_sample_auc": {"low": 0.99}}, {}, [], seen="none", repeated=0,
    ...                  grouped=False)
    >>> [(one["level"], "collapse" in one["text"]) for one in found]
    [('alarm', True), ('note', False), ('note', False)]
    """
    found = [*_collapse(fidelity, classes), *_copied(copies, classes), *_data(classes, seen, repeated, grouped)]
    told = fidelity.get("two_sample_auc") or {}
    if round(told.get("low") or 0, 2) > 0.5:  # as it is printed
        text = f"A classifier tells real from synthetic: its area under the curve is at least {told['low']:.2f}."
        found.append({"level": "note", "text": text})
    constraints = fidelity.get("constraints")
    if constraints and constraints["violated"]:
        number = constraints["violated"]
        found.append({"level": "alarm", "text": f"{number:,} synthetic values break what their columns promise."})
    order = {"alarm": 0, "warning": 1, "note": 2}
    return sorted(found, key=lambda one: order[one["level"]])


def _collapse(fidelity: Mapping[str, Any], classes: Sequence[Mapping[str, Any]]) -> list[Finding]:
    found = []
    coverage = fidelity.get("coverage")
    if coverage is not None and coverage < LOWEST_COVERAGE:
        text = f"Only {coverage:.0%} of the real samples have a synthetic one near them (collapse, or no likeness)."
        found.append({"level": "alarm", "text": text})
    narrow = [
        one["name"]
        for one in classes
        if (variety := one["fidelity"].get("variety")) is not None and variety < COLLAPSED
    ]
    if narrow:
        text = f"The samples of {_listed(narrow)} vary less than half as much as the real ones do (collapse)."
        found.append({"level": "alarm", "text": text})
    return found


def _copied(copies: Mapping[str, Any], classes: Sequence[Mapping[str, Any]]) -> list[Finding]:
    found, share, usual = [], copies.get("share"), usual_share(copies)
    copied = [one for one in classes if _is_copied(one.get("copies") or {}, usual)]
    names = _listed([one["name"] for one in copied])
    if share is not None and _beyond(share, share, usual):
        level = "alarm" if share > 0.25 else "warning"
        text = f"{share:.0%} of the samples are nearer to a training sample than all but {usual:.0%} of real ones are"
        where = f", above all those of {names}" if 0 < len(copied) < len(classes) else ""
        found.append({"level": level, "text": f"{text}{where}."})
    elif copied:
        least = min(one["copies"]["share"] for one in copied)
        level = "alarm" if any(one["copies"]["share"] > 0.25 and not _few_real(one) for one in copied) else "warning"
        text = (
            f"Of the samples of {names}, {least:.0%}{' or more' * (len(copied) > 1)} are nearer to a training sample "
            f"than all but {usual:.0%} of real ones are; of all samples together, {share or 0:.0%}."
        )
        found.append({"level": level, "text": text})
    if few := [one["name"] for one in classes if _few_real(one)]:
        text = (
            f"Too few real samples of {_listed(few)} were unseen, fewer than {FEW_ROWS}, to tell how near such samples "
            "come by chance: for copies theirs are judged by what is usual in the other classes."
        )
        found.append({"level": "note", "text": text})
    altered = (copies.get("calibration") or {}).get("planted_altered_found")
    if altered is not None and altered < FOUND:
        text = (
            f"Copies cannot be told reliably in this data: of planted copies that were slightly altered, {altered:.0%} "
            "were found, for real samples lie as near to one another."
        )
        found.append({"level": "warning", "text": text})
    membership = (copies.get("membership_auc") or {}).get("low")
    if membership is not None and membership > CLEARLY:
        text = "The samples give away what was trained on: nearness to them tells training rows from others."
        found.append({"level": "warning", "text": text})
    return found


def _beyond(low: float, share: float, usual: float) -> bool:
    # Where few real samples calibrate, the usual share is coarse and three times it can be more than all there are.
    return low > BEYOND * usual or BEYOND * (1 - share) < 1 - usual


def _is_copied(of_class: Mapping[str, Any], usual: float) -> bool:
    """Tell whether more of one class is taken for copies than chance gives, of all classes or of its own."""
    share, n = of_class.get("share"), of_class.get("n") or 0
    if share is None:
        return False
    if (of_class.get("n_real") or 0) >= FEW_ROWS:
        usual = max(usual, of_class.get("false_alarms") or 0.0)
    return _beyond(share_estimate(round(share * n), n).low or 0.0, share, usual)


def _few_real(one: Mapping[str, Any]) -> bool:
    of_class = one.get("copies") or {}
    return of_class.get("share") is not None and (of_class.get("n_real") or 0) < FEW_ROWS


def _data(classes: Sequence[Mapping[str, Any]], seen: str, repeated: int, grouped: bool) -> list[Finding]:
    found = []
    if few := [one["name"] for one in classes if one["count"] < FEW_ROWS]:
        text = (
            f"Fewer than {FEW_ROWS} samples of {_listed(few)}: what is said of such a class is hardly more than luck."
        )
        found.append({"level": "warning", "text": text})
    if repeated and not grouped:
        text = (
            f"{repeated:,} samples are the same as others: where they fall on both sides of a split, every figure "
            "flatters; drop them, or keep them together with --group."
        )
        found.append({"level": "warning", "text": text})
    if seen == "all":
        text = (
            "The model was trained on all of this data and cannot be judged by it: likeness and verdict are those of "
            "generators trained the same way inside the splits; copies were looked for in the model's own samples."
        )
        found.append({"level": "note", "text": text})
    if seen == "part":
        text = (
            "The model was trained on a part of this data, and is judged by the rest: one split, in which seeds differ."
        )
        found.append({"level": "note", "text": text})
    if seen == "none":
        text = (
            "By its fingerprint the model was not trained on exactly this data; whether some of it was among its "
            "training data, the file does not tell, and copies of training data that is not here cannot be found. "
            "The verdict is that of generators trained inside the splits."
        )
        found.append({"level": "note", "text": text})
    return found


def _listed(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(map(repr, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
