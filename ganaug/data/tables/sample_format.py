"""The format of synthetic rows."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ganaug.data.json_checks import is_name, items, require
from ganaug.data.sample_format import Fits, OutputForm, SampleFormat
from ganaug.data.tables.codec import MAX_COLUMNS, TableCodec
from ganaug.data.tables.conditions import Conditions
from ganaug.data.tables.csv_format import CsvFormat
from ganaug.data.tables.points import row_points
from ganaug.errors import DataError

if TYPE_CHECKING:
    from pandas import DataFrame


class TableFormat(SampleFormat):
    """Rows of a table; `csv` is the format of the file that the model was fitted to."""

    modality = "table"
    noun = "rows of a table"
    pass_size = 256
    seeded_pass_size = 64

    def __init__(self, codec: TableCodec, ignored: Sequence[str | int] = (), csv: CsvFormat | None = None) -> None:
        self.codec, self._ignored, self.csv = codec, tuple(ignored), csv or CsvFormat(columns={})
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
        return cls(codec, ignored, CsvFormat.from_state(schema.get("csv")))

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

    @property
    def column_names(self) -> Sequence[str | int]:
        """The names of the columns."""
        return self.codec.names

    @property
    def ignored_names(self) -> Sequence[str | int]:
        """The names of the columns that were ignored."""
        return self._ignored


FORMAT = TableFormat
