"""Reading and writing one signal file: .wav or .npy.

The content of a file is untrusted: sizes are bounded by the file itself, and no Python objects are loaded.
"""

import io
import warnings
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.errors import DataError
from ganaug.files import is_regular, quoted

Signal = NDArray[np.float32]
"""A signal of shape (length, channels)."""

MAX_FILE_BYTES = 2**28
"""Largest file that is read: 256 MB hold 12 minutes of stereo sound at 44.1 kHz and 32 bits."""
MIN_LENGTH = 8
"""Fewest values of a signal in each channel."""
MAX_CHANNELS = 256
"""Most channels: an electroencephalogram has up to 256."""
PCM_BYTES = {"uint8": 1, "int16": 2, "int24": 3, "int32": 4}
"""For each kind of whole numbers in a .wav file, the bytes of a number."""
WAV_DTYPES = (*PCM_BYTES, "float32", "float64")
NPY_DTYPES = (
    "bool",
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    "float16",
    "float32",
    "float64",
)
"""The dtypes of the values in a file; "int24" is what a .wav file of 24 bits holds."""
DTYPES = {".wav": WAV_DTYPES, ".npy": NPY_DTYPES}
"""For each ending, the dtypes."""


@dataclass(frozen=True)
class FileForm:
    """The form of a signal file: what is needed to write another one like it."""

    ending: str = ".npy"
    """".wav" or ".npy"."""
    dtype: str = "float32"
    """One of `DTYPES`."""
    sample_rate: int | None = None
    """Values in a second; None in a .npy file."""
    axes: int = 2
    """Axes of the array in a .npy file: 1 for (length,), 2 for (length, channels)."""

    def __str__(self) -> str:
        rate = f" at {self.sample_rate:,} Hz" if self.sample_rate else ""
        return f"{self.ending} files of {self.dtype}{rate}"


def read_signal(path: Path) -> tuple[Signal, FileForm]:
    """Read a file as values (length, channels), and its form.

    The numbers of a .npy file are kept. The numbers of a .wav file are divided so that the largest are 1, unless they
    are floating point. `DataError` if the file is too large, damaged, too short, or holds numbers that are not finite.
    """
    if not is_regular(path):  # pipes and devices could block for ever
        raise DataError(f"A signal must be a regular file, but {quoted(path)} is not: take it out of the data.")
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise DataError(
            f"A signal file must have at most {MAX_FILE_BYTES:,} bytes, but {quoted(path)} has {size:,}: cut it into "
            "parts, or take it out of the data."
        )
    values, form = _read_wav(path) if path.suffix.lower() == ".wav" else _read_npy(path)
    length, channels = values.shape
    if length < MIN_LENGTH or not 1 <= channels <= MAX_CHANNELS:
        raise DataError(
            f"A signal must have {MIN_LENGTH} values or more in each of 1 to {MAX_CHANNELS} channels, but "
            f"{quoted(path)} has the shape (length, channels) {(length, channels)}: transpose it if its axes are the "
            "other way round, or take it out of the data."
        )
    with np.errstate(over="ignore"):
        signal = np.ascontiguousarray(values, dtype=np.float32)
    if not np.isfinite(signal).all():
        raise DataError(
            f"A signal must hold finite numbers that float32 can hold, but {quoted(path)} holds {_strangest(values)}: "
            "fill or cut out such values, or take the file out of the data."
        )
    return signal, form


def encoded(signal: Signal, form: FileForm) -> bytes:
    """Return a signal (length, channels) as the content of a file of this form."""
    file = io.BytesIO()
    if form.ending == ".npy":
        values = signal[:, 0] if form.axes == 1 else signal
        np.save(file, converted(values, np.dtype(form.dtype)), allow_pickle=False)
    elif form.dtype in PCM_BYTES:
        _write_pcm(file, signal, form)
    else:
        from scipy.io import wavfile

        wavfile.write(file, form.sample_rate or 0, signal.astype(form.dtype))
    return file.getvalue()


def converted(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return values in a dtype: rounded for whole numbers, and limited to what the dtype can hold."""
    if dtype.kind == "f":
        largest = np.finfo(dtype).max
        limited: NDArray[Any] = np.clip(values, -largest, largest).astype(dtype)
        return limited
    if dtype.kind == "b":
        return np.asarray(values > 0.5)
    limits = np.iinfo(dtype)
    rounded = np.rint(values.astype(np.float64))
    inside = np.clip(rounded, float(limits.min), np.nextafter(float(limits.max) + 1, 0))  # 2**63 does not fit int64
    return inside.astype(dtype)


def _read_wav(path: Path) -> tuple[NDArray[Any], FileForm]:
    from scipy.io import wavfile

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)  # of unknown chunks, and of a length not stated
            # From memory: a header that promises more than the file holds cannot ask for memory.
            rate, values = wavfile.read(io.BytesIO(path.read_bytes()))
    except Exception as error:  # a hostile file can make the reader raise any exception
        raise _damaged(path, "WAV", error) from error
    values = values.reshape(len(values), -1)
    dtype = values.dtype.newbyteorder("=").name
    if dtype == "uint8":
        values = (values.astype(np.float32) - 128) / 128
    elif dtype in PCM_BYTES:
        # scipy reads 24 bits into the upper part of 32.
        dtype = "int24" if dtype == "int32" and values.size and not (values & 255).any() else dtype
        values = values.astype(np.float64) / (2.0**15 if dtype == "int16" else 2.0**31)
    if dtype not in WAV_DTYPES or not 1 <= rate < 2**31:
        raise DataError(
            f"A .wav file must hold {', '.join(WAV_DTYPES)}, and state a sample rate, but {quoted(path)} holds {dtype} "
            f"at {rate} Hz: convert it, or take it out of the data."
        )
    return values, FileForm(".wav", dtype, int(rate))


def _read_npy(path: Path) -> tuple[NDArray[Any], FileForm]:
    try:
        # A map of the file: a header that promises more than the file holds, or Python objects, is refused.
        values = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # a hostile file can make the reader raise any exception
        raise _damaged(path, "NumPy", error) from error
    dtype = values.dtype.newbyteorder("=").name
    if values.ndim not in (1, 2) or dtype not in NPY_DTYPES:
        raise DataError(
            "A signal must be an array of numbers of shape (length,) or (length, channels), but "
            f"{quoted(path)} holds {dtype} of shape {values.shape}: convert it, or take it out of the data."
        )
    array = np.array(values)
    return (array[:, None] if array.ndim == 1 else array), FileForm(".npy", dtype, None, array.ndim)


def _write_pcm(file: io.BytesIO, signal: Signal, form: FileForm) -> None:
    """Write whole numbers of 8, 16, 24 or 32 bits; only 8 bits have no sign."""
    width = PCM_BYTES[form.dtype]
    largest = 2.0 ** (8 * width - 1)
    numbers = np.clip(np.rint(signal.astype(np.float64) * largest), -largest, largest - 1).astype("<i4")
    if width == 1:
        content = (numbers + 128).astype(np.uint8).tobytes()
    else:
        content = numbers[..., None].view(np.uint8)[..., :width].tobytes()  # the lower bytes come first
    with wave.open(file, "wb") as written:
        written.setparams((signal.shape[1], width, form.sample_rate or 1, len(signal), "NONE", "not compressed"))
        written.writeframes(content)


def _damaged(path: Path, format_name: str, error: Exception) -> DataError:
    return DataError(
        f"A signal must be a complete {format_name} file of numbers, but {quoted(path)} cannot be read "
        f"({type(error).__name__}): repair it, or take it out of the data."
    )


def _strangest(values: NDArray[Any]) -> str:
    if np.isnan(values).any():
        return "NaN"
    return "infinity" if np.isinf(values).any() else "larger ones"
