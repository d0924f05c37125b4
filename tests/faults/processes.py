"""Commands in processes of their own: forked from one that has loaded torch, or started afresh, which takes seconds."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from tests.paths import ROOT

ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
PATIENCE = 60.0
"""Seconds after which a process that was told to end counts as hanging."""


SIGNALS = (signal.SIGINT, signal.SIGTERM)
LOADED = (
    "ganaug.cli.balance",
    "ganaug.cli.evaluate",
    "ganaug.cli.fit",
    "ganaug.cli.images",
    "ganaug.cli.sample",
    "ganaug.cli.tables",
    "ganaug.evaluation.dose",
    "ganaug.evaluation.evaluate",
    "ganaug.training.export",
    "onnxruntime",
    "sklearn.ensemble",
    "torch._dynamo",
    "torch.onnx",
)


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    """The exit code; negative for a signal that killed it."""
    seconds: float
    """From the signal, or from the start, to the end."""
    said: str
    """What it printed."""


def load() -> None:
    """Load what the commands load, so that forked processes need not; torch loads many parts when it first trains."""
    for name in LOADED:
        import_module(name)


def forked(work: Callable[[], None], folder: Path, strike: tuple[int, float] | None = None) -> Ended:
    """Do some work in a forked process, and send it a signal after some seconds."""
    log = folder / "said.txt"
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # until the child is ready
    pid = os.fork()
    if pid == 0:
        _work(work, log)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    began, sent = time.monotonic(), 0.0
    while (ended := os.waitpid(pid, os.WNOHANG))[0] == 0:
        now = time.monotonic()
        if strike and not sent and now - began >= strike[1]:
            os.kill(pid, strike[0])
            sent = now
        if now - (sent or began) > PATIENCE:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.001)
    return Ended(os.waitstatus_to_exitcode(ended[1]), time.monotonic() - (sent or began), log.read_text())


def _work(work: Callable[[], None], log: Path) -> None:
    """Do the work in this process, print to a file, and end as Python does."""
    code = 1
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
        for number in SIGNALS:
            signal.signal(number, lambda number, _: os._exit(128 + number))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        try:
            work()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        except BaseException:
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
    finally:
        os._exit(code)


def command(arguments: Sequence[str]) -> Callable[[], None]:
    """Return the work of a command, in a process that has loaded everything."""

    def run() -> None:
        import ganaug.cli
        import ganaug.training.run
        from ganaug.__main__ import main

        ganaug.cli.STARTED = time.perf_counter()
        ganaug.training.run.CHECKPOINT_SECONDS = 0.05
        sys.argv = ["ganaug", *arguments]
        main()

    return run


def fresh(arguments: Sequence[str], folder: Path, strike: tuple[int, float] | None = None) -> Ended:
    """Run a command in a fresh process, and send it a signal after some seconds."""
    with (folder / "said.txt").open("w") as log:
        process = start(arguments, stdout=log, stderr=log)
        began = time.monotonic()
        if strike:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(strike[1])
            began = time.monotonic()
            process.send_signal(strike[0])
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return Ended(process.returncode, time.monotonic() - began, (folder / "said.txt").read_text())


def start(arguments: Sequence[str], **settings: object) -> "subprocess.Popen[str]":
    """Start a command in a fresh process."""
    program = [sys.executable, "-m", "ganaug", *map(str, arguments)]
    return subprocess.Popen(program, env=ENVIRONMENT, text=True, **settings)  # type: ignore[call-overload,no-any-return]  # noqa: S603
