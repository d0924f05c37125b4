"""A progress bar for loops that take longer than a second."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.progress import Progress

from ganaug.integrations.progress import terminal

PATIENCE = 1.0
"""Seconds before the bar is shown."""

T = TypeVar("T")


def tracked(items: Iterable[T], total: int, doing: str) -> Iterator[T]:
    """Yield the items; after `PATIENCE` seconds, show a progress bar on standard error."""
    started, bar = time.perf_counter(), None
    try:
        for done, item in enumerate(items, start=1):
            yield item
            if bar is None and time.perf_counter() - started > PATIENCE:
                bar = Progress(console=terminal(), transient=True)
                bar.start()
                bar.add_task(doing, total=total)
            if bar is not None:
                bar.update(bar.task_ids[0], completed=done)
    finally:
        if bar is not None:
            bar.stop()
