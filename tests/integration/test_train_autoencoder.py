"""The program that trains the shipped autoencoder, on a few made pictures and for a few steps."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

from ganaug.networks.autoencoder import WEIGHTS
from tests.programs import run_program

PROGRAM = Path(__file__).parents[2] / "tools" / "train_autoencoder.py"


@pytest.mark.slow
def test_the_weights_can_be_made_again(tmp_path: Path) -> None:
    def run(*arguments: object) -> str:
        done = run_program(PROGRAM, *map(str, arguments), folder=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    folder = tmp_path / "sources" / "budgie-backgrounds" / "backgrounds"
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for number in range(3):
        Image.fromarray(random.integers(0, 256, (80, 120, 3), np.uint8)).save(folder / f"{number}.jpg")
    pool, kept, weights = tmp_path / "pool.npz", tmp_path / "run", tmp_path / "weights.safetensors"
    assert "budgie-backgrounds: 3 pictures" in run("pool", tmp_path / "sources", pool, "--crops", 60, "--held-out", 8)
    with np.load(pool) as content:
        assert {name: content[name].shape for name in content} == {
            "learned": (60, 64, 64, 3),
            "photographs": (8, 64, 64, 3),
            "drawings": (8, 64, 64, 3),
        }

    first = run("train", pool, kept, "--steps", 4, "--adversary-from", 0.5, "--polish", 0)
    assert "step 4:" in first
    assert "dB" in first
    run("export", kept, tmp_path / "before.safetensors")
    assert "step 6:" in run("train", pool, kept, "--steps", 4, "--polish", 2)  # it goes on
    run("export", kept, weights)
    before = load_file(tmp_path / "before.safetensors")
    polished = {name for name, value in load_file(weights).items() if not value.equal(before[name])}
    assert polished
    assert all(name.startswith("decoder.") for name in polished)
    made, shipped = load_file(weights), load_file(WEIGHTS)
    assert {name: (value.shape, value.dtype) for name, value in made.items()} == {
        name: (value.shape, value.dtype) for name, value in shipped.items()
    }
