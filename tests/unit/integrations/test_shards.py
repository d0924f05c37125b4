"""Requests of samples in shards: what is in each, and what does not change it."""

import pickle
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pytest

from ganaug import GANSampler, Generator
from ganaug.errors import DataError
from ganaug.integrations import shards as module
from ganaug.integrations.shards import Shards
from tests.paths import ROOT


@pytest.fixture(scope="module")
def wine() -> Generator:
    return Generator.load(ROOT / "onnx_models" / "wine.onnx")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_shard_size", lambda _: 10)


def request(generator: Generator, n: Any, seed: Any = 0, where: Any = None, *, screened: bool = False) -> Shards:
    return Shards(generator, n, seed, where, screened=screened)


@pytest.mark.usefixtures("small")
def test_shards_hold_what_was_asked_for(wine: Generator) -> None:
    first, second, third = wine.classes
    shards = request(wine, {second: 25, first: 1, third: 0})
    assert len(shards) == 3
    assert sum((Counter(shards.counts(number)) for number in range(3)), Counter()) == {second: 25, first: 1}
    drawn = Counter(label for number in range(3) for label in shards.draw(number)[1].tolist())
    assert drawn == {second: 25, first: 1}


@pytest.mark.usefixtures("small")
def test_a_number_is_shared_among_the_classes(wine: Generator) -> None:
    shards = request(wine, 32)
    counts = [shards.counts(number) for number in range(len(shards))]
    assert [sum(one[label] for one in counts) for label in wine.classes] == [11, 11, 10]
    assert max(sum(one.values()) for one in counts) <= 10


def test_classes_of_few_samples_are_spread_over_the_shards(stripes_generator: Generator) -> None:
    shards = request(stripes_generator, 2)
    shards._counts, shards._number = dict.fromkeys(range(1000), 1), 10
    assert {sum(shards.counts(number).values()) for number in range(10)} == {100}


@pytest.mark.usefixtures("small")
def test_a_shard_depends_on_the_request_and_its_number_alone(wine: Generator) -> None:
    shards = request(wine, 25, seed=3)
    again, other = pickle.loads(pickle.dumps(request(wine, 25, seed=3))), request(wine, 25, seed=4)  # noqa: S301
    third = shards.draw(2)[0]
    pd.testing.assert_frame_equal(third, again.draw(2)[0])
    assert not third.equals(other.draw(2)[0])
    assert not shards.draw(0)[0].equals(shards.draw(1)[0].iloc[: len(shards.draw(0)[0])])


def test_fresh_samples_stay_the_same_when_a_shard_is_drawn_again(stripes_generator: Generator) -> None:
    shards = request(stripes_generator, 4, seed=None)
    copy = pickle.loads(pickle.dumps(shards))  # noqa: S301
    assert np.array_equal(shards.draw(0)[0], copy.draw(0)[0])
    assert not np.array_equal(shards.draw(0)[0], request(stripes_generator, 4, seed=None).draw(0)[0])


def test_a_process_opens_a_model_once(stripes_generator: Generator) -> None:
    state = pickle.dumps(request(stripes_generator, 4))
    assert pickle.loads(state).generator is pickle.loads(state).generator  # noqa: S301


def test_conditions_and_the_screen_hold_in_shards(wine: Generator, stripes_generator: Generator) -> None:
    shards = request(wine, 20, where={"alcohol": (13, None)})
    assert (shards.draw(0)[0]["alcohol"] >= 13).all()
    assert shards.columns(0).schema == request(wine, 20).columns(0).schema
    images = request(stripes_generator, 4, screened=True).draw(0)[0]
    assert np.array_equal(images, stripes_generator.sample({"lying": 2, "upright": 2}, seed=(0, 0), screened=True)[0])


@pytest.mark.usefixtures("small")
def test_all_shards_of_rows_have_one_schema() -> None:
    X = pd.DataFrame({"n": pd.array([1, None, 3] * 4, "Int64"), "word": ["a", None, None] * 4})
    X["word"] = X["word"].astype(object)
    sampler = GANSampler(max_steps=2, random_state=0)
    sampler.fit_resample(X, ["yes", "no", "no"] * 4)
    shards = request(sampler.generator_, 40)
    tables = [shards.columns(number) for number in range(len(shards))]
    schema = tables[0].schema
    assert {str(table.schema) for table in tables} == {str(schema)}
    assert schema.field("word").type == pyarrow.large_string()
    assert schema.names == ["n", "word", "target"]
    assert len(pyarrow.concat_tables(tables)) == 40


@pytest.mark.parametrize(
    ("n", "seed", "where", "message"),
    [
        ({"sideways": 3}, 0, None, "The model knows no class 'sideways'"),
        ({"lying": -1}, 0, None, "the count of 'lying' must be a whole number from 0"),
        ({"lying": 10**15, "upright": 1}, 0, None, "the number of samples must be a whole number from 0"),
        (2.5, 0, None, "the number of samples must be a whole number from 0"),
        (True, 0, None, "the number of samples must be a whole number from 0"),
        (4, -1, None, "seed must be None or a whole number"),
        (4, 0, {"x": 1}, "where restricts the rows of a table"),
    ],
)
def test_requests_are_checked_at_once(
    n: Any, seed: Any, where: Any, message: str, stripes_generator: Generator
) -> None:
    with pytest.raises(DataError, match=message):
        request(stripes_generator, n, seed, where)


def test_a_generator_is_asked_for() -> None:
    with pytest.raises(DataError, match=r"must be a Generator, but is 'model.onnx': read the model file"):
        request("model.onnx", 4)  # type: ignore[arg-type]


def test_an_empty_request_has_one_empty_shard(wine: Generator) -> None:
    shards = request(wine, {})
    assert len(shards) == 1
    assert len(shards.columns(0)) == 0
    assert shards.columns(0).schema == request(wine, 3).columns(0).schema


def test_a_shard_has_many_rows_or_some_passes_and_less_if_samples_are_large(
    wine: Generator, stripes_generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(request(wine, 3 * 256_000)) == 3
    assert len(request(stripes_generator, 3 * 3_200)) == 3  # passes of 16 images
    monkeypatch.setattr(module, "MAX_BYTES", 8 * 8 * 5)  # five images
    assert len(request(stripes_generator, 50)) == 10


@pytest.mark.usefixtures("small")
def test_there_are_no_more_tasks_than_shards(wine: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    shards = request(wine, 50)
    assert [shards.tasks(wanted, "tasks") for wanted in (None, 3, 70)] == [5, 3, 5]
    monkeypatch.setattr(module, "MAX_TASKS", 4)
    assert shards.tasks(None, "tasks") == 4
    for wrong in (0, 1.5, True):
        with pytest.raises(DataError, match="partitions must be a whole number, 1 or more"):
            shards.tasks(wrong, "partitions")  # type: ignore[arg-type]
