"""The command line, as the script ``ganaug`` and as ``python -m ganaug``."""

import atexit
import os
import signal
import sys
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main() -> None:
    """Run the command line in a process of its own."""
    for number in SIGNALS:
        signal.signal(number, _leave)  # until a command begins, and after its end
    atexit.register(_ignore_signals)  # what is registered first is called last

    from ganaug.cli import main as command
    from ganaug.cli.streams import discard_unwritten, open_streams

    open_streams()
    try:
        command()
    except OSError as error:  # the text of --help cannot be written
        discard_unwritten()
        print(f"Error: {error.strerror}.", file=sys.stderr)
        sys.exit(2)


def _leave(number: int, _: FrameType | None) -> None:
    os._exit(128 + number)


def _ignore_signals() -> None:
    """Let the exit code stand while the interpreter ends, when Python's handlers are gone."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    main()
