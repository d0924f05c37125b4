"""The form of synthetic signals."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ganaug.data.json_checks import is_int
from ganaug.data.sample_format import OutputForm, SampleFormat
from ganaug.data.signals.codec import MAX_LENGTH
from ganaug.data.signals.pictures import draw_signals, range_of
from ganaug.data.signals.points import signal_points
from ganaug.data.signals.signal_file import DTYPES, MAX_CHANNELS, MIN_LENGTH, FileForm
from ganaug.errors import DataError, FormatError

MAX_PASS = 32
"""Most signals in one pass."""
MAX_PASS_NUMBERS = 2**18
"""Most numbers in one pass: 32 signals of 65,536 values would take gigabytes of memory."""
MAX_RATE = 2**31 - 1
"""Largest sample rate that a .wav file can state, in Hz."""


class SignalFormat(SampleFormat):
    """Signals of one shape (length, channels).

    Parameters
    ----------
    length, channels : int
        Of each signal.
    form : FileForm
        The form of the files that signals are written to.
    """

    modality = "signal"
    noun = "signals"
    seeded_pass_size = 8

    def __init__(self, length: int, channels: int, form: FileForm) -> None:
        self.signal_shape, self.form = (length, channels), form
        self.outputs: dict[str, OutputForm] = {"signal": (self.signal_shape, np.float32)}
        self.pass_size = max(1, min(MAX_PASS, MAX_PASS_NUMBERS // (length * channels)))

    @classmethod
    def from_schema(cls, schema: Mapping[str, Any]) -> Self:
        """Read ``length``, ``channels``, and the form of a file: ``ending``, ``dtype``, ``sample_rate``, ``axes``."""
        length, channels = schema.get("length"), schema.get("channels")
        _require(is_int(length, MIN_LENGTH, MAX_LENGTH), f"length must be from {MIN_LENGTH} to {MAX_LENGTH}")
        _require(is_int(channels, 1, MAX_CHANNELS), f"channels must be from 1 to {MAX_CHANNELS}")
        ending, rate = schema.get("ending", ".npy"), schema.get("sample_rate")
        _require(isinstance(ending, str) and ending in DTYPES, "ending must be '.npy' or '.wav'")
        dtype, axes = schema.get("dtype", "float32"), schema.get("axes", 2)
        _require(dtype in DTYPES[ending], f"dtype must be one of {', '.join(DTYPES[ending])}")
        _require(is_int(rate, 1, MAX_RATE) if ending == ".wav" else rate is None, "sample_rate must suit the ending")
        _require(is_int(axes, 1, 2) and (axes == 2 or channels == 1), "axes must be 2, or 1 for one channel")
        return cls(length, channels, FileForm(ending, dtype, rate, axes))  # type: ignore[arg-type]  # checked above

    def decoded(self, outputs: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Return the signals, float32 (n, length, channels)."""
        return outputs["signal"]

    def points(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return signals as `signal_points` does."""
        signals = np.asarray(samples, np.float32)
        if signals.ndim == 2 and self.signal_shape[1] == 1:
            signals = signals[:, :, None]
        if signals.shape[1:] != self.signal_shape:
            length, channels = self.signal_shape
            raise DataError(
                f"Signals must have the shape (n, {length}, {channels}), but have {signals.shape}: give such an array."
            )
        return signal_points(signals)

    def pictures(self, samples: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return line charts of signals, all on one scale."""
        return draw_signals(samples, range_of(samples))

    def listed(self, samples: NDArray[np.float32]) -> Sequence[NDArray[np.float32]]:
        """Return the signals one by one."""
        return list(samples)

    def __str__(self) -> str:
        return "signals {}x{}".format(*self.signal_shape)

    @property
    def cached_form(self) -> OutputForm:
        """Shape and dtype of a signal."""
        return self.outputs["signal"]


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise FormatError(f"The metadata of this model is not valid: {rule}.")


FORMAT = SignalFormat
