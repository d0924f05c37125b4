"""The examples run as they are, at small scale."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run(name: str, *arguments: str, folder: Path) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
    command = [sys.executable, str(ROOT / "examples" / name), *arguments]
    result = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_balance_image_folder(tmp_path: Path) -> None:
    shown = run("balance_image_folder.py", "--steps", "3", "--budget", "5", folder=tmp_path)
    assert "9: 5 real and 95 synthetic images" in shown
    assert {len(list(path.iterdir())) for path in (tmp_path / "balanced").iterdir()} == {100}
    assert (tmp_path / "balanced.onnx").is_file()


def test_train_pytorch_classifier(tmp_path: Path) -> None:
    small = ["--steps", "3", "--budget", "5", "--classifier-steps", "3"]
    shown = run("train_pytorch_classifier.py", *small, folder=tmp_path).splitlines()
    assert len(shown) == 11
    assert shown[10].split()[:2] == ["9", "5"]


def test_examples_are_short() -> None:
    for path in (ROOT / "examples").glob("*.py"):
        assert len(path.read_text().splitlines()) < 60, path.name
