"""Rates of one core: what `planning.py` measures, each in a process of its own."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from runs import Record, peak_memory

__all__ = ["MEASUREMENTS", "timed"]

CLASSES = (100, 1_000, 10_000)
MB = 2**20


def timed(work: Callable[[], Any], rounds: int) -> Record:
    """Return the CPU and wall seconds of some work after a warm-up: the fewest, and how far the others lie above.

    Other programs slow a round down, and never speed it up, so that the fastest is nearest to an idle machine.
    """
    work()
    cpu, wall = [], []
    for _ in range(rounds):
        clock, used = time.perf_counter(), time.process_time()
        work()
        cpu.append(time.process_time() - used)
        wall.append(time.perf_counter() - clock)
    return {"cpu": min(cpu), "wall": min(wall), "spread": max(cpu) / max(min(cpu), 1e-9) - 1}


def once(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what some work returns, and its CPU seconds."""
    used = time.process_time()
    result = work()
    return result, time.process_time() - used


def sample_rows(folder: Path, rounds: int, quick: bool) -> Record:
    """Rows of eleven columns, drawn and written as Parquet; those that have seeds of their own apart."""
    from table_speed import ten_columns

    from ganaug.data.tables.dataset import from_frame

    table, y = ten_columns()
    data = from_frame(table, y)
    model = _model(data, folder)
    few, many = (1_000, 20_000) if quick else (1_000, 200_000)
    seeded = timed(lambda: _write(model, few, folder / "few.parquet"), rounds)
    streamed = timed(lambda: _write(model, many, folder / "many.parquet"), rounds)
    n, extra = len(data.classes) * (many - few), streamed["cpu"] - seeded["cpu"]
    return {
        "rows_per_second": n / extra,
        "seeded_rows_per_second": len(data.classes) * few / seeded["cpu"],
        "bytes_per_row": (folder / "many.parquet").stat().st_size / (len(data.classes) * many),
        "spread": streamed["spread"],
        **_command(folder / "model.onnx", folder, rounds),
    }


def sample_images(folder: Path, rounds: int, quick: bool) -> Record:
    """Images drawn and written to a tar archive of PNG files."""
    found: Record = {}
    count = 16 if quick else 128
    for name, (side, space) in SPACES.items():
        model = _model(_images(side, 400, 4), folder, space=space)
        archive = folder / "images.tar"
        seconds = timed(lambda model=model, archive=archive: _write(model, count, archive), rounds)  # type: ignore[misc]
        images = count * len(model.classes)
        found[name] = {
            "images_per_second": images / seconds["cpu"],
            "bytes_per_image": archive.stat().st_size / images,
            "spread": seconds["spread"],
        }
    return found


SPACES = {
    "32 px": (32, "pixels"),
    "64 px": (64, "pixels"),
    "64 px, latents": (64, "latent"),
}


def read_images(folder: Path, rounds: int, quick: bool) -> Record:
    """JPEG files, read by a fit and copied by ``balance``; and the memory that a file takes."""
    from PIL import Image

    from ganaug.cli.images import FILES
    from ganaug.data.images.dataset import load_folder

    random, found = np.random.default_rng(0), dict[str, Any]()
    model = _model(_images(64, 400, 4), folder)
    for width, height, count in ((64, 64, 400 if quick else 2_000), (500, 375, 80 if quick else 400)):
        source = folder / f"{width}"
        soft = random.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
        for number in range(count):
            place = source / model.classes[number % 4]
            place.mkdir(parents=True, exist_ok=True)
            image = Image.fromarray(np.roll(soft, number, axis=0)).resize((width, height), Image.Resampling.BICUBIC)
            image.save(place / f"{number:06}.jpg", quality=85)
        fit = timed(lambda source=source: load_folder(source, 64), rounds)  # type: ignore[misc]
        outputs = iter(range(1_000))
        copied = timed(
            lambda source=source, outputs=outputs: FILES.write_balanced(  # type: ignore[misc]
                source, model, folder / f"balanced-{source.name}-{next(outputs)}", share=None, seed=0
            ),
            rounds,
        )
        tracemalloc.start()
        data = load_folder(source, 64)
        held, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        found[f"{width} x {height}"] = {
            "read_per_second": count / fit["cpu"],
            "balanced_per_second": count / copied["cpu"],
            "spread": fit["spread"],
            "bytes_per_file": (held - data.images.nbytes) / count,
            "peak_bytes_per_file": (peak - data.images.nbytes) / count,
        }
    return found


def list_files(folder: Path, rounds: int, quick: bool) -> Record:
    """Files without content in ten class folders: making, listing, memory."""
    from ganaug.data.images.folder import scan_folder

    count = 5_000 if quick else 100_000

    def make() -> None:
        for label in range(10):
            (folder / f"class-{label}").mkdir()
            for number in range(count // 10):
                (folder / f"class-{label}" / f"{number:08}.jpg").touch()

    _, made = once(make)
    seconds = timed(lambda: scan_folder(folder), rounds)
    tracemalloc.start()
    index = scan_folder(folder)
    held, peak = tracemalloc.get_traced_memory()
    million = 1e6 / len(index.files)
    return {
        "files": count,
        "seconds_per_million": seconds["cpu"] * million,
        "wall_per_million": seconds["wall"] * million,
        "spread": seconds["spread"],
        "making_per_million": made * million,
        "bytes_per_file": held / count,
        "peak_bytes_per_file": peak / count,
    }


def train_steps(folder: Path, rounds: int, quick: bool) -> Record:  # noqa: ARG001 - as all measurements
    """Training steps at the full resolution, and what the number of samples adds to each."""
    import torch

    found: Record = {}
    steps = 3 if quick else 20
    for name, (side, space) in SPACES.items():
        settings = {"space": space, "techniques": {"growing": False}}
        found[name] = min(_seconds_of_step(_images(side, 400, 10), steps, **settings) for _ in range(rounds))
    from table_speed import ten_columns

    from ganaug.data.tables.dataset import from_frame

    found["rows"] = min(_seconds_of_step(from_frame(*ten_columns()), 5 * steps) for _ in range(rounds))
    weights, random = torch.rand(10_000 if quick else 10**6, dtype=torch.float64), torch.Generator()
    drawn = timed(lambda: torch.multinomial(weights, 16, replacement=True, generator=random), 20)
    found["draw_seconds_per_million"] = drawn["cpu"] * 1e6 / len(weights)
    return found


def _seconds_of_step(data: Any, steps: int, **settings: Any) -> float:
    from contextlib import closing

    from ganaug.training import Run

    warm_up, seconds = 3, []
    run = Run(data, device="cpu", random_state=0, max_steps=warm_up + steps, **settings)
    run.validated = False
    with run.turn(), closing(run.steps()) as taken:
        before = time.process_time()
        for step in taken:
            now = time.process_time()
            if step.number > warm_up:
                seconds.append(now - before)
            before = now
    return statistics.median(seconds)


def many_classes(folder: Path, rounds: int, quick: bool) -> Record:  # noqa: ARG001 - as all measurements
    """What grows with the number of classes: three images of 8 px each, and ten rows each."""
    counts = CLASSES[:1] if quick else CLASSES
    # A process for each, for its memory.
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as process:
        return {
            kind: {count: process.submit(_with_classes, kind, count, folder).result() for count in counts}
            for kind in ("images", "rows")
        }


def _with_classes(kind: str, count: int, folder: Path) -> Record:
    from ganaug.training import Run
    from ganaug.training.validation import Validation

    data = _images(8, 3 * count, count) if kind == "images" else _rows(10 * count, count)
    run, judging = Run(data, device="cpu", random_state=0, max_steps=2), list[float]()
    judge = Validation.judge

    def judged(*arguments: Any) -> Any:
        result, seconds = once(lambda: judge(*arguments))
        judging.append(seconds)
        return result

    with patch.object(Validation, "judge", judged):
        trained, fit = once(run.run)
    generator, export = once(trained.export)
    model = folder / "classes.onnx"
    generator.save(model)
    metadata = len(json.dumps(generator.metadata))
    _, load = once(lambda: type(generator).load(model))
    drawn = timed(lambda: _write(generator, 1, folder / f"one{'.tar' if kind == 'images' else '.parquet'}"), 1)
    return {
        "screen_and_two_steps": fit - sum(judging),
        "validation": statistics.median(judging),
        "export": export,
        "load": load,
        "sample_one_of_each": drawn["cpu"],
        "model_bytes": model.stat().st_size,
        "metadata_bytes": metadata,
        "peak_mb": round(peak_memory()),
    }


def write_disk(folder: Path, rounds: int, quick: bool) -> Record:
    """Bytes a second that a file takes until they are on the disk of the temporary folder."""
    block, count = bytes(MB), 16 if quick else 256

    def write() -> None:
        with (folder / "block").open("wb") as file:
            for _ in range(count):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())

    return {"bytes_per_second": count * MB / timed(write, rounds)["wall"]}


MEASUREMENTS: dict[str, Callable[[Path, int, bool], Record]] = {
    "rows": sample_rows,
    "images": sample_images,
    "reading": read_images,
    "listing": list_files,
    "training": train_steps,
    "classes": many_classes,
    "disk": write_disk,
}


def _images(side: int, count: int, classes: int) -> Any:
    from ganaug.data.images.dataset import from_arrays

    images = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    return from_arrays(images, np.arange(count) % classes, [f"class-{number:05}" for number in range(classes)])


def _rows(count: int, classes: int) -> Any:
    import pandas as pd

    from ganaug.data.tables.dataset import from_frame

    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(count, 10))).add_prefix("column")
    return from_frame(frame, np.arange(count) % classes)


def _model(data: Any, folder: Path, **settings: Any) -> Any:
    """Return a model of a few steps whose screen accepts every sample."""
    from ganaug.runtime.generator import Generator
    from ganaug.training import Run
    from ganaug.training.trained import Trained

    trained = Run(data, device="cpu", random_state=0, max_steps=3, **settings).run()
    with patch.object(Trained, "thresholds", lambda self: [0.0] * self.learned.n_classes):
        trained.export().save(folder / "model.onnx")
    return Generator.load(folder / "model.onnx")


def _write(generator: Any, per_class: int, output: Path) -> None:
    """Write samples as ``ganaug sample`` does, with one thread."""
    from ganaug.cli.data_files import files_of_model
    from ganaug.runtime import session

    with patch.object(session, "_threads", lambda: 1):
        files_of_model(generator).write_samples(generator, list(generator.classes), per_class, output, 0)


def _command(model: Path, folder: Path, rounds: int) -> Record:
    """Return the wall seconds of ``ganaug sample`` for one row of each class, and its peak memory for many."""
    arguments = ["sample", str(model), "--output", str(folder / "one.parquet"), "--per-class"]
    code = (
        "import sys; from ganaug.cli import main; main(sys.argv[1:], standalone_mode=False); "
        f"sys.path.insert(0, {str(Path(__file__).parent)!r}); from runs import peak_memory; print(peak_memory())"
    )

    def run(per_class: int) -> str:
        command = [sys.executable, "-c", code, *arguments, str(per_class)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    return {
        "start_seconds": timed(lambda: run(1), rounds)["wall"],
        "sample_mb": round(float(run(200_000).splitlines()[-1])),
    }
