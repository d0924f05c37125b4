"""How a process joins the others of its run, which torchrun, SLURM or MPI started, or `ganaug.compute.starting`."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganaug.compute.launched import number, started_by_another
from ganaug.compute.starting import CHILD, STORE, child_process, local_processes
from ganaug.errors import DataError, DeviceError, ProcessLostError

if TYPE_CHECKING:
    from ganaug.compute.processes import Processes

TIMEOUT = timedelta(days=1)
"""Longest wait for a message: the other processes wait while the first one validates, or tries families."""


@contextmanager
def joined(devices: int, num_nodes: int = 1, device: str = "auto") -> Iterator["Processes"]:
    """Join the processes of a run, and start those of this machine if nobody else does.

    When the context is left, the processes that were started here end.

    Parameters
    ----------
    devices : int
        Processes on each machine. Each has a device of its own, or on the CPU one thread.
    num_nodes : int, default=1
        Machines. The same command is started on each of them.
    device : str, default="auto"
        "auto", "cpu" or "cuda".

    Yields
    ------
    Processes
        For `Run`.

    Raises
    ------
    DataError
        If lightning-fabric is not installed, or the numbers are not those of the launcher.
    DeviceError
        If there are not so many devices.
    ProcessLostError
        If a process ends before all have joined.
    """
    kind = _checked_kind(devices, device)
    with ExitStack() as stack:
        losses_are_told = threading.Event()
        if not started_by_another(devices * num_nodes):
            losses_are_told = stack.enter_context(local_processes(devices, num_nodes))
        elif CHILD in os.environ:
            stack.enter_context(child_process())
        processes = stack.enter_context(_connected(kind, devices, num_nodes))
        if kind == "cpu":  # NCCL may wait for a lost process without end, but gloo does so only until all have joined
            losses_are_told.set()
        yield processes


@contextmanager
def _connected(kind: str, devices: int, num_nodes: int) -> Iterator["Processes"]:
    """Connect this process to the others by Lightning Fabric, which knows how torchrun, SLURM and MPI number them."""
    import torch

    from ganaug.compute.modes import load_compiler

    load_compiler()  # before Lightning Fabric does
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments.lightning import LightningEnvironment
    from lightning_fabric.strategies.ddp import DDPStrategy

    from ganaug.compute.processes import Processes

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    threads, store = torch.get_num_threads(), os.environ.get(STORE)
    backend = "gloo" if kind == "cpu" else "cpu:gloo,cuda:nccl"  # decisions are sent without waiting for the device
    try:
        fabric = Fabric(
            accelerator=kind,
            devices=devices,
            num_nodes=num_nodes,
            strategy=DDPStrategy(process_group_backend=backend, timeout=TIMEOUT),
            plugins=None if store is None else LightningEnvironment(),
        )
        if store is not None:  # all processes are on this machine: no port is opened to others
            torch.distributed.init_process_group(
                backend,
                store=torch.distributed.FileStore(store, devices),  # type: ignore[attr-defined]
                rank=number("LOCAL_RANK"),
                world_size=devices,
                timeout=TIMEOUT,
            )
        fabric.launch()
    except ValueError as error:  # the launcher has started other numbers
        raise DataError(f"--devices and --num-nodes must be the numbers that were started: {error}") from error
    except RuntimeError as error:
        raise ProcessLostError(f"all {devices * num_nodes} processes of a run must join it: {error}") from error
    processes = Processes(fabric.device, None if store is None else Path(store).parent)
    try:
        with nullcontext() if processes.leads else _deaf():
            yield processes
    finally:
        processes.close()
        torch.set_num_threads(threads)
        with suppress(RuntimeError):
            torch.distributed.destroy_process_group()


@contextmanager
def _deaf() -> Iterator[None]:
    """Ignore SIGINT and SIGTERM: a terminal or a launcher sends them to all processes, and the first one decides."""
    before: dict[int, Any] = {}
    with suppress(ValueError):  # not in the main thread
        before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _checked_kind(devices: int, device: str) -> str:
    """Return the kind of device, "cpu" or "cuda"; raise an error if Fabric or so many devices are missing."""
    from importlib.util import find_spec

    import torch

    from ganaug.compute.device import choose_device

    if find_spec("lightning_fabric") is None:
        raise DataError(
            "several devices need the package lightning-fabric, which is not installed: pip install "
            "'ganaug[distributed]'"
        )
    kind = "cpu" if device == "auto" and not torch.cuda.is_available() else choose_device(device).type
    if kind not in ("cpu", "cuda") or not torch.distributed.is_available():
        raise DeviceError(f"several processes can learn together on the CPU or on CUDA devices, but not on {kind} here")
    if kind == "cuda" and devices > torch.cuda.device_count():
        raise DeviceError(
            f"there must be {devices} CUDA devices on each machine, but here are {torch.cuda.device_count()}: ask for "
            "fewer --devices, or for --device cpu"
        )
    return kind
