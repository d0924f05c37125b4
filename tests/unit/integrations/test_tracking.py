"""Callbacks that write the numbers of a training to other tools, and progress in a notebook."""

import json
import math
import os
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from ganaug.errors import DataError, OutputError
from ganaug.integrations.progress import progress
from ganaug.integrations.tracking import JSONLines, MLflow, TensorBoard
from ganaug.integrations.tracking.tracker import numbers_of
from ganaug.training.loop import Step, ValidationResult


def steps(count: int, every_validated: int = 100) -> Iterator[Step]:
    for number in range(1, count + 1):
        result = ValidationResult(0.5, (0.9, 0.7), (1.0, math.nan)) if number % every_validated == 0 else None
        losses = {"generator": torch.tensor(number / 4), "gap": torch.tensor(math.inf)}
        yield Step(number, number / 50, number / 8, 16, losses, result)


def test_numbers_of_a_step() -> None:
    *_, step = steps(2, every_validated=2)
    assert numbers_of(step) == {
        "progress": 0.04,
        "seconds": 0.25,
        "stage": 16,
        "loss/generator": 0.5,
        "loss/gap": math.inf,
        "validation/score": 0.5,
        "validation/agreement": pytest.approx(0.8),
        "validation/variety": 1.0,
    }


def test_json_lines(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text('{"step": 0}\n')
    log = JSONLines(file)
    for step in steps(25, every_validated=13):
        log(step)
    records = [json.loads(line) for line in file.read_text().splitlines()]  # before `close`
    assert [record["step"] for record in records] == [0, 1, 10, 13, 20]
    assert records[2] == {
        "step": 10, "progress": 0.2, "seconds": 1.25, "stage": 16, "loss/generator": 2.5, "loss/gap": None,
    }  # fmt: skip
    assert records[3]["validation/score"] == 0.5
    copied = pickle.loads(pickle.dumps(log))  # noqa: S301
    log.close()
    with copied:
        copied(next(steps(1)))
    assert len(file.read_text().splitlines()) == 6


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"Cannot write .*: the folder .* does not exist; create it first"):
        JSONLines(tmp_path / "missing" / "log.jsonl")(next(steps(1)))
    with pytest.raises(DataError, match="every must be a number of steps"):
        JSONLines(tmp_path / "log.jsonl", every=0)


def test_tensorboard_gets_a_curve_for_each_number(tmp_path: Path) -> None:
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with TensorBoard(tmp_path / "runs" / "first", every=2) as log:
        for step in steps(4, every_validated=4):
            log(step)
    written = events.EventAccumulator(str(tmp_path / "runs" / "first")).Reload()
    assert {"loss/generator", "loss/gap", "validation/score", "seconds"} <= set(written.Tags()["scalars"])
    found = [(event.step, event.value) for event in written.Scalars("loss/generator")]
    assert found == [(1, 0.25), (2, 0.5), (4, 1.0)]


class FakeMLflow(ModuleType):
    """The functions of MLflow that are called, with the signatures of MLflow."""

    def __init__(self, active: Any = None) -> None:
        super().__init__("mlflow")
        self.active, self.calls = active, list[Any]()

    def active_run(self) -> Any:
        return self.active

    def start_run(self) -> Any:
        self.calls.append("start")
        self.active = SimpleNamespace(info=SimpleNamespace(run_id="own"))
        return self.active

    def log_metrics(self, metrics: dict[str, float], step: int | None = None, *, run_id: str | None = None) -> None:
        self.calls.append((run_id, step, metrics["loss/generator"]))

    def end_run(self, status: str = "FINISHED") -> None:
        self.calls.append(status)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "")  # so that it is restored
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY")
    monkeypatch.setattr("ganaug.integrations.installed.find_spec", lambda name: name)


@pytest.mark.usefixtures("found")
def test_mlflow_gets_a_run_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", fake := FakeMLflow())
    with MLflow(every=2) as log:
        for step in steps(2):
            log(step)
    assert fake.calls == ["start", ("own", 1, 0.25), ("own", 2, 0.5), "FINISHED"]
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    fake.active, fake.calls = None, []
    log = MLflow()
    log(next(steps(1)))
    log.__exit__(RuntimeError)
    assert fake.calls[-1] == "FAILED"


@pytest.mark.usefixtures("found")
def test_mlflow_leaves_the_users_run_open(monkeypatch: pytest.MonkeyPatch) -> None:
    run = SimpleNamespace(info=SimpleNamespace(run_id="theirs"))
    monkeypatch.setitem(sys.modules, "mlflow", fake := FakeMLflow(run))
    with MLflow() as log:
        log(next(steps(1)))
    assert fake.calls == [("theirs", 1, 0.25)]


@pytest.mark.parametrize(
    ("make", "package", "extra"),
    [(lambda: TensorBoard("runs"), "tensorboard", "tracking"), (MLflow, "mlflow", "mlflow")],
)
def test_a_missing_package_is_named(make: Any, package: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganaug.integrations.installed.find_spec", lambda _: None)
    with pytest.raises(DataError, match=rf"package {package} must be installed .* pip install 'ganaug\[{extra}\]'"):
        make()


def test_progress_in_a_notebook_is_one_bar_that_goes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = list[tuple[str, dict[str, str]]]()

    class DisplayHandle:
        def display(self, data: dict[str, str], raw: bool) -> None:
            shown.append(("display", data))

        def update(self, data: dict[str, str], raw: bool) -> None:
            shown.append(("update", data))

    python, display = ModuleType("IPython"), ModuleType("IPython.display")
    python.get_ipython = lambda: SimpleNamespace(kernel=object())  # type: ignore[attr-defined]
    display.DisplayHandle, python.display = DisplayHandle, display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", python)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr("ganaug.integrations.progress.REFRESH_SECONDS", 0)
    with progress(quiet=False, unit="<b>") as show:
        for step in steps(2):
            show(step)
    assert [call for call, _ in shown] == ["display", "update", "update", "update"]
    assert shown[0][1]["text/plain"] == "learning to tell the classes apart"
    assert shown[2][1]["text/html"].startswith(
        '<progress value="0.040"></progress> 4% · step 2 · 0:06 left · 16 &lt;b&gt;'
    )
    assert shown[-1][1] == {"text/plain": "", "text/html": ""}
    assert capsys.readouterr() == ("", "")
    with progress(quiet=True) as show:
        show(next(steps(1)))
    assert len(shown) == 4
