"""What the commands' arguments may be; pathlib waits until there is one, for it would slow down ``--help``."""

import math
import re
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FAMILIES", "SEED", "check_folder_output", "check_image_source", "duration", "path"]

FAMILIES = ("gan",)
"""The families that `ganaug.families` has."""

SEED = click.IntRange(0, 2**32 - 1)

TABLE_ENDINGS = (".csv", ".parquet")

_DURATION = re.compile(
    r"(?:([0-9]+(?:\.[0-9]+)?)h)?(?:([0-9]+(?:\.[0-9]+)?)m)?(?:([0-9]+(?:\.[0-9]+)?)s)?", re.IGNORECASE
)


def duration(text: str) -> float:
    """Return the seconds that a time such as 90s, 5m, 1h, 1.5m or 2m30s stands for.

    Raises
    ------
    click.BadParameter
        If it is not one, or not more than nothing.

    Examples
    --------
    >>> duration("2m30s"), duration("1.5h")
    (150.0, 5400.0)
    """
    match = _DURATION.fullmatch(text.strip())
    parts = match.groups(default="0") if match else ("0", "0", "0")
    seconds = sum(float(part) * unit for part, unit in zip(parts, (3600, 60, 1), strict=True))
    if not 0 < seconds < math.inf:
        raise click.BadParameter(f"it must be a time of more than 0 such as 90s, 5m, 1h or 2m30s, but is {text!r}.")
    return seconds


def path(text: str) -> "Path":
    """Return a path; what else is wrong with it the commands say themselves, and better.

    Raises
    ------
    click.BadParameter
        If there is nothing, which pathlib would take for the folder that one is in.
    """
    if not text:
        raise click.BadParameter("it must be a path, but is empty.")
    from pathlib import Path

    return Path(text)


def check_image_source(source: "Path", target: str | None) -> None:
    """Refuse tables, which are read by a later version, and ``--target``, which only a table has."""
    if source.suffix.lower() in TABLE_ENDINGS:
        raise click.UsageError(f"This version reads image folders, not tables such as {source.name!r}.")
    if target is not None:
        raise click.UsageError("--target names a column of a table; the classes of an image folder are its subfolders.")


def check_folder_output(output: "Path") -> None:
    """Say, before any work, if the folder for an image model's samples could not be written."""
    from ganaug.files import check_writable

    if output.suffix.lower() in TABLE_ENDINGS:
        raise click.UsageError(f"An image model writes a folder of PNG files: give --output without {output.suffix!r}.")
    check_writable(output, folder=True)
