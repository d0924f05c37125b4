"""Measure sampling on local clusters of Ray and Spark against one process, for each core.

    python benchmarks/clusters.py [--cores 2] [--rounds 5] [--quick]

One process and the clusters draw shards in turn, and either leave it at that or write them as Parquet files. Each has
drawn a few shards before, so that the start of a cluster and the loading of the model do not count. What counts is the
median of the ratios of the rounds: samples a second on all cores, divided by the cores and by the rate of one process
with one core. Needs as many idle cores as ``--cores``, and Java. Results: ``clusters.json`` and ``clusters.md``.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
from runs import Record, describe_machine, markdown_table, new_parser, output_folder, write_results

from ganaug import Generator
from ganaug.integrations import ray as on_ray
from ganaug.integrations import spark as on_spark
from ganaug.integrations.shards import Shards

MODELS = {"rows of 13 columns": "wine", "images of 32 px": "mnist"}
SHARDS = {"wine": 16, "mnist": 8}
SHARD_SIZE = {"wine": 256_000, "mnist": 3_200}
WARM_UP = 4  # shards that are not counted

Draw = Callable[[Generator, int, Path | None], None]
"""Draws samples, and writes them into a folder if there is one."""


def main() -> None:
    """Measure, and write ``clusters.json`` and ``clusters.md``."""
    parser = new_parser(__doc__, quick="two shards, once")
    parser.add_argument("--cores", type=int, default=2, help="cores of the clusters; default: 2")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each kind; default: 5")
    options = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    rounds = 1 if options.quick else options.rounds
    ways: dict[str, Draw] = {"one process": _alone, "Ray": _ray(options.cores), "Spark": _spark(options.cores)}
    rates: dict[str, dict[str, list[float]]] = {}
    for name, model in MODELS.items():
        generator = Generator.load(Path(__file__).parent.parent / "onnx_models" / f"{model}.onnx")
        kinds = {f"{name}, {sink}": sink == "written" for sink in ("drawn", "written")}
        rates |= {kind: {way: [] for way in ways} for kind in kinds}
        for draw in ways.values():
            _rate(draw, generator, WARM_UP * SHARD_SIZE[model], written=False)
        for _ in range(rounds):
            for kind, written in kinds.items():
                for way, draw in ways.items():
                    shards = 1 if options.quick else SHARDS[model]
                    shards *= 1 if way == "one process" else options.cores
                    rates[kind][way].append(_rate(draw, generator, shards * SHARD_SIZE[model], written=written))
                    print(f"{kind}, {way}: {rates[kind][way][-1]:,.0f} a second", flush=True)
    rows = []
    for name, found in rates.items():
        alone = found["one process"]
        ratios = {
            way: [rate / options.cores / one for rate, one in zip(found[way], alone, strict=True)]
            for way in ("Ray", "Spark")
        }
        texts = [f"{statistics.median(one):.2f} ({min(one):.2f} to {max(one):.2f})" for one in ratios.values()]
        rows.append([name, f"{statistics.median(alone):,.0f}", *texts])
    titles = ["drawn", "samples a second, one process", "Ray, for each core", "Spark, for each core"]
    results: Record = {"machine": describe_machine(), "cores": options.cores, "rates": rates}
    write_results(output_folder(options), "clusters", results, markdown_table(titles, rows) + "\n")


def _rate(draw: Draw, generator: Generator, n: int, *, written: bool) -> float:
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        draw(generator, n, Path(folder) / "drawn" if written else None)
        return n / (time.perf_counter() - begun)


def _alone(generator: Generator, n: int, folder: Path | None) -> None:
    shards = Shards(generator, n, 0, None, screened=False)
    if folder is not None:
        folder.mkdir()
    for number in range(len(shards)):
        columns = shards.columns(number)
        if isinstance(columns, dict):
            images = pyarrow.FixedShapeTensorArray.from_numpy_ndarray(columns["image"])
            columns = pyarrow.table({"image": images, "label": pyarrow.array(columns["label"])})
        if folder is not None:
            pyarrow.parquet.write_table(columns, folder / f"{number}.parquet")


def _ray(cores: int) -> Draw:
    import ray

    ray.init(num_cpus=cores, include_dashboard=False, log_to_driver=False)

    def draw(generator: Generator, n: int, folder: Path | None) -> None:
        drawn = on_ray.sample(generator, n, seed=0)
        if folder is None:
            drawn.materialize()
        else:
            drawn.write_parquet(str(folder))

    return draw


def _spark(cores: int) -> Draw:
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings: dict[str, Any] = {"spark.ui.enabled": False, "spark.driver.memory": "2g"}
    session = SparkSession.builder.master(f"local[{cores}]").config(map=settings).getOrCreate()

    def draw(generator: Generator, n: int, folder: Path | None) -> None:
        drawn = on_spark.sample(generator, n, seed=0, spark=session)
        if folder is None:
            drawn.write.format("noop").mode("overwrite").save()
        else:
            drawn.write.parquet(str(folder))

    return draw


if __name__ == "__main__":
    main()
