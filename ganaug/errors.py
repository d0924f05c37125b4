"""Errors and warnings. Each message says what must hold, what was found, and the remedy.

Every error is also a built-in exception, so that a caller need not import this module.
"""

import sys
import warnings


class GanaugError(Exception):
    """Base of all errors of ganaug; the command line prints them in one sentence and exits with code 2."""


class DataError(GanaugError, ValueError):
    """The data of the user, or an argument about them, are not valid."""


class MissingFileError(DataError, FileNotFoundError):
    """A file or folder does not exist."""


class FormatError(GanaugError, ValueError):
    """A model or checkpoint file is damaged, hostile, or not written by ganaug."""


class OutputError(GanaugError, OSError):
    """An output could not be written; what was on disk before is unchanged."""


class ExportError(GanaugError, RuntimeError):
    """A network could not be converted to an ONNX model with the same results; nothing was written."""


class DeviceError(GanaugError, RuntimeError):
    """The requested device does not exist on this machine."""


class ProcessLostError(GanaugError, RuntimeError):
    """One of several processes that learn together has ended, or cannot be reached."""


class StopTraining(Exception):  # noqa: N818 - no error, as StopIteration
    """A callback raises it to end the training; the best generator so far is kept. Its text becomes the reason."""


class GanaugWarning(UserWarning):
    """A problem that the user should know about, but that does not stop the work."""


def warn(message: str) -> None:
    """Warn, and name the line outside of ganaug that led here as the place of the warning."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, GanaugWarning, stacklevel=level)
