"""Samples drawn by local clusters of Ray and Spark."""

import datetime
import shutil
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.dataset
import pytest
from PIL import Image

from ganaug import GANSampler, Generator
from ganaug.errors import DataError
from ganaug.integrations import shards
from ganaug.integrations.shards import Shards
from tests.conftest import striped_images
from tests.paths import ROOT
from tests.programs import run_program
from tests.remembered import fit_or_remember

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    pytest.importorskip("ray.data", reason="Ray is not installed: ganaug[ray]")
    import ray

    from ganaug.integrations import ray as integration

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=2**27)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars, context.execution_options.preserve_order = False, True
    yield integration
    ray.shutdown()


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    pytest.importorskip("pyspark", reason="Spark is not installed: ganaug[spark]")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, which is not installed")
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        settings = {
            "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",  # a quick start
            "spark.driver.memory": "512m",
            "spark.sql.shuffle.partitions": 1,
            "spark.ui.enabled": False,
        }
        session = SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
        yield session
        session.stop()


@pytest.fixture(scope="module")
def spark(session: Any) -> Any:
    from ganaug.integrations import spark

    return spark


@pytest.fixture(scope="module")
def rows_generator() -> Generator:
    """Return a model of a table with columns of many types."""
    rng, n = np.random.default_rng(0), 30
    days = pd.date_range("2024-01-01", periods=n, freq="D")
    X = pd.DataFrame(
        {
            "small": rng.integers(0, 200, n).astype("uint8"),
            "large": rng.integers(0, 2**40, n).astype("uint64"),
            "half": rng.random(n).astype("float16"),
            "gaps": pd.array([None if i % 3 == 0 else i for i in range(n)], "Int64"),
            "word": pd.Series(["a", None, "b"] * 10, dtype=object),
            "kind": pd.Categorical(["x", "y"] * 15),
            "naive": days + pd.to_timedelta(rng.integers(0, 86_400, n), "s"),
            "zoned": days.tz_localize("Europe/Rome"),
            "wait": pd.to_timedelta(rng.integers(0, 1000, n), "s"),
            "month": pd.period_range("2020-01", periods=n, freq="M"),
            "true": rng.random(n) < 0.5,
        }
    )
    sampler = GANSampler(max_steps=2, random_state=0)
    sampler.fit_resample(X, [0, 1, 1] * 10)
    return sampler.generator_


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "_shard_size", lambda _: 10)


def drawn_here(generator: Generator, n: Any, seed: int) -> pyarrow.Table:
    """Return the rows of all shards, drawn in this process."""
    request = Shards(generator, n, seed, None, screened=False)
    return pyarrow.concat_tables([request.columns(number) for number in range(len(request))])


def as_text(table: pyarrow.Table) -> dict[str, list[str]]:
    """Return the columns as texts, with times in UTC. Ray writes periods as their numbers, so they are left out."""
    columns = {name: table[name].to_pandas() for name in table.column_names if name != "month"}
    in_utc = {name: one.dt.tz_convert("UTC") if name == "zoned" else one for name, one in columns.items()}
    return {name: one.astype(str).tolist() for name, one in in_utc.items()}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("tasks", [None, 2])
def test_ray_draws_the_rows_of_one_process(
    ray: Any, tasks: int | None, rows_generator: Generator, tmp_path: Path
) -> None:
    found = ray.sample(rows_generator, {0: 33, 1: 4}, seed=5, tasks=tasks)
    found.write_parquet(str(tmp_path))
    table = pyarrow.dataset.dataset(str(tmp_path)).to_table()
    here = drawn_here(rows_generator, {0: 33, 1: 4}, 5)
    assert table.column_names == here.column_names
    assert as_text(table) == as_text(here)


@pytest.mark.usefixtures("small")
def test_ray_keeps_the_order_of_shards(ray: Any, stripes_generator: Generator) -> None:
    request = Shards(stripes_generator, 33, 1, None, screened=False)
    found = ray.sample(stripes_generator, 33, seed=1, tasks=3).take_all()
    images, labels = zip(*(request.draw(number) for number in range(4)), strict=True)
    assert len(request) == 4
    assert np.array_equal(np.stack([row["image"] for row in found]), np.concatenate(images))
    assert [row["label"] for row in found] == np.concatenate(labels).tolist()


def test_ray_draws_signals_and_clips(ray: Any, waves_generator: Generator, squares_generator: Generator) -> None:
    for generator, name in ((waves_generator, "signal"), (squares_generator, "clip")):
        samples, labels = generator.sample(4, seed=(0, 0))
        found = ray.sample(generator, dict.fromkeys(generator.classes, 2), seed=0).take_batch(4)
        assert found[name].shape == samples.shape
        assert found[name].dtype == samples.dtype
        assert sorted(found["label"]) == sorted(labels)


@pytest.mark.usefixtures("ray")
def test_the_example_draws_rows_with_ray(tmp_path: Path) -> None:
    arguments = ["--per-class", "200", "--output", str(tmp_path / "rows")]
    ended = run_program(ROOT / "examples" / "sample_with_ray.py", *arguments, folder=tmp_path)
    assert ended.stdout.splitlines() == [f"class_{number}: 200 rows of 13 columns" for number in range(3)]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("partitions", [None, 2])
def test_spark_draws_the_rows_of_one_process(spark: Any, partitions: int | None, rows_generator: Generator) -> None:
    found = spark.sample(rows_generator, {0: 33, 1: 4}, seed=5, partitions=partitions)
    assert found.rdd.getNumPartitions() == (partitions or 4)
    table, here = found.toArrow(), spark._as_spark_has_it(drawn_here(rows_generator, {0: 33, 1: 4}, 5))
    assert as_text(table) == as_text(here)


def test_spark_has_types_for_all_columns(spark: Any, rows_generator: Generator) -> None:
    found = spark.sample(rows_generator, 12, seed=0)
    assert dict(found.dtypes) == {
        "small": "smallint",
        "large": "decimal(20,0)",
        "half": "float",
        "gaps": "bigint",
        "word": "string",
        "kind": "string",
        "naive": "timestamp_ntz",
        "zoned": "timestamp",
        "wait": "interval day to second",
        "month": "string",
        "true": "boolean",
        "target": "bigint",
    }
    row = found.first()
    frame = rows_generator.sample({0: 6, 1: 6}, seed=(0, 0))[0].iloc[0]
    assert (row.small, row.large, row.month) == (frame.small, Decimal(int(frame.large)), str(frame.month))
    assert row.naive == frame.naive.to_pydatetime()
    assert row.zoned.astimezone(datetime.UTC) == frame.zoned.to_pydatetime()
    assert row.wait == frame.wait.to_pytimedelta()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sparks_images_are_those_of_its_image_source(
    session: Any, spark: Any, channels: int, stripes_generator: Generator, tmp_path: Path
) -> None:
    data = striped_images({"lying": 4, "upright": 4}, channels=channels)
    generator = fit_or_remember(data, max_steps=2, random_state=0)
    images, _ = generator.sample({"lying": 2, "upright": 2}, seed=(0, 0))
    for number, image in enumerate(images):
        Image.fromarray(image.squeeze()).save(tmp_path / f"{number}.png")
    found = spark.sample(generator, 4, seed=0)
    read = session.read.format("image").load(str(tmp_path))
    assert found.schema["image"].dataType == read.schema["image"].dataType
    names = ("height", "width", "nChannels", "mode", "data")
    by_file = sorted(read.collect(), key=lambda row: row.image.origin)
    assert [[row.image[name] for name in names] for row in found.collect()] == [
        [row.image[name] for name in names] for row in by_file
    ]


def test_spark_draws_signals_and_clips(spark: Any, waves_generator: Generator, squares_generator: Generator) -> None:
    signals, _ = waves_generator.sample(dict.fromkeys(waves_generator.classes, 1), seed=(0, 0))
    found = spark.sample(waves_generator, 2, seed=0).collect()
    assert np.array_equal([row.signal for row in found], signals)
    clips, labels = squares_generator.sample(dict.fromkeys(squares_generator.classes, 1), seed=(0, 0))
    found = spark.sample(squares_generator, 2, seed=0).collect()
    frames = np.array([[np.frombuffer(frame.data, np.uint8) for frame in row.clip] for row in found])
    assert np.array_equal(frames.reshape(clips.shape)[..., ::-1], clips)
    assert [row.label for row in found] == labels.tolist()


@pytest.mark.usefixtures("session")
def test_the_example_balances_a_table_of_spark(tmp_path: Path) -> None:
    ended = run_program(ROOT / "examples" / "sample_with_spark.py", folder=tmp_path)
    counts = {"class_0": 59, "class_1": 71, "class_2": 48}
    assert ended.stdout.splitlines() == [f"{name}: {count} real rows, 71 in all" for name, count in counts.items()]


@pytest.mark.parametrize("package", ["ray", "pyspark"])
def test_a_missing_package_is_named(
    package: str, stripes_generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganaug.integrations import ray, spark

    monkeypatch.setattr("ganaug.integrations.installed.find_spec", lambda _: None)
    sample, extra = (ray.sample, "ray") if package == "ray" else (spark.sample, "spark")
    with pytest.raises(DataError, match=rf"package {package} must be installed .* pip install 'ganaug\[{extra}\]'"):
        sample(stripes_generator, 4)
