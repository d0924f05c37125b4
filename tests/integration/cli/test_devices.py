"""`ganaug fit --devices 2` ends as one process would, whichever of its processes a signal hits."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.exceptions import Exit
from click.testing import CliRunner

from ganaug import Generator
from ganaug.cli import main
from ganaug.cli.follow import _silent
from ganaug.cli.interrupts import Interrupted
from tests.joint_cases import table
from tests.paths import ROOT

FIT = """
import ganaug.training.run
from ganaug.cli import main

ganaug.training.run.MIN_SCREEN_STEPS = 2
ganaug.training.run.CHECKPOINT_SECONDS = 0.2
main()
"""
SECONDS_TO_END = 60.0  # on a machine with much else to do

linux = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the children of a process are read from /proc")


def children(process: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{process}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def is_alive(process: int) -> bool:
    status = Path(f"/proc/{process}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def has_ended(process: int) -> bool:
    until = time.monotonic() + SECONDS_TO_END
    while is_alive(process) and time.monotonic() < until:
        time.sleep(0.05)
    return not is_alive(process)


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, rows = tmp_path_factory.mktemp("data") / "rows.csv", table()
    rows.frame.assign(kind_of=np.array(["lying", "upright"])[rows.labels]).to_csv(path, index=False)
    return path


def kept_step(output: Path) -> int:
    try:
        return int(json.loads((output.with_name(output.name + ".checkpoint") / "checkpoint.json").read_text())["step"])
    except OSError:
        return 0


def start_fit(csv: Path, output: Path, temporary: Path, *more: str) -> tuple["subprocess.Popen[str]", int]:
    """Start a run of two processes, and return the first one when it has taken steps, and the other one's id."""
    arguments = ["fit", str(csv), "--target", "kind_of", "--output", str(output), "--steps", "100000"]
    arguments += ["--device", "cpu", "--devices", "2", "--quiet", *more]
    code = f"import sys; sys.argv[1:] = {arguments}\n{FIT}"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "TMPDIR": str(temporary)}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, text=True, stderr=subprocess.PIPE)  # noqa: S603
    before = kept_step(output)
    while kept_step(output) <= before:
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    [child] = children(process.pid)
    return process, child


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    _, said = process.communicate(timeout=SECONDS_TO_END)
    return process.returncode, said


@linux
@pytest.mark.slow
def test_signals_and_kills_end_all_processes_and_keep_the_best(csv: Path, tmp_path: Path) -> None:
    output, temporary = tmp_path / "rows.onnx", tmp_path / "temporary"
    temporary.mkdir()

    # SIGTERM for all processes, as launchers send it.
    process, child = start_fit(csv, output, temporary)
    os.kill(child, signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    code, said = ended(process)
    assert code == 143, said
    assert has_ended(child)
    assert list(temporary.iterdir()) == []
    assert len(Generator.load(output).sample(3, seed=0)[0]) == 3
    assert Generator.load(output).metadata["training"]["processes"] == 2
    steps = kept_step(output)

    # A killed process, in a run that goes on where the other one ended.
    output.unlink()
    process, child = start_fit(csv, output, temporary, "--resume")
    os.kill(child, signal.SIGKILL)
    code, said = ended(process)
    assert (code, "Traceback" in said) == (2, False), said
    assert "one of them has ended" in said
    assert "--resume continues here" in said
    assert len(Generator.load(output).sample(3, seed=0)[0]) == 3
    assert kept_step(output) > steps

    # Ctrl-C.
    process, child = start_fit(csv, output, temporary, "--resume")
    process.send_signal(signal.SIGINT)
    code, said = ended(process)
    assert code == 130, said
    assert has_ended(child)

    # The first process killed: the other one ends too, and tidies up.
    process, child = start_fit(csv, output, temporary, "--resume")
    assert len(list(temporary.iterdir())) == 1
    process.kill()
    assert has_ended(child)
    ended(process)
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (Interrupted(signal.SIGTERM), 143)])
def test_a_process_that_does_not_lead_leaves_with_the_code_of_the_signal(error: BaseException, code: int) -> None:
    with pytest.raises(Exit) as left, _silent(speaks=False):
        raise error
    assert left.value.exit_code == code


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--devices", "0"], "--devices"),
        (["--devices", "2", "--device", "cuda"], "cuda"),
        (["--num-nodes", "2"], "MASTER_ADDR"),
        (["--devices", "2", "--target", "none"], "none"),
    ],
)
def test_what_cannot_be_done_is_said_before_a_process_starts(
    options: list[str], said: str, csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subprocess.Popen", None)
    arguments = ["fit", str(csv), "--target", "kind_of", "--output", str(tmp_path / "a.onnx"), "--steps", "3"]
    result = CliRunner().invoke(main, [*arguments, *options])
    assert (result.exit_code, said in result.stderr) == (2, True), result.output
    assert list(tmp_path.iterdir()) == []
