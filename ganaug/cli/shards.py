"""Shards: many samples in files of about one size, of which several processes or machines may write some each."""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from ganaug import __version__
from ganaug.cli.data_files import DataFiles
from ganaug.errors import DataError, OutputError
from ganaug.files import atomic_write, check_writable
from ganaug.runtime.generator import Generator

REQUEST = "_shards.json"
"""The file beside the shards that says what they are. Readers of folders pass names with an underscore over."""


def write_shards(
    files: DataFiles,
    generator: Generator,
    labels: Sequence[Any],
    per_class: int,
    output: Path,
    seed: int,
    where: Mapping[Any, Any] | None,
    request: Mapping[str, Any],
) -> tuple[int, int]:
    """Write the shards that are missing in a folder; return how many were written, and how many there are.

    A shard depends on the request and its number alone, whoever writes it. Each is written under a temporary name and
    moved into place, so that a killed run leaves whole shards. Each process has a random order of its own, so that
    those which write at the same time seldom draw the same shard.

    Parameters
    ----------
    request : mapping
        What decides the content of the shards, as JSON: ``shards`` is their number. It is kept in the folder.
    """
    n_shards = int(request["shards"])
    if n_shards > per_class:
        raise DataError(f"--shards must be at most --per-class, {per_class:,}, but is {n_shards:,}: ask for fewer")
    _begin(output, request)
    bounds = [number * per_class // n_shards for number in range(n_shards + 1)]
    written = 0
    for number in np.random.default_rng(secrets.randbits(64)).permutation(n_shards).tolist():
        shard = output / f"part-{number:05}{files.shard_ending}"
        if shard.exists() and shard.stat().st_size:  # a machine that lost its power may leave an empty file
            continue
        count = bounds[number + 1] - bounds[number]
        files.write_samples(generator, labels, count, shard, seed_of(seed, number), where)
        written += 1
    return written, n_shards


def seed_of(seed: int, number: int) -> int:
    """Return the seed of a shard.

    Examples
    --------
    >>> seed_of(0, 1) == seed_of(0, 1) != seed_of(0, 2)
    True
    """
    return int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0])


def request_of(model: Path, **settings: Any) -> dict[str, Any]:
    """Return what decides the content of shards: the model file, and the settings of the command."""
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    return {"ganaug": __version__, "model_sha256": digest} | settings


def _begin(output: Path, request: Mapping[str, Any]) -> None:
    """Make the folder, or take up one of the same request; `OutputError` if it is another."""
    place = output / REQUEST
    if not output.exists():
        check_writable(output, folder=True)
        output.mkdir(exist_ok=True)
    if not output.is_dir():
        raise click.UsageError(f"With --shards, --output is a folder, but {str(output)!r} is a file: name another.")
    if place.exists():
        try:
            kept = json.loads(place.read_text(encoding="utf-8"))
        except ValueError:
            kept = None
        if not isinstance(kept, dict):
            raise OutputError(f"{place} must say what the shards are, but is damaged: name another folder.")
        if kept != dict(request):
            names = [name for name in {**request, **kept} if kept.get(name) != request.get(name)]
            raise OutputError(
                f"The folder {output} has shards of another request, which differs in {' and '.join(names)}: repeat "
                "that request to complete it, or name another folder."
            )
    elif any(output.iterdir()):
        raise OutputError(
            f"The folder {output} is not empty, and has no {REQUEST}, which says what its shards are: name another, or "
            "a new one."
        )
    check_writable(place, folder=False)
    if not place.exists():
        with atomic_write(place) as file:
            file.write(json.dumps(request, indent=2).encode())
