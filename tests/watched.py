"""A program that runs a part of ganaug, and dies at the first socket of the network.

A filter of system calls sees the sockets of native code too, in all threads and in the processes that they start.
"""

import ctypes
import faulthandler
import multiprocessing
import os
import platform
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

SYSTEM_CALLS = {"x86_64": 41, "aarch64": 198}
"""The number of the system call `socket` on machines of Linux."""
LOOKUP = 3
"""The exit code after a name that Python looks up. Some are found without a socket."""
MODELS = Path(__file__).parents[1] / "onnx_models"


class _Instruction(ctypes.Structure):
    """An instruction of the packet filter of Linux."""

    _fields_ = (("code", ctypes.c_ushort), ("then", ctypes.c_ubyte), ("other", ctypes.c_ubyte), ("k", ctypes.c_uint))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(_Instruction)))


def forbid_network() -> None:
    """Let this process, and those that it starts, die by SIGSYS where a socket is opened that is not AF_UNIX."""
    load, equal, give = 0x20, 0x15, 0x06
    instructions = [
        (load, 0, 0, 0),  # the number of the system call
        (equal, 0, 3, SYSTEM_CALLS[platform.machine()]),
        (load, 0, 0, 16),  # its first argument: the family of the socket
        (equal, 1, 0, socket.AF_UNIX),
        (give, 0, 0, 0x00030000),  # SECCOMP_RET_TRAP
        (give, 0, 0, 0x7FFF0000),  # SECCOMP_RET_ALLOW
    ]
    array = (_Instruction * len(instructions))(*(_Instruction(*fields) for fields in instructions))
    program = _Program(len(array), array)
    no_new_privileges, set_seccomp, mode_filter = 38, 22, 2
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(no_new_privileges, 1, 0, 0, 0) or libc.prctl(set_seccomp, mode_filter, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "the system has no filters of system calls")
    faulthandler.register(signal.SIGSYS, chain=True)
    sys.addaudithook(_forbid_lookup)


def _forbid_lookup(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        print("A name was looked up:", arguments, file=sys.stderr, flush=True)
        os._exit(LOOKUP)


def ganaug(*arguments: object) -> None:
    """Run a command."""
    from ganaug.cli import main

    main(list(map(str, arguments)), standalone_mode=False)


def write_data(folder: Path) -> None:
    """Write a folder of images and a table."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(0)
    for name, count in {"a": 12, "b": 6}.items():
        (folder / "photos" / name).mkdir(parents=True)
        for number in range(count):
            pixels = random.integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "photos" / name / f"{number}.png")
    rows = [f"{random.normal():.3f},{random.normal():.3f},{'ab'[row % 3 == 0]}" for row in range(40)]
    (folder / "table.csv").write_text("\n".join(["x,y,kind", *rows]))


def draw() -> None:
    """Load a model, and draw samples."""
    from ganaug import Generator

    Generator.load(MODELS / "digits.onnx").sample(3, seed=0)


def commands(folder: Path) -> None:
    """Train, draw, balance, restyle and inspect images and a table."""
    photos, table = folder / "photos", folder / "table.csv"
    images, rows = folder / "images.onnx", folder / "rows.onnx"
    ganaug("fit", photos, "--output", images, "--steps", 2, "--log", f"jsonl:{folder / 'log'}")
    ganaug("fit", table, "--target", "kind", "--output", rows, "--steps", 2)
    ganaug("sample", images, "--output", folder / "samples", "--per-class", 1)
    ganaug("sample", images, "--output", folder / "walk.gif", "--per-class", 2, "--walk")
    ganaug("balance", photos, images, "--output", folder / "balanced")
    ganaug("balance", table, rows, "--output", folder / "balanced.parquet")
    ganaug("restyle", photos / "a", photos / "b", "--output", folder / "restyled")
    ganaug("inspect", rows)


def libraries(folder: Path) -> None:
    """Train and draw through scikit-learn, PyTorch and albumentations, with workers that fork and that are spawned."""
    import numpy as np

    from ganaug import AugmentedClassifier, GANSampler, Generator, ImageFolder, SyntheticSwap, balanced_loader

    photos, digits = folder / "photos", Generator.load(MODELS / "digits.onnx")
    SyntheticSwap(digits, p=1)(image=np.zeros((8, 8, 1), np.uint8), label="3")
    for number in range(2):
        (photos / "ab"[number]).rename(photos / "37"[number])
    list(balanced_loader(ImageFolder(photos), digits, 8, num_workers=1, multiprocessing_context="fork"))
    spawned = multiprocessing.get_context("spawn").Process(target=draw)
    spawned.start()
    spawned.join()
    if spawned.exitcode:
        sys.exit(spawned.exitcode)

    from sklearn.linear_model import LogisticRegression

    X, y = np.random.default_rng(0).normal(size=(40, 3)), np.repeat([0, 1], [28, 12])
    AugmentedClassifier(LogisticRegression(), GANSampler(max_steps=2, random_state=0), policy="always").fit(X, y)


def evaluation(folder: Path) -> None:
    """Write the data of the demo, and evaluate images in arms that use albumentations and synthetic samples."""
    from ganaug import Generator, evaluate
    from ganaug.cli.demo_data import write_digits
    from ganaug.evaluation.arms import IMAGE_ARMS
    from ganaug.evaluation.settings import Settings

    write_digits(folder / "train", folder / "test")
    arms = [arm for arm in IMAGE_ARMS if arm.name in ("nothing", "albumentations", "GAN, 30 % of a batch")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ganaug.evaluation.trials.images.ImageTrial.usual_steps", 2)
        patch.setattr("ganaug.evaluation.evaluate.Settings", partial(Settings, arms=arms, repeats=1))
        digits = Generator.load(MODELS / "digits.onnx")
        evaluate(folder / "photos", trainer=lambda *_, **__: digits, budget=None).save_html(folder / "report.html")


def everything(folder: Path) -> None:
    """Do all of these in one process, which imports torch once."""
    write_data(folder)
    for part in (commands, libraries, evaluation):
        part(folder)


def outside(_: Path) -> None:
    """Open a socket of the network, to show that this is seen."""
    socket.socket(socket.AF_INET)


def outside_python(_: Path) -> None:
    """Open a socket of the network in native code."""
    ctypes.CDLL(None).socket(int(socket.AF_INET6), 2, 0)


def lookup(_: Path) -> None:
    """Look up a name that needs no network."""
    socket.gethostbyname("127.0.0.1")


PARTS: dict[str, Callable[[Path], None]] = {
    part.__name__: part for part in (everything, outside, outside_python, lookup)
}


if __name__ == "__main__":
    forbid_network()
    PARTS[sys.argv[2]](Path(sys.argv[1]))
