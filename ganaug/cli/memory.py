"""Whether there is memory for the libraries that a command loads, and what is an error of too little memory."""

import mmap
import os
from contextlib import suppress

from ganaug.errors import GanaugError

ADDRESSES = 1_000_000_000
"""Bytes of address space that torch, SciPy and scikit-learn take up for their code, their threads and a small fit."""
ADDRESSES_PER_CORE = 40_000_000
"""Bytes more for each core beyond the second: each thread of OpenBLAS has a stack and a buffer."""
MAX_CORES = 64  # OpenBLAS starts no more threads
RESIDENT = 400_000_000
"""Bytes of memory that torch and scikit-learn fill."""
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Files with the memory limit of a container, in the second and the first version of control groups."""

TOO_LITTLE = "There is not enough memory for this: choose a smaller --size or less data."


class TooLittleMemoryError(GanaugError, MemoryError):
    """There is too little memory to load the libraries."""


def check_memory() -> None:
    """Refuse to load torch and SciPy where they have no room: SciPy's OpenBLAS waits for memory for ever."""
    cores = min(os.cpu_count() or 1, MAX_CORES)
    needed = ADDRESSES + ADDRESSES_PER_CORE * max(cores - 2, 0)
    if os.name == "posix":
        try:
            mmap.mmap(-1, needed, mmap.MAP_PRIVATE).close()
        except OSError as error:
            raise TooLittleMemoryError(
                f"to load torch and SciPy, {needed / 1e9:.1f} GB of address space must be free, but the system refuses "
                "them: raise the limit (ulimit -v, or that of the batch system)"
            ) from error
    for name in LIMITS:
        with suppress(OSError, ValueError):  # there is no such group, or "max"
            with open(name) as file:  # noqa: PTH123 - pathlib is slow to import
                limit = int(file.read())
            if limit < RESIDENT:
                raise TooLittleMemoryError(
                    f"to load torch and SciPy, {RESIDENT / 1e6:.0f} MB of memory must be free, but the limit of this "
                    f"container is {limit / 1e6:.0f} MB: raise the limit"
                )


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether there was too little memory. Libraries that may not be loaded are recognised by name and text."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error)
    if isinstance(error, ImportError):  # from the loader of libraries
        return any(part in text for part in ("failed to map", "cannot allocate memory", "bad_alloc"))
    texts = ("can't allocate memory", "not enough memory", "bad_alloc", "can't start new thread", "Failed to allocate")
    return isinstance(error, RuntimeError) and any(part in text for part in texts)
