"""The index of a checkpoint, `checkpoint.json`: what a run is and where it stands, apart from its tensors.

The file is untrusted: every entry is checked when it is read.
"""

import hashlib
import json
import re
import sys
from collections.abc import Callable, Container, Mapping
from pathlib import Path
from typing import Any

from ganaug.errors import DataError, FormatError, GanaugError
from ganaug.files import open_regular

FORMAT_VERSION = 5
MAX_INDEX_BYTES = 64 * 2**20  # an untrusted file must not fill the memory
MAX_REASON = 1000  # characters
INDEX = "checkpoint.json"
REMEDY = "leave out --resume to begin anew"


def read_index(folder: Path, purpose: str = "to resume from", remedy: str = REMEDY) -> dict[str, Any]:
    """Read the index, which is untrusted, and check every entry of a resumed run; messages name purpose and remedy.

    Raises
    ------
    DataError
        If there is no checkpoint.
    FormatError
        If the checkpoint is damaged.
    """
    try:
        with open_regular(folder / INDEX) as file:
            content = file.read(MAX_INDEX_BYTES + 1)
        if len(content) > MAX_INDEX_BYTES:
            raise ValueError(f"it is larger than {MAX_INDEX_BYTES:,} bytes")
        index = json.loads(content.decode("utf-8"))
        digest = index_digest(index) if isinstance(index, dict) else ""
    except FileNotFoundError:
        raise DataError(f"there must be a checkpoint in {folder} {purpose}, but there is none: {remedy}") from None
    except (OSError, ValueError, RecursionError) as error:
        reason = f"{folder / INDEX} must be a checkpoint's JSON, but it cannot be read ({error})"
        raise FormatError(f"{reason}: {remedy}") from error
    if not isinstance(index, dict) or index.get("format_version") != FORMAT_VERSION:
        raise FormatError(f"{folder / INDEX} must be a checkpoint of format {FORMAT_VERSION}: {remedy}")
    if wrong := [name for name, is_good in _ENTRIES.items() if not is_good(index.get(name))]:
        raise FormatError(
            f"{folder / INDEX} must be a whole checkpoint, but what it says of {', '.join(wrong)} is missing or "
            f"impossible: {remedy}"
        )
    if index["digest"] != digest:
        raise FormatError(f"{folder / INDEX} must have the content of its digest, but is damaged: {remedy}")
    return index


def kept_step(folder: Path) -> int | None:
    """Return the step at which the checkpoint in `folder` was written; None if it cannot be read."""
    try:
        return int(read_index(folder)["step"])
    except GanaugError:
        return None


def kept_choices(folder: Path, known: Mapping[str, Container[str]]) -> dict[str, tuple[str, str]]:
    """Return what trials may have decided in the run that is kept in `folder`: settings, and why each was chosen.

    `known` are the values that each setting may have. A setting that the run does not have is left out.

    Raises
    ------
    DataError
        If there is no checkpoint.
    FormatError
        If the checkpoint is damaged, or a setting has an unknown value.
    """
    index, choices = read_index(folder), {}
    for name, values in known.items():
        value, reason = index["settings"].get(name), index["reasons"].get(name, "")
        if value is None:
            continue
        if not isinstance(value, str) or value not in values or not isinstance(reason, str):
            raise FormatError(f"{folder / INDEX} must have a known {name}: leave out --resume to begin anew")
        choices[name] = value, reason[:MAX_REASON]
    return choices


def index_digest(index: Mapping[str, object]) -> str:
    """Return the SHA-256 of an index, without the digest that it may have."""
    entries = {name: value for name, value in index.items() if name != "digest"}
    return hashlib.sha256(json.dumps(entries).encode()).hexdigest()


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _is_number(value: object, low: float = 0.0, high: float = sys.float_info.max) -> bool:
    return type(value) in (int, float) and low <= value <= high  # type: ignore[operator]  # and no NaN


def _is_validation(value: object) -> bool:
    if not (
        isinstance(value, list) and len(value) == 2 and _is_number(value[0], high=1) and isinstance(value[1], dict)
    ):
        return False
    agreement, variety = value[1].get("agreement"), value[1].get("variety")
    return (
        type(value[1].get("score")) in (int, float)  # NaN where training went wrong; a variety may be NaN too
        and isinstance(agreement, list)
        and all(_is_number(share, high=1) for share in agreement)
        and isinstance(variety, list)
        and len(variety) == len(agreement)
        and all(type(ratio) in (int, float) for ratio in variety)
    )


def _is_moment(value: object) -> bool:
    return (
        isinstance(value, dict)
        and _is_number(value.get("progress"), high=1)
        and all(type(number) in (int, float) for number in value.values())  # NaN where training went wrong
    )


def _is_stage(value: object) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(map(_is_count, value[:2])) and _is_number(value[2])


_ENTRIES: dict[str, Callable[[Any], bool]] = {
    "tensors": lambda value: isinstance(value, str) and re.fullmatch(r"step-[0-9]+\.safetensors", value) is not None,
    "tensors_digest": lambda value: isinstance(value, str),
    "digest": lambda value: isinstance(value, str),
    "settings": lambda value: isinstance(value, dict),
    "reasons": lambda value: isinstance(value, dict),
    "step": _is_count,
    "seconds": _is_number,
    "progress": lambda value: _is_number(value, high=1),
    "validations": lambda value: isinstance(value, list) and all(map(_is_validation, value)),
    "stages": lambda value: isinstance(value, list) and all(map(_is_stage, value)),
    "losses": lambda value: isinstance(value, list) and all(map(_is_moment, value)),
    "stopped": lambda value: isinstance(value, str),
}
"""The entries of an index besides its format, and the check of each."""
