"""torch's modes, which hold for a whole process: a training sets those that it needs, and restores the caller's."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch

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
        # A device context inspects every call of torch: it is entered only where the caller has set another device.
        with torch.inference_mode(mode=False), torch.enable_grad(), torch.device("cpu") if elsewhere else nullcontext():
            yield
    finally:
        torch.set_default_dtype(dtype)


@contextmanager
def alone() -> Iterator[None]:
    """Run one training at a time: another thread that enters the context waits until it is left.

    The seed of first weights, the number of threads and the state of an export belong to the whole process, and two
    trainings at once would share them. One after the other they are no slower, because most of a training holds
    Python's global lock.
    """
    with _turn:
        yield


def _renew() -> None:
    """Release the lock in a forked child: the thread that held it does not exist there."""
    global _turn
    _turn = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
