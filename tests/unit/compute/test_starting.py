"""The first process of a run ends where it would wait for a lost one, and not where torch tells of the loss."""

import os
import sys
import threading

import pytest

from ganaug.compute import starting

LOST = "import os; os.write(1, b'ready to join\\n'); os._exit(3)"


@pytest.mark.parametrize("is_told", [False, True])
def test_a_process_that_is_lost_before_all_have_joined_ends_the_run(
    is_told: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    codes, left = list[int](), threading.Event()

    def leave(code: int) -> None:
        codes.append(code)
        left.set()

    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.setattr(starting, "SECONDS_WITHOUT", 0.1)
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, "-c", LOST])
    with starting.local_processes(2, 1) as losses_are_told:
        if is_told:
            losses_are_told.set()
        left.wait(0.5 if is_told else 60.0)
    assert codes == ([] if is_told else [2])
    assert ("A process of the run has ended" in capfd.readouterr().err) is not is_told
