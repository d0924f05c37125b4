"""Standard streams that are closed, full or broken: what a command tells costs nothing, a lost result is a failure."""

import errno
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from ganaug.cli import main, streams
from ganaug.integrations.progress import Forgiving, progress
from ganaug.training.loop import Step
from tests.faults.processes import ENVIRONMENT
from tests.paths import MODELS

WINE = MODELS / "wine.onnx"


def in_shell(words: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run a command of ganaug in a shell; `words` are what the shell does with its streams."""
    program = ["sh", "-c", f'"$@" {words}', "sh", sys.executable, "-m", "ganaug", *map(str, arguments)]
    return subprocess.run(program, env=ENVIRONMENT, capture_output=True, text=True, check=False)  # noqa: S603


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("words", [">&- 2>&- <&-", ">/dev/full 2>/dev/full"])
def test_rows_are_written_whatever_becomes_of_the_streams(words: str, tmp_path: Path) -> None:
    ended = in_shell(words, "sample", WINE, "--per-class", 2, "--output", tmp_path / "rows.csv")
    assert ended.returncode == 0
    lines = (tmp_path / "rows.csv").read_text().splitlines()
    assert len(lines) == 7
    assert {line.count(",") for line in lines} == {13}  # nothing was printed into the file


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize(
    ("words", "arguments", "reason"),
    [
        (">/dev/full", ["inspect", WINE], "No space left on device"),
        (">&-", ["inspect", WINE], "Bad file descriptor"),
        (">/dev/full", ["--help"], "No space left on device"),
    ],
)
def test_a_result_that_cannot_be_printed_is_a_failure(words: str, arguments: list[Any], reason: str) -> None:
    ended = in_shell(words, *arguments)
    assert (ended.returncode, ended.stderr) == (2, f"Error: {reason}.\n")


class Broken(io.StringIO):
    """A stream that takes nothing."""

    tried = 0

    def write(self, _: str) -> int:
        self.tried += 1
        raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self) -> None:
        raise OSError(errno.EPIPE, "Broken pipe")


@pytest.mark.parametrize("stream", [None, Broken()], ids=["closed", "full"])
def test_progress_that_cannot_be_shown_costs_nothing(stream: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    with progress(quiet=False) as show:
        show(Step(1, 1.0, 0.1, 8, {"loss": np.float32(1)}))  # type: ignore[dict-item]
    assert stream is None or stream.tried > 0


def test_a_forgiving_stream_writes_what_can_be_written() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    forgiving = Forgiving(stream)
    print("é", file=forgiving, flush=True)
    forgiving.buffer.write(b"x")
    forgiving.flush()
    assert stream.buffer.getvalue() == "é\nx".encode()  # type: ignore[attr-defined]
    assert forgiving.encoding == "utf-8"
    stream.close()
    print("lost", file=forgiving, flush=True)


def test_what_is_told_may_be_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    told = list[str]()

    def full(line: str) -> None:
        told.append(line)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(streams.click, "echo", full)
    streams.tell("Wrote it.")
    assert told == ["Wrote it."]


def test_what_is_told_is_printed(tmp_path: Path) -> None:
    words = ["sample", str(WINE), "--per-class", "1", "--output", str(tmp_path / "a.csv")]
    assert CliRunner().invoke(main, words).stdout.startswith("Wrote 3 rows of 3 classes")
