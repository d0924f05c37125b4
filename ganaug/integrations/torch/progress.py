"""A progress bar for what turns out to take long, and nothing for what does not."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress

__all__ = ["tracked"]

PATIENCE = 1.0
"""Seconds that pass before anything is shown."""

T = TypeVar("T")


def tracked(items: Iterable[T], total: int, doing: str) -> Iterator[T]:
    """Pass items on and, once that has taken a while, show on standard error how far it has come.

    Examples
    --------
    >>> list(tracked("abc", 3, "Reading"))
    ['a', 'b', 'c']
    """
    started, bar = time.perf_counter(), None
    try:
        for done, item in enumerate(items, start=1):
            yield item
            if bar is None and time.perf_counter() - started > PATIENCE:
                bar = Progress(console=Console(stderr=True), transient=True)
                bar.start()
                bar.add_task(doing, total=total)
            if bar is not None:
                bar.update(bar.task_ids[0], completed=done)
    finally:
        if bar is not None:
            bar.stop()
