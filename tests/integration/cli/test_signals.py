"""The command line with signals: what is read is written, and bad input gives one sentence."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganaug.data.signals.signal_file import FileForm, encoded, read_signal
from ganaug.runtime.generator import Generator
from tests.conftest import waves
from tests.integration.cli.test_images import manifest, refused, run

COUNTS = {"fast": 12, "slow": 5}
FORMS = {"wav": FileForm(".wav", "int16", 8000), "npy": FileForm(".npy", "float64", None, 1)}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the training: these tests are about neither the quality of a generator nor early stopping."""
    monkeypatch.setattr("ganaug.training.run.SCREEN_STEPS", 2)


def write(root: Path, form: FileForm) -> Path:
    data = waves(COUNTS)
    for index, (signal, label) in enumerate(zip(data.signals, data.labels, strict=True)):
        place = root / data.classes[label]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{index:02}{form.ending}").write_bytes(encoded(signal / 4, form))
    return root


@pytest.fixture(scope="module", params=FORMS)
def fitted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, FileForm]:
    """A folder, the model that was fitted to it, and the form of its files."""
    place, form = tmp_path_factory.mktemp("signals"), FORMS[request.param]
    root, model = write(place / "folder", form), place / "model.onnx"
    done = run("fit", root, "--output", model, "--steps", "3", "--seed", "0")
    assert done.exit_code == 0, done.output
    return root, model, form


def test_a_fit_writes_a_model_and_a_preview(fitted: tuple[Path, Path, FileForm]) -> None:
    _, model, form = fitted
    schema = Generator.load(model).metadata["schema"]
    assert (schema["length"], schema["channels"], schema["ending"], schema["dtype"]) == (40, 1, form.ending, form.dtype)
    with Image.open(model.with_suffix(".preview.png")) as preview:
        assert preview.width > 1000


def test_samples_are_written_in_the_form_that_was_read(fitted: tuple[Path, Path, FileForm], tmp_path: Path) -> None:
    _, model, form = fitted
    assert run("sample", model, "--output", tmp_path / "out", "--per-class", "3").exit_code == 0
    files = sorted((tmp_path / "out").rglob(f"*{form.ending}"))
    assert Counter(file.parent.name for file in files) == {"fast": 3, "slow": 3}
    for file in files:
        signal, found = read_signal(file)
        assert (signal.shape, found) == ((40, 1), form)
    assert len(manifest(tmp_path / "out")) == 6


def test_a_folder_is_filled_up(fitted: tuple[Path, Path, FileForm], tmp_path: Path) -> None:
    root, model, form = fitted
    said = run("balance", root, model, "--output", tmp_path / "out", "--synthetic-share", "1")
    assert "Wrote 17 real and 7 synthetic signals" in said.output
    files = list((tmp_path / "out").rglob(f"*{form.ending}"))
    assert Counter(file.parent.name for file in files) == {"fast": 12, "slow": 12}
    real = root / "fast" / "00"
    assert (tmp_path / "out" / "fast" / f"00{form.ending}").read_bytes() == real.with_suffix(form.ending).read_bytes()


def test_the_form_is_printed(fitted: tuple[Path, Path, FileForm]) -> None:
    _, model, form = fitted
    said = run("inspect", model).output
    assert "40 values in 1 channel" in said
    assert f"{form.ending} files of {form.dtype}" in said


@pytest.mark.slow
def test_a_model_is_evaluated(fitted: tuple[Path, Path, FileForm], tmp_path: Path) -> None:
    root, model, _ = fitted
    done = run("evaluate", root, model, "--budget", "6s", "--output", tmp_path / "report.html")
    assert done.exit_code == 0, done.output
    assert "data:image/png" in (tmp_path / "report.html").read_text()


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


def test_a_difference_in_form_is_noted(fitted: tuple[Path, Path, FileForm], tmp_path: Path) -> None:
    _, model, form = fitted
    other = write(tmp_path / "folder", FORMS["npy" if form.ending == ".wav" else "wav"])
    assert "Bring all to one form before training" in run("balance", other, model, "--output", tmp_path / "out").stderr
    assert np.isfinite(read_signal(next((tmp_path / "out").rglob("synthetic*")))[0]).all()
