"""
Balance a table of Spark
========================

This program adds synthetic rows to a table on a Spark cluster until its classes are equally large. Without the address
of a cluster, Spark starts on this machine. The extra ``ganaug[spark]`` installs PySpark, which needs Java 17 or newer.
Spark starts the Python that the variable ``PYSPARK_PYTHON`` names::

    PYSPARK_PYTHON=$(which python) python examples/sample_with_spark.py
"""

from pathlib import Path

from pyspark.sql import SparkSession
from sklearn.datasets import load_wine

from ganaug import Generator
from ganaug.integrations.spark import sample

# %%
# A table, and a model of it
# --------------------------
# The third class of scikit-learn's wines is the rarest. The shipped model was fitted to this table.

here = Path(__file__).parent if "__file__" in globals() else Path.cwd()
generator = Generator.load(here.parent / "onnx_models" / "wine.onnx")
target = generator.format.label_name
wines = load_wine(as_frame=True)
frame = wines.data.assign(**{target: wines.target_names[wines.target]})

spark = SparkSession.builder.getOrCreate()
real = spark.createDataFrame(frame)

# %%
# Rows that are missing
# ---------------------
# Spark counts the rows of each class. The synthetic rows are drawn by the executors, and only when they are needed.

counts = {row[target]: row["count"] for row in real.groupBy(target).count().collect()}
missing = {label: max(counts.values()) - count for label, count in counts.items()}
balanced = real.unionByName(sample(generator, missing, seed=0))

for row in balanced.groupBy(target).count().orderBy(target).collect():
    print(f"{row[target]}: {counts[row[target]]} real rows, {row['count']} in all")
