"""Whole pieces of work side by side: each in a Python thread of its own, with one torch thread.

torch's own threads share out every single operation, and wait for each other at its end. Beside other busy programs,
they wait many times longer than they work. Whole pieces of work wait once, at their end. torch releases Python's global
lock inside its operators and for the whole of a backward pass, so that the pieces really run at the same time. What a
piece computes depends neither on the number of cores nor on their load.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TypeVar

from ganaug.compute.modes import admitted, alone, training_modes
from ganaug.compute.threads import single_thread

Result = TypeVar("Result")


class _Cancelled(BaseException):
    """Ends a task whose result nobody waits for."""


class _Group(threading.local):
    """The groups of tasks that this thread works for: an event for each, which is set when the group is to end."""

    ended: tuple[threading.Event, ...] = ()


_group = _Group()


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def side_by_side(tasks: Sequence[Callable[[], Result]], *, workers: int | None = None) -> list[Result]:
    """Run tasks at the same time, and return their results in the order of the tasks.

    The calling thread takes part, so that one worker starts no thread. Every worker has one torch thread and torch's
    usual modes, and may train: the group of tasks as a whole counts as one training for `alone`. If a task fails, or
    the caller is interrupted, the other tasks end at their next `cancellation_point`.

    Parameters
    ----------
    tasks : sequence of callables without arguments
        They share nothing that one of them changes, random generators and default seeds among it.
    workers : int, optional
        Tasks at the same time, at most; by default the number of usable cores. The results do not depend on it.

    Returns
    -------
    list
        What each task returned.

    Raises
    ------
    BaseException
        What the first failed task raised, after all workers have ended.

    Examples
    --------
    >>> side_by_side([lambda: 1 + 1, lambda: sum(range(10))])
    [2, 45]
    """
    pending, results, failures = deque(enumerate(tasks)), dict[int, Result](), dict[int, BaseException]()
    helpers, ended = dict[threading.Thread, threading.Event](), threading.Event()
    groups = (*_group.ended, ended)

    def work() -> None:
        while not ended.is_set():
            try:
                number, task = pending.popleft()
            except IndexError:  # no task is left
                return
            try:
                results[number] = task()
            except BaseException as error:
                failures[number] = error
                ended.set()

    def help_out(done: threading.Event) -> None:
        with admitted(), training_modes(), single_thread(), _member(groups):
            work()
        done.set()

    with alone(), training_modes(), single_thread(), _member(groups):
        try:
            with suppress(RuntimeError):  # no thread can be started: this thread does all the work
                for _ in range(min(workers or usable_cores(), len(tasks)) - 1):
                    done = threading.Event()
                    helper = threading.Thread(target=help_out, args=(done,), name="ganaug")
                    helper.start()
                    helpers[helper] = done
            work()
            for done in helpers.values():  # an interrupted `join` would forget that its thread is alive
                done.wait()
        finally:
            ended.set()
            for helper, done in helpers.items():
                done.wait()
                helper.join()
    if failures:
        raise min(failures.items(), key=lambda failure: (isinstance(failure[1], _Cancelled), failure[0]))[1]
    return [results[number] for number in range(len(tasks))]


@contextmanager
def beside(task: Callable[[], Result]) -> Iterator[Callable[[], Result]]:
    """Run a task in a thread of its own while the context goes on.

    The context receives a function that waits for the task, and returns its result or raises its error. A task that
    still runs when the context is left ends at its next `cancellation_point`.

    Examples
    --------
    >>> with beside(lambda: 1 + 1) as result:
    ...     result()
    2
    """
    ended, done = threading.Event(), threading.Event()
    groups, results, failures = (*_group.ended, ended), list[Result](), list[BaseException]()

    def work() -> None:
        try:
            with admitted(), training_modes(), single_thread(), _member(groups):
                results.append(task())
        except BaseException as error:
            failures.append(error)
        finally:
            done.set()

    def result() -> Result:
        done.wait()
        if failures:
            raise failures[0]
        return results[0]

    thread = threading.Thread(target=work, name="ganaug")
    thread.start()
    try:
        yield result
    finally:
        ended.set()
        done.wait()
        thread.join()


def cancellation_point() -> None:
    """End this task if its group of tasks is to end; long work calls it between its steps."""
    if any(ended.is_set() for ended in _group.ended):
        raise _Cancelled


@contextmanager
def _member(groups: tuple[threading.Event, ...]) -> Iterator[None]:
    before, _group.ended = _group.ended, groups
    try:
        yield
    finally:
        _group.ended = before
