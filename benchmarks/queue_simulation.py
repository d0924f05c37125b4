"""The queues of a large job, simulated event by event: shards that workers draw, batches that a trainer waits for.

Workers take shards, draw them, and hand them piece by piece to a disk or network of bounded bandwidth. Decoders fill a
bounded queue of batches, from which a trainer learns.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy

__all__ = ["ORDERS", "Loading", "Sampled", "Sampling", "efficiency", "load", "sample"]

ORDERS = ("one queue", "random order", "walk")
"""How workers find their next shard: from a scheduler; each in an order of its own; each along a circle."""

Events = Generator[simpy.Event, Any, None]


@dataclass(frozen=True)
class Sampling:
    """A job that draws shards. All times are in seconds.

    `draw` is the time of a shard on one core, `spread` its coefficient of variation, and `uneven` that of the speed of
    the workers. `bandwidth` in bytes a second is that of the disk or network that all workers share; at most `waiting`
    pieces wait for it, and a shard consists of `pieces`. `lost` workers end for good, each at a random moment before
    `lost_before`.
    """

    workers: int
    shards: int
    draw: float
    order: str = "random order"
    start: float = 0.0
    spread: float = 0.1
    uneven: float = 0.0
    shard_bytes: float = 0.0
    bandwidth: float = math.inf
    pieces: int = 4
    waiting: int = 16
    lost: int = 0
    lost_before: float = 0.0


@dataclass(frozen=True)
class Sampled:
    """What came of a job: its time, the shards that were drawn, and the time from the first idle worker to the end."""

    seconds: float
    drawn: int
    disk_busy: float
    tail: float


def sample(plan: Sampling, seed: int = 0) -> Sampled:
    """Simulate a job that draws shards, until all of them are written."""
    job = _Job(plan, np.random.default_rng(seed))
    job.environment.run(until=job.all_written)
    end = float(job.environment.now)
    return Sampled(end, job.drawn, job.disk_seconds / end, end - min([end, *job.idle_from]))


class _Job:
    def __init__(self, plan: Sampling, random: np.random.Generator) -> None:
        self.plan, self.random = plan, random
        self.environment = simpy.Environment()
        self.disk = simpy.Store(self.environment, capacity=plan.waiting)
        self.all_written = self.environment.event()
        self.written: set[int] = set()
        self.queue = simpy.Store(self.environment)
        self.queue.items = list(range(plan.shards))
        self.drawn, self.disk_seconds = 0, 0.0
        self.idle_from: list[float] = []
        self.environment.process(self._write())
        workers = [self.environment.process(self._work(1 / self._variation(plan.uneven))) for _ in range(plan.workers)]
        for worker in workers[: plan.lost]:
            self.environment.process(self._lose(worker, random.uniform(0, plan.lost_before)))

    def _variation(self, spread: float) -> float:
        """Return a random factor of mean 1, with a lognormal distribution."""
        width = math.log1p(spread**2)
        return float(self.random.lognormal(-width / 2, math.sqrt(width)))

    def _order(self) -> Iterator[int]:
        """Yield the shards that a worker draws, in its order; those that are written by then are passed over."""
        count, first = self.plan.shards, int(self.random.integers(self.plan.shards))
        walk = [*range(first, count), *range(first)]
        for shard in walk if self.plan.order == "walk" else self.random.permutation(count).tolist():
            if shard not in self.written:
                yield shard

    def _work(self, slowness: float) -> Events:
        environment, order, shard = self.environment, self._order(), None
        asked = None
        try:
            yield environment.timeout(self.plan.start)
            while True:
                if self.plan.order == "one queue":
                    if not self.queue.items:
                        self.idle_from.append(environment.now)
                    asked = self.queue.get()
                    shard = yield asked
                elif (shard := next(order, None)) is None:
                    self.idle_from.append(environment.now)
                    return
                yield from self._draw(shard, slowness)
                shard = None
        except simpy.Interrupt:
            if shard is None and asked is not None:
                if asked.triggered:
                    shard = asked.value
                else:
                    asked.cancel()
            if shard is not None:  # the scheduler gives it to another worker
                yield self.queue.put(shard)

    def _draw(self, shard: int, slowness: float) -> Events:
        plan = self.plan
        seconds = plan.draw * slowness * self._variation(plan.spread)
        for _ in range(plan.pieces):
            yield self.environment.timeout(seconds / plan.pieces)
            on_disk = self.environment.event()
            yield self.disk.put(on_disk)
        yield on_disk  # a shard is complete when its last piece is on the disk
        self.drawn += 1
        self.written.add(shard)
        if len(self.written) == plan.shards and not self.all_written.triggered:
            self.all_written.succeed()

    def _lose(self, worker: simpy.Process, moment: float) -> Events:
        yield self.environment.timeout(moment)
        if worker.is_alive:
            worker.interrupt()

    def _write(self) -> Events:
        seconds = self.plan.shard_bytes / self.plan.pieces / self.plan.bandwidth
        while True:
            on_disk = yield self.disk.get()
            yield self.environment.timeout(seconds)
            self.disk_seconds += seconds
            if not on_disk.triggered:
                on_disk.succeed()


@dataclass(frozen=True)
class Loading:
    """A training from files: decoders that each make whole batches, and a trainer.

    `decode` is the time of an image on one core, and `step` that of a training step. At most `prefetch` batches wait.
    """

    decoders: int
    decode: float
    step: float
    batch: int = 32
    prefetch: int = 4
    spread: float = 0.3


def load(plan: Loading, steps: int = 500, seed: int = 0) -> float:
    """Return the images a second that the trainer learns from."""
    random, environment = np.random.default_rng(seed), simpy.Environment()
    batches = simpy.Store(environment, capacity=plan.prefetch)
    width = math.log1p(plan.spread**2)

    def decode() -> Events:
        while True:
            yield environment.timeout(plan.batch * plan.decode * random.lognormal(-width / 2, math.sqrt(width)))
            yield batches.put(None)

    def train() -> Events:
        for _ in range(steps):
            yield batches.get()
            yield environment.timeout(plan.step)

    for _ in range(plan.decoders):
        environment.process(decode())
    environment.run(until=environment.process(train()))
    return steps * plan.batch / float(environment.now)


def efficiency(plan: Sampling, seeds: int) -> float:
    """Return the ideal time over the mean time: the ideal shares out all drawing, without starts and a disk."""
    ideal = plan.shards * plan.draw / plan.workers
    return ideal / statistics.mean(sample(plan, seed).seconds for seed in range(seeds))
