"""Samples drawn by a Ray cluster, as a dataset of Ray Data."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow

from ganaug.integrations.installed import check_installed
from ganaug.integrations.shards import Shards
from ganaug.runtime.arguments import Seed
from ganaug.runtime.generator import Generator

if TYPE_CHECKING:
    from ray.data import Dataset


def sample(
    generator: Generator,
    n: int | Mapping[Any, int],
    seed: Seed = None,
    where: Mapping[Any, Any] | None = None,
    *,
    screened: bool = False,
    tasks: int | None = None,
    **options: Any,
) -> "Dataset":
    """Draw samples on a Ray cluster.

    The samples are divided into shards of about 256,000 rows or 3,000 images, which depend on the request and their
    number alone. So the same seed gives the same samples, whatever the workers are, and Ray may run a task again. The
    order is that of Ray: set ``execution_options.preserve_order`` of its `DataContext` for the order of the shards. The
    dataset is lazy: Ray draws when it is read or written.

    Parameters
    ----------
    generator : Generator
        What draws the samples. It is sent to the workers, which need ganaug installed.
    n : int or mapping
        The number of samples in all, equally many of each class as far as possible; or ``{label: count}``.
    seed : int or sequence of int, optional
        The same seed draws the same samples; None draws fresh ones, the same ones at each reading of this dataset.
    where, screened
        As in `Generator.sample`.
    tasks : int, optional
        The tasks that the shards are divided into; by default a task for each shard, but at most 1,000.
    **options
        Of `ray.data.Dataset.map_batches`, such as ``memory`` or ``num_gpus``. A task takes one core by default.

    Returns
    -------
    ray.data.Dataset
        Of a table, its columns, and the labels in the column that the model was fitted to. Otherwise the samples as
        arrays in a column ``"image"``, ``"signal"`` or ``"clip"``, and the labels in ``"label"``.

    Raises
    ------
    DataError
        If the package ray is missing, or as `Generator.sample` raises it.

    Examples
    --------
    >>> from ganaug.integrations.ray import sample  # doctest: +SKIP
    >>> rows = sample(Generator.load("sales.onnx"), {"returned": 10_000_000}, seed=0)  # doctest: +SKIP
    >>> rows.write_parquet("returned")  # doctest: +SKIP
    """
    check_installed("ray", "ray")
    import ray.data

    shards = Shards(generator, n, seed, where, screened=screened)

    def draw(batch: dict[str, Any]) -> Any:
        return shards.columns(int(batch["id"][0]))

    parts = np.array_split(np.arange(len(shards)), shards.tasks(tasks, "tasks"))
    numbers = ray.data.from_arrow([pyarrow.table({"id": part}) for part in parts])
    return numbers.map_batches(draw, batch_size=1, **options)
