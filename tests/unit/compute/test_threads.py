"""The choice of the number of threads, on made-up timings."""

import pytest
import torch

from ganaug.compute import threads
from ganaug.compute.threads import TRIAL_STEPS, ThreadTuner


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Pretend that torch has two threads, and record what it is set to."""
    set_to = [2]
    monkeypatch.setattr(torch, "get_num_threads", lambda: set_to[-1])
    monkeypatch.setattr(torch, "set_num_threads", set_to.append)
    return set_to


def settle(alone: float, together: float, set_to: list[int]) -> int:
    """Run one trial, leave its choice as the last entry of `set_to`, and return how many steps it took."""
    steps = 0
    with ThreadTuner(enabled=True) as tuner:
        while tuner._settled is None:
            tuner.tick(alone if set_to[-1] == 1 else together)
            steps += 1
        settled = set_to[-1]
    assert set_to[-1] == 2
    set_to.append(settled)
    return steps


def test_takes_all_threads_where_they_help(two_threads: list[int]) -> None:
    settle(1.0, 0.6, two_threads)
    assert two_threads[-1] == 2


def test_takes_one_where_more_are_slower(two_threads: list[int]) -> None:
    settle(1.0, 1.1, two_threads)
    assert two_threads[-1] == 1


def test_breaks_a_ruinous_trial_off_at_once(two_threads: list[int]) -> None:
    assert settle(1.0, 27.0, two_threads) == TRIAL_STEPS + 2
    assert two_threads[-1] == 1


def test_tries_again_later(two_threads: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadTuner(enabled=True) as tuner:
        for _ in range(2 * TRIAL_STEPS + 2):
            tuner.tick(1.0)
        assert tuner._settled is not None
        monkeypatch.setattr(threads, "SECONDS_BETWEEN_TRIALS", -1.0)
        tuner.tick(1.0)
        assert tuner._settled is None


def test_leaves_everything_alone_when_not_enabled(two_threads: list[int]) -> None:
    with ThreadTuner(enabled=False) as tuner:
        for _ in range(50):
            tuner.tick(1.0)
    assert two_threads == [2]
