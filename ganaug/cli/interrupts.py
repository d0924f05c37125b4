"""What SIGINT (Ctrl-C) and SIGTERM do to a command."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
MAX_SECONDS = 8.0
"""Seconds that a command has after SIGTERM if it has nothing to save: docker kills after 10."""


class Interrupted(KeyboardInterrupt):
    """A signal is to end the command."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_code = 128 + number


def exit_code(error: KeyboardInterrupt) -> int:
    """Return the exit code that a shell gives for the signal: 130 for SIGINT, 143 for SIGTERM."""
    return error.exit_code if isinstance(error, Interrupted) else 128 + signal.SIGINT


class _Process:
    """What this process knows about signals."""

    saving = 0
    """How many contexts have something to save."""


def interrupt(number: int, frame: FrameType | None) -> None:
    """Raise `Interrupted`, or leave at once during an import: a half imported library may swallow an exception."""
    if _is_importing(frame) and not _Process.saving:
        _leave(number)
    raise Interrupted(number)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _leave(number: int) -> None:
    """End the process with the exit code of a signal, without leaving its contexts."""
    if files := sys.modules.get("ganaug.files"):  # otherwise nothing is being written
        files.discard_unfinished()
    with suppress(OSError):
        os.write(2, b"Interrupted.\n")
    os._exit(128 + number)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGINT and SIGTERM interrupt at once inside the context, within a `Patience` too."""
    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def ending_in_time() -> Iterator[None]:
    """Interrupt on signals, and end the process if it does not leave the context in time after SIGTERM.

    Python calls its handlers in the main thread only, and not before a long call of C has ended. A thread of its own
    learns of the signal at once. It waits for as long as there is something to save.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    left = threading.Event()

    def watch() -> None:
        while number := os.read(told, 1):
            if number[0] == signal.SIGTERM and not left.wait(MAX_SECONDS) and not _Process.saving:
                _leave(signal.SIGTERM)

    watcher = threading.Thread(target=watch, name="ganaug signals", daemon=True)
    before = signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    try:
        with suppress(RuntimeError):  # no thread can be started
            watcher.start()
        with interruptible():
            yield
    finally:
        signal.set_wakeup_fd(before)
        left.set()
        os.close(tell)
        if watcher.ident is not None:
            watcher.join()
        os.close(told)


class Patience:
    """Turns the first SIGINT or SIGTERM into a request to stop between steps; a SIGINT after it interrupts.

    Until `armed` is set, nothing is worth saving, and the first signal interrupts as well. `asked` is the exit code of
    the first one, or 0. A second SIGTERM changes nothing: launchers send one to a process, and one to its group.
    """

    def __init__(self) -> None:
        self.asked, self._armed = 0, False

    @property
    def armed(self) -> bool:
        """Whether there is something to save."""
        return self._armed

    @armed.setter
    def armed(self, armed: bool) -> None:
        _Process.saving += armed - self._armed
        self._armed = armed

    @property
    def is_hurried(self) -> bool:
        """Whether SIGTERM leaves time for the model alone."""
        return self.asked == 128 + signal.SIGTERM

    def __enter__(self) -> "Patience":
        self._before = {number: signal.signal(number, self._ask) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self.armed = False

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if not self.armed or (self.asked and number == signal.SIGINT):
            interrupt(number, frame)
        else:
            self.asked = 128 + number


if hasattr(os, "register_at_fork"):
    # A worker process that is terminated must not end its parent, whose pipe it would write to.
    os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))
