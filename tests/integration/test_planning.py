"""The planning of large jobs: the simulated queues against closed forms, the arithmetic, and the page of the guide."""

import importlib
import json
import statistics
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.paths import ROOT

RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "guide" / "planning.md"


@pytest.fixture
def load_benchmark(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that imports a module of the benchmarks."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module


@pytest.fixture
def simulation(load_benchmark: Any) -> ModuleType:
    module: ModuleType = load_benchmark("queue_simulation")
    return module


@pytest.fixture
def results() -> dict[str, Any]:
    """Return the committed results by their names."""
    if not RESULTS.is_dir():
        pytest.skip("a source distribution holds no results")
    return {name: json.loads((RESULTS / f"{name}.json").read_text()) for name in ("planning", "queues")}


@pytest.mark.parametrize(("workers", "shards"), [(1, 3), (4, 10), (4, 12), (20, 5)])
def test_one_queue_shares_out_equal_shards(simulation: ModuleType, workers: int, shards: int) -> None:
    found = simulation.sample(simulation.Sampling(workers, shards, 1.5, "one queue", start=2.0, spread=0.0))
    assert found.seconds == pytest.approx(2.0 + 1.5 * -(-shards // workers))
    assert found.drawn == shards
    some_idle = shards % workers if workers < shards else 0  # before the last round, rather than from the start
    assert found.tail == pytest.approx(1.5 if some_idle or workers > shards else 0)


@pytest.mark.parametrize(("workers", "bandwidth"), [(2, 10.0), (8, 10.0), (32, 10.0), (32, 100.0)])
def test_throughput_is_that_of_the_workers_or_of_the_disk(
    simulation: ModuleType, workers: int, bandwidth: float
) -> None:
    plan = simulation.Sampling(workers, 60 * workers, 2.0, "one queue", shard_bytes=5.0, bandwidth=bandwidth)
    found = simulation.sample(plan)
    bound = min(workers / plan.draw, bandwidth / plan.shard_bytes)
    assert 0.85 * bound < plan.shards / found.seconds <= 1.02 * bound
    assert found.disk_busy == pytest.approx(plan.shards * 5.0 / bandwidth / found.seconds, rel=0.01)


def test_a_walk_wastes_what_lies_before_the_next_worker(simulation: ModuleType) -> None:
    # Two workers that begin at random places of a circle: the longer arc is three quarters of it on average.
    plan = simulation.Sampling(2, 100, 1.0, "walk", spread=0.0)
    assert statistics.mean(simulation.sample(plan, seed).seconds for seed in range(100)) == pytest.approx(75, abs=6)
    wasted = [simulation.sample(replace(plan, order=order)).drawn - 100 for order in simulation.ORDERS]
    assert wasted[0] == 0
    assert wasted[1] < 15 < wasted[2]


def test_many_shards_make_the_tail_short(simulation: ModuleType) -> None:
    plan = simulation.Sampling(16, 16, 1.0, uneven=0.3)
    for order in ("one queue", "random order"):
        few, many = (simulation.efficiency(replace(plan, shards=16 * each, order=order), seeds=5) for each in (1, 32))
        assert few < 0.75
        assert many > 0.85


@pytest.mark.parametrize("order", ["one queue", "random order"])
def test_lost_workers_cost_their_part_and_no_shard(simulation: ModuleType, order: str) -> None:
    plan = simulation.Sampling(4, 80, 1.0, order, spread=0.0)
    whole, alone = simulation.sample(plan), simulation.sample(replace(plan, lost=3))
    assert alone.seconds == pytest.approx(80, abs=1)
    assert whole.seconds < 30
    late = simulation.sample(replace(plan, lost=1, lost_before=20.0))
    assert whole.seconds <= late.seconds < alone.seconds


def test_a_shard_of_a_lost_worker_is_drawn_by_an_idle_one(simulation: ModuleType) -> None:
    plan = simulation.Sampling(3, 2, 1.0, "one queue", spread=0.0, lost=1, lost_before=0.8)
    ends = {round(simulation.sample(plan, seed).seconds, 6) for seed in range(5)}
    assert len(ends) == 5
    assert all(1.0 < end < 1.8 for end in ends)


def test_a_trainer_waits_for_the_decoders_or_they_for_it(simulation: ModuleType) -> None:
    for decoders, expected in ((1, 500), (2, 1_000), (8, 1_600)):  # 32 images in 20 ms are 1,600 images/s
        found = simulation.load(simulation.Loading(decoders, decode=0.002, step=0.02))
        assert found == pytest.approx(expected, rel=0.03)
    ragged = simulation.Loading(3, decode=0.00183, step=0.02, spread=1.0)
    short, long = (simulation.load(replace(ragged, prefetch=n), steps=2_000) for n in (1, 64))
    assert short < long


def test_results_are_computed_from_the_rates_that_are_shown(load_benchmark: Any, results: dict[str, Any]) -> None:
    jobs = load_benchmark("planned_jobs")
    assert [jobs.rounded(value) for value in (0, 108_700, 0.00738, 9.99)] == [0, 110_000, 0.0074, 10]
    rates = results["planning"]["rates"]
    rates["rows"] |= {"rows_per_second": 104_000.0, "bytes_per_row": 52.4}
    table = jobs.tables(rates)["rows"]
    assert "| time on one core | 10^10 rows / 100,000 rows/s | 28 h |" in table
    assert "| disk | 10^10 rows x 52 bytes | 520 GB |" in table


def test_the_page_shows_the_measured_figures(load_benchmark: Any, results: dict[str, Any]) -> None:
    jobs, queues = load_benchmark("planned_jobs"), load_benchmark("queues")
    rates, simulated = results["planning"], results["queues"]
    blocks = jobs.tables(rates["rates"]) | queues.tables(simulated)
    page = PAGE.read_text(encoding="utf-8")
    assert jobs.page_with(page, blocks) == page, "python benchmarks/planning.py --page docs/guide/planning.md"
    assert all(f"<!-- {name} -->" in page for name in blocks)
    assert (RESULTS / "planning.md").read_text() == jobs.as_markdown(rates)
    assert (RESULTS / "queues.md").read_text() == queues.as_markdown(simulated)


def test_files_are_listed_and_counted(load_benchmark: Any, tmp_path: Path) -> None:
    found = load_benchmark("core_rates").list_files(tmp_path, rounds=1, quick=True)
    assert found["files"] == len(list(tmp_path.glob("*/*"))) == 5_000
    assert 100 < found["bytes_per_file"] < found["peak_bytes_per_file"] < 2_000


def test_simulated_figures_have_all_tables(load_benchmark: Any, results: dict[str, Any]) -> None:
    queues = load_benchmark("queues")
    found = queues.simulated(results["planning"]["rates"], seeds=1, largest=4)
    for one in found["throughput"].values():
        assert one["shards_per_hour"] <= 1.05 * one["bound_per_hour"]
    check = {"draw": 1.0, "predicted": [1, 2, 3], "measured": [2, 2, 3], "wall": [4], "load": 0.1}
    shown = queues.tables(found | {"check": {"1": check}, "waiting": queues.waiting(((3, 4),), rounds=1)})
    assert shown["check"].splitlines()[2] == "| 1 | 1.00 | 2.0 (1.0 to 3.0) | 2.0 (2.0 to 3.0) | 4.0 | 0.1 |"
    assert shown.keys() == {"workers", "shards", "lost", "loading", "check", "waiting"}
    assert shown["waiting"].splitlines()[2].startswith("| 3 | 4 | ")
