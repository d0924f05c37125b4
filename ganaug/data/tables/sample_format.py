"""The format of synthetic rows."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ganaug.data.json_checks import is_name, items, require
from ganaug.data.sample_format import Fits, OutputForm, SampleFormat
from ganaug.data.tables.arrow import arrow_table
from ganaug.data.tables.codec import MAX_COLUMNS, TableCodec
from ganaug.data.tables.conditions import Conditions
from ganaug.data.tables.csv_format import CsvFormat
from ganaug.data.tables.points import row_points
from ganaug.errors import DataError

if TYPE_CHECKING:
    from pandas import DataFrame


class TableFormat(SampleFormat):
    """Rows of a table; `csv` is the format of the file that the model was fitted to, `target` its column of labels."""

    modality = "table"
    noun = "rows of a table"
    pass_size = 256
    seeded_pass_size = 64
    shard_passes = 1000

    def __init__(
        self,
        codec: TableCodec,
        ignored: Sequence[str | int] = (),
        csv: CsvFormat | None = None,
        target: str = "target",
    ) -> None:
        self.codec, self._ignored, self._target = codec, tuple(ignored), target
        self.csv = csv or CsvFormat(columns={})
        outputs: dict[str, OutputForm] = {
            "numeric": ((len(codec.numeric_columns),), np.float64),
            "category": ((len(codec.category_columns),), np.int64),
        }
        self.outputs = {name: form for name, form in outputs.items() if form[0] != (0,)}

    @classmethod
    def from_schema(cls, schema: Mapping[str, Any]) -> Self:
        """Read the column schema. Files of earlier versions have neither ignored columns nor the format of a file."""
        codec, ignored = TableCodec.from_state(schema), items({"ignored": [], **schema}, "ignored", MAX_COLUMNS)
        require(all(map(is_name, ignored)), "the names of ignored columns must be short texts or whole numbers")
        names = [*codec.names, *ignored]
        require(len(set(names)) == len(names), "ignored columns must have other names than the columns")
        target = schema.get("target")
        csv = CsvFormat.from_state(schema.get("csv"))
        return cls(codec, ignored, csv, target if isinstance(target, str) else "target")

    def decoded(self, outputs: Mapping[str, NDArray[Any]]) -> "DataFrame":
        """Return a DataFrame with the columns and dtypes of the table that was learned; `DataError` without pandas."""
        if find_spec("pandas") is None:
            raise DataError(
                "the package pandas must be installed to draw rows of a table, but is not: pip install pandas"
            )
        return self.codec.frame(outputs.get("numeric"), outputs.get("category"))

    def conditions(self, where: Any) -> Fits:
        """Return a function that tells which rows fulfil conditions, as `Conditions.of` reads them."""
        return Conditions.of(where, self.codec).fits

    def points(self, samples: Any) -> NDArray[np.float32]:
        """Return rows, a frame of any library, as `row_points` does."""
        from ganaug.data.containers.frames import as_pandas

        return row_points(as_pandas(samples), self.codec)

    def listed(self, samples: "DataFrame") -> Sequence[tuple[Any, ...]]:
        """Return the rows one by one, as tuples of the columns' values."""
        return list(samples.itertuples(index=False, name=None))

    def __str__(self) -> str:
        return f"tables of {len(self.codec.columns)} columns"

    def written(self, rows: "DataFrame") -> "DataFrame":
        """Return rows as files and clusters hold them.

        The names are texts. Columns of objects have the dtype of their categories, because rows could not tell the type
        where all drawn values are missing.
        """
        rows = rows.astype(self._object_dtypes)
        rows.columns = rows.columns.map(str)
        return rows

    def labelled(self, rows: "DataFrame", labels: Any) -> "DataFrame":
        """Return written rows with their labels as the last column; `DataError` if another column has its name."""
        if self._target in rows.columns:
            raise DataError(
                f"the column of labels must have a name that no other column has, but {self._target!r} is a column of "
                "the model too: rename it, and fit the model again"
            )
        return rows.assign(**{self._target: labels})

    def columns(self, samples: "DataFrame", labels: NDArray[Any]) -> Any:
        """Return a `pyarrow.Table` of rows with their labels as the last column; always of one schema."""
        return arrow_table(self.labelled(self.written(samples), labels).astype(self.date_dtypes))

    @cached_property
    def _object_dtypes(self) -> dict[Any, Any]:
        import pandas as pd

        objects = (one for one in self.codec.category_columns if one.dtype == "object" and one.categories)
        return {column.name: pd.array(list(column.categories)).dtype for column in objects}

    @cached_property
    def date_dtypes(self) -> dict[str, Any]:
        """For each column that held dates without a time of day in a Parquet file, the dtype that it has there."""
        import pandas as pd
        import pyarrow

        dates = {name for name, field in (self.csv.columns or {}).items() if field.is_date}
        columns = (one for one in self.codec.numeric_columns if str(one.name) in dates and one.has_days_only)
        return {str(column.name): pd.ArrowDtype(pyarrow.date32()) for column in columns}

    @property
    def label_name(self) -> str:
        """The name of the column of labels."""
        return self._target

    @property
    def column_names(self) -> Sequence[str | int]:
        """The names of the columns."""
        return self.codec.names

    @property
    def ignored_names(self) -> Sequence[str | int]:
        """The names of the columns that were ignored."""
        return self._ignored


FORMAT = TableFormat
