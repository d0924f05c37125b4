"""Checkpoints that were changed by hand, with digests that suit them: what a hostile writer would make."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save
from torch import Tensor

from ganaug.training.checkpoint_index import INDEX, index_digest

Tensors = dict[str, Tensor]


def write_signed(folder: Path, index: dict[str, Any], content: bytes) -> None:
    """Write an index and a file of tensors, with the digests of both."""
    place = folder / Path(str(index["tensors"])).name
    place.write_bytes(content)
    index = index | {"tensors_digest": hashlib.sha256(content).hexdigest()}
    (folder / INDEX).write_text(json.dumps(index | {"digest": index_digest(index)}))


def change(folder: Path, tensors: Callable[[Tensors], Tensors], into: Path | None = None) -> Path:
    """Change the tensors of a checkpoint, in another folder if one is given; return the folder."""
    index = json.loads((folder / INDEX).read_text())
    write_signed(into or folder, index, save(tensors(load_file(folder / index["tensors"]))))
    return into or folder
