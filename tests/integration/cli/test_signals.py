"""The command line with signals: what is read is written, and bad input gives one sentence."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganaug.data.signals.signal_file import FileForm, encoded, read_signal
from ganaug.runtime.generator import Generator
from tests.conftest import waves
from tests.integration.cli import class_folders
from tests.integration.cli.class_folders import Fitted, check_evaluated, check_filled, fitted_to, sampled
from tests.integration.cli.test_images import refused, run

COUNTS = {"fast": 12, "slow": 5}
FORMS = {"wav": FileForm(".wav", "int16", 8000), "npy": FileForm(".npy", "float64", None, 1)}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    class_folders.shorten_training(monkeypatch)


def write(root: Path, form: FileForm) -> Path:
    data = waves(COUNTS)
    return class_folders.write(root, data, [encoded(signal / 4, form) for signal in data.signals], form.ending)


@pytest.fixture(scope="module", params=FORMS)
def fitted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    form = FORMS[request.param]
    root = write(tmp_path_factory.mktemp("signals") / "folder", form)
    return fitted_to(root, form, "17 signals of 2 classes, taken at 40 values in 1 channel")


def test_a_fit_writes_a_model_and_a_preview(fitted: Fitted) -> None:
    schema, form = Generator.load(fitted.model).metadata["schema"], fitted.form
    assert (schema["length"], schema["channels"], schema["ending"], schema["dtype"]) == (40, 1, form.ending, form.dtype)
    with Image.open(fitted.model.with_suffix(".preview.png")) as preview:
        assert preview.width > 1000


def test_samples_are_written_in_the_form_that_was_read(fitted: Fitted, tmp_path: Path) -> None:
    for file in sampled(fitted, tmp_path / "out"):
        signal, found = read_signal(file)
        assert (signal.shape, found) == ((40, 1), fitted.form)


def test_a_folder_is_filled_up(fitted: Fitted, tmp_path: Path) -> None:
    check_filled(fitted, tmp_path / "out", "signal")


def test_the_form_is_printed(fitted: Fitted) -> None:
    said = run("inspect", fitted.model).output
    assert "40 values in 1 channel" in said
    assert f"{fitted.form.ending} files of {fitted.form.dtype}" in said


@pytest.mark.slow
def test_a_model_is_evaluated(fitted: Fitted, tmp_path: Path) -> None:
    check_evaluated(fitted, tmp_path / "report.html")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target", "x"], "the classes of a signal folder are its subfolders"),
        (["--size", "3"], "length of signals must be a whole number from 8"),
        (["--space", "latent"], "must be 'auto' for signals"),
    ],
)
def test_options_of_other_data_are_refused(arguments: list[str], said: str, tmp_path: Path) -> None:
    root = write(tmp_path / "folder", FORMS["npy"])
    refused("fit", root, "--output", tmp_path / "model.onnx", *arguments, saying=said)


def test_synthetic_signals_are_written_as_those_of_their_class_are(fitted: Fitted, tmp_path: Path) -> None:
    root, usual = write(tmp_path / "folder", fitted.form), fitted.form
    other = replace(usual, dtype="float32", axes=2)
    slow = sorted((root / "slow").iterdir())
    for file in slow:
        file.write_bytes(encoded(read_signal(file)[0], other))
    said = run("balance", root, fitted.model, "--output", tmp_path / "out").stderr
    assert "form" not in said
    written = list((tmp_path / "out" / "slow").glob("synthetic-*"))
    assert len(written) == 7
    assert {read_signal(file)[1] for file in written} == {read_signal(slow[0])[1]} != {usual}

    slow[0].write_bytes(encoded(read_signal(slow[0])[0], usual))
    said = run("balance", root, fitted.model, "--output", tmp_path / "mixed").stderr
    assert f"'slow' differ in form: 4 {other}, 1 {usual}. The synthetic ones have these forms" in said


def test_a_difference_in_form_is_noted(fitted: Fitted, tmp_path: Path) -> None:
    other = write(tmp_path / "folder", FORMS["npy" if fitted.form.ending == ".wav" else "wav"])
    said = run("balance", other, fitted.model, "--output", tmp_path / "out").stderr
    assert "Bring all to one form before training" in said
    written = [read_signal(file) for file in (tmp_path / "out").rglob("synthetic*")]
    assert {form for _, form in written} == {fitted.form}
    assert all(np.isfinite(signal).all() for signal, _ in written)
