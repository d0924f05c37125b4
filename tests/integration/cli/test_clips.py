"""The command line with clips: what is read is written, and bad input gives one sentence."""

from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from ganaug.data.clips.clip_file import ClipForm, encoded, read_clip
from ganaug.runtime.generator import Generator
from tests.conftest import moving_squares
from tests.integration.cli.test_images import manifest, refused, run

COUNTS = {"down": 12, "right": 5}
FORMS = {"npy": ClipForm(".npy", "float32", 3), "webp": ClipForm(".webp", duration=40)}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the training: these tests are about neither the quality of a generator nor early stopping."""
    monkeypatch.setattr("ganaug.training.run.SCREEN_STEPS", 2)


def write(root: Path, form: ClipForm) -> Path:
    data = moving_squares(COUNTS)
    for index, (clip, label) in enumerate(zip(data.clips, data.labels, strict=True)):
        place = root / data.classes[label]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{index:02}{form.ending}").write_bytes(encoded(clip, form))
    return root


@pytest.fixture(scope="module", params=FORMS)
def fitted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, ClipForm]:
    """A folder, the model that was fitted to it, and the form of its files."""
    place, form = tmp_path_factory.mktemp("clips"), FORMS[request.param]
    root, model = write(place / "folder", form), place / "model.onnx"
    done = run("fit", root, "--output", model, "--steps", "3", "--seed", "0")
    assert done.exit_code == 0, done.output
    assert "17 clips of 2 classes, taken at 4 frames of 8 px." in done.output
    return root, model, form


def test_a_fit_writes_a_model_and_a_preview(fitted: tuple[Path, Path, ClipForm]) -> None:
    _, model, form = fitted
    schema = Generator.load(model).metadata["schema"]
    assert (schema["frames"], schema["height"], schema["ending"], schema["dtype"]) == (4, 8, form.ending, form.dtype)
    with Image.open(model.with_suffix(".preview.png")) as preview:
        assert 1000 < preview.width < 4000


def test_samples_are_written_in_the_form_that_was_read(fitted: tuple[Path, Path, ClipForm], tmp_path: Path) -> None:
    _, model, form = fitted
    assert run("sample", model, "--output", tmp_path / "out", "--per-class", "3").exit_code == 0
    files = sorted((tmp_path / "out").rglob(f"*{form.ending}"))
    assert Counter(file.parent.name for file in files) == {"down": 3, "right": 3}
    for file in files:
        read = read_clip(file)
        assert (read.sides, read.form) == ((8, 8), form)
    assert len(manifest(tmp_path / "out")) == 6


def test_a_folder_is_filled_up(fitted: tuple[Path, Path, ClipForm], tmp_path: Path) -> None:
    root, model, form = fitted
    said = run("balance", root, model, "--output", tmp_path / "out", "--synthetic-share", "1")
    assert "Wrote 17 real and 7 synthetic clips" in said.output
    files = list((tmp_path / "out").rglob(f"*{form.ending}"))
    assert Counter(file.parent.name for file in files) == {"down": 12, "right": 12}
    name = f"down/00{form.ending}"
    assert (tmp_path / "out" / name).read_bytes() == (root / name).read_bytes()


def test_the_form_is_printed(fitted: tuple[Path, Path, ClipForm]) -> None:
    _, model, form = fitted
    said = run("inspect", model).output
    assert "4 frames of 8 x 8, 1 channel" in said
    assert f"{form.ending} files" in said


@pytest.mark.slow
def test_a_model_is_evaluated(fitted: tuple[Path, Path, ClipForm], tmp_path: Path) -> None:
    root, model, _ = fitted
    done = run("evaluate", root, model, "--budget", "6s", "--output", tmp_path / "report.html")
    assert done.exit_code == 0, done.output
    assert "data:image/png" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target", "x"], "the classes of a clip folder are its subfolders"),
        (["--size", "20"], "size of clips must be one of 8, 16, 32, 64"),
        (["--space", "latent"], "must be 'auto' for clips"),
    ],
)
def test_options_of_other_data_are_refused(arguments: list[str], said: str, tmp_path: Path) -> None:
    root = write(tmp_path / "folder", FORMS["npy"])
    refused("fit", root, "--output", tmp_path / "model.onnx", *arguments, saying=said)


def test_a_difference_in_form_is_noted(fitted: tuple[Path, Path, ClipForm], tmp_path: Path) -> None:
    _, model, form = fitted
    other = write(tmp_path / "folder", FORMS["npy" if form.ending == ".webp" else "webp"])
    assert "Bring all to one form before training" in run("balance", other, model, "--output", tmp_path / "out").stderr
