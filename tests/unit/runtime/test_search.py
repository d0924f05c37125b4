"""Rows that fulfil conditions: found in bounded draws, the same for a seed, whatever is asked for besides."""

from itertools import islice

import numpy as np
import pandas as pd
import pytest

from ganaug.data.tables.dataset import from_frame
from ganaug.errors import DataError
from ganaug.runtime import search
from ganaug.runtime.generator import Generator
from ganaug.training import fit
from tests.paths import MODELS

WHERE = {"plan": "full", "age": (40, 60)}


@pytest.fixture(scope="module")
def rows() -> Generator:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"age": random.normal(50, 9, 60), "plan": random.choice(["basic", "full"], 60)})
    return fit(from_frame(frame, ["stays"] * 40 + ["leaves"] * 20, target="churn"), max_steps=3, random_state=0)


@pytest.mark.parametrize("screened", [False, True])
def test_all_rows_fit(rows: Generator, screened: bool) -> None:
    X, y = rows.sample({"leaves": 30, "stays": 50}, 0, WHERE, screened=screened)
    assert y.tolist() == ["leaves"] * 30 + ["stays"] * 50
    assert (X["plan"] == "full").all()
    assert X["age"].between(40, 60).all()
    assert X["age"].nunique() > 40
    assert rows.sample(0, 0, WHERE, screened=screened)[0].shape == (0, 2)


@pytest.mark.parametrize("screened", [False, True])
def test_a_seed_draws_the_same_rows_in_batches_of_any_size(rows: Generator, screened: bool) -> None:
    whole, labels = rows.sample(200, 3, WHERE, screened=screened)
    for size in (3, 70):
        parts = list(islice(rows.stream(size, seed=3, where=WHERE, screened=screened), 200 // size))
        pd.testing.assert_frame_equal(pd.concat([X for X, _ in parts], ignore_index=True), whole[: 200 // size * size])
        assert np.concatenate([y for _, y in parts]).tolist() == labels[: 200 // size * size].tolist()
    alone, _ = rows.sample({"stays": 9}, 3, WHERE, screened=screened)
    pd.testing.assert_frame_equal(alone, whole[labels == "stays"][:9].reset_index(drop=True))
    assert not rows.sample(9, 4, WHERE, screened=screened)[0].equals(whole[:9])


def test_rows_are_screened_among_those_that_fit(rows: Generator) -> None:
    rows = Generator.from_bytes(rows.to_bytes())
    rows._thresholds = np.array([0.0, 0.0])
    easy, _ = rows.sample({"stays": 40}, 0, WHERE, screened=True)
    pd.testing.assert_frame_equal(easy, rows.sample({"stays": 40}, 0, WHERE)[0])
    rows._thresholds = np.array([2.0, 2.0])
    best, _ = rows.sample({"stays": 10}, 0, WHERE, screened=True)
    candidates = rows.sample({"stays": 10 * search.MAX_DRAWS}, 0, WHERE)[0]
    assert [candidates["age"].tolist().index(age) // search.MAX_DRAWS for age in best["age"]] == list(range(10))


def test_the_draws_are_bounded(rows: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "FIRST_DRAWS", 2_000)
    monkeypatch.setattr(search, "DRAWS_PER_SAMPLE", 10)
    low = float(rows.codec.numeric_columns[0].bounds[0])
    with pytest.raises(DataError, match=r"[0-9,]+ rows of class 'leaves' that were drawn, [0-9,]+ do: ask") as e:
        rows.sample({"leaves": 200}, 0, {"age": (low, low + 0.01)})
    assert 2_000 <= int(str(e.value).split(" rows of class")[0].split()[-1].replace(",", "")) < 20_000
    assert "\n" not in str(e.value)


def test_conditions_are_refused_at_once(rows: Generator) -> None:
    with pytest.raises(DataError, match="'gold' is none of them"):
        rows.stream(5, where={"plan": "gold"})
    with pytest.raises(DataError, match="where restricts the rows of a table, but the model makes images"):
        Generator.load(MODELS / "digits.onnx").sample(3, where={"plan": "full"})
