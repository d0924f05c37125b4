"""Two processes learn as one does: losses, checkpoints, and what is refused. They are started once for all tests."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
import torch

from ganaug.compute.draws import SplitGenerator, integers, normal, own_rows, rows_of_all, uniform
from ganaug.compute.launched import devices_and_nodes, leads_here, started_by_another
from ganaug.networks.samples import Batch
from tests.joint_cases import CASES, ROWS, STEPS
from tests.paths import ROOT

TOLERANCE = 1e-3
"""Relative difference of losses in float32: sums in another order are rounded otherwise."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    program = [sys.executable, "-m", "tests.joint_program", str(tmp_path_factory.mktemp("checkpoints"))]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    ended = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def assert_same(ours: list[dict[str, float]], theirs: list[dict[str, float]]) -> None:
    assert len(ours) == len(theirs) > 0
    for own, other in zip(ours, theirs, strict=True):
        assert own == pytest.approx(other, rel=TOLERANCE, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_two_processes_have_the_losses_of_one(case: str, found: Any) -> None:
    assert len(found["together"][case]) == STEPS
    assert_same(found["together"][case], found["alone"][case])


@pytest.mark.slow
@pytest.mark.parametrize("order", ["two, then one", "one, then two"])
def test_a_run_is_resumed_by_another_number_of_processes(order: str, found: Any) -> None:
    assert_same(found[order], found["alone"][ROWS][STEPS // 2 :])


@pytest.mark.slow
def test_processes_with_other_data_are_refused(found: Any) -> None:
    assert "same data and settings, but process 1" in found["refused"]


def test_processes_draw_the_numbers_of_one() -> None:
    def sources() -> list[SplitGenerator]:
        return [SplitGenerator(torch.Generator().manual_seed(0), rank, 3) for rank in range(3)]

    for draw in (normal, uniform, lambda shape, random: integers(50, shape, random)):
        whole = draw((6, 4), torch.Generator().manual_seed(0))
        parts = [draw((2, 4), random) for random in sources()]
        assert all(torch.equal(part, whole[rank::3]) for rank, part in enumerate(parts))
    assert rows_of_all(2, sources()[0]) == 6
    assert torch.equal(own_rows(torch.arange(6), sources()[1]), torch.tensor([1, 4]))


def test_classes_share_noise_across_processes() -> None:
    label = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    whole = Batch(label, label, 5, torch.Generator().manual_seed(0)).noise_by_class(2)
    for rank in range(2):
        own = label[rank::2]
        random = SplitGenerator(torch.Generator().manual_seed(0), rank, 2)
        assert torch.equal(Batch(own, own, 5, random).noise_by_class(2), whole[rank::2])
    assert torch.equal(whole[0, :2], whole[3, :2])
    assert not torch.equal(whole[0, 2:], whole[3, 2:])


@pytest.mark.parametrize(
    ("environment", "asked", "expected"),
    [
        ({}, (None, None), ((1, 1), (True, True))),
        ({}, (2, None), ((2, 1), (True, True))),
        ({"LOCAL_RANK": "1"}, (2, None), ((2, 1), (False, False))),
        ({"NODE_RANK": "1"}, (2, 2), ((2, 2), (False, True))),
        (
            {"TORCHELASTIC_RUN_ID": "a", "LOCAL_WORLD_SIZE": "2", "WORLD_SIZE": "6", "RANK": "4", "LOCAL_RANK": "0"},
            (None, None),
            ((2, 3), (False, True)),
        ),
        ({"SLURM_PROCID": "3", "SLURM_LOCALID": "1", "SLURM_NTASKS": "4"}, (2, 2), ((2, 2), (False, False))),
        ({"WORLD_SIZE": "many"}, (None, 3), ((1, 3), (True, True))),
    ],
)
def test_what_the_environment_says(
    environment: dict[str, str], asked: Any, expected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if "RANK" in name or "WORLD" in name or name.startswith(("SLURM", "TORCHELASTIC", "OMPI")):
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (devices_and_nodes(*asked), leads_here()) == expected
    assert started_by_another(4) == bool({"LOCAL_RANK", "SLURM_NTASKS"} & set(environment))
