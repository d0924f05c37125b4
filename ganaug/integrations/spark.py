"""Samples drawn by a Spark cluster, as a DataFrame of Spark."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow
from numpy.typing import NDArray

from ganaug.integrations.installed import check_installed
from ganaug.integrations.shards import Shards
from ganaug.runtime.arguments import Seed
from ganaug.runtime.generator import Generator

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_IMAGE_MODES = {1: 0, 3: 16, 4: 24}  # for each number of channels, the type of OpenCV: CV_8UC1, CV_8UC3, CV_8UC4


def sample(
    generator: Generator,
    n: int | Mapping[Any, int],
    seed: Seed = None,
    where: Mapping[Any, Any] | None = None,
    *,
    screened: bool = False,
    partitions: int | None = None,
    spark: "SparkSession | None" = None,
) -> "DataFrame":
    """Draw samples on a Spark cluster.

    The samples are divided into shards of about 256,000 rows or 3,000 images, which depend on the request and their
    number alone. So the same seed gives the same samples, in the same order, whatever the executors are, and Spark may
    compute a partition again. The DataFrame is lazy: Spark draws when it is read or written, each time anew if it is
    not cached.

    Parameters
    ----------
    generator : Generator
        What draws the samples. It is sent to the executors, which need ganaug installed.
    n : int or mapping
        The number of samples in all, equally many of each class as far as possible; or ``{label: count}``.
    seed : int or sequence of int, optional
        The same seed draws the same samples; None draws fresh ones, the same ones at each reading of this DataFrame.
    where, screened
        As in `Generator.sample`.
    partitions : int, optional
        The partitions that the shards are divided into; by default one for each shard, but at most 1,000.
    spark : SparkSession, optional
        By default the active session, or a new one.

    Returns
    -------
    pyspark.sql.DataFrame
        Of a table, its columns, and the labels in the column that the model was fitted to. Spark's types replace those
        that it lacks: larger integers those without a sign, microseconds nanoseconds, text periods. Otherwise the
        samples in a column ``"image"``, ``"signal"`` or ``"clip"``, and the labels in ``"label"``. An image has the
        form of Spark's own image source; a clip is an array of images, a signal an array of arrays of its channels.

    Raises
    ------
    DataError
        If the package pyspark is missing, or as `Generator.sample` raises it.

    Examples
    --------
    >>> from ganaug.integrations.spark import sample  # doctest: +SKIP
    >>> rows = sample(Generator.load("sales.onnx"), {"returned": 10_000_000}, seed=0)  # doctest: +SKIP
    >>> rows.write.parquet("returned")  # doctest: +SKIP
    """
    check_installed("pyspark", "spark")
    from pyspark.sql import SparkSession

    shards = Shards(generator, n, seed, where, screened=screened)

    def draw(batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            for number in batch["id"].to_pylist():
                yield from _as_spark_has_it(shards.columns(number)).to_batches()

    spark = spark or SparkSession.builder.getOrCreate()
    numbers = spark.range(len(shards), numPartitions=shards.tasks(partitions, "partitions"))
    first = _as_spark_has_it(generator.format.columns(*generator.sample(1, seed=0)))
    return numbers.mapInArrow(draw, _spark_schema(first, spark))


def _as_spark_has_it(columns: Any) -> Any:
    """Return columns, arrays by name or a `pyarrow.Table`, as a table with types that Spark has."""
    table = columns
    if isinstance(columns, dict):
        table = pyarrow.table({name: _nested(column) for name, column in columns.items()})
    for place, field in enumerate(table.schema):
        if getattr(field.type, "extension_name", "") == "pandas.period":
            column = pyarrow.array(table.column(place).to_pandas().astype("string"), pyarrow.string())
        else:
            column = table.column(place).cast(_spark_type(field.type), safe=False)
        table = table.set_column(place, field.name, column)
    return table


def _spark_type(kind: Any) -> Any:
    """Return the type of Arrow that stands for a type in Spark."""
    if pyarrow.types.is_dictionary(kind):
        return kind.value_type
    if pyarrow.types.is_timestamp(kind):
        return pyarrow.timestamp("us", kind.tz)
    if pyarrow.types.is_duration(kind):
        return pyarrow.duration("us")
    return {
        pyarrow.uint8(): pyarrow.int16(),
        pyarrow.uint16(): pyarrow.int32(),
        pyarrow.uint32(): pyarrow.int64(),
        pyarrow.uint64(): pyarrow.decimal128(20),
        pyarrow.float16(): pyarrow.float32(),
    }.get(kind, kind)


def _spark_schema(table: Any, spark: "SparkSession") -> Any:
    """Return the schema in Spark of a `pyarrow.Table`; times without a zone have none in Spark either."""
    from pyspark.sql.types import StructField, StructType, TimestampNTZType

    fields = []
    for field, found in zip(spark.createDataFrame(table).schema, table.schema, strict=True):
        naive = pyarrow.types.is_timestamp(found.type) and found.type.tz is None
        fields.append(StructField(field.name, TimestampNTZType() if naive else field.dataType))
    return StructType(fields)


def _nested(samples: NDArray[Any]) -> Any:
    """Return an array of images as structures like those of Spark's image source; of others as nested lists."""
    if samples.ndim == 4:
        return _images(samples)
    if samples.ndim == 1:
        return pyarrow.array(samples)
    ends = np.arange(len(samples) + 1, dtype=np.int32) * samples.shape[1]
    return pyarrow.ListArray.from_arrays(ends, _nested(samples.reshape(-1, *samples.shape[2:])))


def _images(images: NDArray[np.uint8]) -> Any:
    """Return images as Spark has them: with their shape, the type of OpenCV, and the bytes of blue, green and red."""
    n, height, width, channels = images.shape
    pixels = images if channels == 1 else images[..., [2, 1, 0, 3][:channels]]
    size = height * width * channels
    ends = pyarrow.py_buffer(np.arange(n + 1, dtype=np.int32) * size)
    data = pyarrow.Array.from_buffers(pyarrow.binary(), n, [None, ends, pyarrow.py_buffer(pixels.tobytes())])
    numbers = {"height": height, "width": width, "nChannels": channels, "mode": _IMAGE_MODES[channels]}
    columns = {name: pyarrow.repeat(pyarrow.scalar(value, pyarrow.int32()), n) for name, value in numbers.items()}
    columns = {"origin": pyarrow.repeat(pyarrow.scalar(""), n), **columns, "data": data}
    return pyarrow.StructArray.from_arrays(list(columns.values()), list(columns))
