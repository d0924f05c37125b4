"""Signal folders: which files are signals, and what all of them have in common."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ganaug.data import class_folder
from ganaug.data.class_folder import FileKind, FolderIndex, some_files
from ganaug.data.images.folder import KIND as IMAGES
from ganaug.data.signals.codec import MAX_LENGTH
from ganaug.data.signals.signal_file import FileForm, Signal, read_signal
from ganaug.errors import DataError
from ganaug.files import quoted

ENDINGS = frozenset({".wav", ".npy"})
"""Endings of the files that are read."""
UNREAD_ENDINGS = frozenset(
    {".aif", ".aiff", ".edf", ".flac", ".m4a", ".mat", ".mp3", ".npz", ".ogg", ".opus", ".ts", ".wma"}
)
"""Endings of other signal files: a warning says that they are not read."""
KIND = FileKind("signal", "a", ENDINGS, UNREAD_ENDINGS, "WAV or NPY")


def scan_folder(root: str | os.PathLike[str]) -> FolderIndex:
    """List the signals of ``root/class_name/**/*`` and their labels, as `ganaug.data.class_folder.scan_folder` does."""
    return class_folder.scan_folder(root, KIND)


def holds_signals(root: Path) -> bool:
    """Tell whether a folder holds files that may be signals, and no images."""
    return bool(some_files(root, KIND.names)) and not some_files(root, IMAGES.names)


def read_all(index: FolderIndex) -> tuple[list[Signal], list[int], list[int], FileForm]:
    """Read the files of a folder.

    Returns
    -------
    signals : list of ndarray
        Of shape (length, channels); no more than `MAX_LENGTH` values of each are kept.
    lengths : list of int
        The lengths of the signals in their files.
    kept : list of int
        The positions of the readable files in `index`.
    form : FileForm
        The form of the files. Where the dtypes of files differ, it has the most common one.

    Raises
    ------
    DataError
        If more than one file in ten cannot be read, or files differ in ending, channels or sample rate.
    """
    signals, lengths, kept, forms, problems = [], [], [], [], []
    for position, file in enumerate(index.files):
        try:
            signal, form = read_signal(file)
        except DataError as error:
            problems.append(str(error))
            continue
        signals.append(signal[:MAX_LENGTH].copy())
        lengths.append(len(signal))
        kept.append(position)
        forms.append(form)
    index.report_unreadable(problems)
    files = [index.files[position] for position in kept]
    _check_alike(files, [form.ending for form in forms], "one ending", "")
    _check_alike(files, [signal.shape[1] for signal in signals], "one number of channels", "channels")
    _check_alike(files, [form.sample_rate for form in forms], "one sample rate", "Hz")
    dtype, axes = (
        Counter(values).most_common(1)[0][0] for values in zip(*((f.dtype, f.axes) for f in forms), strict=True)
    )
    return signals, lengths, kept, replace(forms[0], dtype=dtype, axes=axes)


def _check_alike(files: Sequence[Path], values: Sequence[object], what: str, unit: str) -> None:
    """Refuse files that differ in something that all must share."""
    usual = Counter(values).most_common(1)[0][0]
    for file, value in zip(files, values, strict=True):
        if value != usual:
            raise DataError(
                f"All signals must have {what}, but {quoted(file)} has {value} {unit}".rstrip()
                + f" and {values.count(usual)} of {len(values)} have {usual} {unit}".rstrip()
                + ": convert all to one form, or take the others out of the data."
            )
