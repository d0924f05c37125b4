"""Signals at some random moments; `make faults` strikes at many."""

import os
import signal
import subprocess
import sys

import pytest

from tests.faults.processes import ENVIRONMENT
from tests.paths import ROOT


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_no_moment_leaves_half_an_output_or_a_run_that_cannot_go_on() -> None:
    program = [sys.executable, "-m", "tests.faults", "4", "--quick", "--seed", str(int(signal.SIGTERM))]
    ended = subprocess.run(program, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False)  # noqa: S603
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "4 moments, 0 faults" in ended.stdout
