"""Numbers of a training as JSON lines, which pandas reads with ``read_json(file, lines=True)``."""

import json
import math
from pathlib import Path
from typing import Any, TextIO

from ganaug.errors import OutputError
from ganaug.files import StrPath, check_writable
from ganaug.integrations.tracking.tracker import EVERY, Tracker


class JSONLines(Tracker):
    """Appends one line for each record to a file: an object with the number of the step and its other numbers.

    Numbers that are not finite are null.

    Parameters
    ----------
    file : str or path-like
        The file. An existing file is continued.
    every : int, default=10
        Steps from one record to the next.

    Examples
    --------
    >>> with JSONLines("log.jsonl") as log:  # doctest: +SKIP
    ...     GANAugmenter(callbacks=[log]).fit(X, y)
    """

    def __init__(self, file: StrPath, every: int = EVERY) -> None:
        super().__init__(every)
        self.path: Path = Path(file)
        self._file: TextIO | None = None

    def prepare(self) -> None:
        """Raise an `OutputError` if the file could not be written."""
        check_writable(self.path, folder=False)

    def write(self, number: int, numbers: dict[str, float]) -> None:
        """Append a line, which is on disk when the method returns."""
        finite = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
        if self._file is None:
            self.prepare()
        try:
            if self._file is None:
                self._file = self.path.open("a", encoding="utf-8")
            self._file.write(json.dumps({"step": number, **finite}) + "\n")
            self._file.flush()
        except OSError as error:
            raise OutputError(f"Cannot write to {self.path}: {error.strerror or error}.") from error

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None}
