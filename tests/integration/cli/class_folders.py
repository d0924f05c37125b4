"""What the tests of folders of signals and of clips share."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.integration.cli.test_images import manifest, run


class Fitted(NamedTuple):
    """A folder, the model that was fitted to it, and the form of its files."""

    root: Path
    model: Path
    form: Any


def shorten_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the training: these tests are about neither the quality of a generator nor early stopping."""
    monkeypatch.setattr("ganaug.training.run.SCREEN_STEPS", 2)


def write(root: Path, data: Any, contents: Iterable[bytes], ending: str) -> Path:
    """Write the content of a file for each sample of a dataset."""
    for index, (content, label) in enumerate(zip(contents, data.labels, strict=True)):
        place = root / data.classes[label]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{index:02}{ending}").write_bytes(content)
    return root


def fitted_to(root: Path, form: Any, saying: str) -> Fitted:
    """Fit a model to a folder, and check what the command says of it."""
    done = run("fit", root, "--output", root.with_suffix(".onnx"), "--steps", "3", "--seed", "0")
    assert done.exit_code == 0, done.output
    assert saying in done.output
    return Fitted(root, root.with_suffix(".onnx"), form)


def sampled(fitted: Fitted, output: Path) -> list[Path]:
    """Return the files of three samples of each class."""
    assert run("sample", fitted.model, "--output", output, "--per-class", "3").exit_code == 0
    files = sorted(output.rglob(f"*{fitted.form.ending}"))
    assert Counter(file.parent.name for file in files) == {name.name: 3 for name in fitted.root.iterdir()}
    assert len(manifest(output)) == len(files)
    return files


def check_filled(fitted: Fitted, output: Path, noun: str) -> None:
    """Check that a balanced folder holds the real files, and as many samples as are missing: 12 and 5 are 17."""
    said = run("balance", fitted.root, fitted.model, "--output", output, "--synthetic-share", "1")
    assert f"Wrote 17 real and 7 synthetic {noun}s" in said.output
    files = list(output.rglob(f"*{fitted.form.ending}"))
    assert Counter(file.parent.name for file in files) == {name.name: 12 for name in fitted.root.iterdir()}
    for real in fitted.root.rglob(f"*{fitted.form.ending}"):
        assert (output / real.relative_to(fitted.root)).read_bytes() == real.read_bytes()


def check_evaluated(fitted: Fitted, output: Path) -> None:
    """Check that a report is written, with pictures in it."""
    done = run("evaluate", fitted.root, fitted.model, "--budget", "3s", "--output", output)
    assert done.exit_code == 0, done.output
    assert "data:image/png" in output.read_text()
