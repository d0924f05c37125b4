"""Which findings the figures of an evaluation raise."""

from typing import Any

import pytest

from ganaug.evaluation.findings import findings
from ganaug.evaluation.metrics import lines
from ganaug.evaluation.metrics.copies import NOMINAL_SHARE


@pytest.mark.parametrize(
    ("share", "false_alarms", "level"),
    [(1.0, 4 / 11, "alarm"), (0.8, 4 / 11, "alarm"), (0.6, 4 / 11, None), (1.0, 1.0, None), (0.2, 0.03, "warning")],
)
def test_copies_raise_the_alarm_where_few_real_samples_calibrate(
    share: float, false_alarms: float, level: str | None
) -> None:
    copies = {"share": share, "expected_share": NOMINAL_SHARE, "calibration": {"false_alarms": false_alarms}, "n": 60}
    found = findings({}, copies, [], seen="not applicable", repeated=0, grouped=False)
    assert [one["level"] for one in found] == [level] * (level is not None)
    assert f"{max(NOMINAL_SHARE, false_alarms):.1%} by chance" in lines("copies", copies)[0].reference.replace(
        "\u202f", ""
    )


def of_class(name: str, share: float, n_real: int, *, n: int = 60, false_alarms: float = 0.0) -> dict[str, Any]:
    copies = {"share": share, "n": n, "n_real": n_real, "false_alarms": false_alarms}
    return {"name": name, "count": 50, "fidelity": {}, "copies": copies}


@pytest.mark.parametrize(
    ("share", "classes", "said"),
    [
        (
            0.04,
            [of_class("common", 0.03, 500, n=900), of_class("rare", 0.5, 12)],
            [("alarm", "Of the samples of 'rare'")],
        ),
        (0.04, [of_class("common", 0.03, 500), of_class("rare", 0.5, 12, false_alarms=0.3)], []),
        (0.04, [of_class("common", 0.03, 500), of_class("rare", 0.15, 12)], []),  # nine of sixty may be luck
        (
            0.04,
            [of_class("common", 0.03, 500), of_class("rare", 0.5, 2, false_alarms=1.0)],
            [("warning", "Of the samples of 'rare'"), ("note", "Too few real samples of 'rare'")],
        ),
        (
            0.3,
            [of_class("common", 0.03, 500), of_class("rare", 0.6, 2)],
            [("alarm", "above all those of 'rare'."), ("note", "Too few real samples of 'rare'")],
        ),
        (
            0.5,
            [of_class("common", 0.5, 500), of_class("rare", 0.5, 20)],
            [("alarm", "than all but 3% of real ones are.")],
        ),
    ],
)
def test_a_class_neither_hides_nor_dominates_the_share_of_copies(
    share: float, classes: list[dict[str, Any]], said: list[tuple[str, str]]
) -> None:
    copies = {"share": share, "expected_share": NOMINAL_SHARE, "calibration": {"false_alarms": 0.02}, "n": 120}
    found = findings({}, copies, classes, seen="not applicable", repeated=0, grouped=False)
    assert [one["level"] for one in found] == [level for level, _ in said]
    assert all(words in one["text"] for one, (_, words) in zip(found, said, strict=True))


@pytest.mark.parametrize(("low", "said"), [(0.5019, False), (0.5051, True), (None, False)])
def test_what_a_classifier_tells_is_said_only_where_the_sentence_shows_it(low: float | None, said: bool) -> None:
    fidelity = {"two_sample_auc": {"low": low}}
    found = findings(fidelity, {}, [], seen="not applicable", repeated=0, grouped=False)
    assert ["at least 0.51" in one["text"] for one in found] == [True] * said


def test_a_collapse_is_graver_than_what_else_there_is() -> None:
    fidelity = {"coverage": 0.01, "two_sample_auc": {"low": 0.99}}
    found = findings(fidelity, {}, [], seen="none", repeated=0, grouped=False)
    assert [(one["level"], "collapse" in one["text"]) for one in found] == [
        ("alarm", True),
        ("note", False),
        ("note", False),
    ]
