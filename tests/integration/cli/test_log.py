"""``ganaug fit --log``: what is written where, and what is refused before the training."""

import json
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from ganaug.cli import main
from ganaug.integrations.tracking import JSONLines
from ganaug.runtime.generator import Generator
from ganaug.training.loop import Step


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=30), "b": rng.normal(size=30), "y": ["common"] * 20 + ["rare"] * 10})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path / "rows.csv"


def fit(table: Path, *options: object) -> Result:
    arguments = ["fit", table, "--target", "y", "--steps", 3, "--output", table.parent / "a.onnx", *options]
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def at_two(act: Callable[[], object]) -> Callable[[JSONLines, Step], None]:
    """Return a log that acts at the second step instead of writing it."""
    call = JSONLines.__call__
    return lambda log, step: act() if step.number == 2 else call(log, step)  # type: ignore[return-value]


def broken() -> None:
    raise RuntimeError("the tool is broken")


@pytest.mark.parametrize("place", ["__call__", "close"])
def test_a_log_that_fails_costs_no_training(place: str, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = table.parent / "log.jsonl"
    monkeypatch.setattr(JSONLines, place, at_two(broken) if place == "__call__" else lambda _: broken())
    result = fit(table, "--log", f"jsonl:{file}")
    assert result.exit_code == 0, result.stderr
    step = 2 if place == "__call__" else 3
    said = f"JSONLines failed at step {step}: the tool is broken. The training goes on without this log."
    assert result.stderr.count(said) == 1
    assert Generator.load(table.parent / "a.onnx").metadata["training"]["steps"] == 3


def test_json_lines_go_on_after_an_interruption(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = table.parent / "log.jsonl"
    with monkeypatch.context() as patch:
        patch.setattr(JSONLines, "__call__", at_two(lambda: signal.raise_signal(signal.SIGINT)))
        assert fit(table, "--log", f"jsonl:{file}").exit_code == 130
    assert fit(table, "--log", f"jsonl:{file}", "--resume").exit_code == 0
    records = [json.loads(line) for line in file.read_text().splitlines()]
    assert [record["step"] for record in records] == [1, 3]
    assert {"seconds", "stage", "loss/generator", "validation/score"} <= records[-1].keys()


@pytest.mark.parametrize("log", ["mlfow", "jsonl", "jsonl:", "mlflow:runs", "csv:log.csv"])
def test_a_log_must_be_known(table: Path, log: str) -> None:
    refused = fit(table, "--log", log)
    assert refused.exit_code == 2
    assert f"must be tensorboard:DIR, mlflow or jsonl:FILE, but is {log!r}" in refused.stderr


@pytest.mark.parametrize("name", ["rows.csv", "a.onnx"])
def test_a_log_spoils_no_other_file(table: Path, name: str) -> None:
    before = table.read_bytes()
    refused = fit(table, "--log", f"jsonl:{table.parent / name}")
    assert refused.exit_code == 2
    assert "--log must name a place of its own" in refused.stderr
    assert table.read_bytes() == before


@pytest.mark.parametrize(("kind", "said"), [("jsonl", "missing"), ("tensorboard", "exists")])
def test_a_log_that_cannot_be_written_costs_no_training(table: Path, kind: str, said: str) -> None:
    place = table.parent / "missing" / "log" if kind == "jsonl" else table.parent / "taken"
    (table.parent / "taken").write_text("")
    refused = fit(table, "--log", f"{kind}:{place}")
    assert refused.exit_code == 2
    assert said in refused.stderr
    assert "classes" not in refused.stderr  # the training has not begun


def test_a_missing_package_is_named_before_the_training(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganaug.integrations.installed.find_spec", lambda _: None)
    refused = fit(table, "--log", "mlflow")
    assert refused.exit_code == 2
    assert "pip install 'ganaug[mlflow]'" in refused.stderr
