"""torch's modes, which hold for a whole process: a training sets those that it needs, and restores the caller's."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch

_turn = threading.RLock()
_default_generator = threading.RLock()


class _Admitted(threading.local):
    """Whether this thread works for another one, which has the turn."""

    here: bool = False


_admitted = _Admitted()


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

    The number of threads and the state of an export belong to the whole process, and two trainings of a user's threads
    would share them. A thread that is `admitted` does not wait.
    """
    with nullcontext() if _admitted.here else _turn:
        yield


@contextmanager
def admitted() -> Iterator[None]:
    """Let this thread train while the thread that started it, and waits for it, has the turn."""
    _admitted.here = True
    try:
        yield
    finally:
        _admitted.here = False


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let torch draw first weights from a seed inside the context; its default generator is left as it was.

    One thread at a time: the default generator belongs to the whole process.
    """
    with _default_generator, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _renew() -> None:
    """Release the locks in a forked child: the thread that held them does not exist there."""
    global _turn, _default_generator
    _turn, _default_generator = threading.RLock(), threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
