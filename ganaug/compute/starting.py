"""Starts the processes of a run on this machine: each runs the command that this process runs.

Lightning Fabric can start processes too. But as soon as one of them dies, it kills the first one, and with it what the
run has learned.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ganaug.errors import DataError, ProcessLostError
from ganaug.files import delete_abandoned, discard_unfinished, temporary_folder

STORE = "GANAUG_STORE"
"""Environment variable: the file through which the processes find each other, where all are on this machine."""
CHILD = "GANAUG_CHILD"
"""Environment variable of a process that was started here."""
READY = b"ready to join\n"
"""What such a process writes to its standard output when it can join."""
FAREWELL = b"\n"
"""What the first process writes to their standard input when it ends by itself."""
LOOPBACK = ("lo", "lo0")  # of Linux and macOS
SECONDS_TO_END = 5.0
"""Time that the other processes have to end by themselves when the first one has."""
TRIES, SECONDS_BETWEEN_TRIES = 20, 0.05
"""How often the other processes try to delete what the first one has left."""
SECONDS_WITHOUT = 60.0
"""Time after which the first process ends when another one has died: torch may wait for it without end."""


@contextmanager
def local_processes(devices: int, num_nodes: int) -> Iterator[threading.Event]:
    """Start the other processes of this machine, and wait until they can join; inside the context, this is the first.

    Until the event is set that the context receives, this process ends if another one dies and torch does not say so.

    Raises
    ------
    DataError
        If there are several machines, and it is not known how to reach the first one.
    ProcessLostError
        If a process ends before it can join.
    """
    rendezvous = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK")
    if num_nodes > 1 and (missing := [name for name in rendezvous if name not in os.environ]):
        raise DataError(
            f"several machines need the environment variables {', '.join(rendezvous)}, but {missing[0]} is not set: "
            "set them, or start the command on every machine by torchrun"
        )
    with temporary_folder() as folder, _environment(_settings(folder, num_nodes)):
        children = [_started(rank) for rank in range(1, devices)]
        over = threading.Event()
        try:
            for child in children:
                _wait_until_ready(child)
            for child in children:
                threading.Thread(target=_end_without, args=(child, over), name="ganaug", daemon=True).start()
            yield over
        finally:
            over.set()
            _end(children)


@contextmanager
def child_process() -> Iterator[None]:
    """Tell the first process that this one can join, and end with it; inside the context, this one takes part."""
    watcher = threading.Thread(target=_end_with_parent, name="ganaug", daemon=True)
    watcher.start()
    os.write(sys.__stdout__.fileno(), READY)  # type: ignore[union-attr]
    try:
        yield
    except ProcessLostError:
        watcher.join(SECONDS_TO_END)  # it ends this process if it was the first one that was lost
        raise


def _settings(folder: Path, num_nodes: int) -> dict[str, str]:
    """Return the environment variables of the processes of this machine; on a single machine, they use no network."""
    own = {"LOCAL_RANK": "0"}
    if num_nodes > 1:
        return own
    own[STORE] = str(folder / "store")
    if found := [name for _, name in socket.if_nameindex() if name in LOOPBACK]:
        own |= {"GLOO_SOCKET_IFNAME": found[0], "NCCL_SOCKET_IFNAME": found[0]}
    return own


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _started(rank: int) -> "subprocess.Popen[bytes]":
    """Start a process in a session of its own, which Ctrl-C at the terminal does not reach.

    It ends when its standard input does, because this process holds the other end.
    """
    return subprocess.Popen(  # noqa: S603 - the command that the user has given
        [sys.executable, *sys.orig_argv[1:]],
        env=os.environ | {"LOCAL_RANK": str(rank), CHILD: "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def _wait_until_ready(child: "subprocess.Popen[bytes]") -> None:
    assert child.stdout is not None  # noqa: S101
    for line in child.stdout:
        if line == READY:
            return
    raise ProcessLostError(
        f"all processes must begin, but one of them ended with the exit code {child.wait()}: look for its message above"
    )


def _end(children: "list[subprocess.Popen[bytes]]") -> None:
    for child in children:
        with suppress(OSError):
            child.stdin.write(FAREWELL)  # type: ignore[union-attr]
        for pipe in (child.stdin, child.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
    for child in children:
        try:
            child.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _end_with_parent() -> None:
    """End this process at once when the first process of the machine does, and delete what that one left if killed."""
    was_killed = True
    with suppress(OSError):
        while os.read(0, 1):
            was_killed = False
    discard_unfinished()
    if was_killed and (store := os.environ.get(STORE)):
        folder = Path(store).parent
        for _ in range(TRIES):  # a process that is ending may hold its lock a little longer than its pipes
            delete_abandoned(folder.parent)
            if not folder.exists():
                break
            time.sleep(SECONDS_BETWEEN_TRIES)
    os._exit(1)


def _end_without(child: "subprocess.Popen[bytes]", over: threading.Event) -> None:
    """End this process some time after another one has died, if it has not noticed by itself."""
    if child.wait() != 0 and not over.wait(SECONDS_WITHOUT):
        text = (
            "Error: A process of the run has ended: look for its message above. If the training had begun, the same "
            "command with --resume continues at the last checkpoint.\n"
        )
        discard_unfinished()
        with suppress(OSError):
            os.write(2, text.encode())
        os._exit(2)
