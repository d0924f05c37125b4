"""The command line: one module a command, and nothing heavy is imported before a command needs it."""

import os
import signal
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

import click

from ganaug import __version__
from ganaug.cli.text import sentence
from ganaug.errors import GanaugError, GanaugWarning

__all__ = ["STARTED", "main"]

STARTED = time.perf_counter()
"""When this process began, near enough: what loading torch takes is part of the user's budget."""

COMMANDS = ("demo", "fit", "sample", "balance", "evaluate", "inspect")
"""In the order in which somebody new needs them; each is `command` in the module of its name."""

INTERRUPTED, BROKEN_PIPE = 130, 141
"""What a shell makes of SIGINT and SIGPIPE, and so what scripts expect."""


class _Commands(click.Group):
    """Loads a command when it is asked for, and turns every expected failure into one sentence and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"ganaug.cli.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _one_line_warnings(), _sigterm_as_interrupt():
                _never_fail_to_encode()
                return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:  # such as `ganaug inspect model.onnx | head -1`
            _discard_output()
            ctx.exit(BROKEN_PIPE)
        except GanaugError as error:
            raise _Refusal(str(error)) from error
        except OSError as error:
            place = "" if error.filename is None else f" ({error.filename})"
            raise _Refusal((error.strerror or str(error)) + place) from error
        except UnicodeEncodeError as error:
            if error.encoding == "utf-8":  # which lacks nothing: the fault is not the system's
                raise
            raise _Refusal(
                f"File names here are {error.encoding}, which lacks a character of {error.object[:80]!a}: set "
                "PYTHONUTF8=1, or choose a locale of UTF-8."
            ) from error
        except Exception as error:
            if not _is_out_of_memory(error):
                raise
            raise _Refusal("There is not enough memory for this: choose a smaller --size or less data.") from error


class _Refusal(click.ClickException):
    """Input that cannot be worked with; click prints its sentence and leaves with its code."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(sentence(message))


@contextmanager
def _one_line_warnings() -> Iterator[None]:
    """Show what the user should know in one line each, and keep the libraries' notes to developers out of it."""

    def show(message: Warning | str, *_: Any) -> None:
        click.echo(f"Warning: {sentence(str(message))}", err=True)

    with warnings.catch_warnings():
        if not sys.warnoptions:  # python -W asks for them
            warnings.simplefilter("ignore")
        warnings.simplefilter("always", GanaugWarning)
        warnings.showwarning = show  # type: ignore[assignment]  # the category and the place are not shown
        yield


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """Let a polite kill clean up as Ctrl-C does."""
    try:
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _never_fail_to_encode() -> None:
    """Escape what a terminal's encoding lacks: a class named in another script must not be a traceback."""
    with suppress(AttributeError):  # somebody's replacement for it
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _discard_output() -> None:
    """Send what is still to be written nowhere, for Python would complain of it as it ends."""
    with suppress(OSError, ValueError):  # somebody's replacement for it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_out_of_memory(error: Exception) -> bool:
    """Recognise torch's errors by their names and words, for torch may well not be loaded."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)  # torch's, on the CPU


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ganaug")
def main() -> None:
    """Balance a small, labelled, imbalanced image folder or table with a conditional GAN.

    \b
    ganaug fit photos/ --output photos.onnx --budget 3m
    ganaug balance photos/ photos.onnx --output balanced/
    """  # noqa: D301 - click takes the backspace for "do not wrap"
