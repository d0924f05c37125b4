"""``ganaug sample --walk``: animations of images, and plots of the columns of tables."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from ganaug.cli import animation, main, traversal
from ganaug.data.tables.dataset import from_frame
from ganaug.errors import DataError
from ganaug.runtime.generator import Generator
from ganaug.training import fit
from tests.paths import MODELS

DIGITS, WINE = MODELS / "digits.onnx", MODELS / "wine.onnx"


@pytest.fixture(scope="module")
def rows() -> Generator:
    """Return a model of a table with columns of every kind, missing values, and names that matplotlib would typeset."""
    random, count = np.random.default_rng(0), 80
    since = pd.Timestamp("2023-01-01", tz="UTC") + pd.to_timedelta(random.integers(0, 700, count), "D")
    frame = pd.DataFrame(
        {
            "cost in $": random.lognormal(3, 1, count),
            "visits": pd.array(np.where(random.random(count) < 0.3, None, random.poisson(5, count)), "Int64"),
            "since": since,
            "vip": random.random(count) < 0.4,
            "a $city$ with a very long name": random.choice(list("abcdefghijklmn"), count),
            "note": np.where(random.random(count) < 0.3, None, "x\x1b$"),
        }
    )
    labels = np.where(np.arange(count) % 4 == 0, "$yes$", "no")
    return fit(from_frame(frame, labels, target="left"), max_steps=20, random_state=0)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["sample", *map(str, arguments), "--walk"])


@pytest.mark.parametrize("name", ["walk.webp", "walk.GIF"])
def test_images_become_an_animation_that_never_ends(tmp_path: Path, name: str) -> None:
    output = tmp_path / name
    chosen = ["--class", "3", "--class", "8", "--class", "0"]
    result = run(DIGITS, "--output", output, "--per-class", 12, *chosen)
    assert result.stdout == f"Wrote 12 frames of 3 classes to {output}.\n"
    with Image.open(output) as film:
        assert film.n_frames == 12  # type: ignore[attr-defined]
        assert film.info["loop"] == 0
        film.seek(1)
        film.load()
        assert film.info["duration"] == animation.FRAME_MS
    before = output.read_bytes()
    assert run(DIGITS, "--output", output, "--per-class", 12, *chosen).exit_code == 0  # an old file is replaced
    assert output.read_bytes() == before
    assert run(DIGITS, "--output", output, "--per-class", 12, *chosen, "--seed", 1).exit_code == 0
    assert output.read_bytes() != before
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("suffix", [".webp", ".gif"])
def test_every_tile_shows_the_walk_of_its_class(suffix: str) -> None:
    generator, frames = Generator.load(DIGITS), 8
    film = Image.open(io.BytesIO(animation.draw_animation(generator, ["4", "7"], frames, suffix, seed=3)))
    side = 96
    for label, left in (("4", animation.MARGIN), ("7", animation.MARGIN + side + animation.GAP)):
        for number, image in enumerate(generator.walk(label, frames, seed=3)):
            film.seek(number)
            top = animation.MARGIN + animation.LINE
            tile = film.convert("L").crop((left, top, left + side, top + side)).resize((8, 8), Image.Resampling.BOX)
            assert np.abs(np.asarray(tile, float) - image[..., 0]).mean() < 6  # grey levels that compression costs


@pytest.mark.parametrize("name", ["walk.png", "walk.SVG"])
def test_tables_become_a_plot_of_every_column(tmp_path: Path, name: str, rows: Generator) -> None:
    rows.save(tmp_path / "model.onnx")
    output = tmp_path / name
    result = run(tmp_path / "model.onnx", "--output", output)
    assert result.stdout == f"Wrote 60 steps of 2 classes in 6 columns to {output}.\n", result.output
    before = output.read_bytes()
    assert run(tmp_path / "model.onnx", "--output", output).exit_code == 0
    assert output.read_bytes() == before
    if name.endswith("png"):
        assert Image.open(output).width > 1_000
    else:
        assert before.startswith(b"<?xml")


def test_a_wide_table_shows_its_first_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traversal, "MAX_PANELS", 4)
    result = run(WINE, "--output", tmp_path / "walk.png", "--per-class", 5)
    assert "Wrote 5 steps of 3 classes in the first 4 of 13 columns to" in result.stdout


def test_a_plot_of_too_many_lines_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traversal, "MAX_CLASSES", 2)
    generator = Generator.load(WINE)
    with pytest.raises(DataError, match="at most 2 classes, but there are 3"):
        traversal.draw_traversal(generator, generator.classes, 5, ".png", 0)


def test_where_pillow_has_no_webp_the_sentence_names_the_other_format(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(animation.features, "check", lambda name: False)
    with pytest.raises(DataError, match=r"give a name in \.gif"):
        animation.draw_animation(Generator.load(DIGITS), ["1"], 2, ".webp", 0)


def test_an_animation_of_too_many_pixels_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(animation, "MAX_PIXELS", 10_000)
    result = run(DIGITS, "--output", tmp_path / "walk.gif", "--per-class", 2)
    assert result.exit_code == 2
    assert "at most 10,000 pixels" in result.stderr
    assert "ask for fewer frames with --per-class" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "saying"),
    [
        ([DIGITS, "--output", "walk.png"], "must end in .webp or .gif, but is 'walk.png'"),
        ([DIGITS, "--output", "walk"], "must end in .webp or .gif, but is 'walk'"),
        ([WINE, "--output", "walk.csv"], "must end in .png or .svg, but is 'walk.csv'"),
        ([WINE, "--output", "walk.gif"], "must end in .png or .svg, but is 'walk.gif'"),
        ([DIGITS, "--output", "nowhere/walk.gif"], "does not exist"),
        ([DIGITS, "--output", "walk.gif", "--class", "x"], "--class must name a class"),
        ([DIGITS, "--output", "walk.gif", "--per-class", "10001"], "at most 10,000 with --walk"),
    ],
)
def test_what_cannot_be_shown_is_refused(
    arguments: list[object], saying: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2
    assert saying in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


def test_an_animation_without_a_walk_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["sample", str(DIGITS), "--output", str(tmp_path / "walk.webp")])
    assert result.exit_code == 2
    assert "add --walk for an animation" in result.output
    assert not list(tmp_path.iterdir())
