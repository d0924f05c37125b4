"""The code blocks of the README and of the documentation, run in their order; only the training is made shorter.

Those of the README run in processes of their own, as a user starts them.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import chdir
from pathlib import Path
from textwrap import dedent

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from ganaug import GANAugmenter
from ganaug.cli import main
from ganaug.data.images.dataset import LabelledImages
from ganaug.runtime.generator import Generator
from tests.paths import ROOT
from tests.programs import Ended, run_program

pytestmark = pytest.mark.slow

MAX_README_WORDS = 900
BLOCK = re.compile(r"^ *```(console|python)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
ANY_BLOCK = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
PAGES = {
    "getting-started": ["console", "console"],
    "guide/images": ["console", "console"],
    "guide/tables": ["console", "console", "console"],
    "guide/families": ["python"],
    "guide/signals": ["console", "python", "python"],
    "guide/clips": ["console", "python", "python"],
    "guide/scikit-learn": ["python", "python", "python"],
    "guide/imbalanced-learn": ["python"],
    "guide/pytorch": ["python"],
    "guide/albumentations": ["python"],
    "guide/style": ["console", "python"],
    "guide/onnx": ["python"],
    "guide/noise": ["python"],
    "evaluation": ["console", "python"],
    "contributing/technique": ["python", "python"],
    "contributing/modality": ["python"],
}
"""The pages with code blocks, and the kinds of their blocks."""


@pytest.fixture
def folder(tmp_path: Path, stripes: LabelledImages) -> Path:
    """Return a folder with the images, the signals, the clips and the table that the blocks speak of."""
    for index, (image, label) in enumerate(zip(stripes.images, stripes.labels, strict=True)):
        place = tmp_path / "photos" / stripes.classes[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[:, :, 0]).save(place / f"{index}.png")

    rng = np.random.default_rng(0)
    for index in range(36):
        place = tmp_path / "beats" / ("rare" if index % 3 == 0 else "normal")
        place.mkdir(parents=True, exist_ok=True)
        np.save(place / f"{index}.npy", rng.normal(size=(64, 1)).astype(np.float32))
        place = tmp_path / "gestures" / ("wave" if index % 3 == 0 else "point")
        place.mkdir(parents=True, exist_ok=True)
        np.save(place / f"{index}.npy", rng.integers(0, 256, (4, 8, 8), dtype=np.uint8))

    churned = rng.permutation(["no"] * 40 + ["yes"] * 12)
    income = rng.lognormal(8, 0.5, 52).round(2)
    customers = pd.DataFrame({"age": rng.integers(18, 90, 52), "income": income, "churned": churned})
    customers.to_csv(tmp_path / "customers.csv", index=False)
    return tmp_path


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, stripes_generator: Generator) -> Path:
    """Return a folder with the models that most pages take for granted."""
    place = tmp_path_factory.mktemp("models")
    stripes_generator.save(place / "photos.onnx")
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"age": rng.integers(18, 90, 52), "income": rng.lognormal(8, 0.5, 52).round(2)})
    GANAugmenter(max_steps=3, random_state=0).fit(rows, np.array(["no"] * 40 + ["yes"] * 12)).save(place / "churn.onnx")
    return place


def quick(command: list[str]) -> list[str]:
    """Return a command with little training; an evaluation ends at once, and leaves out what there was no time for."""
    kept = [word for word in command if word not in ("--budget", "3m", "5m", "10m")]
    return [*kept, *{"fit": ["--steps=5"], "evaluate": ["--budget=1s"]}.get(command[1], [])]


def run_command(command: list[str], folder: Path) -> Ended:
    with chdir(folder):
        done = CliRunner().invoke(main, command[1:])
    return Ended(done.exit_code, done.stdout, done.output)


def run_alone(command: list[str], folder: Path) -> Ended:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    return Ended(done.returncode, done.stdout, done.stderr)


def run_blocks(page: Path, folder: Path, *, alone: bool = False) -> list[str]:
    """Run the commands of a page in a folder, then its Python blocks as one program, and return the kinds of blocks."""
    blocks = [(kind, dedent(text)) for kind, text in BLOCK.findall(page.read_text())]
    lines = [line for kind, text in blocks if kind == "console" for line in text.splitlines()]
    for command in (quick(shlex.split(line.removeprefix("$ "))) for line in lines):
        assert command[0] == "ganaug"
        done = run_alone(command, folder) if alone else run_command(command, folder)
        assert done.returncode == 0, f"{command}: {done.stderr}"
    program = "\n".join(text for kind, text in blocks if kind == "python")
    program = program.replace("random_state=0", "random_state=0, max_steps=3").replace("budget=300", "budget=1")
    if program:
        path = folder / "blocks.py"
        path.write_text(program)
        done = run_alone([sys.executable, str(path)], folder) if alone else run_program(path, folder=folder)
        assert done.returncode == 0, done.stderr
    return [kind for kind, _ in blocks]


def assert_balanced(folder: Path) -> None:
    for name in ("lying", "upright"):
        assert len(list((folder / "balanced" / name).glob("*.png"))) == 40


def assert_balanced_table(folder: Path) -> None:
    balanced = pd.read_parquet(folder / "balanced.parquet")
    assert balanced["churned"].value_counts().to_dict() == {"no": 40, "yes": 40}
    assert balanced["synthetic"].sum() == 28


def test_every_block_of_the_readme_runs(folder: Path) -> None:
    assert run_blocks(ROOT / "README.md", folder, alone=True) == ["console", "console", "console", "python", "python"]
    assert (folder / "photos.preview.png").exists()
    assert (folder / "report.html").exists()
    assert_balanced(folder)
    assert_balanced_table(folder)


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_the_documentation_runs(page: str, folder: Path, models: Path) -> None:
    fits_itself = page in ("getting-started", "guide/clips", "guide/images", "guide/signals", "guide/tables")
    if not fits_itself:
        shutil.copytree(models, folder, dirs_exist_ok=True)
    assert run_blocks(ROOT / "docs" / f"{page}.md", folder) == PAGES[page]
    if page == "guide/images":
        assert (folder / "photos.preview.png").exists()
        assert len(list((folder / "samples").rglob("*.png"))) == 32
        assert_balanced(folder)
    if page == "guide/tables":
        assert_balanced_table(folder)
        assert len(pd.read_csv(folder / "rows.csv")) == 200


def test_all_pages_with_blocks_are_run() -> None:
    pages = [path for path in (ROOT / "docs").rglob("*.md") if BLOCK.search(path.read_text())]
    found = {path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in pages}
    assert found == set(PAGES)


def test_the_readme_can_be_read_in_five_minutes() -> None:
    assert len(ANY_BLOCK.sub("", (ROOT / "README.md").read_text()).split()) <= MAX_README_WORDS


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "CHANGELOG.md"])
def test_links_to_files_resolve(name: str) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / name).read_text())
    assert [target for target in targets if not (ROOT / target).exists()] == []
