"""The examples run as programs, with little training; some in a process of their own, as a user starts them."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import pytest

from ganaug.cli.demo_data import write_digits
from tests.conftest import name_of
from tests.paths import ROOT
from tests.programs import Ended, run_program

pytestmark = pytest.mark.slow


def start(name: str, *arguments: str, folder: Path, small: bool = False) -> Ended:
    with pytest.MonkeyPatch.context() as patch:
        if small:
            patch.setenv("GANAUG_SMALL", "1")
        return run_program(ROOT / "examples" / name, *arguments, folder=folder)


def run(name: str, *arguments: str, folder: Path, small: bool = False) -> str:
    result = start(name, *arguments, folder=folder, small=small)
    assert result.returncode == 0, result.stderr
    return result.stdout


def run_alone(name: str, *arguments: str, folder: Path) -> str:
    """Run an example in a process of its own, and return what it prints."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder), "MPLBACKEND": "Agg"}
    command = [sys.executable, str(ROOT / "examples" / name), *arguments]
    result = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_balance_image_folder(tmp_path: Path) -> None:
    write_digits(tmp_path / "digits", tmp_path / "test")
    small = ["--steps", "3", "--budget", "5"]
    shown = run_alone("balance_image_folder.py", "digits", "balanced", *small, folder=tmp_path)
    assert "9: 5 real and 95 synthetic images" in shown
    assert {len(list(path.iterdir())) for path in (tmp_path / "balanced").iterdir()} == {100}
    assert (tmp_path / "balanced.onnx").is_file()
    assert list(tmp_path.glob("tmp*")) == []


def test_balance_image_folder_by_itself(tmp_path: Path) -> None:
    shown = run("balance_image_folder.py", "--steps", "3", "--budget", "5", folder=tmp_path)
    assert "9: 5 real and 95 synthetic images" in shown
    assert [*tmp_path.glob("tmp*"), *tmp_path.glob("balanced*")] == []


def test_train_pytorch_classifier(tmp_path: Path) -> None:
    small = ["--steps", "3", "--budget", "5", "--classifier-steps", "3"]
    shown = run("train_pytorch_classifier.py", *small, folder=tmp_path).splitlines()
    assert len(shown) == 11
    assert shown[10].split()[:2] == ["9", "5"]
    assert list(tmp_path.glob("tmp*")) == []


def test_rare_heart_beats(tmp_path: Path) -> None:
    shown = run("rare_heart_beats.py", small=True, folder=tmp_path)
    assert shown == "90 real and 70 synthetic beats: {'normal': 80, 'rare': 80}\n"


def test_mixed_table(tmp_path: Path) -> None:
    shown = run("mixed_table.py", "--steps", "3", folder=tmp_path)
    assert "400 real and 320 synthetic rows, classes {'no': 360, 'yes': 360}" in shown
    assert len(shown.splitlines()) == 9


def test_sklearn_pipeline(tmp_path: Path) -> None:
    shown = run("sklearn_pipeline.py", "--steps", "2", "--repeats", "1", folder=tmp_path).splitlines()
    assert [line[:14].strip() for line in shown[2:]] == ["nothing", "SMOTE", "GAN, balanced", "GAN, a third"]
    assert all(0.4 < float(value) <= 1 for line in shown[2:] for value in line[14:].split())


def has_a_verdict(shown: list[str], verdict: str) -> bool:
    """Tell whether the table of the arms is shown, and the verdict names the arm that the table chose."""
    (chosen,) = [line.rsplit(maxsplit=4)[0].strip() for line in shown if line.endswith(" True")]
    return verdict == f"Verdict: chosen is {chosen!r}." and any(line.startswith("GAN, half the gap") for line in shown)


def test_text_features(tmp_path: Path) -> None:
    head, *shown, verdict, scores = run("text_features.py", small=True, folder=tmp_path).splitlines()
    sizes = [int(part.split(": ")[1]) for part in head.split(", ")]
    assert len(sizes) == 5
    assert 5 <= min(sizes) < max(sizes) / 5  # imbalanced
    assert has_a_verdict([line.strip() for line in shown], verdict)
    assert scores.startswith("Balanced accuracy on unseen texts: nothing 0.")


def test_molecule_features(tmp_path: Path) -> None:
    pytest.importorskip("rdkit", reason="the molecules come with RDKit, which is not installed: ganaug[molecules]")
    head, *shown, verdict = run("molecule_features.py", small=True, folder=tmp_path).splitlines()
    assert head == "1017 molecules, 100 of them most active"
    assert has_a_verdict([line.strip() for line in shown], verdict)


@pytest.mark.skipif(find_spec("rdkit") is not None, reason="RDKit is installed")
def test_where_rdkit_is_missing_the_example_names_the_extra(tmp_path: Path) -> None:
    result = start("molecule_features.py", folder=tmp_path)
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].endswith("this example needs RDKit: pip install 'ganaug[molecules]'")


def test_model_file_without_ganaug(tmp_path: Path) -> None:
    shown = run("model_file_without_ganaug.py", str(ROOT / "onnx_models" / "digits.onnx"), folder=tmp_path)
    assert "images:  (80, 8, 8, 1) uint8" in shown
    assert "import ganaug" not in (ROOT / "examples" / "model_file_without_ganaug.py").read_text()


def test_restyle_photographs(tmp_path: Path) -> None:
    lines = run("restyle_photographs.py", folder=tmp_path).splitlines()
    assert [line[:12] for line in lines] == ["strength 0.0", "strength 0.5", "strength 1.0"] * 2
    assert lines[2][12:] != lines[0][12:]


def test_does_it_help(tmp_path: Path) -> None:
    shown = run("does_it_help.py", small=True, folder=tmp_path).splitlines()
    assert shown[1].split() == ["slow", "398"]
    assert "Left out:" in shown


@pytest.fixture(scope="module")
def fashion(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the arguments for small files like those of Fashion-MNIST, and a generator that is said to be of them."""
    folder = tmp_path_factory.mktemp("fashion")
    for part, count in (("train", 120), ("t10k", 40)):
        images = np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)
        for kind, array in (("images-idx3", images), ("labels-idx1", np.arange(count, dtype=np.uint8) % 10)):
            content = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()
            packed = part == "train"
            path = folder / f"{part}-{kind}-ubyte{'.gz' * packed}"
            path.write_bytes(gzip.compress(content) if packed else content)
    proto = onnx.load(ROOT / "onnx_models" / "mnist.onnx")
    (claim,) = [prop for prop in proto.metadata_props if prop.key == "ganaug"]
    names = ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle-boot"]
    claim.value = json.dumps(json.loads(claim.value) | {"classes": names})
    onnx.save(proto, folder / "model.onnx")
    return [str(folder), "--model", str(folder / "model.onnx"), "--classifier-steps", "3"]


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("fashion_pytorch.py", run),
        ("fashion_lightning.py", run_alone),
        ("fashion_hugging_face.py", run_alone),
        ("albumentations_pipeline.py", run),
    ],
    ids=name_of,
)
def test_fashion(name: str, start: Callable[..., str], fashion: list[str], tmp_path: Path) -> None:
    head, *rows = start(name, *fashion, folder=tmp_path).splitlines()
    assert head.split() == ["class", "images", "recall", "without", "with", "synthetic", "images"]
    assert [row.split()[:2] for row in (rows[0], rows[9])] == [["t-shirt", "12"], ["ankle-boot", "5"]]
    assert all(0 <= float(cell.rstrip("%")) <= 100 for row in rows for cell in row.split()[2:])
    assert len(rows) == 10


@pytest.mark.parametrize(
    ("arguments", "saying"),
    [
        (["balance_image_folder.py", "nowhere", "out"], "'nowhere' does not exist"),
        (["balance_image_folder.py", "nowhere", "no/out"], "create it first"),
        (["train_pytorch_classifier.py", "nowhere", "nowhere"], "'nowhere' does not exist"),
        (["train_pytorch_classifier.py", "nowhere"], "two folders"),
        (["mixed_table.py", "nowhere.csv", "churned"], "nowhere.csv"),
        (["fashion_pytorch.py", "nowhere"], "nowhere/train-images-idx3-ubyte.gz"),
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
        lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
        assert len(lines) < 80, path.name


def test_examples_are_gallery_pages() -> None:
    for path in (ROOT / "examples").glob("*.py"):
        start_of_doc, title, underline, empty, *_ = path.read_text().splitlines()
        assert (start_of_doc, empty) == ('"""', ""), path.name
        assert underline == "=" * len(title), path.name
