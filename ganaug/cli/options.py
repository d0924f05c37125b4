"""Types of arguments, and options that several commands share. ``--help`` must be fast, so pathlib is loaded late."""

import functools
import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pathlib import Path

    from ganaug.data.tables.csv_format import CsvFormat
    from ganaug.integrations.tracking.tracker import Tracker

MAX_DEVICES = 10_000  # of one machine, and machines
_DURATION = re.compile(
    r"(?:([0-9]+(?:\.[0-9]+)?)h)?(?:([0-9]+(?:\.[0-9]+)?)m)?(?:([0-9]+(?:\.[0-9]+)?)s)?", re.IGNORECASE
)


def duration(text: str) -> float:
    """Return the seconds of a time such as 90s, 5m, 1h, 1.5m or 2m30s; `click.BadParameter` if it is 0 or no time."""
    match = _DURATION.fullmatch(text.strip())
    parts = match.groups(default="0") if match else ("0", "0", "0")
    seconds = sum(float(part) * unit for part, unit in zip(parts, (3600, 60, 1), strict=True))
    if not 0 < seconds < math.inf:
        raise click.BadParameter(f"it must be a time of more than 0 such as 90s, 5m, 1h or 2m30s, but is {text!r}.")
    return seconds


def share(text: str) -> float | str:
    """Return "auto", or a number from 0 to 1; `click.BadParameter` if it is neither."""
    if text == "auto":
        return text
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= 1:
        raise click.BadParameter(f"it must be auto or a number from 0 to 1, but is {text!r}.")
    return number


def technique(text: str) -> tuple[str, Any]:
    """Return name and value of a technique such as growing=off; `click.BadParameter` if it has no such value."""
    from ganaug.errors import DataError
    from ganaug.techniques.switches import RANGES, Techniques

    name, equals, written = (part.strip() for part in text.partition("="))
    value: Any = {"on": True, "true": True, "off": False, "false": False}.get(written.lower())
    if value is None:
        try:
            value = int(written) if re.fullmatch("[0-9]+", written) else float(written)
        except ValueError:
            value = written
    if value is False and name in RANGES and RANGES[name].low == 0:
        value = 0  # off
    if not equals:
        raise click.BadParameter(f"it must be NAME=VALUE, such as growing=off, but is {text!r}.")
    try:
        Techniques.of({name: value})
    except DataError as error:
        raise click.BadParameter(f"{error}.") from None
    return name, value


def tracker(text: str) -> "Tracker":
    """Return what ``--log`` names; `click.BadParameter` if it names nothing, or a package is missing."""
    from ganaug.errors import DataError
    from ganaug.integrations.tracking import JSONLines, MLflow, TensorBoard

    kind, _, place = text.partition(":")
    try:
        if text == "mlflow":
            return MLflow()
        if place and kind in ("tensorboard", "jsonl"):
            return TensorBoard(place) if kind == "tensorboard" else JSONLines(place)
    except DataError as error:
        raise click.BadParameter(f"{error}.") from None
    raise click.BadParameter(f"it must be tensorboard:DIR, mlflow or jsonl:FILE, but is {text!r}.")


def path(text: str) -> "Path":
    """Return a path. The commands check the file or folder themselves, with better messages than click's."""
    if not text:
        raise click.BadParameter("it must be a path, but is empty.")
    from pathlib import Path

    return Path(text)


def samples_output(more: str = "") -> Callable[[Any], Any]:
    """Return the option ``--output`` of commands that write samples; `more` is what its help text adds."""
    folder = "For images, signals and clips a folder, which must be new or empty"
    usual = f"{folder}; for a table a .csv or .parquet file, which is replaced."
    return click.option("--output", type=path, required=True, metavar="DIR_OR_FILE", help=f"{usual} {more}".rstrip())


def left_out_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options about parts of SOURCE that are not learned, which the command gets as one `left_out`."""

    @click.option(
        "--ignore", multiple=True, metavar="COLUMN", help="Leave this column of a table out. May be repeated."
    )
    @click.option(
        "--real-only", is_flag=True, help="Leave out what ganaug balance added to SOURCE: synthetic samples and copies."
    )
    @functools.wraps(command)
    def with_left_out(ignore: tuple[str, ...], real_only: bool, **others: Any) -> Any:
        from ganaug.data.tables.left_out import LeftOut

        return command(left_out=LeftOut(ignore, real_only=real_only), **others)

    return with_left_out


def csv_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options about the format of a table's file, which the command gets as one `csv`, None without any."""

    @click.option(
        "--missing", multiple=True, metavar="WORD", help="A word for a missing value in a table. May be repeated."
    )
    @click.option(
        "--delimiter", metavar="C", help="What separates the fields of a .csv file.  [default: , or ; or tab or |]"
    )
    @click.option("--decimal", metavar="C", help="The decimal mark of a .csv file, a point or a comma.  [default: .]")
    @click.option("--encoding", metavar="NAME", help="The encoding of a .csv file, such as cp1252.  [default: utf-8]")
    @functools.wraps(command)
    def with_csv(
        missing: tuple[str, ...],
        delimiter: str | None,
        decimal: str | None,
        encoding: str | None,
        **others: Any,
    ) -> Any:
        given = {"missing": missing or None, "delimiter": delimiter, "decimal": decimal, "encoding": encoding}
        return command(csv=_csv_format(given), **others)

    return with_csv


def _csv_format(given: dict[str, Any]) -> "CsvFormat | None":
    if all(value is None for value in given.values()):
        return None
    from ganaug.data.tables.csv_format import CsvFormat

    tab = {"tab": "\t", "\\t": "\t"}
    return CsvFormat(**given | {"delimiter": tab.get(given["delimiter"], given["delimiter"])})


def processes_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--devices`` and ``--num-nodes``, which the command gets as one pair of numbers, `processes`."""
    several = click.IntRange(1, MAX_DEVICES)

    @click.option(
        "--devices",
        type=several,
        metavar="N",
        help="Learn on N CUDA devices, or on N cores, at once: one process for each.  [default: 1]",
    )
    @click.option(
        "--num-nodes",
        type=several,
        metavar="N",
        help="Learn on N machines at once, with --devices on each. Start the command on each of them.  [default: 1]",
    )
    @functools.wraps(command)
    def with_processes(devices: int | None, num_nodes: int | None, **others: Any) -> Any:
        from ganaug.compute.launched import devices_and_nodes

        return command(processes=devices_and_nodes(devices, num_nodes), **others)

    return with_processes


def seed_option(text: str) -> Callable[[Any], Any]:
    """Return the option ``--seed`` with a help text."""
    return click.option(
        "--seed", type=click.IntRange(0, 2**32 - 1), metavar="N", default=0, show_default=True, help=text
    )
