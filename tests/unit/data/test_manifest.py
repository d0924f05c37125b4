"""Folders that ganaug wrote: their synthetic files are left out, or warned of."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganaug.data.images.dataset import load_folder
from ganaug.data.manifest import Manifest
from ganaug.data.tables.left_out import LeftOut
from ganaug.errors import DataError, GanaugWarning
from ganaug.evaluation.evaluate import begin


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder as `ganaug balance` writes it. The synthetic image is smaller than the real ones, and grey."""
    root = tmp_path / "balanced"
    pixels = np.random.default_rng(0).integers(0, 255, (10, 16, 16, 3), dtype=np.uint8)
    for number, name in enumerate(["a/1", "a/2", "a/3", "a/repeat-1", "b/1", "b/2", "b/3", "b/repeat-00001"]):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[number]).save(root / f"{name}.png")
    (root / "b" / "synthetic-00001.png").touch()
    Image.fromarray(pixels[9, :8, :8, 0]).save(tmp_path / "grey.png")
    manifest = Manifest(root)
    manifest.write("b/synthetic-00001.png", (tmp_path / "grey.png").read_bytes(), "b")
    manifest.save()
    return root


def test_real_files_are_what_the_manifest_and_names_leave(folder: Path) -> None:
    real = load_folder(folder, real_only=True)
    assert [file.relative_to(folder).as_posix() for file in real.files] == [
        "a/1.png", "a/2.png", "a/3.png", "a/repeat-1.png", "b/1.png", "b/2.png", "b/3.png",
    ]  # fmt: skip
    assert real.counts == {"a": 4, "b": 3}
    assert real.codec.size == 16
    assert len(load_folder(folder).files) == 9


def test_an_evaluation_leaves_them_out_or_warns(folder: Path) -> None:
    assert len(begin(folder, left_out=LeftOut(real_only=True)).data) == 7
    with pytest.warns(GanaugWarning, match="1 synthetic image and 1 repeated image that ganaug made"):
        assert len(begin(folder).data) == 9
    with pytest.raises(DataError, match="ignore names columns of a table"):
        begin(folder, left_out=LeftOut(("a",)))


def test_folders_that_cannot_be_told_apart_are_refused(folder: Path) -> None:
    (folder / "a").rename(folder / "c")
    for file in (folder / "b").glob("[123].png"):
        file.unlink()
    with pytest.raises(DataError, match=r"all images of 'b' in .* are synthetic or copies"):
        load_folder(folder, real_only=True)
    (folder / "manifest.csv").unlink()
    with pytest.raises(DataError, match=r"--real-only needs the file manifest\.csv"):
        load_folder(folder, real_only=True)
