"""Every path that a command or a public function takes may be a named pipe or a device: none is waited for."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import ganaug
from ganaug.cli import main
from ganaug.data.manifest import synthetic_files
from ganaug.errors import GanaugError
from ganaug.integrations.tracking import JSONLines
from ganaug.runtime.generator import Generator

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")


@pytest.fixture(autouse=True)
def watchdog() -> Iterator[None]:
    """End a test that waits for ever."""

    def end(*_: object) -> None:
        raise TimeoutError("the path was waited for")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def place(tmp_path: Path, stripes_generator: Generator) -> Path:
    """Return a folder with a model, images, a table, and pipes under every ending."""
    stripes_generator.save(tmp_path / "model.onnx")
    for index in range(8):
        folder = tmp_path / "photos" / "ab"[index % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), 25 * index, np.uint8)).save(folder / f"{index}.png")
    (tmp_path / "table.csv").write_text("x,kind\n" + "".join(f"{row},{'ab'[row % 2]}\n" for row in range(20)))
    for ending in ("", ".onnx", ".csv", ".parquet", ".png", ".html", ".json", ".preview.png"):
        os.mkfifo(tmp_path / f"pipe{ending}")
    return tmp_path


COMMANDS = [
    "fit pipe --output a.onnx",
    "fit pipe.csv --target kind --output a.onnx",
    "fit pipe.parquet --target kind --output a.onnx",
    "fit /dev/zero --output a.onnx",
    "fit photos --output pipe.onnx --steps 1",
    "fit photos --output a.onnx --steps 1 --from pipe",
    "fit photos --output a.onnx --steps 1 --log jsonl:pipe",
    "fit photos --output a.onnx --steps 1 --log tensorboard:pipe",
    "sample pipe.onnx --output out",
    "sample model.onnx --output pipe",
    "sample model.onnx --output pipe.png --walk",
    "sample /dev/zero --output out",
    "balance pipe model.onnx --output out",
    "balance pipe.csv model.onnx --output out.csv",
    "balance photos pipe.onnx --output out",
    "balance photos model.onnx --output pipe",
    "evaluate pipe model.onnx",
    "evaluate photos pipe.onnx",
    "evaluate photos model.onnx --features pipe.onnx",
    "evaluate photos model.onnx --output pipe.html",
    "evaluate photos model.onnx --json pipe.json",
    "inspect pipe.onnx",
    "restyle pipe.png photos --output out.png",
    "restyle photos pipe.png --output out",
    "restyle photos photos/a/0.png --output pipe",
    "demo --output pipe",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_refuse_it_in_a_sentence(command: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    before = sorted(place.iterdir())
    result = CliRunner().invoke(main, command.split())
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.stderr
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert sorted(place.iterdir()) == before


FUNCTIONS: dict[str, Callable[[Path], Any]] = {
    "Generator.load": lambda place: Generator.load(place / "pipe.onnx"),
    "Generator.save": lambda place: Generator.load(place / "model.onnx").save(place / "pipe.onnx"),
    "ImageFolder": lambda place: ganaug.ImageFolder(place / "pipe"),
    "evaluate": lambda place: ganaug.evaluate(place / "pipe.csv", target="kind"),
    "JSONLines": lambda place: JSONLines(place / "pipe").write(1, {}),
    "StyleSwap": lambda place: ganaug.StyleSwap(place / "pipe.png"),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_raise(name: str, place: Path) -> None:
    with pytest.raises(GanaugError):
        FUNCTIONS[name](place)


def test_a_manifest_that_is_a_pipe_is_none(place: Path) -> None:
    os.mkfifo(place / "photos" / "manifest.csv")
    assert synthetic_files(place / "photos") is None
    assert len(ganaug.ImageFolder(place / "photos")) == 8
