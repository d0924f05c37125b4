"""The error family: each says what must hold, what was found, and what to do about it.

Every error is also the built-in one that a caller would already catch, so nobody needs to import this module.
"""

import sys
import warnings

__all__ = [
    "DataError",
    "DeviceError",
    "ExportError",
    "FormatError",
    "GanaugError",
    "GanaugWarning",
    "MissingFileError",
    "OutputError",
    "warn",
]


class GanaugError(Exception):
    """Base of all errors that ganaug raises on purpose; the command line turns it into one sentence and exit code 2."""


class DataError(GanaugError, ValueError):
    """The user's data, or an argument about it, is not something that can be worked with."""


class MissingFileError(DataError, FileNotFoundError):
    """There is no file or folder at the place that was named."""


class FormatError(GanaugError, ValueError):
    """A model or checkpoint file is damaged, hostile, or not one of ours."""


class OutputError(GanaugError, OSError):
    """A result could not be written; what was on disk before is still there."""


class ExportError(GanaugError, RuntimeError):
    """A network could not be turned into an ONNX model that computes the same; nothing was written."""


class DeviceError(GanaugError, RuntimeError):
    """The asked-for device does not exist here."""


class GanaugWarning(UserWarning):
    """Something the user should know about, although the work goes on."""


def warn(message: str) -> None:
    """Warn of something, as from the caller's line that led here: a line of ganaug's own would tell nobody anything."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, GanaugWarning, stacklevel=level)
