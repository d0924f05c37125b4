"""The processes that learn together in one run, and the messages between them.

Messages are tensors. Nothing is pickled.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, distributed

from ganaug.errors import DataError, ProcessLostError
from ganaug.files import temporary_folder

MAX_FILE = 2**33
"""Bytes of a file that is sent to the other processes, at most."""


class Processes:
    """The processes of one run, from the point of view of one of them; torch has connected them already.

    Parameters
    ----------
    device : torch.device
        Where this process learns.
    temporary : Path, optional
        Folder for copies of files; by default that of the system.

    Attributes
    ----------
    rank, size : int
        The number of this process, and how many there are. The process 0 leads: it decides, validates, writes and
        prints.
    """

    def __init__(self, device: torch.device, temporary: Path | None = None) -> None:
        self.device, self.temporary = device, temporary
        self.rank, self.size = distributed.get_rank(), distributed.get_world_size()
        self._copies = ExitStack()

    @property
    def leads(self) -> bool:
        """Whether this process decides, validates, writes and prints."""
        return self.rank == 0

    def add(self, values: Tensor) -> None:
        """Replace a tensor by its sum over the processes."""
        with self._together():
            distributed.all_reduce(values)

    def send(self, values: Tensor) -> None:
        """Replace a tensor by that of the process that leads."""
        with self._together():
            distributed.broadcast(values, src=0)

    def gather(self, values: Tensor) -> list[Tensor]:
        """Return the tensors of all processes, which have one shape."""
        every = [torch.empty_like(values) for _ in range(self.size)]
        with self._together():
            distributed.all_gather(every, values)
        return every

    def decided(self, number: float) -> float:
        """Return the number of the process that leads."""
        message = torch.tensor(number, dtype=torch.float64)
        self.send(message)
        return float(message)

    def check_same(self, noun: str, value: object) -> None:
        """Raise `DataError` in every process unless all have the same value, as JSON."""
        digest = hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).digest()[:8]
        own = torch.from_numpy(np.frombuffer(digest, dtype=np.int64).copy())
        first, *others = (int(theirs) for theirs in self.gather(own))
        for rank, theirs in enumerate(others, start=1):
            if theirs != first:
                raise DataError(
                    f"all processes of a run must have the same {noun}, but process {rank} has others than process 0: "
                    "start the same command, with the same files, on every machine"
                )

    def copied(self, folder: Path, patterns: Sequence[str]) -> Path:
        """Return the folder of the process that leads: in the other processes, a copy of its files of some patterns."""
        files = sorted(file for pattern in patterns for file in folder.glob(pattern)) if self.leads else []
        if not self.leads:
            folder = self._copies.enter_context(temporary_folder(self.temporary))
        for index in range(int(self.decided(len(files)))):
            name = self._bytes(files[index].name.encode() if self.leads else b"").decode()
            content = self._bytes(files[index].read_bytes() if self.leads else b"")
            if not self.leads:
                (folder / Path(name).name).write_bytes(content)
        return folder

    def close(self) -> None:
        """Delete the copies of folders."""
        self._copies.close()

    def _bytes(self, content: bytes) -> bytes:
        """Return the bytes of the process that leads."""
        length = int(self.decided(len(content)))
        if length > MAX_FILE:
            raise DataError(f"a file of a checkpoint must have {MAX_FILE:,} bytes at most, but has {length:,}")
        message = torch.zeros(length, dtype=torch.uint8)
        if self.leads and length:
            message = torch.from_numpy(np.frombuffer(content, dtype=np.uint8).copy())
        if length:
            self.send(message)
        return message.numpy().tobytes()

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Raise `ProcessLostError` where torch cannot reach another process."""
        try:
            yield
        except RuntimeError as error:
            raise ProcessLostError(
                f"all {self.size} processes of a run must go on to its end, but one of them has ended or cannot be "
                "reached: look for its message above, or for memory that ran out"
            ) from error
