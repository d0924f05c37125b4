"""The first weights of a run, from the checkpoint of another run: of the same shape, with any classes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ganaug.data.dataset import Dataset
from ganaug.data.json_checks import is_int
from ganaug.data.labels import Label, is_label, listed
from ganaug.errors import DataError, FormatError
from ganaug.families.base import Family
from ganaug.networks.modality import Modality
from ganaug.training.checkpoint_index import read_index
from ganaug.training.checkpoints import check_tensors_digest

REMEDY = "name another checkpoint, or begin with nothing"
MIN_TAKEN = 0.5
"""Share of the parameters that the checkpoint must have; a later version of a network may have others."""
MAX_CAPACITY = 8
"""Largest factor on the width of networks in a checkpoint: an untrusted number must not fill the memory."""
MAX_CLASSES = 100_000  # for the same reason


@dataclass(frozen=True, kw_only=True)
class InitialWeights:
    """The weights of a checkpoint, and what they were learned for. Everything in a checkpoint is untrusted.

    Attributes
    ----------
    folder, file : Path
        The folder of the checkpoint, and the file of its tensors.
    model : str
        The family.
    modality : str
        The kind of data.
    classes : tuple
        The labels, in the order of the networks' class indices.
    form : mapping
        `Modality.form` of the data.
    capacity : int
        The width of the networks, as a factor.
    data : str
        The fingerprint of the data.
    """

    folder: Path
    file: Path
    model: str
    modality: str
    classes: tuple[Label, ...]
    form: Mapping[str, Any]
    capacity: int
    data: str

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what a checkpoint says of itself.

        Raises
        ------
        DataError
            If there is no checkpoint in the folder.
        FormatError
            If the checkpoint is damaged, or an earlier version wrote it.
        """
        if folder.is_file():
            raise DataError(
                f"the first weights must come from the folder of a checkpoint, but {folder} is a file: a fit with "
                f"--keep-checkpoint keeps this folder beside the model, as {folder.name}.checkpoint"
            )
        index = read_index(folder, purpose="to begin with", remedy=REMEDY)
        settings, learned = index["settings"], index.get("learned")
        if learned is None:
            raise FormatError(
                f"the checkpoint in {folder} must name its classes, but an earlier version of ganaug wrote it: fit "
                "that model again with --keep-checkpoint"
            )
        capacity = settings.get("capacity", 1)
        if not _is_learned(learned) or not is_int(capacity, 1, MAX_CAPACITY):
            raise FormatError(
                f"the checkpoint in {folder} must say what its weights were learned for, but what it says is not "
                "valid: name another checkpoint"
            )
        return cls(
            folder=folder,
            file=check_tensors_digest(folder, index, REMEDY),
            model=str(settings.get("model")),
            modality=learned["modality"],
            classes=tuple(learned["classes"]),
            form=learned["form"],
            capacity=capacity,
            data=str(settings.get("data")),
        )

    def choices(self, data: Dataset, model: str, space: str) -> tuple[str, int]:
        """Return the space and the width of the networks of a run that begins with these weights.

        The space is that of the checkpoint unless the user asks for another. `DataError` if the family or the kind of
        data is another.
        """
        pairs = [("model", self.model, model), ("kind of data", self.modality, data.modality)]
        self._refuse([f"the {what} is {now!r:.40} and was {was!r:.40}" for what, was, now in pairs if was != now])
        own = self.form.get("space")
        return (own if space == "auto" and isinstance(own, str) else space), self.capacity

    def check(self, modality: Modality) -> None:
        """Raise `DataError`, which names the differences, unless the data have the form that the weights suit."""
        self._refuse(list(_differences(self.form, modality.form())))

    def _refuse(self, differing: Sequence[str]) -> None:
        if differing:
            raise DataError(
                f"the weights in {self.folder} must come from data of the same form, but {' and '.join(differing)}: "
                "name another checkpoint, or begin with nothing"
            )

    def load_into(self, family: Family, classes: Sequence[Label]) -> None:
        """Set the parameters of a family's networks; their shapes and dtypes are checked before they are read.

        What belongs to a class, the row of an `nn.Embedding`, is taken by the name of the class. A new class begins as
        the mean of the known ones, because all that the networks have learned is relative to these. What a family
        computes from its samples, its buffers, is left alone. `FormatError` if the file is damaged or suits other
        networks.
        """
        networks = family.networks
        by_class = {
            f"{name}.weight"
            for name, module in networks.named_modules()
            if isinstance(module, nn.Embedding) and module.num_embeddings == len(classes)
        }
        taken, total = 0, 0
        try:
            with safe_open(self.file, framework="pt") as stored, torch.no_grad():
                found = set(stored.keys())
                for name, own in networks.named_parameters():
                    total += own.numel()
                    key, rows = f"network.{name}", len(self.classes) if name in by_class else None
                    if key in found and (value := _fitting(stored, key, own, rows)) is not None:
                        own.copy_(value if rows is None else _rows_of(value, self.classes, classes))
                        taken += own.numel()
        except (SafetensorError, OSError, ValueError, RuntimeError) as error:
            raise FormatError(
                f"the tensors in {self.folder} must be readable, but are not ({error}): name another checkpoint"
            ) from error
        if taken < MIN_TAKEN * total:
            raise FormatError(
                f"the checkpoint in {self.folder} must have most of the weights of the networks, but has {taken:,} of "
                f"{total:,} numbers: name another checkpoint"
            )


def _is_learned(state: object) -> bool:
    if not isinstance(state, dict) or not isinstance(state.get("modality"), str):
        return False
    classes, form = state.get("classes"), state.get("form")
    if not isinstance(classes, list) or not 1 <= len(classes) <= MAX_CLASSES or not isinstance(form, dict):
        return False
    return all(isinstance(one, str | int) and is_label(one) for one in classes) and len(set(classes)) == len(classes)


def _differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Say what differs between two forms: a value, or entries of an object of several."""
    for name in dict.fromkeys([*now, *was]):
        before, after = was.get(name), now.get(name)
        if before == after:
            continue
        if not isinstance(before, dict) or not isinstance(after, dict):
            yield f"the {name} is {after!r:.40} and was {before!r:.40}"
        elif lone := sorted(after.keys() ^ before.keys()):
            yield f"only one of the two has the {name} {listed(lone)}"
        else:
            yield f"the {name} differ in {listed([key for key in after if before[key] != after[key]])}"


def _fitting(stored: Any, key: str, own: Tensor, rows: int | None) -> Tensor | None:
    """Return a stored tensor if it has the dtype and shape of a parameter, but so many rows; None if it does not."""
    part = stored.get_slice(key)
    shape = [*own.shape] if rows is None else [rows, *own.shape[1:]]
    if list(part.get_shape()) != shape or part.get_dtype() != _DTYPES.get(own.dtype):
        return None
    value: Tensor = stored.get_tensor(key)
    if not torch.isfinite(value).all():
        raise ValueError(f"{key} holds numbers that are not finite")
    return value.to(own.device)


_DTYPES = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
"""The names of dtypes in a safetensors file."""


def _rows_of(value: Tensor, known: Sequence[Label], wanted: Sequence[Label]) -> Tensor:
    """Return the rows of wanted classes, (len(wanted), ...), from those of known ones; new classes get their mean."""
    place = {(type(label), label): index for index, label in enumerate(known)}
    rows = value.mean(dim=0, keepdim=True).repeat(len(wanted), *[1] * (value.ndim - 1))
    for index, label in enumerate(wanted):
        with suppress(KeyError):
            rows[index] = value[place[type(label), label]]
    return rows
