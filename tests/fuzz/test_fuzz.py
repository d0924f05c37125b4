"""A few hostile inputs of every kind; ``make fuzz N=10000`` tries many."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ganaug.errors import DataError
from tests.fuzz.harness import Fuzzer, run
from tests.fuzz.kinds import KINDS

FEW = {"onnx": 40, "images": 40, "csv": 30, "parquet": 40, "checkpoints": 20, "report": 1}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_no_input_crashes_hangs_or_writes_outside(kind: str, tmp_path: Path) -> None:
    findings = run(kind, KINDS[kind], range(FEW[kind]), tmp_path, tmp_path / "kept")
    assert not findings.bad
    assert sum(findings.counts.values()) == FEW[kind]


def test_the_harness_finds_what_it_looks_for(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()

    def make(rng: np.random.Generator, folder: Path) -> None:
        (folder / "input").write_text("x")

    def use(folder: Path) -> None:
        match folder.name:
            case "1":
                raise DataError("refused")
            case "2":
                raise KeyError("raw")
            case "3":
                __import__("ctypes").string_at(0)
            case "4":
                while True:
                    pass
            case "5":
                (tmp_path / "outside").write_text("x")

    findings = run("toy", Fuzzer(make, use, seconds=0.5), range(7), place, tmp_path / "kept")
    assert findings.counts == Counter(accepted=2, refused=1, error=1, crash=1, hang=1, outside=1)
    assert [(seed, outcome) for seed, outcome, _ in findings.bad] == [
        (2, "error"),
        (3, "crash"),
        (4, "hang"),
        (5, "outside"),
    ]
    assert "SIGSEGV" in findings.bad[1][2]
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["toy-2", "toy-3", "toy-4", "toy-5"]
    assert list(place.iterdir()) == []
