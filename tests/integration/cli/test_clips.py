"""The command line with clips: what is read is written, and bad input gives one sentence."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganaug.data.clips.clip_file import encoded, read_clip
from ganaug.data.clips.clip_form import ClipForm
from ganaug.data.images.codec import with_channels
from ganaug.runtime.generator import Generator
from tests.conftest import moving_squares
from tests.integration.cli import class_folders
from tests.integration.cli.class_folders import Fitted, check_evaluated, check_filled, fitted_to, sampled
from tests.integration.cli.test_images import refused, run

COUNTS = {"down": 12, "right": 5}
FORMS = {"npy": ClipForm(".npy", "float32", 3), "webp": ClipForm(".webp", duration=40)}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    class_folders.shorten_training(monkeypatch)


def write(root: Path, form: ClipForm) -> Path:
    data = moving_squares(COUNTS)
    return class_folders.write(root, data, [encoded(clip, form) for clip in data.clips], form.ending)


@pytest.fixture(scope="module", params=FORMS)
def fitted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    form = FORMS[request.param]
    root = write(tmp_path_factory.mktemp("clips") / "folder", form)
    return fitted_to(root, form, "17 clips of 2 classes, taken at 4 frames of 8 px.")


def test_a_fit_writes_a_model_and_a_preview(fitted: Fitted) -> None:
    schema, form = Generator.load(fitted.model).metadata["schema"], fitted.form
    assert (schema["frames"], schema["height"], schema["ending"], schema["dtype"]) == (4, 8, form.ending, form.dtype)
    with Image.open(fitted.model.with_suffix(".preview.png")) as preview:
        assert 1000 < preview.width < 4000


def test_samples_are_written_in_the_form_that_was_read(fitted: Fitted, tmp_path: Path) -> None:
    for file in sampled(fitted, tmp_path / "out"):
        read = read_clip(file)
        assert (read.sides, read.form) == ((8, 8), fitted.form)


def test_a_folder_is_filled_up(fitted: Fitted, tmp_path: Path) -> None:
    check_filled(fitted, tmp_path / "out", "clip")


def test_the_form_is_printed(fitted: Fitted) -> None:
    said = run("inspect", fitted.model).output
    assert "4 frames of 8 x 8, 1 channel" in said
    assert f"{fitted.form.ending} files" in said


@pytest.mark.slow
def test_a_model_is_evaluated(fitted: Fitted, tmp_path: Path) -> None:
    check_evaluated(fitted, tmp_path / "report.html")


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


def test_synthetic_clips_are_written_as_those_of_their_class_are(fitted: Fitted, tmp_path: Path) -> None:
    root, form = write(tmp_path / "folder", FORMS["npy"]), ClipForm(".gif", duration=70)
    for file in sorted((root / "right").iterdir()):
        content = np.stack([with_channels(frame, 3) for frame in read_clip(file).clip])
        content[..., 0] //= 2
        file.with_suffix(".gif").write_bytes(encoded(content, form))
        file.unlink()
    said = run("balance", root, fitted.model, "--output", tmp_path / "out").stderr
    assert "form" not in said
    written = list((tmp_path / "out" / "right").glob("synthetic-*"))
    assert len(written) == 7
    assert {read_clip(file).form for file in written} == {form}

    mixed = write(tmp_path / "mixed", FORMS["npy"])
    (mixed / "right" / "12.npy").write_bytes(encoded(moving_squares(COUNTS).clips[12], replace(FORMS["npy"], axes=4)))
    (mixed / "right" / "13.npy").unlink()
    (mixed / "right" / "13.webp").write_bytes(encoded(moving_squares(COUNTS).clips[13], FORMS["webp"]))
    said = run("balance", mixed, fitted.model, "--output", tmp_path / "mixed-out").stderr
    assert "'right' differ in form: 4 grey .npy files of float32, 1 grey .webp files with 40 ms a frame." in said


def test_a_difference_in_size_is_noted(fitted: Fitted, tmp_path: Path) -> None:
    root = write(tmp_path / "folder", fitted.form)
    larger = moving_squares(COUNTS).clips[0].repeat(2, axis=1).repeat(2, axis=2)
    (root / "down" / f"00{fitted.form.ending}").write_bytes(encoded(larger, fitted.form))
    said = run("balance", root, fitted.model, "--output", tmp_path / "out").stderr
    assert "Note: synthetic clips have 4 frames of 8 x 8 pixels, and some real clips do not." in said
