"""Checks of the arguments that several classes of the PyTorch interface take."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch.distributed

from ganaug.errors import DataError
from ganaug.runtime.generator import Generator


def check_folder(value: Any, what: str) -> Path:
    """Return the path of a folder. The folder need not exist."""
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


def check_function(value: Any, what: str, of: str, default: str) -> None:
    """Insist on a function, or None."""
    if value is not None and not callable(value):
        raise DataError(f"{what} must be a function of {of}, but is {value!r:.80}: leave it out for {default}")


def check_whole(value: Any, what: str, minimum: int = 0) -> int:
    """Return a whole number as an int."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < minimum:
        raise DataError(f"{what} must be a whole number, {minimum} or more, but is {value!r}")
    return int(value)


def check_list(value: Any, what: str, remedy: str) -> list[Any]:
    """Return the elements of an iterable as a list."""
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


def replicas_of(num_replicas: int | None, rank: int | None) -> tuple[int, int]:
    """Return the number of processes and the rank of this one, as given or else as `torch.distributed` has them."""
    initialized = torch.distributed.is_available() and torch.distributed.is_initialized()
    if num_replicas is None:
        num_replicas = torch.distributed.get_world_size() if initialized else 1
    if rank is None:
        rank = torch.distributed.get_rank() if initialized else 0
    if check_whole(rank, "rank") >= check_whole(num_replicas, "num_replicas", 1):
        raise DataError(f"rank must be below num_replicas, {num_replicas}, but is {rank}")
    return num_replicas, rank
