"""Data and fixtures that several tests share."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from ganaug.compute import parallel
from ganaug.data.clips.dataset import LabelledClips
from ganaug.data.clips.dataset import from_arrays as clips_from_arrays
from ganaug.data.images.dataset import LabelledImages, from_arrays
from ganaug.data.signals.dataset import LabelledSignals
from ganaug.data.signals.dataset import from_arrays as signals_from_arrays
from ganaug.runtime.generator import Generator
from ganaug.runtime.session import Runtime
from ganaug.training import fit

if "PYTEST_XDIST_WORKER" in os.environ:
    # One thread in each worker and in each program that its tests start: more would compete for the cores.
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)


def striped_images(counts: dict[str, int], size: int = 8, channels: int = 1, seed: int = 0) -> LabelledImages:
    """Return images of noisy stripes, horizontal in classes of even index and vertical in the others."""
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


def waves(counts: dict[str, int], length: int = 40, channels: int = 1, seed: int = 0) -> LabelledSignals:
    """Return noisy sine waves: slow in classes of even index, and with a pulse besides in the others."""
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 1, length)[:, None]
    signals, labels = [], []
    for index, (name, count) in enumerate(counts.items()):
        for _ in range(count):
            wave = np.sin(2 * np.pi * (rng.uniform(1.5, 2) * time + rng.uniform(0, 0.3)))
            pulse = 3 * np.exp(-(((time - rng.uniform(0.4, 0.6)) / 0.05) ** 2)) if index % 2 else 0
            signals.append(wave + pulse + rng.normal(0, 0.05, (length, channels)))
            labels.append(name)
    return signals_from_arrays(np.stack(signals), np.array(labels), sorted(counts))


def moving_squares(
    counts: dict[str, int], frames: int = 4, size: int = 8, channels: int = 1, seed: int = 0
) -> LabelledClips:
    """Return clips of a bright square on dark noise: it goes right in classes of even index, and down in the others."""
    rng = np.random.default_rng(seed)
    clips, labels = [], []
    for index, (name, count) in enumerate(counts.items()):
        for _ in range(count):
            clip = rng.normal(20, 8, (frames, size, size, channels))
            across, start = int(rng.integers(0, size - 2)), int(rng.integers(0, 2))
            for frame in range(frames):
                along = min(size - 2, start + frame * (size - 2) // frames)
                top, left = (across, along) if index % 2 == 0 else (along, across)
                clip[frame, top : top + 2, left : left + 2] = 220
            clips.append(np.clip(clip, 0, 255).astype(np.uint8))
            labels.append(name)
    return clips_from_arrays(np.stack(clips), np.array(labels), sorted(counts))


def name_of(value: object) -> str:
    """Return the id of a parameter; a function's `str` holds its address, which differs between workers."""
    return "function" if callable(value) else str(value)


@pytest.fixture(scope="session")
def stripes() -> LabelledImages:
    """Return 40 images of horizontal and 12 of vertical stripes, 8 pixels square."""
    return striped_images({"lying": 40, "upright": 12})


@pytest.fixture(scope="session")
def stripes_generator(stripes: LabelledImages) -> Generator:
    """Return a generator that was trained on `stripes` for 20 steps."""
    return fit(stripes, max_steps=20, random_state=0)


@pytest.fixture(scope="session")
def waves_generator() -> Generator:
    """Return a generator that was trained on two channels of `waves` for two steps."""
    return fit(waves({"fast": 10, "slow": 4}, channels=2), max_steps=2, random_state=0)


@pytest.fixture(scope="session")
def squares_generator() -> Generator:
    """Return a generator that was trained on `moving_squares` in colour for two steps."""
    return fit(moving_squares({"down": 10, "right": 4}, channels=3), max_steps=2, random_state=0)


@pytest.fixture(autouse=True)
def just_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count a command's time budget from the start of the test, not from the start of the test suite's process."""
    monkeypatch.setattr("ganaug.cli.STARTED", time.perf_counter())


@pytest.fixture(autouse=True, scope="session")
def interruptible() -> Iterator[None]:
    """Let SIGINT interrupt the process; a shell that starts the tests in the background makes it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def left_as_found(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take two cores and two torch threads, and check afterwards that no thread was added or lost."""
    monkeypatch.setattr(parallel, "usable_cores", lambda: 2)
    before, living = torch.get_num_threads(), threading.active_count()
    torch.set_num_threads(2)
    yield
    now = torch.get_num_threads()
    torch.set_num_threads(before)
    assert now == 2
    assert threading.active_count() == living


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows with each request to run a model: the number of samples in it."""
    found, run = list[int](), Runtime.run

    def counting(self: Runtime, outputs: Any, noise: Any, label: Any, pass_size: int) -> Any:
        found.append(len(label))
        return run(self, outputs, noise, label, pass_size)

    monkeypatch.setattr(Runtime, "run", counting)
    return found
