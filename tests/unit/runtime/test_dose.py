"""The dose that a model file records."""

from typing import Any

import pytest

from ganaug.runtime.dose import Dose, dosed_counts, filled_sizes, is_dose
from ganaug.runtime.generator import Generator
from tests.doses import with_dose

WHOLE = Dose(
    sentence="measured on your images: it helps",
    shares=(0.0, 0.3),
    gain=1.9,
    interval=(0.4, 3.4),
    log_loss=(9.0, 2.0, 16.0),
    group={"classes": 1, "images": 12, "fewer_than": 40},
)


@pytest.mark.parametrize("dose", [WHOLE, Dose(sentence="no dose was measured: too few images")])
def test_what_is_written_is_valid(dose: Dose) -> None:
    assert is_dose(dose.to_dict(), 2)


@pytest.mark.parametrize(
    "change",
    [
        {"sentence": None},
        {"sentence": "x" * 2000},
        {"shares": [0.3]},
        {"shares": [0.3, 1.1]},
        {"shares": [0.3, -0.1]},
        {"shares": [0.3, True]},
        {"shares": {"cat": 0.3}},
        {"gain": "much"},
        {"interval": [0.4]},
        {"log_loss": [1.0, 2.0, None]},
        {"group": []},
        {"group": {"classes": 3, "images": 12, "fewer_than": 40}},
        {"group": {"classes": 1, "images": -1, "fewer_than": 40}},
        {"group": {"classes": 1, "images": 12, "fewer_than": 0}},
    ],
)
def test_an_untrusted_dose_is_refused(change: dict[str, Any]) -> None:
    assert not is_dose(WHOLE.to_dict() | change, 2)


def test_a_file_with_and_without_a_dose(stripes_generator: Generator) -> None:
    assert with_dose(stripes_generator, [0.0, 0.5]).dose == {"lying": 0.0, "upright": 0.5}
    assert with_dose(stripes_generator, None).dose is None
    assert "dose" not in with_dose(stripes_generator, None).metadata


def test_every_class_has_room_for_its_dose() -> None:
    sizes, dose = {"a": 100, "b": 39, "c": 5}, {"a": 0.0, "b": 0.65, "c": 0.65}
    added = filled_sizes(sizes, dose)
    assert {sizes[label] + count for label, count in added.items()} == {112}
    assert dosed_counts(sizes, added, dose) == {"a": 0, "b": 73, "c": 73}


def test_the_dose_of_an_untrusted_file_makes_no_endless_dataset() -> None:
    assert max(filled_sizes({"a": 100, "b": 5}, {"a": 1.0, "b": 1.0}).values()) <= 1000
