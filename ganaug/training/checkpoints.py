"""A run on disk: safetensors for tensors and JSON for the rest, in one folder that is complete at every moment.

A checkpoint is written in three steps: the tensors go to a file with a new name; `checkpoint.json`, which names this
file, is replaced at once; older files of tensors are deleted. So a kill at any point leaves a JSON file whose tensors
are all there. Digests in the JSON file cover both, so that damage does not go unnoticed.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from copy import copy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from ganaug.errors import DataError, FormatError
from ganaug.files import atomic_write, open_regular
from ganaug.training.checkpoint_index import FORMAT_VERSION, INDEX, REMEDY, index_digest, read_index
from ganaug.training.loop import State, ValidationResult

MAX_HEADER_BYTES = 100 * 2**20  # the most that safetensors reads, with a little to spare
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
    tensors = _tensors_of(state, extra)
    for optimizer, own in state.family.optimizers.items():
        for index, moments in own.state_dict()["state"].items():
            prefix = f"optimizer.{optimizer}.{index}"
            tensors |= {f"{prefix}.{name}": torch.as_tensor(value) for name, value in moments.items()}
    tensors |= {f"kept.{name}": value for name, value in (state.kept or {}).items()}
    content = save({name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()})
    index_entries = {
        "format_version": FORMAT_VERSION,
        "tensors": f"step-{state.step:09d}.safetensors",
        "tensors_digest": hashlib.sha256(content).hexdigest(),
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
        file.write(content)
    try:
        with atomic_write(folder / INDEX) as file:
            file.write(json.dumps(index_entries | {"digest": index_digest(index_entries)}, indent=1).encode())
    except OSError:
        if is_new:  # no index names it, and the space is needed
            with suppress(OSError):
                current.unlink()
        raise
    for old in folder.glob("step-*.safetensors"):
        if old != current:
            old.unlink(missing_ok=True)


def load_checkpoint(
    folder: Path, state: State, settings: dict[str, object], extra: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Restore a run from its checkpoint into `state`, and return the other tensors, of the same forms as `extra`.

    Nothing is restored before all tensors are checked: the optimisers would take the memory of moments of another shape
    for that of their own.

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
    tensors = _read_tensors(folder, index, state, extra)
    state.family.networks.load_state_dict(_with_prefix(tensors, "network."))
    for optimizer, own in state.family.optimizers.items():
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in _with_prefix(tensors, f"optimizer.{optimizer}.").items():
            number, key = name.split(".", 1)
            moments.setdefault(int(number), {})[key] = value
        own.load_state_dict({"state": moments, "param_groups": own.state_dict()["param_groups"]})
        _match_layouts(own)
    try:
        state.random.set_state(tensors["random"])
    except RuntimeError as error:
        raise FormatError(f"{folder} must hold the state of random numbers, but does not: {REMEDY}") from error
    state.kept = _with_prefix(tensors, "kept.") or None
    state.step, state.seconds, state.progress = index["step"], index["seconds"], index["progress"]
    state.stopped = index["stopped"]
    state.validations = [(progress, _result(entries)) for progress, entries in index["validations"]]
    state.losses = index["losses"]
    state.stages = {side: (steps, seconds) for side, steps, seconds in index["stages"]}
    return _with_prefix(tensors, "extra.")


def check_tensors_digest(folder: Path, index: Mapping[str, Any], remedy: str) -> Path:
    """Return the file of the tensors; `FormatError` if its content is not what the index says."""
    path = folder / Path(index["tensors"]).name
    try:
        with open_regular(path) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FormatError(f"{path} must be readable, but is not ({error.strerror}): {remedy}") from error
    if digest != index["tensors_digest"]:
        raise FormatError(f"{path} must have the content that {INDEX} names by its digest, but is damaged: {remedy}")
    return path


def _tensors_of(state: State, extra: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors that every checkpoint of a run has, by name."""
    tensors = {f"network.{name}": value for name, value in state.family.networks.state_dict().items()}
    tensors |= {f"extra.{name}": value for name, value in extra.items()}
    return tensors | {"random": state.random.get_state()}


def _read_tensors(
    folder: Path, index: Mapping[str, Any], state: State, extra: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Read the tensors; `FormatError` unless names, shapes and dtypes are those of the networks and optimisers."""
    needed = _tensors_of(state, extra)
    kept = {f"kept.{name}": value for name, value in state.family.average.state_dict().items()}
    moments = [group for name, one in state.family.optimizers.items() for group in _moments_of(name, one)]
    possible = [needed, kept, *moments]
    path = check_tensors_digest(folder, index, REMEDY)
    if path.stat().st_size > sum(value.nbytes for group in possible for value in group.values()) + MAX_HEADER_BYTES:
        raise FormatError(f"{path} must hold the tensors of the run, but is larger than these: {REMEDY}")
    try:
        tensors: dict[str, Tensor] = load(path.read_bytes())
    except Exception as error:  # the errors of safetensors have no common base
        raise FormatError(f"{path} must hold tensors, but cannot be read ({error!s:.200}): {REMEDY}") from error
    # Weights are kept from the first validation on, and a parameter has moments from its first gradient on.
    wanted = needed | {
        name: value for group in possible[1:] if not group.keys().isdisjoint(tensors) for name, value in group.items()
    }
    forms, found = ({name: (one.shape, one.dtype) for name, one in some.items()} for some in (wanted, tensors))
    if wrong := sorted(name for name in forms | found if forms.get(name) != found.get(name)):
        raise FormatError(
            f"{path} must hold the tensors of the networks and optimisers of the run, but {wrong[0]!r:.80} is missing, "
            f"unknown or of another form: {REMEDY}"
        )
    # No training changes tables of indices, and with other ones networks would read outside of their tensors.
    tables = {name: one for name, one in (needed | kept).items() if one.dtype == torch.int64 and "extra." not in name}
    if changed := [name for name, one in tables.items() if not torch.equal(tensors.get(name, one), one.cpu())]:
        raise FormatError(f"{path} must have the {changed[0]!r:.80} of the run, but has another: {REMEDY}")
    return tensors


def _moments_of(name: str, optimizer: torch.optim.Optimizer) -> list[dict[str, Tensor]]:
    """Return, for each parameter of an optimiser, tensors of the form of its moments; the values mean nothing."""
    probe = nn.Parameter(torch.zeros(2))
    probe.grad = torch.zeros(2)
    twin = copy(optimizer)
    twin.state, twin.param_groups = defaultdict(dict), [{**optimizer.param_groups[0], "params": [probe]}]
    twin.step()
    parameters = [one for group in optimizer.param_groups for one in group["params"]]
    return [
        {
            f"optimizer.{name}.{index}.{key}": own if value.shape == probe.shape else value
            for key, value in twin.state[probe].items()
        }
        for index, own in enumerate(parameters)
    ]


def _change(name: str, was: object, now: object) -> str:
    """Say which setting changed and, if it can be printed, how; values are cut, for a checkpoint is untrusted."""
    noun = _NOUNS.get(name, f"{name!r:.80}")
    return noun if name == "data" else f"{noun} ({was!r:.80}, now {now!r:.80})"


def remove_checkpoint(folder: Path) -> None:
    """Delete the files of a checkpoint, and the folder unless it holds other files."""
    for pattern in (*FILES, ".ganaug-*.part"):
        for file in folder.glob(pattern):
            file.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


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
