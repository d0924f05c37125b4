"""Full disks, vanished folders, two runs at once, clocks that jump, losses that are no numbers, too little memory."""

import itertools
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

from ganaug.cli import main, memory
from ganaug.families.gan import GAN
from ganaug.files import sole_use
from ganaug.runtime.generator import Generator
from ganaug.training.loop import DIVERGED
from tests.faults.moments import write_rows
from tests.faults.processes import start
from tests.paths import MODELS

WINE = MODELS / "wine.onnx"
Words = list[Any]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    write_rows(tmp_path / "rows.csv")
    return tmp_path / "rows.csv"


def run(*words: object) -> Result:
    return CliRunner().invoke(main, list(map(str, words)))


def fit(rows: Path, *more: object, steps: int = 3) -> Result:
    output = rows.parent / "out" / "a.onnx"
    output.parent.mkdir(exist_ok=True)
    return run("fit", rows, "--target", "y", "--steps", steps, "--output", output, *more)


def ended(limit: Callable[[], None], *words: object) -> tuple[int, str]:
    """Run a command in a process with a limit; return its exit code and what it said."""
    process = start(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limit)
    _, said = process.communicate(timeout=120)
    return process.returncode, said


@pytest.mark.slow
def test_a_file_that_grows_too_large_leaves_the_older_one(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("older")
    limit = (20_000, 20_000)
    code, said = ended(
        lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
        *("sample", WINE, "--per-class", 2000, "--output", tmp_path / "rows.csv"),
    )
    assert code == 2
    assert "file too large" in said
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"rows.csv": "older"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 100 kB; only the administrator can make one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100k", "none", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False, capture_output=True).returncode:  # noqa: S603
        pytest.skip("file systems cannot be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)  # noqa: S603, S607


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_a_full_disk_keeps_what_was_there(name: str, small_disk: Path) -> None:
    (small_disk / name).write_text("older")
    result = run("sample", WINE, "--per-class", 2000, "--output", small_disk / name)
    assert result.exit_code == 2
    assert "no space left on device; free some space there or choose another place" in result.stderr
    assert {path.name: path.read_text() for path in small_disk.iterdir()} == {name: "older"}


def test_a_folder_of_images_that_does_not_fit_is_not_there(small_disk: Path) -> None:
    result = run("sample", MODELS / "digits.onnx", "--per-class", 20, "--output", small_disk / "images")
    assert result.exit_code == 2
    assert "no space left on device" in result.stderr
    assert list(small_disk.iterdir()) == []


def test_a_read_only_disk_is_refused_before_the_work(small_disk: Path, rows: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)  # noqa: S603, S607
    for words in (
        ["sample", WINE, "--output", small_disk / "a.csv"],
        ["fit", rows, "--target", "y", "--output", small_disk / "a.onnx"],
        ["evaluate", rows, "--target", "y", "--json", small_disk / "a.json"],
    ):
        result = run(*words)
        assert result.exit_code == 2, result.stderr
        assert "read-only file system; choose a place that you may write to" in result.stderr


@pytest.mark.slow
def test_a_folder_that_vanishes_is_one_sentence(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def vanish(*_: object, **__: object) -> bool:
        shutil.rmtree(rows.parent / "out", ignore_errors=True)
        return False

    monkeypatch.setattr("ganaug.integrations.progress._Steps.is_due", vanish)
    result = fit(rows)
    assert result.exit_code == 2, result.output
    assert "does not exist; create it first" in result.stderr.splitlines()[-1]


def test_two_fits_cannot_share_an_output(rows: Path) -> None:
    kept = rows.parent / "out" / "a.onnx.checkpoint"
    kept.parent.mkdir()
    with sole_use(kept, "never"):
        result = fit(rows)
    assert result.exit_code == 2
    said = result.stderr.splitlines()[-1]
    assert said == f"Error: Another run writes to {kept}: wait for its end, or choose another --output."


@pytest.mark.slow
def test_a_clock_that_is_set_changes_no_budget(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jumps = itertools.cycle([1e9, -1e9, 0.0])
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + next(jumps))
    assert fit(rows, "--budget", "60s").exit_code == 0
    training = Generator.load(rows.parent / "out" / "a.onnx").metadata["training"]
    assert training["steps"] == 3
    assert 0 <= training["seconds"] < 60


def diverging(at: int) -> Any:
    """Return a way to learn after which, from a step on, all weights and losses are NaN."""
    learn = GAN.learn

    def learn_badly(family: GAN, batch: Any, step: int) -> dict[str, torch.Tensor]:
        losses = learn(family, batch, step)
        if step < at:
            return losses
        with torch.no_grad():
            for weight in family.networks.parameters():
                weight.fill_(torch.nan)
        return {name: loss * torch.nan for name, loss in losses.items()}

    return learn_badly


@pytest.mark.slow
def test_a_training_that_diverges_stops_and_keeps_the_best(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GAN, "learn", diverging(6))
    assert fit(rows, steps=10).exit_code == 0
    generator = Generator.load(rows.parent / "out" / "a.onnx")
    assert generator.metadata["training"]["steps"] == 7
    assert generator.metadata["training"]["stopped_early"] == DIVERGED
    assert len(generator.sample(3, seed=0)[0]) == 3


def test_a_training_that_diverges_at_once_is_one_sentence(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GAN, "learn", diverging(0))
    result = fit(rows)
    assert result.exit_code == 2
    assert "the training had diverged at step 1, before a generator was kept" in result.stderr.splitlines()[-1]
    assert not (rows.parent / "out" / "a.onnx").exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of the address space")
@pytest.mark.parametrize("command", ["fit", "evaluate"])
def test_little_address_space_is_one_sentence_and_no_hang(command: str, rows: Path) -> None:
    limit = (1_000_000 * 1024, 1_000_000 * 1024)
    words = ["--target", "y", *(["--output", rows.parent / "a.onnx"] if command == "fit" else [])]
    code, said = ended(lambda: resource.setrlimit(resource.RLIMIT_AS, limit), command, rows, *words)
    assert code == 2
    assert "GB of address space must be free, but the system refuses them: raise the limit" in said.splitlines()[-1]
    assert "Traceback" not in said


def test_a_small_container_is_one_sentence(rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memory.max").write_text("104857600\n")
    monkeypatch.setattr(memory, "LIMITS", [str(tmp_path / "memory.max")])
    result = fit(rows)
    assert result.exit_code == 2
    assert "but the limit of this container is 105 MB: raise the limit" in result.stderr.splitlines()[-1]
    for text in ("max\n", "9223372036854771712\n"):
        (tmp_path / "memory.max").write_text(text)
        memory.check_memory()


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: not enough memory: you tried to allocate"),
        RuntimeError("can't start new thread"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        ImportError("Exception caught: std::bad_alloc"),
    ],
)
def test_little_memory_anywhere_is_one_sentence(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(Generator, "load", fail)
    result = run("inspect", WINE)
    assert (result.exit_code, result.stderr) == (2, f"Error: {memory.TOO_LITTLE}\n")


def test_other_errors_are_not_blamed_on_memory() -> None:
    for error in (ImportError("No module named 'x'"), RuntimeError("shapes differ"), OSError("no such file")):
        assert not memory.is_out_of_memory(error)
