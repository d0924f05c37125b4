"""Numbers of a training as metrics of MLflow."""

import os
from typing import Any

from ganaug.integrations.installed import check_installed
from ganaug.integrations.tracking.tracker import EVERY, Tracker


class MLflow(Tracker):
    """Writes the numbers to the active run of MLflow, or to a new one, where MLflow is configured to keep runs.

    MLflow's telemetry is switched off if MLflow is not imported yet.

    Parameters
    ----------
    every : int, default=10
        Steps from one record to the next.

    Raises
    ------
    DataError
        If the package mlflow is missing.

    Examples
    --------
    >>> with MLflow() as log:  # doctest: +SKIP
    ...     GANAugmenter(callbacks=[log]).fit(X, y)
    """

    def __init__(self, every: int = EVERY) -> None:
        super().__init__(every)
        check_installed("mlflow", "mlflow")
        self._run: Any = None
        self._is_own = False

    def write(self, number: int, numbers: dict[str, float]) -> None:
        """Log the metrics of a step."""
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        import mlflow

        if self._run is None:
            self._run = mlflow.active_run()
            self._is_own = self._run is None
            self._run = self._run or mlflow.start_run()
        mlflow.log_metrics(numbers, step=number, run_id=self._run.info.run_id)

    def close(self) -> None:
        """End the run if the tracker has begun it."""
        self._end("FINISHED")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._end("FINISHED" if kind is None else "FAILED")

    def _end(self, status: str) -> None:
        if self._is_own:
            import mlflow

            mlflow.end_run(status)
        self._run, self._is_own = None, False

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_run": None, "_is_own": False}
