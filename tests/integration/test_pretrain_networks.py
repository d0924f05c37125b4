"""The program that trains the first weights of generators, on a few made pictures and for a few steps."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from ganaug.networks.pretrained import WEIGHTS
from tests.programs import run_program

PROGRAM = Path(__file__).parents[2] / "tools" / "pretrain_networks.py"


@pytest.mark.slow
def test_the_weights_can_be_made_again(tmp_path: Path) -> None:
    pool, weights = tmp_path / "pool.npz", tmp_path / "weights.safetensors"
    np.savez(pool, learned=np.random.default_rng(0).integers(0, 256, (60, 64, 64, 3), np.uint8))
    options = ["--steps", "2", "--crops", "40", "--clusters", "3"]
    done = run_program(PROGRAM, str(pool), str(weights), *options, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "side 8, step 2:" in done.stdout
    assert "side 16, step 2:" in done.stdout
    made, shipped = load_file(weights), load_file(WEIGHTS)
    assert {name: (value.shape, value.dtype) for name, value in made.items()} == {
        name: (value.shape, value.dtype) for name, value in shipped.items()
    }
    begun = [name for name, value in made.items() if value.ndim > 1 and value.equal(shipped[name])]
    assert not begun  # it begins with nothing, not with the shipped weights
