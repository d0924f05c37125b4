"""Runs a fuzzer: every input in a child process under a watchdog; crashes, hangs and writes outside are counted.

A seed makes an input, always the same one. A child serves many inputs; it is replaced when it dies or hangs.
"""

import faulthandler
import multiprocessing
import os
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from ganaug.errors import GanaugError

MAX_SECONDS = 5.0
"""Time of the processor for one input; more is a hang."""
MORE_MEMORY = 8 * 2**30
"""Bytes of address space that an input may take; more ends in a MemoryError or a crash."""
WRITES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.truncate", "os.chmod"}
"""Audit events, besides `open`, that change the disk."""
GOOD = ("accepted", "refused")


@dataclass(frozen=True)
class Fuzzer:
    """One kind of hostile input.

    Attributes
    ----------
    make : callable
        Writes an input to a new folder, from a source of random numbers.
    use : callable
        Does with the folder what a user would do. A `GanaugError` is a good end.
    seconds : float
        Time of the processor for one input; more is a hang.
    """

    make: Callable[[np.random.Generator, Path], None]
    use: Callable[[Path], Any]
    seconds: float = MAX_SECONDS


@dataclass
class Findings:
    """How many inputs ended in which way, and the seeds and reasons of those that must not be."""

    counts: Counter[str] = field(default_factory=Counter)
    bad: list[tuple[int, str, str]] = field(default_factory=list)
    slowest: float = 0.0


def run(name: str, fuzzer: Fuzzer, seeds: range, place: Path, kept: Path) -> Findings:
    """Try an input for each seed; those that crash, hang, raise or write outside of `place` stay in `kept`."""
    findings, child = Findings(), None
    for seed in seeds:
        child = child or _Child(fuzzer, place)
        outcome, reason, seconds = child.outcome(seed)
        if outcome in ("crash", "hang"):
            child = child.end()
        findings.counts[outcome] += 1
        findings.slowest = max(findings.slowest, seconds)
        if outcome not in GOOD:
            findings.bad.append((seed, outcome, reason))
            kept.mkdir(parents=True, exist_ok=True)
            with suppress(OSError):
                (place / str(seed)).rename(kept / f"{name}-{seed}")
            print(f"{name}, seed {seed}: {outcome}: {reason}", flush=True)
    if child:
        child.end()
    return findings


class _Child:
    """A forked process that makes and uses the inputs of seeds."""

    def __init__(self, fuzzer: Fuzzer, place: Path) -> None:
        context = multiprocessing.get_context("fork")
        self.here, there = context.Pipe()
        self.process = context.Process(target=_serve, args=(there, fuzzer, place), daemon=True)
        self.process.start()
        self.seconds = fuzzer.seconds
        there.close()

    def outcome(self, seed: int) -> tuple[str, str, float]:
        """Return how an input ended, why, and after how long."""
        begun = time.perf_counter()
        try:
            self.here.send(seed)
            if not self.here.poll(60):  # making an input is not what is tried
                return "hang", "the input was not made", 60.0
            if fault := self.here.recv():
                raise RuntimeError(f"seed {seed} makes no input: {fault}")
            begun, spent = time.perf_counter(), self._spent()
            # The processor's time counts, not that of other processes on a busy machine.
            while not self.here.poll(0.2):
                if self._spent() - spent > self.seconds or time.perf_counter() - begun > 10 * self.seconds:
                    return "hang", f"more than {self.seconds:.0f} s", time.perf_counter() - begun
            outcome, reason, seconds = self.here.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self.process.join(10)
            code = self.process.exitcode or 0
            return "crash", signal.Signals(-code).name if code < 0 else f"exit {code}", time.perf_counter() - begun
        return outcome, reason, seconds

    def _spent(self) -> float:
        """Return the seconds of the processor that the child has taken; 0 where the system does not tell."""
        with suppress(OSError):
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return 0.0

    def end(self) -> None:
        """Kill the process."""
        self.process.kill()
        self.process.join()


def _serve(there: Connection, fuzzer: Fuzzer, place: Path) -> None:
    """Make and use inputs until the parent ends this process."""
    warnings.simplefilter("ignore")
    faulthandler.disable()  # the parent tells of a crash
    outside = list[str]()
    allowed = (str(place.resolve()), "/dev/")
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            changes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) if isinstance(flags, int) else "w" in str(mode)
        else:
            path, changes = (arguments or (None,))[0], event in WRITES
        if changes and isinstance(path, str | bytes | os.PathLike):
            real = os.path.realpath(os.fsdecode(path))
            if not real.startswith(allowed):
                outside.append(f"{event} {real}")

    _limit_memory()
    sys.addaudithook(watch)
    while True:
        try:
            seed = there.recv()
        except EOFError:
            os._exit(0)
        folder = place / str(seed)
        folder.mkdir()
        try:
            fuzzer.make(np.random.default_rng(seed), folder)
        except Exception as error:  # a fault of the fuzzer itself
            there.send(repr(error))
            continue
        outside.clear()
        there.send(None)
        begun = time.perf_counter()
        outcome, reason = _outcome(fuzzer, folder)
        if outside:
            outcome, reason = "outside", outside[0]
        if outcome in GOOD:
            _remove(folder)
        there.send((outcome, reason, time.perf_counter() - begun))


def _outcome(fuzzer: Fuzzer, folder: Path) -> tuple[str, str]:
    try:
        fuzzer.use(folder)
    except GanaugError as error:
        return ("refused", "") if "\n" not in str(error) else ("error", f"lines: {error!r:.200}")
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return "error", f"{error!r:.200} at {place.filename}:{place.lineno}"
    return "accepted", ""


def _limit_memory() -> None:
    with suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * os.sysconf("SC_PAGE_SIZE") + MORE_MEMORY,) * 2)


def _remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    folder.rmdir()
