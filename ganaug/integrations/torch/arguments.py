"""Arguments that several of the torch faces take, checked alike."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch.distributed
from torch import Tensor

from ganaug.errors import DataError
from ganaug.runtime.generator import Generator

__all__ = [
    "check_epoch",
    "check_folder",
    "check_generator",
    "check_list",
    "check_seed",
    "check_share",
    "check_transform",
    "check_whole",
    "replicas_of",
    "shared",
]


def check_folder(value: Any, what: str) -> Path:
    """Return the path of a folder, which need not be there."""
    path = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(path, str):
        raise DataError(f"{what} must be the path of a folder, as text or a Path, but is {value!r:.80}: name one")
    return Path(path)


def check_generator(generator: Any) -> None:
    """Insist on a `Generator`."""
    if not isinstance(generator, Generator):
        raise DataError(
            f"generator must be a Generator, but is {generator!r:.80}: read the model file with "
            "Generator.load('model.onnx')"
        )


def check_transform(value: Any, generator: Generator) -> Callable[..., Any] | None:
    """Return what synthetic images go through, or None; insist on a function, and on images."""
    if value is None:
        return None
    if not callable(value):
        raise DataError(
            f"synthetic_transform must be a function that takes an image, but is {value!r:.80}: leave it out for the "
            "dataset's own `transform`"
        )
    if generator.modality != "image":
        raise DataError("synthetic_transform is for images, but the generator makes rows of a table: leave it out")
    checked: Callable[..., Any] = value
    return checked


def check_seed(seed: Any) -> int:
    """Return a seed as an int."""
    return check_whole(seed, "seed")


def check_whole(value: Any, what: str, least: int = 0) -> int:
    """Return a whole number as an int."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise DataError(f"{what} must be a whole number, {least} or more, but is {value!r}")
    return int(value)


def check_epoch(value: Any) -> int:
    """Return an epoch as an int, which shared memory has 64 bits for."""
    if check_whole(value, "epoch") >= 2**63:
        raise DataError(f"epoch must be below 2**63, but is {value}: count the epochs from 0")
    return int(value)


def check_list(value: Any, what: str, remedy: str) -> list[Any]:
    """Return the elements of anything that has some."""
    try:
        elements = iter(value)
    except TypeError:
        found = f"a {type(value).__name__}" if callable(value) else f"{value!r:.80}"
        raise DataError(f"{what} must be a list, but is {found}: {remedy}") from None
    return list(elements)


def check_share(value: Any, what: str, other: str = "") -> float:
    """Return a number from 0 to 1 as a float."""
    if not isinstance(value, int | float | np.number) or not 0 <= value <= 1 or (what != "fresh" and value is True):
        raise DataError(f"{what} must be {other}a number from 0 to 1, but is {value!r}")
    return float(value)


def shared(values: Tensor) -> Tensor:
    """Move a tensor to memory that forked and spawned processes share."""
    return values.share_memory_()  # type: ignore[no-untyped-call,no-any-return]


def replicas_of(num_replicas: int | None, rank: int | None) -> tuple[int, int]:
    """Return how many processes share the work and which this is: as given, or as `torch.distributed` says."""
    here = torch.distributed.is_available() and torch.distributed.is_initialized()
    if num_replicas is None:
        num_replicas = torch.distributed.get_world_size() if here else 1
    if rank is None:
        rank = torch.distributed.get_rank() if here else 0
    if check_whole(rank, "rank") >= check_whole(num_replicas, "num_replicas", 1):
        raise DataError(f"rank must be below num_replicas, {num_replicas}, but is {rank}")
    return num_replicas, rank
