"""The examples run as they are, at small scale."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def start(name: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
    command = [sys.executable, str(ROOT / "examples" / name), *arguments]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603


def run(name: str, *arguments: str, folder: Path) -> str:
    result = start(name, *arguments, folder=folder)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_balance_image_folder(tmp_path: Path) -> None:
    shown = run("balance_image_folder.py", "--steps", "3", "--budget", "5", folder=tmp_path)
    assert "9: 5 real and 95 synthetic images" in shown
    assert {len(list(path.iterdir())) for path in (tmp_path / "balanced").iterdir()} == {100}
    assert (tmp_path / "balanced.onnx").is_file()
    assert list(tmp_path.glob("tmp*")) == []


def test_train_pytorch_classifier(tmp_path: Path) -> None:
    small = ["--steps", "3", "--budget", "5", "--classifier-steps", "3"]
    shown = run("train_pytorch_classifier.py", *small, folder=tmp_path).splitlines()
    assert len(shown) == 11
    assert shown[10].split()[:2] == ["9", "5"]
    assert list(tmp_path.glob("tmp*")) == []


def test_mixed_table(tmp_path: Path) -> None:
    shown = run("mixed_table.py", "--steps", "3", folder=tmp_path)
    assert "400 real and 320 synthetic rows, classes {'no': 360, 'yes': 360}" in shown
    assert len(shown.splitlines()) == 9


def test_sklearn_pipeline(tmp_path: Path) -> None:
    shown = run("sklearn_pipeline.py", "--steps", "2", "--repeats", "1", folder=tmp_path).splitlines()
    assert [line[:14].strip() for line in shown[2:]] == ["nothing", "SMOTE", "GAN, balanced", "GAN, a third"]
    assert all(0.4 < float(value) <= 1 for line in shown[2:] for value in line[14:].split())


@pytest.mark.parametrize(
    ("arguments", "saying"),
    [
        (["balance_image_folder.py", "nowhere", "out"], "'nowhere' does not exist"),
        (["balance_image_folder.py", "nowhere", "no/out"], "create it first"),
        (["train_pytorch_classifier.py", "nowhere", "nowhere"], "'nowhere' does not exist"),
        (["train_pytorch_classifier.py", "nowhere"], "two folders"),
        (["mixed_table.py", "nowhere.csv", "churned"], "nowhere.csv"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(arguments: list[str], saying: str, tmp_path: Path) -> None:
    result = start(*arguments, folder=tmp_path)
    assert result.returncode == 2
    assert saying in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert list(tmp_path.glob("tmp*")) == []


def test_examples_are_short() -> None:
    for path in (ROOT / "examples").glob("*.py"):
        assert len(path.read_text().splitlines()) < 60, path.name
