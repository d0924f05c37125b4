"""The standard streams of a command. What a command tells never costs its work; a result that is lost is a failure."""

import os
import sys
from contextlib import suppress

import click

from ganaug.integrations.progress import Forgiving


def open_streams() -> None:
    """Open what was closed when the process started, and let standard error lose what cannot be written.

    The next file that is opened would take the number of a closed descriptor, and libraries would print into it.
    """
    # Standard output is opened for reading, so that a result that is written there is an error, as if it were closed.
    for descriptor, access in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, access)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - a descriptor has no path
    sys.stderr = Forgiving(sys.stderr)


def tell(line: str) -> None:
    """Print a line about a result that lies elsewhere; if standard output cannot be written, go on without it."""
    try:
        click.echo(line)
    except (OSError, ValueError):
        discard_unwritten()


def discard_unwritten() -> None:
    """Discard buffered output that cannot be written, because Python would fail to write it when it exits."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):  # standard output was replaced
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
