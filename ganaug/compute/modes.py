"""torch's modes, which are the whole process's: what a training needs, whatever its caller has set."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch

__all__ = ["alone", "training_modes"]

_turn = threading.RLock()


@contextmanager
def training_modes() -> Iterator[None]:
    """Let gradients flow, and new tensors be float32 on the CPU, inside the context.

    Examples
    --------
    >>> with torch.no_grad(), training_modes():
    ...     torch.is_grad_enabled()
    True
    """
    dtype, elsewhere = torch.get_default_dtype(), torch.get_default_device().type != "cpu"
    torch.set_default_dtype(torch.float32)
    try:
        # As a context a device looks at every call of torch: only where another one would be in its place.
        with torch.inference_mode(mode=False), torch.enable_grad(), torch.device("cpu") if elsewhere else nullcontext():
            yield
    finally:
        torch.set_default_dtype(dtype)


@contextmanager
def alone() -> Iterator[None]:
    """Let other threads that ask for the same wait until the context is left.

    Much of torch is one for the whole process: the seed that first weights are drawn from, the number of threads, the
    state of an export. Two fits at once would take each other's, and one after the other they are no slower: most of
    what they do holds Python's own lock.
    """
    with _turn:
        yield


def _renew() -> None:
    """Forget, in a fork, whose turn it was: that thread is not there."""
    global _turn
    _turn = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
