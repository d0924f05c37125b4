"""What SIGINT and SIGTERM do where Python's handlers come late, or where an exception would be lost."""

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from ganaug import files
from ganaug.cli import interrupts
from ganaug.cli.interrupts import Interrupted, Patience, ending_in_time, exit_code


class Left(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the exit codes with which the process would have ended."""
    codes: list[int] = []

    def leave(code: int) -> None:
        codes.append(code)
        if threading.current_thread() is threading.main_thread():
            raise Left

    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.setattr(interrupts, "MAX_SECONDS", 0.05)
    return codes


@pytest.mark.parametrize("number", interrupts.SIGNALS)
def test_a_signal_interrupts_and_has_its_code(number: signal.Signals, left: list[int]) -> None:
    with pytest.raises(Interrupted) as caught, ending_in_time():
        signal.raise_signal(number)
    assert exit_code(caught.value) == 128 + number
    assert left == []


@pytest.mark.parametrize("number", interrupts.SIGNALS)
def test_a_signal_during_an_import_ends_the_process(
    number: signal.Signals, left: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library that swallows the exception would go on half imported."""
    code = f"import signal\ntry:\n    signal.raise_signal({int(number)})\nexcept KeyboardInterrupt:\n    pass\n"
    (tmp_path / "greedy_module.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Left), ending_in_time(), files.atomic_write(tmp_path / "a.bin"):
        import greedy_module  # type: ignore[import-not-found]  # noqa: F401
    assert left == [128 + number]
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix in (".bin", ".part")) == []
    sys.modules.pop("greedy_module", None)


def test_sigterm_is_obeyed_though_the_main_thread_does_not_listen(left: list[int]) -> None:
    with ending_in_time():
        signal.signal(signal.SIGTERM, lambda *_: None)  # as in a long call of C, no exception is raised
        signal.raise_signal(signal.SIGTERM)
        for _ in range(500):
            if left:
                break
            threading.Event().wait(0.01)
    assert left == [143]


def test_what_is_to_be_saved_has_its_time(left: list[int]) -> None:
    with ending_in_time(), Patience() as patience:
        patience.armed = True
        signal.raise_signal(signal.SIGTERM)
        threading.Event().wait(0.2)
        assert patience.asked == 143
    assert left == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_terminated_worker_does_not_end_its_parent(left: list[int]) -> None:
    with ending_in_time():
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGTERM, lambda *_: None)
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(pid, 0)
        threading.Event().wait(0.2)
    assert left == []
