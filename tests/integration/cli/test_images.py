"""The command line with images: what it writes and prints, and that bad input gives one sentence."""

import csv
import errno
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from ganaug import cli, files
from ganaug.cli import COMMANDS, main
from ganaug.cli.drawing import GAP, Pen
from ganaug.cli.interrupts import Patience
from ganaug.cli.lead import _summarise
from ganaug.cli.options import duration
from ganaug.cli.preview import MARGIN, MIN_SIDE, NAMES, _caption, _nearest_pairs, draw_preview, is_preview
from ganaug.cli.text import sentence
from ganaug.data.images.dataset import from_arrays, load_folder
from ganaug.data.manifest import Manifest, synthetic_files
from ganaug.data.modalities import MODALITIES, part_of
from ganaug.errors import OutputError
from ganaug.integrations.progress import progress
from ganaug.runtime.dose import Dose
from ganaug.runtime.generator import Generator
from ganaug.training import Run, Trained
from ganaug.training.loop import Step, ValidationResult
from ganaug.training.validation import Alarms
from tests.doses import with_dose
from tests.paths import ROOT

OLD_PREVIEW = b"Software\0ganaug preview of an older model"
COUNTS = {"cat": 12, "dog": 5, "Straße 7": 3}
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def quick_and_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the training: these tests are about neither the quality of a generator nor early stopping."""
    monkeypatch.setattr("ganaug.training.run.SCREEN_STEPS", 2)
    monkeypatch.setattr("ganaug.training.loop.PATIENCE", 2.0)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def refused(*arguments: object, saying: str) -> None:
    """Check that a command exits with code 2, one sentence with these words, and nothing on standard output."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert line == result.stderr.splitlines()[-1]
    assert saying in line, line


def write_photos(root: Path) -> Path:
    for name, count in COUNTS.items():
        (root / name).mkdir(parents=True)
        for number in range(count):
            pixels = RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    return root


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("photos") / "photos")


@pytest.fixture(scope="session")
def model(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("model") / "photos.onnx"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ganaug.training.run.SCREEN_STEPS", 2)
        patch.setattr("ganaug.training.loop.PATIENCE", 2.0)
        # Its alarms would be printed with every sample.
        patch.setattr("ganaug.training.trained.raise_alarms", lambda *_: Alarms([], []))
        result = run("fit", photos, "--output", output, "--steps", 5)
    assert result.exit_code == 0, result.stderr
    return output


def with_metadata(model: Path, output: Path, **changes: Any) -> Path:
    """Copy a model file with some changes to its metadata."""
    proto = onnx.load(model)
    (claim,) = [prop for prop in proto.metadata_props if prop.key == "ganaug"]
    claim.value = json.dumps(json.loads(claim.value) | changes)
    onnx.save(proto, output)
    return output


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def manifest(folder: Path) -> list[tuple[str, str]]:
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["file", "class"]
    return [(file, label) for file, label in rows[1:]]


# Commands in a process of their own


def python(*lines: str, **environment: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    command = [sys.executable, "-c", "\n".join(lines)]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603


FIT = """
import ganaug.training.run
import ganaug.training.loop
from ganaug.cli import main

ganaug.training.loop.PATIENCE = 2.0
ganaug.training.run.SCREEN_STEPS = 2
ganaug.training.run.CHECKPOINT_SECONDS = 0.2
main()
"""


def start_fit(photos: Path, output: Path, *more: object) -> subprocess.Popen[str]:
    """Start a run, and return when it has printed progress and saved a checkpoint."""
    arguments = [str(argument) for argument in ("fit", photos, "--output", output, "--no-preview", *more)]
    process = python(f"import sys; sys.argv[1:] = {arguments}", FIT)
    assert process.stderr is not None
    assert any("steps/s" in line for line in process.stderr)
    assert (output.with_name(output.name + ".checkpoint") / "checkpoint.json").exists()
    return process


def end(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, list[str]]:
    """Send a signal, and return the exit code and the lines printed after it."""
    assert process.stderr is not None
    process.send_signal(number)
    said = process.stderr.read().splitlines()
    process.communicate()
    return process.returncode, said


def test_help_and_import_load_nothing_heavy() -> None:
    heavy = ["torch", "sklearn", "pandas", "albumentations", "onnxruntime", "onnx", "numpy", "PIL", "rich", "pathlib"]
    check = f"import sys; print([name for name in {heavy} if name in sys.modules])"
    stdout, stderr = python("import ganaug.cli", check).communicate()
    assert (stdout, stderr) == ("[]\n", "")
    for arguments in (["--help"], ["--version"], ["fit", "--help"]):
        lines = f"import sys, atexit; sys.argv[1:] = {arguments}", f"atexit.register(lambda: exec({check!r}))"
        stdout, stderr = python(*lines, "from ganaug.cli import main; main()").communicate()
        assert stdout.endswith("\n[]\n"), stdout
        assert stderr == ""


@pytest.mark.slow
def test_killed_then_interrupted_then_finished_is_what_an_unbroken_run_makes(photos: Path, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole.onnx", tmp_path / "broken.onnx"
    index = tmp_path / "broken.onnx.checkpoint" / "checkpoint.json"
    broken.write_text("an older model")
    end(start_fit(photos, broken, "--steps", 40), signal.SIGKILL)
    assert broken.read_text() == "an older model"
    killed_at = json.loads(index.read_text())["step"]

    code, said = end(start_fit(photos, broken, "--steps", 40, "--resume"), signal.SIGINT)
    assert code == 130, said
    assert "--resume" in said[-1]
    assert Generator.load(broken).sample(3, seed=0)[0].shape == (3, 8, 8, 3)
    assert killed_at < json.loads(index.read_text())["step"] < 40

    for output, options in ((broken, ["--resume"]), (whole, [])):
        assert run("fit", photos, "--output", output, "--no-preview", "--steps", 40, *options).exit_code == 0
    assert not index.parent.exists()
    wanted, found = (Generator.load(path).sample(9, seed=0)[0] for path in (whole, broken))
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("modality", MODALITIES)
def test_every_kind_of_data_has_its_files(modality: str) -> None:
    files = part_of(modality, "cli.{}").FILES
    assert files.modality == modality
    assert files.foreign_options


# fit


@pytest.fixture
def quick_export(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Return another model instead of exporting one, which takes seconds."""
    monkeypatch.setattr("ganaug.training.Trained.export", lambda _: Generator.load(model))


@pytest.mark.slow
def test_fit_writes_model_and_preview_and_says_how_it_went(photos: Path, model: Path, tmp_path: Path) -> None:
    output = tmp_path / "photos.onnx"
    output.write_text("an older model")
    result = run("fit", photos, "--output", output, "--steps", 10, "--seed", 1)
    assert result.exit_code == 0, result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos.onnx", "photos.preview.png"]
    assert "Trained 10 steps" in result.stdout
    assert str(output) in result.stdout
    assert " 50% · step 5 ·" in result.stderr
    assert " · loss " in result.stderr
    assert " sameness " in result.stderr
    assert ("Alarms: none." in result.stdout) != ("Alarm: The " in result.stdout)
    with Image.open(tmp_path / "photos.preview.png") as preview:
        assert preview.mode == "RGB"
        assert preview.height > 3 * 48
    other, ours = (Generator.load(path).sample(6, seed=0)[0] for path in (model, output))
    assert not np.array_equal(other, ours)


@pytest.mark.slow
def test_quiet_says_nothing_and_the_same_seed_and_steps_repeat(photos: Path, model: Path, tmp_path: Path) -> None:
    output = tmp_path / "again.onnx"
    result = run("fit", photos, "--output", output, "--steps", 5, "--seed", 0, "--quiet", "--no-preview")
    assert (result.exit_code, result.stdout) == (0, "")
    assert all(line.startswith("Warning: ") for line in result.stderr.splitlines())
    assert [path.name for path in tmp_path.iterdir()] == ["again.onnx"]
    first, second = (Generator.load(path).sample(6, seed=0)[0] for path in (model, output))
    np.testing.assert_array_equal(first, second)


@pytest.mark.usefixtures("quick_export")
@pytest.mark.parametrize(("budget", "warned"), [("5s", True), ("15s", False)])
def test_a_budget_that_cannot_be_kept_is_warned_of(budget: str, warned: bool, photos: Path, tmp_path: Path) -> None:
    options = ["--budget", budget, "--steps", 1, "--quiet", "--no-preview"]
    result = run("fit", photos, "--output", tmp_path / "a.onnx", *options)
    assert result.exit_code == 0, result.stderr
    assert ("Warning: A budget under 15 s cannot be kept" in result.stderr) is warned


def test_alarms_say_what_they_are_about(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    training = Generator.load(model).metadata["training"] | {"alarms": ["the samples of 'dog' hardly vary"]}
    _summarise(Generator.load(with_metadata(model, tmp_path / "a.onnx", training=training)), model, preview=False)
    assert "\nAlarm: The samples of 'dog' hardly vary.\n" in capsys.readouterr().out


@pytest.mark.usefixtures("quick_export")
def test_warnings_are_one_line_each(tmp_path: Path) -> None:
    copy = write_photos(tmp_path / "copy")
    (copy / "cat" / "bad.png").write_bytes(b"not a picture")
    (copy / "empty\x1b[2J").mkdir()
    result = run("fit", copy, "--output", tmp_path / "a.onnx", "--steps", 2, "--quiet", "--no-preview")
    warned = [line for line in result.stderr.splitlines() if "bad.png" in line]
    assert len(warned) == 1
    assert warned[0].startswith("Warning: Skipped a file.")
    assert "\x1b" not in result.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("quick_export")
def test_learning_from_synthetic_images_is_warned_of(photos: Path, model: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    assert run("balance", photos, model, "--output", mixed).exit_code == 0
    options = ["--output", tmp_path / "a.onnx", "--steps", 1, "--quiet", "--no-preview"]
    result = run("fit", mixed, *options)
    assert result.exit_code == 0
    assert [" holds 16 synthetic images that ganaug made" in line for line in result.stderr.splitlines()] == [True]
    for other in (b"file,class\n", b"name\ncat/1.png\n", b"\xff\x00", b""):
        (mixed / "manifest.csv").write_bytes(other)
        assert run("fit", mixed, *options).stderr == ""


def test_a_lone_carriage_return_stays_in_its_field(tmp_path: Path) -> None:
    listed = Manifest(tmp_path)
    (tmp_path / "a").mkdir()
    listed.write("a/1.png", b"", "a\rb")
    listed.save()
    assert manifest(tmp_path) == [("a/1.png", "a\rb")]
    assert synthetic_files(tmp_path) == {"a/1.png"}


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("1h", 3600), ("1.5m", 90), ("2m30s", 150), (" 1H ", 3600)]
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["0", "0s", "0m0s", "banana", "", "-5m", "90", "5 m", "1.2.3m", "infs", "nanm", "5m5m"]
)
def test_budgets_that_are_none(text: str, tmp_path: Path) -> None:
    with pytest.raises(click.BadParameter):
        duration(text)
    refused("fit", tmp_path, f"--budget={text}", "--output", tmp_path / "a.onnx", saying="90s, 5m, 1h or 2m30s")


@pytest.mark.parametrize(
    ("options", "saying"),
    [
        (["--steps", "0"], "--steps"),
        (["--steps", "99999999999999999999"], "--steps"),
        (["--seed", "-1"], "--seed"),
        (["--size", "9"], "power of two"),
        (["--target", "label"], "--target names a column"),
        (["--model", "oracle"], "'oracle' is not one of 'gan', 'vae',"),
        (["--device", "abacus"], "--device"),
        (["--resume", "--steps", "2"], "leave out --resume"),
    ],
)
def test_fit_refuses(options: list[str], saying: str, photos: Path, tmp_path: Path) -> None:
    refused("fit", photos, "--output", tmp_path / "a.onnx", *options, saying=saying)
    assert list(tmp_path.iterdir()) == []


def test_fit_refuses_a_device_that_is_not_there(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    refused(
        "fit", photos, "--output", tmp_path / "a.onnx", "--device", "cuda", saying="one that this machine has (cpu)"
    )


@pytest.mark.parametrize("command", ["fit", "balance"])
def test_sources_that_are_no_image_folder(command: str, model: Path, tmp_path: Path) -> None:
    output = ["--output", tmp_path / "a.onnx"] if command == "fit" else [model, "--output", tmp_path / "out"]
    for name in ("nowhere", "nowhere.wav", "no.where/"):
        refused(command, tmp_path / name, *output, saying="which does not exist: check the name")
    refused(
        command,
        tmp_path / "nowhere",
        *output,
        saying="a .csv or .parquet file or a folder of .parquet files, a folder of .wav or .npy files",
    )
    refused(command, model, *output, saying="is a file")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_path_is_not_the_folder_one_is_in(
    photos: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos)
    refused("fit", "", "--output", tmp_path / "a.onnx", saying="'SOURCE': it must be a path, but is empty")
    refused("fit", photos, "--output", "", saying="'--output': it must be a path")
    refused("balance", "", model, "--output", tmp_path / "out", saying="'SOURCE': it must be a path")
    refused("sample", "", "--output", tmp_path / "out", saying="'MODEL.onnx': it must be a path")
    assert list(tmp_path.iterdir()) == []


def test_fit_refuses_more_images_than_it_can_learn_from_before_it_reads_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganaug.cli.images.MAX_LEARNED", 3)
    for name in ("a/1.png", "a/2.png", "b/1.png", "b/2.png"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).touch()  # no image: reading it would be another error
    refused("fit", tmp_path / "photos", "--output", tmp_path / "x.onnx", saying="At most 3 images can be learned from")
    refused("fit", tmp_path / "photos", "--output", tmp_path / "x.onnx", saying="has 4: copy a random part of them")


def test_fit_says_which_pictures_it_does_not_read(tmp_path: Path) -> None:
    for name in COUNTS:
        (tmp_path / "gifs" / name).mkdir(parents=True)
        Image.new("L", (8, 8)).save(tmp_path / "gifs" / name / "1.gif")
    refused("fit", tmp_path / "gifs", "--output", tmp_path / "a.onnx", saying="3 .gif; convert them to PNG")


def test_fit_refuses_class_names_that_are_not_text(tmp_path: Path) -> None:
    root = write_photos(tmp_path / "photos")
    try:
        (root / "dog").rename(os.fsdecode(bytes(root) + b"/caf\xe9"))
    except OSError:
        pytest.skip("this file system has Unicode names only")
    refused("fit", root, "--output", tmp_path / "a.onnx", saying="must be Unicode texts")


def test_fit_looks_at_its_outputs_before_it_trains(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganaug.cli.images.load_folder", lambda *_: pytest.fail("it went to work"))
    file, folder = tmp_path / "file", tmp_path / "folder.onnx"
    file.touch()
    folder.mkdir()
    for output, saying in (
        (tmp_path / "model.pt", "ends in .onnx"),
        (tmp_path / "nowhere" / "a.onnx", "does not exist"),
        (file / "a.onnx", "is not a folder"),
        (folder, "that is a folder"),
        (photos / "cat" / "a.onnx", "outside of SOURCE"),
    ):
        refused("fit", photos, "--output", output, saying=saying)
    (tmp_path / "b.preview.png").mkdir()
    refused("fit", photos, "--output", tmp_path / "b.onnx", saying="b.preview.png")


@pytest.mark.slow
def test_fit_replaces_no_picture_but_its_own(photos: Path, tmp_path: Path) -> None:
    output, picture = tmp_path / "a.onnx", tmp_path / "a.preview.png"
    Image.new("L", (8, 8)).save(picture)
    mine = picture.read_bytes()
    refused("fit", photos, "--output", output, "--steps", 1, saying="which ganaug did not draw: move it away")
    assert picture.read_bytes() == mine
    assert not output.exists()
    picture.unlink()
    for seed in (0, 1):
        result = run("fit", photos, "--output", output, "--steps", 1, "--seed", seed)
        assert result.exit_code == 0, result.output
        assert is_preview(picture)


ASCII_ONLY = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.slow
def test_a_name_that_the_system_cannot_decode_is_told_from_a_wrong_one(tmp_path: Path) -> None:
    for name in ("ä", "ö"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        (tmp_path / "photos" / name / "1.png").touch()
    (tmp_path / "table.csv").write_text("a,ö\n1,x\n2,y\n")
    commands = [
        ["fit", str(tmp_path / "photos"), "--output", "model.onnx"],
        ["fit", str(tmp_path / "table.csv"), "--target", "ö", "--output", "model.onnx"],
        ["fit", str(tmp_path / "table.csv"), "--target", "o", "--output", "model.onnx"],
    ]
    run_all = f"from ganaug.cli import main\nimport os\nfor words in {[list(map(os.fsencode, c)) for c in commands]}:"
    lines = f"{run_all}\n    try: main(list(map(os.fsdecode, words)))\n    except SystemExit as end: print(end.code)"
    told, said = python(lines, **ASCII_ONLY).communicate(timeout=60)
    errors = [line for line in said.splitlines() if line.startswith("Error: ")]
    assert told.split() == ["2", "2", "2"], said
    assert ["PYTHONUTF8=1" in error for error in errors] == [True, True, False]
    assert "Labels must be" not in said


@pytest.mark.slow
def test_help_needs_no_docstrings() -> None:
    words = [[], *([name] for name in COMMANDS)]
    lines = f"from ganaug.cli import main\nfor words in {words}:"
    program = f"{lines}\n    try: main([*words, '--help'], prog_name='main')\n    except SystemExit: pass"
    stripped, said = python(program, PYTHONOPTIMIZE="2").communicate(timeout=60)
    usual = "".join(run(*one, "--help").stdout for one in words)
    assert stripped.split() == usual.split(), said  # the width of lines depends on the terminal


def test_a_file_name_that_the_system_cannot_encode_is_one_sentence(model: Path, tmp_path: Path) -> None:
    emoji = with_metadata(model, tmp_path / "a.onnx", classes=["\N{CAT FACE}", "dog", "bird"])
    words = ["sample", str(emoji), "--output", str(tmp_path / "out")]
    process = python(f"from ganaug.cli import main; main({words!r})", **ASCII_ONLY)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2, said
    assert "PYTHONUTF8=1" in said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()


def test_fit_refuses_a_file_where_the_checkpoint_goes(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "a.onnx.checkpoint").touch()
    refused("fit", photos, "--output", tmp_path / "a.onnx", saying="a file is in the way")


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_costs_no_older_model(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "a.onnx"
    output.write_text("an older model")
    monkeypatch.setattr(files, "_sync", full_disk)
    result = run("fit", photos, "--output", output, "--steps", 2, "--quiet")
    assert result.exit_code == 2
    assert "no space left on device; free some space" in result.stderr.splitlines()[-1]
    assert output.read_text() == "an older model"


def test_a_checkpoint_that_cannot_be_written_leaves_no_empty_folder(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_sync", full_disk)
    assert run("fit", photos, "--output", tmp_path / "a.onnx", "--steps", 2, "--quiet").exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.usefixtures("quick_export")
def test_a_model_that_cannot_be_written_costs_no_training(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, index = tmp_path / "a.onnx", tmp_path / "a.onnx.checkpoint" / "checkpoint.json"
    options = ["fit", photos, "--output", output, "--steps", 3, "--no-preview"]

    def save(*_: object) -> None:
        raise OutputError("Cannot write it: no space left on device.")

    with monkeypatch.context() as patch:
        patch.setattr("ganaug.runtime.generator.Generator.save", save)
        refused(*options, saying=f"no space left on device. The run is kept in {index.parent}, at step 3: the same")
    assert json.loads(index.read_text())["step"] == 3
    resumed = run(*options, "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.usefixtures("quick_export")
def test_a_last_checkpoint_that_cannot_be_written_costs_no_model(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganaug.integrations.progress._Steps.is_due", raising(signal.SIGINT))
    saves = iter([Run.save_checkpoint, full_disk])
    monkeypatch.setattr(Run, "save_checkpoint", lambda run: next(saves)(run))
    result = run("fit", photos, "--output", tmp_path / "a.onnx", "--steps", 50)
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1].endswith("with --resume continues at the last checkpoint.")
    assert (tmp_path / "a.onnx").exists()


@pytest.mark.parametrize("command", ["sample", "balance"])
def test_a_full_disk_leaves_no_half_folder(
    command: str, photos: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganaug.cli.images.encoded", full_disk)
    arguments = [photos, model] if command == "balance" else [model]
    refused(command, *arguments, "--output", tmp_path / "out", saying="no space left on device")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["python", "torch"])
def test_no_memory_is_a_sentence(kind: str, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(*_: object) -> None:
        if kind == "python":
            raise MemoryError
        torch.empty(2**55)  # on the CPU a RuntimeError, which only its text tells apart

    monkeypatch.setattr(Generator, "load", greedy)
    refused("inspect", model, saying="not enough memory")


# Interrupts and progress


def test_patience_ends_between_steps_first_and_at_once_then() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Patience() as patience:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        patience.armed = True
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)  # a launcher sends it to the process, and again to its group
        assert patience.asked == 143
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_anywhere_has_its_code(
    number: signal.Signals, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganaug.cli.images.encoded", raising(number))
    result = run("sample", model, "--output", tmp_path / "out")
    assert (result.exit_code, result.stderr) == (128 + number, "Interrupted.\n")
    assert list(tmp_path.iterdir()) == []


def raising(number: signal.Signals) -> Callable[..., None]:
    return lambda *_, **__: signal.raise_signal(number)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_export")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_interrupt_saves_and_exports(
    number: signal.Signals, photos: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, preview = tmp_path / "a.onnx", tmp_path / "a.preview.png"
    preview.write_bytes(OLD_PREVIEW)
    monkeypatch.setattr("ganaug.integrations.progress._Steps.is_due", raising(number))
    result = run("fit", photos, "--output", output, "--steps", 50)
    assert result.exit_code == 128 + number
    # After SIGTERM there is no time for a preview, and one of an earlier model would mislead.
    assert preview.exists() == (number == signal.SIGINT)
    assert not preview.exists() or preview.read_bytes() != OLD_PREVIEW
    assert result.stderr.splitlines()[-1].endswith("the same command with --resume continues here.")
    assert output.read_bytes() == model.read_bytes()
    assert json.loads((tmp_path / "a.onnx.checkpoint" / "checkpoint.json").read_text())["step"] == 1


@pytest.mark.slow
@pytest.mark.usefixtures("quick_export")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_of_the_preview_keeps_the_model(
    number: signal.Signals, photos: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "a.onnx"
    monkeypatch.setattr("ganaug.cli.images._ImageFiles.draw_preview", raising(number))
    result = run("fit", photos, "--output", output, "--steps", 2)
    assert result.exit_code == 128 + number
    assert output.read_bytes() == model.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.onnx", "a.onnx.checkpoint"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_generators_of_the_dose_before_the_export(
    number: signal.Signals, digits: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside: list[list[bool]] = []
    counts: list[int] = []

    def learning() -> bool:
        return any(thread.name == "ganaug" for thread in threading.enumerate())

    def interrupted(*_: object, **__: object) -> None:
        beside.append([learning()])
        signal.raise_signal(number)

    def export(trained: Trained) -> Generator:
        beside[0].append(learning())
        counts.append(trained.validation.count)
        return Generator.load(model)

    monkeypatch.setattr("ganaug.evaluation.dose.usable_cores", lambda: 2)
    monkeypatch.setattr("ganaug.integrations.progress._Steps.is_due", interrupted)
    monkeypatch.setattr("ganaug.training.Trained.export", export)
    result = run("fit", digits, "--output", tmp_path / "a.onnx", "--steps", 100_000, "--no-preview")
    assert result.exit_code == 128 + number
    assert beside == [[True, False]]
    assert counts == [32 if number == signal.SIGINT else 8]  # a hurried model is validated with fewer samples


@pytest.mark.parametrize("place", ["ganaug.cli.images.load_folder", "ganaug.training.run.fit_screen"])
def test_an_interrupt_before_the_first_step_says_that_nothing_is_lost(
    place: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, raising(signal.SIGINT))
    result = run("fit", photos, "--output", tmp_path / "a.onnx", "--steps", 5)
    assert result.exit_code == 130
    *_, told, interrupted = result.stderr.splitlines()
    assert (told, interrupted) == ("Training had not begun, so there was nothing to save.", "Interrupted.")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.usefixtures("quick_export")
def test_a_second_interrupt_writes_nothing_and_the_run_can_begin_anew(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "a.onnx"
    output.write_text("an older model")
    with monkeypatch.context() as patch:
        patch.setattr("ganaug.integrations.progress._Steps.is_due", raising(signal.SIGINT))
        patch.setattr("ganaug.training.Trained.export", raising(signal.SIGINT))
        result = run("fit", photos, "--output", output, "--steps", 50, "--no-preview")
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == "Interrupted."
    assert (
        f"kept in {output}.checkpoint: the same command with --resume continues it." in result.stderr.splitlines()[-2]
    )
    assert output.read_text() == "an older model"

    other = run("fit", photos, "--output", output, "--steps", 50, "--seed", 1, "--resume")
    assert other.exit_code == 2
    assert "the seed (0, now 1) changed since" in other.stderr
    anew = run("fit", photos, "--output", output, "--steps", 2, "--no-preview")
    assert anew.exit_code == 0
    assert "Beginning anew over the run at step 1 that is kept in" in anew.stderr
    assert list(tmp_path.iterdir()) == [output]


LOSSES: Any = {"generator": np.float32(1.25), "variety": np.float32(0.5)}


def steps(count: int) -> Iterator[Step]:
    for number in range(1, count + 1):
        result = ValidationResult(0.5, (0.9, 0.7), (1.0, 1.0)) if number == count // 2 else None
        yield Step(number, number / count, number / 10, 8, LOSSES, result)


def test_progress_is_a_line_a_tenth_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(quiet=False) as show:
        for step in steps(40):
            show(step)
    first, *lines = capsys.readouterr().err.splitlines()
    assert first == "Learning to tell the classes apart."
    assert len(lines) == 10
    assert lines[0].startswith(" 10% · step 4 · 0:04 left · 8 px · 10.0 steps/s")
    assert "score" not in lines[3]
    assert "score 0.500, 80% read as their label · loss generator 1.25 sameness 0.50" in lines[5]
    with progress(quiet=True) as show:
        for step in steps(40):
            show(step)
    assert capsys.readouterr().err == ""


def test_progress_is_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr("ganaug.integrations.progress.REFRESH_SECONDS", 0.01)
    with progress(quiet=False) as show:
        for step in steps(10):
            show(step)
            time.sleep(0.02)
    assert "learning to tell the classes apart" in terminal.getvalue()
    assert "steps/s" in terminal.getvalue()
    assert "score 0.500 (80%)" in terminal.getvalue()
    assert "loss G 1.25 S 0.50" in terminal.getvalue()


# The preview


def test_preview_of_many_classes_shows_commonest_and_rarest(model: Path, tmp_path: Path) -> None:
    names = [f"{'猫' * 3}{number:02}" for number in range(40)]
    for number, name in enumerate(names):
        (tmp_path / name).mkdir()
        for image in range(2 + number):
            Image.new("RGBA", (8, 8), (6 * number, 0, 0, 40 * (image % 2))).save(tmp_path / name / f"{image}.png")
    data = load_folder(tmp_path)
    asked = []

    class Fake:
        metadata: dict[str, Any] = {"training": {}}  # noqa: RUF012

        def sample(self, n: dict[str, int], **_: Any) -> tuple[np.ndarray[Any, Any], None]:
            asked.extend(n)
            return np.zeros((8, 8, 8, data.codec.channels), np.uint8), None

    with Image.open(io.BytesIO(draw_preview(data, Fake()))) as preview:  # type: ignore[arg-type]
        assert preview.format == "PNG"
    assert asked == names[:15] + names[25:]


def test_preview_tells_classes_apart_whatever_the_script(tmp_path: Path) -> None:
    names = ["Straße", "Ölü", "øÄ", "猫", "犬", "x" * 90]
    for name in names:
        for image in range(2):
            (tmp_path / name).mkdir(exist_ok=True)
            Image.new("L", (8, 8), "white").save(tmp_path / name / f"{image}.png")
    data = load_folder(tmp_path)

    class Fake:
        metadata: dict[str, Any] = {"training": {}}  # noqa: RUF012

        def sample(self, n: dict[str, int], **_: Any) -> tuple[np.ndarray[Any, Any], None]:
            return np.zeros((8, 8, 8, data.codec.channels), np.uint8), None

    with Image.open(io.BytesIO(draw_preview(data, Fake()))) as preview:  # type: ignore[arg-type]
        page = np.asarray(preview)
    step = MIN_SIDE + GAP
    rows = [page[len(page) - MARGIN - step * row :][:step, : MARGIN + NAMES].tobytes() for row in range(1, 7)]
    assert len(set(rows)) == len(names)


def test_names_are_drawn_in_letters_that_the_font_has_and_fit() -> None:
    pen = Pen()
    assert len({bytes(pen.font.getmask(letter)) for letter in "aüøÄéßЖλ"}) == 8
    assert pen.shortened("short", NAMES) == "short"
    assert pen.font.getlength(pen.shortened("W" * 90, NAMES)) <= NAMES


def test_the_caption_of_the_preview_says_what_the_samples_are_worth(photos: Path, model: Path, tmp_path: Path) -> None:
    data, said = load_folder(photos), "synthetic samples do not help, the dose is zero"
    plain = with_metadata(model, tmp_path / "plain.onnx", dose=None)
    dosed = with_metadata(model, tmp_path / "dosed.onnx", dose=Dose(sentence=said).to_dict(), space="latent")
    assert len(_caption(data, Generator.load(plain))) == 1
    described, worth = _caption(data, Generator.load(dosed))
    assert "learned as latents; 5 training steps" in described
    assert worth == f"S{said[1:]}."


def test_nearest_pairs_show_the_nearest_real_image_of_the_class_beside_a_sample() -> None:
    levels = np.array([10, 90, 200, 60], np.uint8)
    images = np.broadcast_to(levels[:, None, None, None], (4, 8, 8, 1)).copy()
    data = from_arrays(images, np.array(["a", "a", "a", "b"]))
    samples = np.full((3, 8, 8, 1), 0, np.uint8) + np.array([62, 198, 95], np.uint8)[:, None, None, None]
    drawn = data.like(samples, np.zeros(3, np.int64))
    pairs = [int(image[0, 0, 0]) for image in _nearest_pairs(data, 0, drawn, 2)]
    assert pairs == [198, 200, 95, 90]  # the real image at 60 is of the other class


# sample


def test_sample_writes_a_folder_for_each_class(model: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    result = run("sample", model, "--output", output, "--per-class", 3)
    assert result.exit_code == 0, result.stderr
    one = run("sample", model, "--output", tmp_path / "one", "--per-class", 1, "--class", "dog")
    assert one.stdout == f"Wrote 1 image of 1 class to {tmp_path / 'one'}.\n"
    listed = manifest(output)
    assert listed == [(f"{name}/{name}-{n:05}.png", name) for name in sorted(COUNTS) for n in (1, 2, 3)]
    assert set(contents(output)) == {file for file, _ in listed} | {"manifest.csv"}
    with Image.open(output / listed[0][0]) as image:
        assert (image.size, image.mode) == ((8, 8), "RGB")


@pytest.mark.slow
def test_sample_repeats_by_seed_whatever_else_is_drawn(model: Path, tmp_path: Path) -> None:
    for name, options in (
        ("all", ["--per-class", 70]),
        ("few", ["--per-class", 2]),
        ("dog", ["--class", "dog", "--class", "dog", "--per-class", 2]),
        ("other", ["--per-class", 2, "--seed", 1]),
    ):
        assert run("sample", model, "--output", tmp_path / name, *options).exit_code == 0
    pictures = {path.name: contents(path / "dog") for path in tmp_path.iterdir()}
    assert len(pictures["all"]) == 70
    assert pictures["few"] == pictures["dog"]
    assert pictures["few"].items() <= pictures["all"].items()
    assert pictures["few"] != pictures["other"]
    assert not (tmp_path / "dog" / "cat").exists()


def test_samples_of_many_classes_share_passes_of_the_network(model: Path, tmp_path: Path, passes: list[int]) -> None:
    assert run("sample", model, "--output", tmp_path / "out", "--per-class", 2).exit_code == 0
    assert len(passes) <= 4  # the draws of one sample


def test_sample_refuses(model: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "thesis.txt").write_text("all of it")
    out = tmp_path / "out"
    refused("sample", model, "--output", taken, saying="not empty")
    refused("sample", model, "--output", taken / "thesis.txt", saying="a file is in the way")
    refused("sample", model, "--output", out / "deeper", saying="does not exist")
    refused("sample", model, "--output", taken / "thesis.txt" / "out", saying="is not a folder")
    refused(
        "sample", model, "--output", out, "--class", "unicorn", saying="('Straße 7', 'cat', 'dog'), but is 'unicorn'"
    )
    refused("sample", model, "--output", out, "--per-class", 0, saying="--per-class")
    refused("sample", model, "--output", out, "--per-class", "9" * 21, saying="--per-class")
    refused("sample", model, "--output", out, "--per-class", 400_000, saying="3 classes are 1,200,000")
    refused("sample", model, "--output", tmp_path / "out.csv", saying="a folder of PNG files")
    assert contents(tmp_path) == {"taken/thesis.txt": b"all of it"}


@pytest.mark.parametrize("command", ["sample", "balance", "inspect"])
def test_models_that_are_none(command: str, photos: Path, model: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.onnx").write_bytes(model.read_bytes()[:-5000])
    (tmp_path / "text.onnx").write_text("hello")
    with_metadata(model, tmp_path / "old.onnx", format_version=99)
    before = contents(tmp_path)
    for name, saying in (
        ("nothing.onnx", "There is no model file"),
        (".", "must be a file, but is a folder"),
        ("cut.onnx", "damaged or cut short"),
        ("text.onnx", "not an ONNX model"),
        ("old.onnx", "upgrade ganaug"),
    ):
        arguments = [photos, tmp_path / name] if command == "balance" else [tmp_path / name]
        output = [] if command == "inspect" else ["--output", tmp_path / "out"]
        refused(command, *arguments, *output, saying=saying)
    assert contents(tmp_path) == before


def test_hostile_class_names_stay_inside_the_folder(model: Path, tmp_path: Path) -> None:
    names = ["../../evil", "/etc/passwd", 'a\r\n\x1b[2J,"b']
    hostile = with_metadata(model, tmp_path / "hostile.onnx", classes=names)
    inner = tmp_path / "deep" / "deeper"
    inner.mkdir(parents=True)
    result = run("sample", hostile, "--output", inner / "out", "--per-class", 1)
    assert result.exit_code == 0, result.stderr
    assert [path.name for path in inner.iterdir()] == ["out"]
    assert {path.name for path in tmp_path.iterdir()} == {"hostile.onnx", "deep"}
    listed = manifest(inner / "out")
    assert [label for _, label in listed] == names
    assert all((inner / "out" / file).resolve().is_relative_to(inner / "out") for file, _ in listed)

    shown = run("inspect", hostile)
    assert shown.exit_code == 0
    assert "\x1b" not in shown.stdout
    assert "\\x1b[2J" in shown.stdout
    assert json.loads(run("inspect", hostile, "--json").stdout)["classes"] == names
    asked = run("sample", hostile, "--output", tmp_path / "out", "--class", "\x1b[2J")
    assert asked.exit_code == 2
    assert "\x1b" not in asked.stderr


# balance


def test_balance_copies_the_real_and_adds_the_missing(photos: Path, model: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    result = run("balance", photos, model, "--output", output)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    assert result.stdout == f"Wrote 20 real and 16 synthetic images to {output}.\n"
    found = contents(output)
    assert contents(photos).items() <= found.items()
    assert {name: sum(file.startswith(f"{name}/") for file in found) for name in COUNTS} == dict.fromkeys(COUNTS, 12)
    listed = manifest(output)
    assert b"\r" not in found["manifest.csv"]
    assert {file for file, _ in listed} == found.keys() - contents(photos).keys() - {"manifest.csv"}
    assert all(file.startswith(f"{label}/synthetic-") for file, label in listed)
    assert contents_after(photos, model, tmp_path / "again") == found
    assert contents_after(photos, model, tmp_path / "other", "--seed", "3") != found


def contents_after(photos: Path, model: Path, output: Path, *options: str) -> dict[str, bytes]:
    assert run("balance", photos, model, "--output", output, *options).exit_code == 0
    return contents(output)


def test_balance_follows_the_dose_and_says_so(photos: Path, model: Path, tmp_path: Path) -> None:
    order = Generator.load(model).classes
    dosed = tmp_path / "dosed.onnx"
    shares = {"cat": 0.0, "dog": 0.25, "Straße 7": 0.0}
    with_dose(Generator.load(model), [shares[str(name)] for name in order]).save(dosed)
    output = tmp_path / "out"
    result = run("balance", photos, dosed, "--output", output)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"Wrote 20 real and 3 synthetic images, and 13 copies of real images to {output}.\n"
    (note,) = result.stderr.splitlines()
    assert note.startswith("Note: Measured on your images: a test. Copies of real images, named repeat-*, fill up ")
    assert note.endswith("--synthetic-share 1 fills up with synthetic images alone.")
    found = contents(output)
    assert {name: sum(file.startswith(f"{name}/") for file in found) for name in COUNTS} == dict.fromkeys(COUNTS, 12)
    assert [file.startswith("dog/synthetic-") for file, _ in manifest(output)] == [True] * 3
    real = set(contents(photos).values())
    assert all(found[file] in real for file in found if "/repeat-" in file)

    forced = contents_after(photos, dosed, tmp_path / "forced", "--synthetic-share", "1")
    assert forced == contents_after(photos, model, tmp_path / "undosed")
    refused("balance", photos, model, "--output", output, "--synthetic-share", "2", saying="from 0 to 1, but is '2'")


@pytest.fixture
def digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of scikit-learn's digits, and a dose that is measured in seconds."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    for name, count in ((0, 30), (1, 20), (2, 6)):
        folder = tmp_path / "digits" / str(name)
        folder.mkdir(parents=True)
        for number, row in enumerate(images[labels == name][:count]):
            Image.fromarray((row.reshape(8, 8) * 15).astype(np.uint8)).save(folder / f"{number}.png")
    monkeypatch.setattr("ganaug.evaluation.dose_measurement.MIN_STEPS", 4)
    monkeypatch.setattr("ganaug.evaluation.trials.images.QuickImageTrial.usual_steps", 5)
    return tmp_path / "digits"


@pytest.mark.slow
def test_fit_measures_the_dose_and_the_file_and_inspect_say_it(digits: Path, tmp_path: Path) -> None:
    output = tmp_path / "a.onnx"
    result = run("fit", digits, "--output", output, "--steps", 40, "--no-preview")
    assert result.exit_code == 0, result.stderr
    generator = Generator.load(output)
    assert generator.metadata["training"]["steps"] == 40
    assert generator.dose is not None
    said = sentence(generator.metadata["dose"]["sentence"])
    assert said in result.stdout
    shown = run("inspect", output).stdout
    assert said in shown
    assert re.search(r"^  2 +6  +\d+ ?%$", shown, re.MULTILINE), shown
    assert not (tmp_path / "a.onnx.checkpoint").exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_of_the_dose_keeps_the_finished_generator(
    number: signal.Signals, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "a.onnx"
    monkeypatch.setattr("ganaug.evaluation.dose_measurement.calibrated_log_loss", raising(number))
    result = run("fit", digits, "--output", output, "--steps", 40, "--no-preview")
    assert result.exit_code == 128 + number
    assert Generator.load(output).metadata["training"]["steps"] == 40
    assert Generator.load(output).dose is None
    assert "Interrupted: saving the model without a dose" in result.stderr


def test_balance_says_that_real_images_have_more_bits(model: Path, tmp_path: Path) -> None:
    root = write_photos(tmp_path / "photos")
    Image.fromarray(np.full((8, 8), 65535, np.uint16)).save(root / "dog" / "deep.png")
    result = run("balance", root, model, "--output", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert "'dog' differ in form: 5 colour PNG files, 1 16-bit grey PNG files. The synthetic" in result.stderr
    assert "'dog' do not match all real ones in 16-bit grey in steps finer than 8 bits." in result.stderr


def test_balance_writes_the_files_of_a_class_as_its_real_ones_are(model: Path, tmp_path: Path) -> None:
    root = write_photos(tmp_path / "photos")
    for file in (root / "dog").iterdir():
        Image.open(file).convert("L").save(file.with_suffix(".JPG"), quality=40)
        file.unlink()
    for number in range(3):  # as many as there are PNG files
        Image.open(root / "Straße 7" / f"{number}.png").save(root / "Straße 7" / f"{number}.tif")
    result = run("balance", root, model, "--output", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    (note,) = result.stderr.splitlines()
    assert note == (
        "Note: the real images of 'Straße 7' differ in form: 3 colour PNG files, 3 colour TIFF files. The synthetic "
        "ones have these forms in the same shares."
    )
    synthetic = [tmp_path / "out" / file for file, _ in manifest(tmp_path / "out")]
    assert Counter((file.parent.name, file.suffix) for file in synthetic) == {
        ("dog", ".JPG"): 7,
        ("Straße 7", ".png"): 3,
        ("Straße 7", ".tif"): 3,
    }
    with Image.open(root / "dog" / "0.JPG") as real:
        tables = real.quantization
    for file in synthetic:
        with Image.open(file) as image:
            grey = file.suffix == ".JPG"
            assert image.mode == ("L" if grey else "RGB")
            assert image.format == {".JPG": "JPEG", ".png": "PNG", ".tif": "TIFF"}[file.suffix]
            assert not grey or image.quantization == tables


def test_balance_says_what_it_cannot_match(model: Path, tmp_path: Path) -> None:
    root = write_photos(tmp_path / "photos")
    for file in (root / "dog").iterdir():
        Image.open(file).save(file.with_suffix(".webp"))
        file.unlink()
    said = run("balance", root, model, "--output", tmp_path / "out").stderr
    assert "the synthetic images of 'dog' do not match all real ones in the quality of lossy WebP." in said
    assert len(list((tmp_path / "out" / "dog").glob("synthetic-*.webp"))) == 7


def test_a_class_that_gains_nothing_may_have_any_form(model: Path, tmp_path: Path) -> None:
    root = write_photos(tmp_path / "photos")
    Image.open(root / "cat" / "0.png").save(root / "cat" / "0.webp")
    (root / "cat" / "0.png").unlink()
    assert run("balance", root, model, "--output", tmp_path / "out").stderr == ""


@pytest.mark.parametrize("command", ["fit", "balance", "evaluate"])
def test_parts_of_a_data_set_are_no_classes(command: str, model: Path, tmp_path: Path) -> None:
    write_photos(tmp_path / "data" / "train")
    write_photos(tmp_path / "data" / "val")
    output = tmp_path / ("report.html" if command == "evaluate" else "out.onnx")
    arguments = [] if command == "fit" else [model]
    saying = f"give one of these folders, such as '{tmp_path / 'data' / 'train'}', or rename them"
    refused(command, tmp_path / "data", *arguments, "--output", output, saying=saying)


def test_balance_of_a_messy_folder(model: Path, tmp_path: Path) -> None:
    root = write_photos(tmp_path / "photos")
    dog = root / "dog"
    Image.new("RGB", (20, 30), "red").save(tmp_path / "secret.png")
    (dog / "a" / "b").mkdir(parents=True)
    for number, name in enumerate(["a/b/c.png", "a_b_c.png", "a/b_c.png", "A_B_C~2.png", "synthetic-00001.png"]):
        Image.new("RGB", (20, 30), (number, 0, 0)).save(dog / name)
    (dog / "0.png").write_bytes(b"not a picture")
    (dog / "link.png").symlink_to(tmp_path / "secret.png")
    (dog / "notes.txt").write_text("none")

    result = run("balance", root, model, "--output", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert "Note: synthetic images have 8 x 8 pixels" in result.stderr
    assert "link.png" in result.stderr
    real = {name: data for name, data in contents(tmp_path / "out" / "dog").items() if not name.startswith("synthetic")}
    wanted = contents(dog)
    del wanted["0.png"], wanted["link.png"], wanted["notes.txt"], wanted["synthetic-00001.png"]
    assert sorted(real.values()) == sorted(wanted.values())
    assert len({name.casefold() for name in real}) == len(real) == 8
    assert real["a_b_c.png"] == wanted["a_b_c.png"]
    copied = (tmp_path / "out" / "dog" / "synthetic-00001.png").read_bytes()
    assert copied == (dog / "synthetic-00001.png").read_bytes()
    assert "dog/synthetic-00001.png" not in {file for file, _ in manifest(tmp_path / "out")}
    assert len(contents(tmp_path / "out" / "dog")) == 12


def test_a_class_may_have_the_name_of_the_manifest_but_not_in_a_balanced_folder(model: Path, tmp_path: Path) -> None:
    root = write_photos(tmp_path / "photos")
    (root / "dog").rename(root / "Manifest.csv")
    named = with_metadata(model, tmp_path / "named.onnx", classes=["Manifest.csv", "Straße 7", "cat"])
    refused("balance", root, named, "--output", tmp_path / "out", saying="may be named 'manifest.csv'")
    assert run("sample", named, "--output", tmp_path / "out", "--per-class", 1).exit_code == 0
    assert ("_Manifest.csv/_Manifest.csv-00001.png", "Manifest.csv") in manifest(tmp_path / "out")


def test_balance_refuses(photos: Path, model: Path, tmp_path: Path) -> None:
    other = with_metadata(model, tmp_path / "other.onnx", classes=["cat", "dog", "../evil"])
    refused("balance", photos, other, "--output", tmp_path / "out", saying="'Straße 7', 'cat', 'dog', but it has 'cat'")
    refused("balance", photos, model, "--output", photos / "out", saying="outside of SOURCE")
    refused("balance", photos, model, "--output", tmp_path, saying="not empty")
    refused("balance", photos, model, "--output", tmp_path / "out", "--target", "y", saying="--target")
    assert [path.name for path in tmp_path.iterdir()] == ["other.onnx"]


@pytest.mark.slow
def test_alarms_about_classes_that_are_drawn_are_noted(photos: Path, model: Path, tmp_path: Path) -> None:
    training = Generator.load(model).metadata["training"] | {"alarms": ["the samples of 'dog' hardly\x1b vary"]}
    for number, (alarmed, options, noted) in enumerate(
        [
            (["dog"], ["--class", "dog"], True),
            (["dog"], ["--class", "cat"], False),
            ("rubbish", ["--class", "cat"], True),  # the alarm may concern any class
            (["dog"], None, True),
            (["cat"], None, False),  # the largest class, to which balance adds nothing
        ]
    ):
        alarming = with_metadata(model, tmp_path / f"{number}.onnx", training=training | {"alarmed": alarmed})
        output = ["--output", tmp_path / str(number)]
        command = ["balance", photos, alarming] if options is None else ["sample", alarming, *options]
        result = run(*command, *output)
        assert result.exit_code == 0, result.stderr
        notes = [line for line in result.stderr.splitlines() if line.startswith("Note: ")]
        assert len(notes) == noted
        assert all(note.endswith(". The samples of 'dog' hardly\\x1b vary.") for note in notes)


# inspect


def test_inspect_prints_what_the_file_says(model: Path, tmp_path: Path) -> None:
    shown = run("inspect", model).stdout
    for words in ("modality     image", "8 x 8, 3 channels", "Straße 7  3", "steps  ", "torch  ", "classes (3)"):
        assert words in shown, words
    whole = run("inspect", model, "--json")
    assert json.loads(whole.stdout) == Generator.load(model).metadata
    odd = {
        "steps": "many",
        "agreement": {"cat": "all"},
        "deep": [[["\x1b"]]],
        "none": None,
        "no": False,
        "long": "x" * 500,
    }
    strange = run("inspect", with_metadata(model, tmp_path / "odd.onnx", training=odd))
    assert strange.exit_code == 0
    assert "\x1b" not in strange.stdout


def test_inspect_survives_a_terminal_without_the_letters(model: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "koi8-r"}
    command = [sys.executable, "-c", "from ganaug.cli import main; main()", "inspect", str(model)]
    result = subprocess.run(command, env=environment, capture_output=True, check=False)  # noqa: S603
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"Stra\\xdfe 7" in result.stdout


def test_a_closed_pipe_is_quiet(model: Path) -> None:
    process = python(
        "import sys; sys.argv[1:] = " + repr(["inspect", str(model)]), "from ganaug.cli import main; main()"
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 141


def test_a_sentence_leaves_names_of_files_as_they_are() -> None:
    assert sentence("k.onnx.checkpoint must hold it") == "k.onnx.checkpoint must hold it."
    assert sentence("a/b: no") == "a/b: no."
    assert sentence("a budget. of 5") == "A budget. of 5."
    assert sentence("stop: now!") == "Stop: now!"


def test_unknown_commands_are_usage_errors() -> None:
    assert list(main.commands) == []  # commands are loaded when they are asked for
    refused("dance", saying="No such command 'dance'")
    listed = run("--help").stdout.split("Commands:")[1].splitlines()[1:]
    assert tuple(line.split()[0] for line in listed) == cli.COMMANDS
    assert time.perf_counter() > cli.STARTED


# checkpoints of complete runs


def test_a_kept_checkpoint_is_what_another_fit_begins_with(photos: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a.onnx", tmp_path / "b.onnx"
    options = ["--steps", 2, "--no-preview", "--quiet"]
    assert run("fit", photos, "--output", first, *options, "--keep-checkpoint").exit_code == 0
    checkpoint = tmp_path / "a.onnx.checkpoint"
    assert (checkpoint / "checkpoint.json").is_file()
    result = run("fit", photos, "--output", second, *options, "--from", checkpoint)
    assert result.exit_code == 0, result.output
    about = [Generator.load(path).metadata for path in (first, second)]
    assert about[1]["training"]["began_with"] == about[0]["fingerprint"]
    assert "began_with" not in about[0]["training"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.onnx", "a.onnx.checkpoint", "b.onnx"]
    refused("fit", photos, "--output", first, *options, "--from", checkpoint, saying="must not be the checkpoint of")
    refused("fit", photos, "--output", second, *options, "--from", tmp_path / "c", saying="to begin with, but there is")
    refused("fit", photos, "--output", second, *options, "--from", first, saying="is a file")
    other = ["--output", second, *options, "--from", checkpoint, "--size", 16]
    refused("fit", photos, *other, saying="the height is 16 and was 8")
    again = run("fit", photos, "--output", first, "--steps", 2, "--no-preview", "--keep-checkpoint", "--resume")
    assert again.exit_code == 0  # a complete run is exported again
