"""The signal codec: signals of any length <-> signals of one length and one number of channels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from ganaug.data.signals.signal_file import MAX_CHANNELS, MIN_LENGTH, FileForm, Signal
from ganaug.errors import DataError

MAX_LENGTH = 2**16
"""Most values of an encoded signal in each channel: four seconds of sound at 16 kHz."""
COVERED = 0.9
"""Share of the signals that the chosen length holds whole. One very long signal must not make others mostly padding."""


@dataclass(frozen=True)
class SignalCodec:
    """The conversion of signals to one length. The beginnings of all signals stay aligned."""

    length: int
    """Values in each channel, from 8 to 65,536."""
    channels: int
    """Number of channels."""
    form: FileForm = field(default_factory=FileForm)
    """The form of the files that signals came from."""

    def __post_init__(self) -> None:
        """Check the sizes."""
        if type(self.length) is not int or not MIN_LENGTH <= self.length <= MAX_LENGTH:
            raise DataError(
                f"The length of signals must be a whole number from {MIN_LENGTH} to {MAX_LENGTH:,}, but it is "
                f"{self.length!r}: choose another, or let the data decide."
            )
        if type(self.channels) is not int or not 1 <= self.channels <= MAX_CHANNELS:
            raise DataError(f"Signals must have 1 to {MAX_CHANNELS} channels, but have {self.channels!r}.")

    @classmethod
    def fit(cls, lengths: Sequence[int], channels: int, form: FileForm, length: int | None = None) -> Self:
        """Choose the length, unless it is given: the smallest that holds nine in ten of the signals whole."""
        if length is None:
            length = min(MAX_LENGTH, int(np.quantile(lengths, COVERED, method="inverted_cdf")))
        return cls(length, channels, form)

    @property
    def shape(self) -> tuple[int, int]:
        """Length and channels of an encoded signal."""
        return self.length, self.channels

    def encode(self, signal: Signal) -> Signal:
        """Cut off the end of a longer signal (n, channels), or continue a shorter one.

        Sound is continued by silence, and other signals by their last value, which makes no step.
        """
        missing = self.length - len(signal)
        if missing <= 0:
            return signal[: self.length]
        last = np.zeros_like(signal[-1:]) if self.form.ending == ".wav" else signal[-1:]
        return np.concatenate([signal, np.repeat(last, missing, axis=0)])

    def changes(self, lengths: Sequence[int]) -> str:
        """Return a sentence about the signals of these lengths that the codec changes; empty if there are none."""
        shorter, longer = (sum(map(test, lengths)) for test in (self.length.__gt__, self.length.__lt__))
        if not shorter and not longer:
            return ""
        filling = "silence" if self.form.ending == ".wav" else "their last value"
        parts = [f"the shorter ones ({shorter:,}) are continued by {filling}"] if shorter else []
        parts += [f"the longer ones ({longer:,}) lose their end"] if longer else []
        if min(lengths) == max(lengths):
            return f"All signals have {lengths[0]:,} values, and are brought to {self.length:,}: {parts[0]}."
        return (
            f"Signals must have one length, but these have {min(lengths):,} to {max(lengths):,} values: all are "
            f"brought to {self.length:,}, {' and '.join(parts)}. Cut them to one length yourself if another part "
            "matters more."
        )
