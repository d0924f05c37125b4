"""One table with every dtype of polars that a generator can learn, and the same table in other libraries."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

from ganaug.data.containers.frames import as_pandas

N = 40
RNG = np.random.default_rng(0)
DAYS = [timedelta(int(days)) for days in RNG.integers(0, 900, N)]


def _gaps(values: Any) -> list[Any]:
    """Return values, every eighth of which is missing."""
    return [None if place % 8 == 0 else value for place, value in enumerate(np.asarray(values).tolist())]


TABLE = pl.DataFrame(
    {
        "i8": pl.Series(_gaps(RNG.integers(-9, 9, N)), dtype=pl.Int8),
        "u16": pl.Series(RNG.integers(0, 9, N), dtype=pl.UInt16),
        "i64": pl.Series(_gaps(RNG.integers(2**40, 2**41, N))),
        "u64": pl.Series(RNG.integers(0, 2**40, N), dtype=pl.UInt64),
        "f32": pl.Series(_gaps(RNG.normal(size=N)), dtype=pl.Float32),
        "nan": pl.Series([float("nan") if value is None else value for value in _gaps(RNG.normal(size=N))]),
        "flag": pl.Series(RNG.integers(0, 2, N) > 0),
        "perhaps": pl.Series(_gaps(RNG.integers(0, 2, N) > 0)),
        "text": pl.Series(_gaps(RNG.choice(["Oslo", "Rome"], N))),
        "category": pl.Series(_gaps(RNG.choice(["b", "a"], N)), dtype=pl.Categorical),
        "enum": pl.Series(_gaps(RNG.choice(["s", "m"], N)), dtype=pl.Enum(["s", "m", "l"])),
        "day": [date(2020, 1, 1) + days for days in DAYS],
        "gap": pl.Series([None if place % 8 == 0 else date(1890, 1, 1) + days for place, days in enumerate(DAYS)]),
        "time": pl.Series([datetime(2020, 1, 1, 8, 30) + days for days in DAYS], dtype=pl.Datetime("ns")),
        "zone": pl.Series([datetime(2020, 1, 1, 8, 30) + days for days in DAYS], dtype=pl.Datetime("ms", "UTC")),
        "stay": pl.Series(DAYS, dtype=pl.Duration("ms")),
        "pause": pl.Series([None if place % 8 == 0 else days / 4 for place, days in enumerate(DAYS)]),
        "price": pl.Series([Decimal(cents).scaleb(-2) for cents in RNG.integers(0, 9999, N).tolist()]),
        "fee": pl.Series(_gaps(RNG.integers(0, 99, N)), dtype=pl.Decimal(9, 3)),
        "empty": pl.Series([None] * N, dtype=pl.Null),
    }
).with_columns(pl.col("zone").dt.convert_time_zone("Europe/Oslo"))
LABELS = pl.Series("kind", ["common"] * 28 + ["rare"] * 12)

LIBRARIES: dict[str, Callable[[Any], Any]] = {
    "pandas": as_pandas,
    "polars": lambda frame: frame,
    "pyarrow": lambda frame: frame.to_arrow(),
}


def schema_of(X: Any) -> Any:
    """Return the names and dtypes of a table."""
    return dict(X.dtypes) if hasattr(X, "iloc") else X.schema


def as_polars(X: Any) -> pl.DataFrame:
    """Return a table of polars or pyarrow as one of polars, to compare them."""
    if isinstance(X, pl.DataFrame):
        return X
    frame = pl.DataFrame(pl.from_arrow(X))
    return frame.rename(dict(zip(frame.columns, X.column_names, strict=True)))  # a column may have an empty name
