"""A run on disk: safetensors for tensors and JSON for the rest, in one folder that is complete at every moment.

A checkpoint is written in three steps: the tensors go to a file with a new name; `checkpoint.json`, which names this
file, is replaced at once; older files of tensors are deleted. So a kill at any point leaves a JSON file whose tensors
are all there.
"""

import json
import re
import sys
from collections.abc import Callable, Container, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from ganaug.errors import DataError, FormatError, GanaugError
from ganaug.files import atomic_write
from ganaug.training.loop import State, ValidationResult

FORMAT_VERSION = 4  # of the index
MAX_REASON = 1000  # characters
INDEX = "checkpoint.json"
FILES = (INDEX, "step-*.safetensors")
_NOUNS = {
    "data": "the data",
    "model": "the model",
    "seed": "the seed",
    "time_budget": "the budget",
    "max_steps": "the number of steps",
    "size": "the size",
    "space": "the space",
    "capacity": "the width of the networks",
    "augment": "what is done to images",
    "techniques": "the techniques",
    "rules": "the rules",
}
"""The settings of a run in words, for messages."""


def checkpoint_folder(model: Path) -> Path:
    """Return the folder beside a model file in which its checkpoint is kept."""
    return model.with_name(model.name + ".checkpoint")


def save_checkpoint(
    folder: Path,
    state: State,
    extra: dict[str, Tensor],
    settings: dict[str, object],
    *,
    reasons: Mapping[str, str],
    learned: Mapping[str, object],
) -> None:
    """Write the state of a run, other tensors of it, the settings that a resumed run must share, and their reasons.

    `learned` says what the weights are learned for, for a run that begins with them (see `InitialWeights`).
    """
    tensors = {f"network.{name}": value for name, value in state.family.networks.state_dict().items()}
    for optimizer, own in state.family.optimizers.items():
        for index, moments in own.state_dict()["state"].items():
            prefix = f"optimizer.{optimizer}.{index}"
            tensors |= {f"{prefix}.{name}": torch.as_tensor(value) for name, value in moments.items()}
    tensors |= {f"kept.{name}": value for name, value in (state.kept or {}).items()}
    tensors |= {f"extra.{name}": value for name, value in extra.items()}
    tensors["random"] = state.random.get_state()
    index_entries = {
        "format_version": FORMAT_VERSION,
        "tensors": f"step-{state.step:09d}.safetensors",
        "settings": settings,
        "reasons": reasons,
        "learned": learned,
        "step": state.step,
        "seconds": state.seconds,
        "progress": state.progress,
        "validations": [[progress, asdict(result)] for progress, result in state.validations],
        "stages": [[side, steps, seconds] for side, (steps, seconds) in state.stages.items()],
        "losses": state.losses,
        "stopped": state.stopped,
    }
    folder.mkdir(exist_ok=True)
    current = folder / str(index_entries["tensors"])
    is_new = not current.exists()
    with atomic_write(current) as file:
        file.write(save({name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}))
    try:
        with atomic_write(folder / INDEX) as file:
            file.write(json.dumps(index_entries, indent=1).encode())
    except OSError:
        if is_new:  # no index names it, and the space is needed
            with suppress(OSError):
                current.unlink()
        raise
    for old in folder.glob("step-*.safetensors"):
        if old != current:
            old.unlink(missing_ok=True)


def load_checkpoint(folder: Path, state: State, settings: dict[str, object]) -> dict[str, Tensor]:
    """Restore a run from its checkpoint into `state`, and return the other tensors.

    Raises
    ------
    DataError
        If there is no checkpoint, or it was made with other data or settings.
    FormatError
        If the checkpoint is damaged.
    """
    index = read_index(folder)
    if (theirs := index["settings"]) != settings:
        differing = {key for key in theirs | settings if theirs.get(key) != settings.get(key)}
        if "size" in differing:  # at another size all pixels differ, which says nothing of the images themselves
            differing.discard("data")
        changed = " and ".join(_change(key, theirs.get(key), settings.get(key)) for key in sorted(differing))
        raise DataError(
            f"a resumed run must have the data and settings it began with, but {changed} changed since {folder} was "
            "written: pass the same ones, or leave out --resume to begin anew"
        )
    try:
        tensors = load_file(folder / Path(index["tensors"]).name)
        state.family.networks.load_state_dict(_with_prefix(tensors, "network."))
        for optimizer, own in state.family.optimizers.items():
            moments: dict[int, dict[str, Tensor]] = {}
            for name, value in _with_prefix(tensors, f"optimizer.{optimizer}.").items():
                number, key = name.split(".", 1)
                moments.setdefault(int(number), {})[key] = value
            own.load_state_dict({"state": moments, "param_groups": own.state_dict()["param_groups"]})
            _match_layouts(own)
        state.random.set_state(tensors["random"])
        state.kept = _with_prefix(tensors, "kept.") or None
        state.step, state.seconds, state.progress = index["step"], index["seconds"], index["progress"]
        state.stopped = index["stopped"]
        state.validations = [(progress, _result(entries)) for progress, entries in index["validations"]]
        state.losses = index["losses"]
        state.stages = {side: (steps, seconds) for side, steps, seconds in index["stages"]}
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise FormatError(
            f"{folder} must hold a whole checkpoint, but it cannot be read ({error}): leave out --resume to begin anew"
        ) from error
    return _with_prefix(tensors, "extra.")


def _change(name: str, was: object, now: object) -> str:
    """Say which setting changed and, if it can be printed, how; values are cut, for a checkpoint is untrusted."""
    noun = _NOUNS.get(name, f"{name!r:.80}")
    return noun if name == "data" else f"{noun} ({was!r:.80}, now {now!r:.80})"


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


def remove_checkpoint(folder: Path) -> None:
    """Delete the files of a checkpoint, and the folder unless it holds other files."""
    for pattern in (*FILES, ".ganaug-*.part"):
        for file in folder.glob(pattern):
            file.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def read_index(
    folder: Path, purpose: str = "to resume from", remedy: str = "leave out --resume to begin anew"
) -> dict[str, Any]:
    """Read the index, which is untrusted, and check every entry of a resumed run; messages name purpose and remedy.

    Raises
    ------
    DataError
        If there is no checkpoint.
    FormatError
        If the checkpoint is damaged.
    """
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
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
    return index


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


def _result(entries: dict[str, Any]) -> ValidationResult:
    return ValidationResult(float(entries["score"]), tuple(entries["agreement"]), tuple(entries["variety"]))


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _match_layouts(optimizer: torch.optim.Optimizer) -> None:
    """Give moments from a file the memory layout of their parameters, which fused Adam requires."""
    for parameter, moments in optimizer.state.items():
        for name, value in moments.items():
            if value.shape == parameter.shape:
                moments[name] = torch.empty_like(parameter).copy_(value)
