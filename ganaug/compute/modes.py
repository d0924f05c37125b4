"""torch's modes, which hold for a whole process: a training sets those that it needs, and restores the caller's."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import torch

_turn = threading.RLock()
_default_generator = threading.RLock()


class _Admitted(threading.local):
    """Whether this thread works for another one, which has the turn."""

    here: bool = False


_admitted = _Admitted()


@contextmanager
def training_modes() -> Iterator[None]:
    """Let torch compute inside the context as in a new process, whatever the caller has set.

    Gradients flow. New tensors are float32 on the CPU. There is no autocast, no anomaly detection, no search for
    nondeterministic algorithms, and no reduced precision of products. So the same seed gives the same weights
    everywhere. The caller's modes come back when the context is left.

    Examples
    --------
    >>> with torch.no_grad(), torch.autocast("cpu"), training_modes():
    ...     torch.is_grad_enabled(), torch.is_autocast_enabled("cpu")
    (True, False)
    """
    elsewhere = torch.get_default_device().type != "cpu"
    with ExitStack() as restored:
        for mode in _MODES:
            if (found := mode.read()) != mode.usual:
                restored.callback(mode.write, found)
                mode.write(mode.usual)
        # A device context inspects every call of torch: it is entered only where the caller has set another device.
        for context in (
            _outside_autocast(),
            torch.autograd.set_detect_anomaly(False),
            torch.inference_mode(mode=False),
            torch.enable_grad(),
            torch.device("cpu") if elsewhere else nullcontext(),
        ):
            restored.enter_context(context)
        yield


class _Mode(NamedTuple):
    """A setting of torch that changes what a training computes, or whether it runs at all."""

    read: Callable[[], Any]
    write: Callable[[Any], Any]
    usual: Any


def _precision_of_products() -> str:
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:  # it was set for each operator
        return "highest"


def _set_precision(place: Any, found: str) -> None:
    """Set the precision of float32 operators; a value that is inherited stays inherited."""
    place.fp32_precision = "none"
    if place.fp32_precision != found:
        place.fp32_precision = found


_onednn: Any = torch.backends.mkldnn  # its types lack the operators

_MODES = (
    _Mode(torch.get_default_dtype, torch.set_default_dtype, torch.float32),
    _Mode(torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode, 0),
    _Mode(_precision_of_products, torch.set_float32_matmul_precision, "highest"),
    _Mode(torch.is_autocast_cache_enabled, torch.set_autocast_cache_enabled, True),
    *(
        _Mode(partial(torch.is_autocast_enabled, device), partial(torch.set_autocast_enabled, device), False)
        for device in ("cpu", "cuda", "mps")
    ),
    *(
        _Mode(partial(getattr, place, "fp32_precision"), partial(_set_precision, place), "ieee")
        for place in (_onednn.matmul, _onednn.conv, torch.backends.cuda.matmul)
    ),
)


@contextmanager
def _outside_autocast() -> Iterator[None]:
    """Hide that the caller is inside of autocast: torch forgets reduced weights only where the outermost one ends.

    Otherwise each forward pass would see the weights of the first one.
    """
    depth = torch.autocast_increment_nesting() - 1
    while torch.autocast_decrement_nesting() > 0:
        pass
    try:
        yield
    finally:
        for _ in range(depth):
            torch.autocast_increment_nesting()


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


def load_compiler() -> None:
    """Import torch's compiler, which every optimiser imports, without the folder that it makes for compiled code.

    The folder would be empty, because nothing is compiled, and would stay in the temporary folder. During the import, a
    folder that exists stands in for it. What is compiled later is kept where torch always keeps it.
    """
    if "torch._dynamo" in sys.modules or _COMPILED in os.environ:
        return
    os.environ[_COMPILED] = str(Path(torch.__file__).parent)
    try:
        import_module("torch._dynamo")
    finally:
        os.environ.pop(_COMPILED, None)


_COMPILED = "TORCHINDUCTOR_CACHE_DIR"  # names the folder


def _renew() -> None:
    """Release the locks in a forked child: the thread that held them does not exist there."""
    global _turn, _default_generator
    _turn, _default_generator = threading.RLock(), threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
