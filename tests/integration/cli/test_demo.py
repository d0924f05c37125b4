"""The demonstration, in a few steps: every part of it happens, and it never removes what it did not make."""

import html
import io
import shutil
from collections import Counter
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import click
import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn.ensemble import RandomForestClassifier

from ganaug.cli import demo as command
from ganaug.cli import main
from ganaug.cli.demo import recall_table
from ganaug.cli.demo_data import MARKER, prepare_folder, write_digits
from ganaug.errors import OutputError
from ganaug.evaluation.arms import Arm
from ganaug.evaluation.evaluate import begin
from ganaug.evaluation.trials.images import ImageTrial
from ganaug.runtime.generator import Generator


def write_few(train: Path, test: Path) -> None:
    """Write the images of the demo, but keep ten of each class to test on."""
    write_digits(train, test)
    for folder in test.iterdir():
        for path in sorted(folder.glob("*.png"))[10:]:
            path.unlink()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Run it; return its folder and the lines that it printed."""
    output = tmp_path_factory.mktemp("demo") / "demo"
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as shown:
        patch.setattr("ganaug.training.run.SCREEN_STEPS", 2)
        patch.setattr("ganaug.evaluation.trials.images.ImageTrial.usual_steps", 2)
        patch.setattr("ganaug.cli.demo_data.write_digits", write_few)
        command.run(output, max_steps=3, evaluation_seconds=60)
    return output, shown.getvalue().splitlines()


@pytest.mark.slow
def test_demo_writes_the_tail_the_model_and_the_balanced_folder(demo: tuple[Path, list[str]]) -> None:
    folder, _ = demo
    parts = ("train", "test", "balanced")
    count = {part: Counter(path.parent.name for path in (folder / part).glob("*/*.png")) for part in parts}
    assert [count["train"][str(digit)] for digit in range(10)] == [100, 72, 51, 37, 26, 19, 14, 10, 7, 5]
    assert set(count["test"].values()) == {10}
    assert set(count["balanced"].values()) == {100}
    assert Generator.load(folder / "digits.onnx").metadata["class_counts"][0] == 100
    assert (folder / "digits.preview.png").is_file()
    assert not (folder / "digits.onnx.checkpoint").exists()


@pytest.mark.slow
def test_demo_prints_recall_side_by_side(demo: tuple[Path, list[str]]) -> None:
    folder, shown = demo
    (start,) = [number for number, line in enumerate(shown) if line.startswith("class ")]
    assert all(arm in shown[start] for arm in ("nothing", "random oversampling", "GAN, 30 % of a batch"))
    assert [line.split()[:2] for line in shown[start + 1 : start + 4]] == [["0", "100"], ["1", "72"], ["2", "51"]]
    assert str(folder / "balanced") in shown[-2]
    assert str(folder / "report.html") in shown[-1]
    assert (folder / "report.html").read_text().startswith("<!doctype html>")


@pytest.fixture(scope="module")
def table_demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Run the demo of a table; return its folder and the lines that it printed."""
    output = tmp_path_factory.mktemp("demo") / "demo"
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as shown:
        patch.setattr("ganaug.training.run.SCREEN_STEPS", 2)
        quick = partial(begin, estimator=RandomForestClassifier(15))
        patch.setattr("ganaug.evaluation.evaluate.begin", quick)
        command.run(output, table=True, max_steps=3, evaluation_seconds=120)
    return output, shown.getvalue().splitlines()


@pytest.mark.slow
def test_table_demo_writes_its_tables_and_model(table_demo: tuple[Path, list[str]]) -> None:
    folder, _ = table_demo
    assert {path.name for path in folder.iterdir()} == {
        MARKER, "train.csv", "test.csv", "balanced.csv", "breast-cancer.onnx", "report.html"
    }  # fmt: skip
    train, test, balanced = (pd.read_csv(folder / f"{part}.csv") for part in ("train", "test", "balanced"))
    assert train["diagnosis"].value_counts().to_dict() == {"benign": 200, "malignant": 10}
    assert test["diagnosis"].value_counts().to_dict() == {"malignant": 202, "benign": 157}
    assert not train.merge(test).shape[0]
    assert balanced.groupby(["diagnosis", "synthetic"]).size().to_dict() == {
        ("benign", False): 200, ("malignant", False): 10, ("malignant", True): 190
    }  # fmt: skip
    pd.testing.assert_frame_equal(balanced[train.columns].iloc[:210], train)


@pytest.mark.slow
def test_table_demo_prints_recall_side_by_side(table_demo: tuple[Path, list[str]]) -> None:
    folder, shown = table_demo
    (start,) = [number for number, line in enumerate(shown) if line.startswith("class ")]
    assert shown[start].split()[:3] == ["class", "rows", "nothing"]
    assert any(arm in shown[start] for arm in ("GAN, ", "SMOTE + GAN"))
    assert [line.split()[:2] for line in shown[start + 1 : start + 4]] == [
        ["benign", "200"], ["malignant", "10"], ["balanced", "210"]
    ]  # fmt: skip
    assert str(folder / "report.html") in shown[-1]
    assert (folder / "report.html").is_file()
    assert shown[-2] == f"The balanced table, 190 synthetic rows at its end: {folder / 'balanced.csv'}"


@pytest.mark.slow
def test_either_demo_replaces_what_the_other_left(table_demo: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder = shutil.copytree(table_demo[0], tmp_path / "demo")
    prepare_folder(folder)
    assert [path.name for path in folder.iterdir()] == [MARKER]
    (folder / "train.csv").touch()
    (folder / "customers.csv").write_text("a,b")
    with pytest.raises(OutputError, match=r"did not make .*customers\.csv"):
        prepare_folder(folder)
    assert (folder / "train.csv").exists()


@pytest.mark.slow
def test_an_interrupt_after_the_training_says_what_is_there(
    demo: tuple[Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "demo"

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ganaug.cli.lead.train", lambda *_, **__: Generator.load(demo[0] / "digits.onnx"))
    monkeypatch.setattr("ganaug.cli.evaluate.run", interrupt)
    with pytest.raises(KeyboardInterrupt):
        command.run(output, max_steps=1)
    there = ", ".join(str(output / name) for name in ("train", "test", "balanced"))
    assert capsys.readouterr().err.endswith(f"It wrote: {there}.\n")


@pytest.mark.slow
def test_a_folder_of_an_earlier_demo_is_replaced(demo: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder = shutil.copytree(demo[0], tmp_path / "demo")
    kept = folder / "digits.onnx.checkpoint"  # as a demo that was killed leaves it
    kept.mkdir()
    (kept / "step-000000001.safetensors").touch()
    (folder / ".ganaug-0123456789abcdef.part" / "0").mkdir(parents=True)
    (folder / ".ganaug-0123456789abcdef.part" / "0" / "0001.png").touch()
    prepare_folder(folder)
    assert [path.name for path in folder.iterdir()] == [MARKER]


def test_training_and_test_images_are_different_ones(tmp_path: Path) -> None:
    write_digits(tmp_path / "train", tmp_path / "test")
    names = [{path.name for path in (tmp_path / part).glob("*/*.png")} for part in ("train", "test")]
    assert not names[0] & names[1]
    assert sum(map(len, names)) == 1797


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["demo", "table_demo"])
def test_the_demo_says_what_its_report_says(kind: str, request: pytest.FixtureRequest) -> None:
    """One evaluation: the sentence on the terminal is the sentence of the page."""
    folder, shown = request.getfixturevalue(kind)
    (sentence,) = [line for line in shown if "balanced accuracy changed by" in line]
    assert sentence.startswith("Synthetic samples ")
    assert sentence in html.unescape((folder / "report.html").read_text())


def figures_of_arms(accuracy: dict[str, float], chosen: str, rival: str) -> dict[str, Any]:
    """Figures of a report whose recalls are the balanced accuracy, minus and plus a tenth."""
    kinds = {"nothing": "nothing", "GAN": "gan", "copies": "placebo"}
    return {
        "arms": [
            {"name": name, "kind": kinds.get(name, "classical"), "metrics": {"balanced_accuracy": {"mean": mean}}}
            for name, mean in accuracy.items()
        ],
        "classes": [
            {"name": name, "recall": {arm: {"mean": mean + sign * 0.1} for arm, mean in accuracy.items()}}
            for name, sign in (("a", -1), ("b", 1))
        ],
        "comparison": {"chosen": chosen, "rival": rival},
    }


def test_the_table_shows_the_arms_that_matter() -> None:
    accuracy = {"nothing": 0.7, "weights": 0.75, "repeats": 0.8, "GAN": 0.85, "copies": 0.6}
    lines = recall_table(figures_of_arms(accuracy, "GAN", "repeats"), [9, 1], "images").splitlines()
    assert [line.split() for line in lines] == [
        ["class", "images", "nothing", "repeats", "GAN"],
        ["a", "9", "60.0", "70.0", "75.0"],
        ["b", "1", "80.0", "90.0", "95.0"],
        ["balanced", "10", "70.0", "80.0", "85.0"],
    ]
    lines = recall_table(figures_of_arms(accuracy | {"copies": 0.9}, "GAN", "copies"), [9, 1], "rows").splitlines()
    assert lines[0].split() == ["class", "rows", "nothing", "repeats", "copies", "GAN"]


@pytest.mark.slow
def test_an_interrupt_after_the_first_results_writes_these(
    demo: tuple[Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output, score = tmp_path / "demo", ImageTrial.score
    scored: list[str] = []

    def interrupted(trial: ImageTrial, arm: Arm) -> Any:
        if len(scored) == 6:
            raise KeyboardInterrupt
        scored.append(arm.name)
        return score(trial, arm)

    monkeypatch.setattr("ganaug.cli.lead.train", lambda *_, **__: Generator.load(demo[0] / "digits.onnx"))
    monkeypatch.setattr("ganaug.evaluation.trials.images.ImageTrial.usual_steps", 2)
    monkeypatch.setattr("ganaug.cli.demo_data.write_digits", write_few)
    monkeypatch.setattr(ImageTrial, "score", interrupted)
    with pytest.raises(click.exceptions.Exit) as stopped:
        command.run(output, max_steps=1)
    assert stopped.value.exit_code == 130
    assert "cannot be told from 1 of at least" in capsys.readouterr().out
    assert (output / "report.html").is_file()


def test_a_folder_with_anything_else_in_it_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("all of it")
    result = CliRunner().invoke(main, ["demo", "--output", str(mine)])
    assert result.exit_code == 2
    assert "not empty" in result.stderr
    assert (mine / "thesis.txt").read_text() == "all of it"
    for path in ("train/0/thesis.txt", "digits.txt", "test/notes/0001.png"):
        folder = tmp_path / path.replace("/", "-")
        prepare_folder(folder)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
        with pytest.raises(OutputError, match="did not make"):
            prepare_folder(folder)
        assert (folder / path).exists()


def test_links_are_not_the_demos(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    prepare_folder(folder)
    prepare_folder(folder)
    (folder / "train").symlink_to(tmp_path)
    with pytest.raises(OutputError, match="did not make"):
        prepare_folder(folder)
    assert (folder / MARKER).exists()
    with pytest.raises(OutputError, match="does not exist"):
        prepare_folder(tmp_path / "nowhere" / "demo")


def test_demo_refuses_a_budget_of_nothing() -> None:
    result = CliRunner().invoke(main, ["demo", "--budget", "0s"])
    assert result.exit_code == 2
    assert "90s, 5m, 1h" in result.stderr
