"""How many threads torch uses inside one operation."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def single_thread() -> Iterator[None]:
    """Let torch use one thread inside the context: several wait for each other at the end of every operation.

    The number belongs to the calling thread, and new threads begin with the number that was set last.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
