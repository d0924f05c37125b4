"""Types of arguments, and options that several commands share. ``--help`` must be fast, so pathlib is loaded late."""

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pathlib import Path

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


def path(text: str) -> "Path":
    """Return a path. The commands check the file or folder themselves, with better messages than click's."""
    if not text:
        raise click.BadParameter("it must be a path, but is empty.")
    from pathlib import Path

    return Path(text)


SAMPLES_OUTPUT = click.option(
    "--output",
    type=path,
    required=True,
    metavar="DIR_OR_FILE",
    help="For images and signals a folder, which must be new or empty; for a table a .csv or .parquet file, which is "
    "replaced.",
)


def seed_option(text: str) -> Callable[[Any], Any]:
    """Return the option ``--seed`` with a help text."""
    return click.option(
        "--seed", type=click.IntRange(0, 2**32 - 1), metavar="N", default=0, show_default=True, help=text
    )
