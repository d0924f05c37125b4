"""Small data that several tests share."""

import os
import signal
import time
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from ganaug.data.images.dataset import LabelledImages, from_arrays
from ganaug.runtime.generator import Generator
from ganaug.training import fit_images

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers, and the programs that their tests start, would otherwise fight over the cores.
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)


def striped_images(counts: dict[str, int], size: int = 8, channels: int = 1, seed: int = 0) -> LabelledImages:
    """Noisy stripes of random phase: lying in the first class, upright in the second; anybody can tell them apart."""
    rng = np.random.default_rng(seed)
    images, labels = [], []
    for index, (name, count) in enumerate(counts.items()):
        for _ in range(count):
            wave = 128 + 100 * np.sin(np.arange(size) * np.pi / 2 + rng.uniform(0, 6))
            plane = np.tile(wave[:, None], (1, size)) if index % 2 == 0 else np.tile(wave, (size, 1))
            noise = rng.normal(0, 8, (size, size, channels))
            images.append(np.clip(plane[:, :, None] + noise, 0, 255).astype(np.uint8))
            labels.append(name)
    return from_arrays(np.stack(images), np.array(labels), sorted(counts))


def name_of(value: object) -> str:
    """Name a parameter: every worker must give a test the same name, and a function has none but its address."""
    return "function" if callable(value) else str(value)


@pytest.fixture(scope="session")
def stripes() -> LabelledImages:
    return striped_images({"lying": 40, "upright": 12})


@pytest.fixture(scope="session")
def stripes_generator(stripes: LabelledImages) -> Generator:
    return fit_images(stripes, max_steps=20, random_state=0)


@pytest.fixture(autouse=True)
def just_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a command's budget run from the test's beginning: the process that it counts from is the whole suite's."""
    monkeypatch.setattr("ganaug.cli.STARTED", time.perf_counter())


@pytest.fixture(autouse=True, scope="session")
def interruptible() -> Iterator[None]:
    """Let SIGINT interrupt as in a terminal: a shell that starts the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
