"""How much is searched for copies in a given time."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ganaug.data.dataset import Dataset
from ganaug.evaluation import copy_search
from ganaug.evaluation.copy_search import at_most, search_within
from ganaug.evaluation.copying import pooled_copies, search_for_copies
from ganaug.evaluation.samples import draw
from tests.fakes import copier


@pytest.mark.parametrize(
    ("wanted", "most", "found"),
    [
        ([30, 50], 100, [30, 50]),
        ([30, 50], 80, [30, 50]),
        ([30, 300], 100, [30, 70]),
        ([30, 300], 40, [20, 20]),
        ([300] * 4, 4, [1] * 4),
    ],
)
def test_a_smaller_search_has_as_many_samples_of_each_class(wanted: list[int], most: int, found: list[int]) -> None:
    assert at_most(np.array(wanted), most, np.random.default_rng(0)).tolist() == found


@pytest.mark.parametrize("most", [1, 7, 10, 29])
def test_what_is_left_goes_to_random_classes(most: int) -> None:
    found = at_most(np.full(10, 30), most, np.random.default_rng(0))
    assert found.sum() == most
    assert np.ptp(found) <= 1
    if most % 10:
        assert found.tolist() != sorted(found.tolist(), reverse=True)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let each search take the seconds that a function of its samples and training items says, or fewer."""
    now = 0.0

    def search(samples: Dataset, train: Dataset, held_out: Dataset, **options: Any) -> Any:
        nonlocal now
        now += seconds_of_a_pair * len(samples) * len(train)
        return search_for_copies(samples, train, held_out, **options)

    def set_pace(seconds: float) -> None:
        nonlocal seconds_of_a_pair
        seconds_of_a_pair = seconds

    seconds_of_a_pair = 0.0
    monkeypatch.setattr(copy_search, "search_for_copies", search)
    monkeypatch.setattr("ganaug.evaluation.copy_search.time.perf_counter", lambda: now + 1e-9)
    monkeypatch.setattr(copy_search, "PROBED", 20)
    return set_pace


@pytest.mark.parametrize("seen_all", [False, True])
def test_the_search_is_as_large_as_its_time_allows(
    sides: tuple[Dataset, Dataset], clock: Callable[[float], None], seen_all: bool
) -> None:
    train, held_out = sides
    sampler, sizes = copier(train), list[int]()

    def drawn(counts: Any) -> Dataset:
        sizes.append(int(counts.sum()))
        return draw(sampler, train, counts, 3)

    def searched(seconds: float | None) -> dict[str, int]:
        counts = np.array([30, 70])
        found = search_within(seconds, drawn, train, held_out, counts, seed=0, seen_all=seen_all)
        nearest, whole = found.copying.scan.nearest, train.joined(held_out)
        # The scan numbers the items of the whole data.
        own, real = (data.points(train) for data in (found.samples, whole.part(nearest)))
        assert len(found.samples) == len(nearest) == len(found.copying.labels)
        distances = np.linalg.norm(own - real, axis=1)
        assert np.corrcoef(distances, found.copying.scan.distance)[0, 1] > 0.9
        assert np.median(distances) < 0.1 or found.copying.n_searched < len(train)
        figures: dict[str, int] = pooled_copies([found.copying])["searched"]
        return figures

    clock(0.001)
    everything = {"samples": 100, "of_samples": 100, "training": len(train), "of_training": len(train)}
    assert searched(None) == everything
    assert sizes == [100]
    assert searched(1000.0) == everything
    assert sizes[1:] == [20, 100]
    assert searched(0.5) == everything | {"samples": 20, "training": 20}
    assert sizes[3:] == [20]
    some = searched(0.4 + 0.4 * 3**2 + 0.01)
    assert some == everything | {"samples": 60, "training": 60}
    assert sizes[4:] == [20, 60]
