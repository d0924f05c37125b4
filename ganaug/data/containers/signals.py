"""Containers of signals: arrays, nested lists, or flat rows of any container of rows <-> float32 signals."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug.data.containers.container import Container, refuse_rules
from ganaug.data.containers.rows import named_columns
from ganaug.data.labels import Label
from ganaug.data.signals.dataset import LabelledSignals, from_arrays
from ganaug.data.signals.signal_file import MAX_CHANNELS, MIN_LENGTH, converted
from ganaug.errors import DataError


@dataclass(frozen=True)
class SignalContainer(Container):
    """Signals of one shape."""

    modality = "signal"
    described = "signals"

    shape: tuple[int, ...]
    """Length, and the channels if the user's signals have this axis."""
    dtype: np.dtype[Any]
    flat: Container | None = None
    """The container of flat rows; None for arrays of three dimensions."""
    listed: bool = False
    """Whether the signals came as nested lists."""

    def unwrap(self, X: Any) -> NDArray[np.float32]:
        """Return float32 signals of shape (n, length, channels)."""
        return _dense(X).astype(np.float32).reshape(-1, self.shape[0], (*self.shape, 1)[1])

    @property
    def has_columns(self) -> bool:
        """Whether the user's items are flat rows."""
        return self.flat is not None

    def promoted(self, X: Any, samples: NDArray[np.float32]) -> Self:
        """Return this container with promoted dtypes for flat rows; arrays keep their dtype."""
        return self if self.flat is None else replace(self, flat=self.flat.promoted(X, self._rows(samples)))

    def wrap(self, samples: NDArray[np.float32]) -> Any:
        """Return signals of the user's shape and dtype."""
        if self.flat is not None:
            return self.flat.wrap(self._rows(samples))
        signals = self._values(samples)
        return signals.tolist() if self.listed else signals

    def append(self, X: Any, new: Any) -> Any:
        """Return the signals of `X` and the new ones in one container."""
        if self.flat is not None:
            return self.flat.append(X, new)
        return [*X, *new] if self.listed else np.concatenate([np.asarray(X), new])

    def copied(self, X: Any) -> Any:
        """Return a copy of the array, or a list of the same signals."""
        if self.flat is not None:
            return self.flat.copied(X)
        return list(X) if self.listed else np.array(X)

    def matched_to(self, fitted: Self) -> Self:
        """Return this container; `DataError` if the shapes of the signals differ."""
        if (*self.shape, 1)[:2] != (*fitted.shape, 1)[:2]:
            raise DataError(
                f"Signals must be of shape {fitted.shape}, as in fit, but are of {self.shape}: pad or cut them."
            )
        return self

    def class_name(self, label: Label) -> Label:
        """Return the text of the label: the classes of signals are named like folders."""
        return str(label)

    def dataset(
        self,
        X: Any,
        codes: NDArray[np.int64],
        classes: Sequence[Label],
        categorical_features: Any = "auto",
        rules: Any = "auto",
    ) -> LabelledSignals:
        """Return the signals and their labels as signals to train on."""
        if not isinstance(categorical_features, str):
            raise DataError("categorical_features must be 'auto' for signals: their values are all numbers")
        refuse_rules(rules, self.described)
        return from_arrays(self.unwrap(X), codes, [str(name) for name in classes])

    def _rows(self, samples: NDArray[np.float32]) -> pd.DataFrame:
        rows = self._values(samples).reshape(len(samples), -1)
        return pd.DataFrame(rows, columns=named_columns(range(rows.shape[1])))

    def _values(self, samples: NDArray[np.float32]) -> NDArray[Any]:
        return converted(samples.reshape(-1, *self.shape), self.dtype)


def signal_container(X: Any, rows: Any, flat: Container | None) -> SignalContainer:
    """Return the container of signals; `flat` is the container of flat rows.

    `DataError` if `X` is not of shape (n, length) or (n, length, channels), or its values are not finite numbers.
    """
    values = _dense(rows)
    if values.ndim not in (2, 3):
        raise DataError(
            "With signal=True, X must be of shape (n, length) or (n, length, channels), but has the shape "
            f"{values.shape}: reshape it, or leave signal out for images."
        )
    shape = values.shape[1:]
    if shape[0] < MIN_LENGTH or not 1 <= (*shape, 1)[1] <= MAX_CHANNELS:
        raise DataError(
            f"Signals must have {MIN_LENGTH} values or more in each of 1 to {MAX_CHANNELS} channels, but have the "
            f"shape (length, channels) {(*shape, 1)[:2]}: transpose them if the axes are the other way round."
        )
    if values.dtype.kind not in "biuf":
        raise DataError(f"The values of signals must be numbers, but X is {values.dtype}: convert it.")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise DataError("The values of signals must be finite, but X holds NaN or infinity: fill such values first.")
    return SignalContainer(shape, values.dtype, flat, isinstance(X, list | tuple))


def _dense(rows: Any) -> NDArray[Any]:
    return np.asarray(rows.toarray() if hasattr(rows, "toarray") else rows)
