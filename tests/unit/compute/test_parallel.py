"""Tasks side by side: order, threads, modes, failures, interruptions."""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from ganaug.compute.modes import alone, seeded
from ganaug.compute.parallel import beside, cancellation_point, side_by_side

pytestmark = pytest.mark.usefixtures("left_as_found")

PATIENCE = 30.0  # seconds after which a test that hangs fails


def together(number: int, barrier: threading.Barrier) -> Callable[[], int]:
    """Return a task that ends only if another one runs at the same time."""

    def task() -> int:
        barrier.wait(PATIENCE)
        return number

    return task


def until_cancelled() -> None:
    while True:
        cancellation_point()
        threading.Event().wait(0.001)


def fail(error: BaseException, after: threading.Event | None = None) -> Callable[[], None]:
    def task() -> None:
        assert after is None or after.wait(PATIENCE)
        raise error

    return task


def test_tasks_run_at_the_same_time_and_results_keep_their_order() -> None:
    barrier = threading.Barrier(2)
    assert side_by_side([together(number, barrier) for number in range(4)]) == [0, 1, 2, 3]
    assert side_by_side([]) == []


def test_one_worker_is_the_calling_thread() -> None:
    assert set(side_by_side([threading.get_ident] * 3, workers=1)) == {threading.get_ident()}


def test_every_worker_has_one_torch_thread_and_the_usual_modes() -> None:
    barrier = threading.Barrier(2)

    def look() -> tuple[int, bool, bool, torch.dtype]:
        barrier.wait(PATIENCE)
        return torch.get_num_threads(), torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.ones(1).dtype

    with torch.inference_mode():
        assert side_by_side([look, look]) == [(1, True, False, torch.float32)] * 2


def test_workers_may_train_while_others_wait_for_the_whole_group() -> None:
    barrier, order = threading.Barrier(2), list[str]()

    def train() -> None:
        with alone():
            barrier.wait(PATIENCE)
            order.append("worker")

    def other() -> None:
        with alone():
            order.append("other")

    with ThreadPoolExecutor(1) as user:

        def start() -> None:
            user.submit(other)
            train()

        side_by_side([start, train])
    assert order == ["worker", "worker", "other"]


def test_first_weights_are_drawn_by_one_thread_at_a_time() -> None:
    def draw(seed: int) -> list[float]:
        with seeded(seed):
            return [float(torch.rand(())) for _ in range(200)]

    before = torch.get_rng_state()
    found = side_by_side([lambda seed=seed: draw(seed) for seed in (1, 2)] * 3)  # type: ignore[misc]
    assert found == [draw(1), draw(2)] * 3
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("first", [True, False])
def test_a_failure_reaches_the_caller_and_ends_the_other_tasks(first: bool) -> None:
    begun = threading.Event()

    def work() -> None:
        begun.set()
        until_cancelled()

    tasks = [fail(ValueError("broken"), begun), work]
    with pytest.raises(ValueError, match="broken"):
        side_by_side(tasks if first else tasks[::-1])


def test_tasks_that_have_not_begun_never_do() -> None:
    done: list[int] = []
    with pytest.raises(ValueError, match="broken"):
        side_by_side([fail(ValueError("broken")), lambda: done.append(1)], workers=1)
    assert done == []


def test_an_interrupt_of_the_caller_ends_the_workers() -> None:
    begun = threading.Event()

    def work() -> None:
        begun.set()
        until_cancelled()

    def interrupted() -> None:
        if threading.current_thread() is threading.main_thread():
            fail(KeyboardInterrupt(), begun)()
        work()

    with pytest.raises(KeyboardInterrupt):
        side_by_side([interrupted, interrupted])


def test_ctrl_c_while_the_caller_waits_ends_the_workers() -> None:
    begun = threading.Event()

    def work() -> None:
        if threading.current_thread() is threading.main_thread():
            assert begun.wait(PATIENCE)
            return
        begun.set()
        threading.Event().wait(0.1)  # the caller waits by now
        os.kill(os.getpid(), signal.SIGINT)
        until_cancelled()

    with pytest.raises(KeyboardInterrupt):
        side_by_side([work, work])


def test_a_failure_ends_groups_within_groups() -> None:
    begun = threading.Event()

    def nested() -> None:
        side_by_side([begun.set, until_cancelled, until_cancelled])

    with pytest.raises(ValueError, match="broken"):
        side_by_side([nested, fail(ValueError("broken"), begun)])


def test_the_caller_works_alone_where_no_thread_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", lambda _: fail(RuntimeError("no thread"))())
    assert side_by_side([lambda: 1, lambda: 2]) == [1, 2]


def test_outside_a_group_nothing_is_cancelled() -> None:
    cancellation_point()


def test_a_task_beside_the_caller_runs_at_the_same_time_and_gives_its_result() -> None:
    barrier = threading.Barrier(2)
    with alone(), beside(together(7, barrier)) as result:
        barrier.wait(PATIENCE)
        assert result() == 7
        assert result() == 7


def test_the_error_of_a_task_beside_reaches_whoever_asks_for_its_result() -> None:
    with pytest.raises(KeyError, match="lost"), beside(fail(KeyError("lost"))) as result:
        result()
    with beside(fail(KeyError("lost"))):
        pass  # nobody asks


def test_leaving_the_context_ends_the_task_beside() -> None:
    with beside(until_cancelled):
        pass
    with pytest.raises(KeyboardInterrupt), beside(until_cancelled):
        raise KeyboardInterrupt
