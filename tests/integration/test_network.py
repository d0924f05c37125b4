"""Nothing touches the network, and nothing stays in the temporary folder: each part in a program that is watched."""

import os
import platform
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib as mpl
import pytest

from tests.paths import ROOT
from tests.watched import LOOKUP, SYSTEM_CALLS

SWITCHES = {"ORT_DISABLE_TELEMETRY": "1", "NO_ALBUMENTATIONS_UPDATE": "1", "RAY_USAGE_STATS_ENABLED": "0"}

on_linux = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in SYSTEM_CALLS, reason="filters of system calls need Linux"
)


def program(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a module of Python as the process of a user who has set no switch."""
    usual = {name: value for name, value in os.environ.items() if name not in (*SWITCHES, "TORCHINDUCTOR_CACHE_DIR")}
    command, environment = [sys.executable, *arguments], usual | {"PYTHONPATH": str(ROOT)} | environment
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603


def watched(part: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a part of `tests.watched`, with empty folders for the user and for temporary files."""
    for name in ("home", "work"):
        (folder / name).mkdir()
    # Sockets of workers lie in the temporary folder, and the name of a socket must be short.
    with tempfile.TemporaryDirectory() as temporary:
        places = {"HOME": str(folder / "home"), "TMPDIR": temporary, "MPLCONFIGDIR": mpl.get_cachedir()}
        done = program("-m", "tests.watched", str(folder / "work"), part, **places)
        assert list(Path(temporary).iterdir()) == []
    return done


@on_linux
@pytest.mark.slow
def test_no_command_and_no_library_touches_the_network_or_leaves_a_file(tmp_path: Path) -> None:
    done = watched("everything", tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "work" / "report.html").exists()
    assert list((tmp_path / "home").iterdir()) == []


@on_linux
@pytest.mark.parametrize(
    ("part", "code"),
    [("outside", -signal.SIGSYS), ("outside_python", -signal.SIGSYS), ("lookup", LOOKUP)],
)
def test_the_watch_sees_sockets_and_lookups(part: str, code: int, tmp_path: Path) -> None:
    assert watched(part, tmp_path).returncode == code


@pytest.mark.parametrize("given", [{}, dict.fromkeys(SWITCHES, "theirs")])
def test_importing_sets_the_switches_that_the_user_has_not_set(given: dict[str, str]) -> None:
    code = f"import ganaug, os; print(*map(os.environ.get, {list(SWITCHES)}))"
    assert program("-c", code, **given).stdout.split() == [given.get(name, SWITCHES[name]) for name in SWITCHES]
