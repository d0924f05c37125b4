"""The command line: one module for each command. Heavy libraries are imported inside the commands."""

import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

import click

from ganaug import __version__
from ganaug.cli.interrupts import ending_in_time, exit_code
from ganaug.cli.memory import TOO_LITTLE, is_out_of_memory
from ganaug.cli.streams import discard_unwritten
from ganaug.cli.text import sentence
from ganaug.errors import GanaugError, GanaugWarning

__all__ = ["STARTED", "main"]

STARTED = time.perf_counter()
"""The start of this process, approximately: the budget of the user includes the time to load torch."""

COMMANDS = ("demo", "fit", "sample", "balance", "restyle", "evaluate", "inspect")
"""In the order in which a new user needs them. Each command is the function `command` in the module of its name."""

BROKEN_PIPE = 141  # the exit code that a shell gives for SIGPIPE


class _Commands(click.Group):
    """Loads a command when it is asked for; turns every expected failure into one sentence and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"ganaug.cli.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _one_line_warnings(), ending_in_time():
                with suppress(AttributeError):  # standard output was replaced
                    # Escape characters that the encoding of the terminal lacks, instead of failing.
                    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
                return super().invoke(ctx)
        except KeyboardInterrupt as error:
            click.echo("Interrupted.", err=True)
            ctx.exit(exit_code(error))
        except BrokenPipeError:  # such as `ganaug inspect model.onnx | head -1`
            discard_unwritten()
            ctx.exit(BROKEN_PIPE)
        except GanaugError as error:
            raise _Refusal(str(error)) from error
        except OSError as error:
            discard_unwritten()  # it may have been standard output that failed
            place = "" if error.filename is None else f" ({error.filename})"
            raise _Refusal((error.strerror or str(error)) + place) from error
        except UnicodeEncodeError as error:
            if error.encoding == "utf-8":  # UTF-8 has every character, so the system is not the cause
                raise
            raise _Refusal(
                f"The system encodes file names in {error.encoding}, which cannot encode {error.object[:80]!a}: set "
                "PYTHONUTF8=1, or choose a UTF-8 locale."
            ) from error
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            raise _Refusal(TOO_LITTLE) from error


class _Refusal(click.ClickException):
    """A refused input; click prints the sentence and exits with the code."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        from ganaug.files import encoding_remedy

        super().__init__(f"{sentence(message)} {encoding_remedy(message)}".rstrip())


@contextmanager
def _one_line_warnings() -> Iterator[None]:
    """Show each of ganaug's warnings in one line, and hide the warnings of other libraries."""

    def show(message: Warning | str, *_: Any) -> None:
        click.echo(f"Warning: {sentence(str(message))}", err=True)

    with warnings.catch_warnings():
        if not sys.warnoptions:  # python -W shows them
            warnings.simplefilter("ignore")
        warnings.simplefilter("always", GanaugWarning)
        warnings.showwarning = show  # type: ignore[assignment]  # category and place are not shown
        yield


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    # No docstrings are help texts, because Python leaves them out with PYTHONOPTIMIZE=2.
    help="""Balance a small, labelled, imbalanced table, or folder of images, signals or clips, with synthetic samples.

    \b
    ganaug fit photos/ --output photos.onnx --budget 3m
    ganaug balance photos/ photos.onnx --output balanced/
    """,
)
@click.version_option(__version__, prog_name="ganaug")
def main() -> None:
    """Run a command."""
