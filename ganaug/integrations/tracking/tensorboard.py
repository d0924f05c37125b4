"""Numbers of a training as curves of TensorBoard."""

from pathlib import Path
from typing import Any

from ganaug.files import StrPath
from ganaug.integrations.installed import check_installed
from ganaug.integrations.tracking.tracker import EVERY, Tracker


class TensorBoard(Tracker):
    """Writes the numbers to a folder that ``tensorboard --logdir`` shows.

    Parameters
    ----------
    folder : str or path-like
        The folder of this training. It is made if it is missing.
    every : int, default=10
        Steps from one record to the next.

    Raises
    ------
    DataError
        If the package tensorboard is missing.

    Examples
    --------
    >>> with TensorBoard("runs/first") as log:  # doctest: +SKIP
    ...     GANAugmenter(callbacks=[log]).fit(X, y)
    """

    def __init__(self, folder: StrPath, every: int = EVERY) -> None:
        super().__init__(every)
        check_installed("tensorboard", "tracking")
        self.path: Path = Path(folder)
        self._writer: Any = None

    def prepare(self) -> None:
        """Make the folder."""
        self.path.mkdir(parents=True, exist_ok=True)

    def write(self, number: int, numbers: dict[str, float]) -> None:
        """Add a point to each curve."""
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self.path))
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, number)

    def close(self) -> None:
        """Write what is left to the folder."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_writer": None}
