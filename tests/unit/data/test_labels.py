"""Labels: plain values, what a file can hold, and the class of a generator that each stands for."""

from typing import Any

import numpy as np
import pytest
import torch

from ganaug.data.labels import LabelMapper, check_labels, is_label, plain_label, python_value
from ganaug.errors import DataError


@pytest.mark.parametrize(
    ("label", "plain"),
    [
        ("a", "a"),
        (np.str_("a"), "a"),
        (np.float32(2), 2),
        (-3.0, -3),
        (np.int8(7), 7),
        (True, True),
        (np.bool_(False), False),
        (torch.tensor(4), 4),
        (np.array(["b"]), "b"),
    ],
)
def test_plain_labels(label: Any, plain: Any) -> None:
    assert plain_label(label) == plain
    assert type(plain_label(label)) is type(plain)


@pytest.mark.parametrize("label", [None, 1.5, float("nan"), float("inf"), (1, 2), b"a", np.datetime64("2024-01-01")])
def test_labels_of_another_kind_are_refused(label: Any) -> None:
    with pytest.raises(DataError, match="text, whole numbers, or true and false, but one is"):
        plain_label(label)


def test_arrays_of_several_values_have_no_python_value() -> None:
    for array in (np.arange(2), torch.arange(2)):
        assert python_value(array) is array


@pytest.mark.parametrize("label", [2**63, "a\0b", "x" * 1001, "\udc80", None, 1.0])
def test_a_file_cannot_hold_every_label(label: Any) -> None:
    assert not is_label(label)
    with pytest.raises(DataError, match="Unicode texts of at most 1,000 characters without NUL, or whole"):
        check_labels(["fine", label])


def test_a_file_can_hold_these_labels() -> None:
    labels = [True, 0, -(2**63), "ø" * 1000, ""]
    check_labels(labels)
    assert all(is_label(label) for label in labels)


@pytest.mark.parametrize(
    ("known", "classes", "labels", "wanted"),
    [
        (["cat", "dog"], None, ["dog", np.str_("cat")], ["dog", "cat"]),
        ([3, 7], None, [3, "7", np.int64(7)], [3, 7, 7]),
        (["3", "7"], None, [3, torch.tensor(7)], ["3", "7"]),
        ([False, True], None, [True, "False"], [True, False]),
        (["1", "0"], ["0", "1"], [0, "0", np.int64(1), torch.tensor(1)], ["0", "0", "1", "1"]),
        (["1", "4"], [4, 1], [0, 1, 4, "4"], ["4", "1", "4", "4"]),
        (["cat", "dog"], ["bird", "dog"], [1, "dog"], ["dog", "dog"]),
    ],
)
def test_a_label_is_an_index_a_class_or_its_text(known: Any, classes: Any, labels: Any, wanted: Any) -> None:
    to_class = LabelMapper(known, classes)
    assert [to_class(label) for label in labels] == wanted
    assert {type(to_class(label)) for label in labels} == {type(known[0])}


@pytest.mark.parametrize(
    ("known", "classes", "label", "reason"),
    [
        (["cat", "dog"], None, "bird", r"one of the generator's classes \['cat', 'dog'\], but is 'bird': correct"),
        (["cat", "dog"], None, 0, "but is 0"),
        (["00", "01"], None, 0, "but is 0"),
        ([1, 2], None, 0, "but is 0"),
        (["cat", "dog"], None, None, "but is None"),
        (["cat", "dog"], None, np.array([1, 2]), r"but is array\(\[1, 2\]\)"),
        (["cat", "dog"], None, torch.tensor([1, 2]), r"but is tensor\(\[1, 2\]\)"),
        (["cat", "dog"], None, ["cat"], r"but is \['cat'\]"),
        (["cat", "dog"], ["cat", "dog"], 2, r"indices into `classes` \['cat', 'dog'\].* but one is 2: add its class"),
        (["cat", "dog"], ["cat", "dog"], -1, "but one is -1"),
        (["3", "5"], ["5", "3"], 5, "but one is 5"),
        (["cat", "dog"], ["bird", "dog"], "cat", r"\['bird', 'dog'\].* but one is 'cat'"),
        (
            ["0", "1"],
            ["bird", "dog"],
            0,
            r"not know 'bird' of `classes` \['bird', 'dog'\]: it was trained on \['0', '1'\]",
        ),
        ([str(n) for n in range(99)], None, "x", "'7' and 91 more"),
    ],
)
def test_labels_without_a_class_are_refused(known: Any, classes: Any, label: Any, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        LabelMapper(known, classes)(label)


@pytest.mark.parametrize(("known", "labels"), [(["1", "0"], [0, 1]), (["1", "10"], [1, 1])])
def test_numbers_that_may_be_names_or_positions_are_refused(known: list[str], labels: list[int]) -> None:
    with pytest.raises(DataError, match="could be their names or their positions: give `classes`"):
        LabelMapper(known).map_all(labels)
    assert LabelMapper(known, known).map_all(labels) == {label: known[label] for label in labels}


def test_labels_of_which_one_is_unknown_are_refused_together() -> None:
    with pytest.raises(DataError, match=r"know the labels \['dog', 'cow'\], but it was trained on \['cat', 'dog'\]"):
        LabelMapper(["cat", "dog"]).map_all(["dog", "cow", "dog"])


def test_all_labels_are_mapped_in_their_order() -> None:
    assert list(LabelMapper(["0", "1"]).map_all([1, 0, 1]).items()) == [(1, "1"), (0, "0")]
    assert LabelMapper(["0", "1", "5"]).map_all([5, 1]) == {5: "5", 1: "1"}
    assert LabelMapper(["3", "1"], ["3", "1"]).map_all([0, "3", 1]) == {0: "3", "3": "3", 1: "1"}
