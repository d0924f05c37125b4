"""Fidelity of generators in a world whose truth is known."""

from collections.abc import Callable
from typing import Any

import pytest

from ganaug.data.dataset import Dataset
from ganaug.evaluation.findings import findings
from ganaug.evaluation.metrics.copies import NOMINAL_SHARE
from tests.fakes import noise, repeater, truth
from tests.unit.evaluation.judging import judged


def test_other_real_rows_pass_for_real(sides: tuple[Dataset, Dataset]) -> None:
    fidelity, copies = judged(*sides, truth)
    assert fidelity["two_sample_auc"]["low"] <= 0.5 <= fidelity["two_sample_auc"]["high"]
    assert fidelity["kernel_distance"]["value"] <= fidelity["kernel_distance"]["floor"]
    assert fidelity["frechet_distance"]["value"] <= fidelity["frechet_distance"]["floor"]
    assert fidelity["coverage"] > 0.9
    assert all(column["distance"] <= 1.5 * column["floor"] for column in fidelity["columns"])
    assert copies["share"] < 2 * NOMINAL_SHARE
    assert copies["membership_auc"]["low"] <= 0.5 <= copies["membership_auc"]["high"]
    assert not findings(fidelity, copies, [], seen="not applicable", repeated=0, grouped=False)


@pytest.mark.parametrize("trainer", [noise, repeater])
def test_noise_and_one_row_repeated_do_not(sides: tuple[Dataset, Dataset], trainer: Callable[..., Any]) -> None:
    fidelity, copies = judged(*sides, trainer)
    assert fidelity["two_sample_auc"]["low"] > 0.95
    assert fidelity["kernel_distance"]["value"] > 3 * fidelity["kernel_distance"]["floor"]
    assert fidelity["coverage"] < 0.1
    found = findings(fidelity, copies, [], seen="not applicable", repeated=0, grouped=False)
    assert found[0]["level"] == "alarm"
    assert "collapse" in found[0]["text"]
