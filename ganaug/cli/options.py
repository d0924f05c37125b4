"""What the commands' arguments may be; pathlib waits until there is one, for it would slow down ``--help``."""

import math
import re
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FAMILIES", "SEED", "check_image_options", "check_output", "check_table", "duration", "is_table", "path"]

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


def is_table(source: "Path") -> bool:
    """Return whether a source or an output is a table by its name, and not a folder that is named like one."""
    return source.suffix.lower() in TABLE_ENDINGS and not source.is_dir()


def check_table(source: "Path") -> None:
    """Refuse a table that is not there, before anything is asked about it."""
    if not source.exists():
        from ganaug.errors import MissingFileError

        raise MissingFileError(f"There is no table {source}: check the name.")


def check_image_options(source: "Path", target: str | None) -> None:
    """Refuse ``--target``, which only a table has."""
    if target is not None and source.is_file():
        raise click.UsageError(f"A table must be a .csv or .parquet file, but SOURCE is {source.name!r}: convert it.")
    if target is not None:
        raise click.UsageError("--target names a column of a table; the classes of an image folder are its subfolders.")


def check_output(output: "Path", modality: str) -> None:
    """Say, before any work, if the samples of a model could not be written."""
    from ganaug.files import check_writable

    table = output.suffix.lower() in TABLE_ENDINGS
    if modality == "table" and not table:
        raise click.UsageError(f"A table is written to a .csv or .parquet file, but --output is {str(output)!r}.")
    if modality == "image" and table:
        raise click.UsageError(f"An image model writes a folder of PNG files: give --output without {output.suffix!r}.")
    check_writable(output, folder=not table)
