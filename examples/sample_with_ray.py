"""
Draw rows on a Ray cluster
==========================

This program draws rows from a model file on all cores of a Ray cluster, and writes them as Parquet files. Without an
address of a cluster, Ray starts one on this machine. The extra ``ganaug[ray]`` installs what it needs::

    python examples/sample_with_ray.py --per-class 1000000 --output rows
"""

import argparse
import tempfile
from pathlib import Path

import pyarrow.parquet as pq

from ganaug import Generator
from ganaug.integrations.ray import sample

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("model", nargs="?", help="a model file of a table; by default one of the shipped models")
parser.add_argument("--per-class", type=int, default=100_000, help="rows of each class")
parser.add_argument("--output", help="a new folder; by default a temporary one")
args = parser.parse_args()
here = Path(__file__).parent if "__file__" in globals() else Path.cwd()
generator = Generator.load(args.model or here.parent / "onnx_models" / "wine.onnx")
output = args.output or tempfile.mkdtemp()

# %%
# A dataset of Ray
# ----------------
# The dataset is lazy: nothing is drawn yet. The rows are divided into shards, and each is drawn by one core.

rows = sample(generator, dict.fromkeys(generator.classes, args.per_class), seed=0)

# %%
# Draw and write
# --------------
# Every worker writes what it has drawn. The same seed gives the same rows on any number of machines.

rows.write_parquet(output)
written = pq.read_table(output)
counts = (
    written.group_by(generator.format.label_name).aggregate([([], "count_all")]).sort_by(generator.format.label_name)
)
for label, count in zip(*counts.to_pydict().values(), strict=True):
    print(f"{label}: {count:,} rows of {written.num_columns - 1} columns")
