"""The search for copies in a world whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from ganaug.data.dataset import Dataset
from ganaug.data.tables.dataset import from_frame
from ganaug.evaluation.copying import class_copies, pooled_copies, search_for_copies
from ganaug.evaluation.findings import findings
from ganaug.evaluation.samples import draw
from tests.fakes import copier
from tests.unit.evaluation.judging import judged


def test_jittered_training_rows_are_found(sides: tuple[Dataset, Dataset]) -> None:
    fidelity, copies = judged(*sides, copier)
    assert copies["share"] >= 0.95
    assert copies["calibration"]["false_alarms"] < 0.05
    assert copies["calibration"]["planted_exact_found"] == 1.0
    assert copies["calibration"]["planted_altered_found"] >= 0.95
    assert copies["membership_auc"]["low"] > 0.55
    texts = [one["text"] for one in findings(fidelity, copies, [], seen="none", repeated=0, grouped=False)]
    assert any("nearer to a training sample" in text for text in texts)
    assert fidelity["constraints"]["violated"] == 0


def test_copies_of_a_class_tell_how_many_real_ones_there_were(sides: tuple[Dataset, Dataset]) -> None:
    train, held_out = sides
    folds = [search_for_copies(draw(copier(train), train, np.array([30, 50]), 3), train, held_out)]
    inner, outer = (class_copies(folds, label) for label in range(2))
    assert (inner["n"], outer["n"]) == (30, 50)
    assert [inner["n_real"], outer["n_real"]] == np.bincount(held_out.labels).tolist()
    alarms = [one["false_alarms"] * one["n_real"] for one in (inner, outer)]
    assert sum(alarms) == pytest.approx(pooled_copies(folds)["calibration"]["false_alarms"] * 400, abs=0.01)
    assert class_copies([], 0) == {"share": None, "n": 0, "false_alarms": None, "n_real": 0}


def test_copies_of_data_that_repeats_itself_cannot_be_told() -> None:
    frame = pd.DataFrame({"a": np.tile([0, 1, 2, 3], 60), "b": np.tile([0, 1], 120)})
    table = from_frame(frame, np.tile(["x", "y", "y"], 80))
    train, held_out = table.part(np.arange(160)), table.part(np.arange(160, 240))
    copies = pooled_copies([search_for_copies(held_out, train, held_out)])
    assert copies["share"] < 0.05
    found = findings({}, copies, [], seen="none", repeated=0, grouped=False)
    assert any("cannot be told" in one["text"] for one in found)
