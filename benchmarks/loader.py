"""Measure what synthetic images cost a DataLoader: throughput, time to the first batch, memory of each worker.

    python benchmarks/loader.py [--workers 0,1,2,4] [--rounds 5] [--items 1000] [--quick] [--output benchmarks/results]

A plain DataLoader over PNG files is compared with `balanced_loader` over the same files, where half of every batch is
synthetic. The loaders take turns, one epoch each, and ratios are taken within a round, so that other work on the
machine affects both loaders alike. At 32 px the generator is that of MNIST in ``onnx_models/``. At 64 px it is one of
three training steps: its samples show nothing, but cost as much, and all pass its screen. Results go to
``OUTPUT/loader.json`` and ``OUTPUT/loader.md``. Run it on a machine without other work.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from PIL import Image
from runs import Record, describe_machine, markdown_table, write
from torch.utils.data import DataLoader, Dataset

from ganaug import Generator, balanced_loader
from ganaug.data.images.dataset import from_arrays
from ganaug.training import fit

MODELS = Path(__file__).parents[1] / "onnx_models"
BATCH = 64
MEMORY_WORKERS = 2
ARMS: dict[str, dict[str, Any]] = {"default": {}, "all fresh": {"fresh": True}, "cache": {"cache": "cache"}}


class Pngs(Dataset[tuple[torch.Tensor, int]]):
    """PNG files, decoded when they are asked for, as in torchvision's ImageFolder."""

    def __init__(self, folder: Path, labels: list[int], classes: list[str]) -> None:
        self.paths = [str(folder / f"{index}.png") for index in range(len(labels))]
        self.targets, self.classes = labels, classes

    def __len__(self) -> int:
        return len(self.paths)

    def transform(self, picture: Image.Image) -> torch.Tensor:
        """Return a tensor (1, H, W) in [0, 1]."""
        return torch.from_numpy(np.array(picture)[None]).float() / 255

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        with Image.open(self.paths[index]) as file:
            picture = file.convert("L")
        return self.transform(picture), self.targets[index]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", default="0,1,2,4", help="numbers of workers, separated by commas")
    parser.add_argument("--rounds", type=int, default=5, help="epochs of every loader, after its first")
    parser.add_argument("--items", type=int, default=1000, help="real images, and as many synthetic ones")
    parser.add_argument("--quick", action="store_true", help="few of everything: does it run at all?")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    workers = [0, 2] if options.quick else [int(number) for number in options.workers.split(",")]
    rounds, items = (2, 200) if options.quick else (options.rounds, options.items)
    output = options.output / "quick" if options.quick else options.output
    output.mkdir(parents=True, exist_ok=True)

    machine = describe_machine() | {"load": os.getloadavg()[0]}
    results: Record = {"machine": machine, "rounds": rounds, "items": items, "batch": BATCH, "sizes": {}}
    for size, generator in ((32, Generator.load(MODELS / "mnist.onnx")), (64, untrained(64))):
        with tempfile.TemporaryDirectory() as folder:
            data = written(Path(folder), generator, items)
            results["sizes"][str(size)] = {
                str(number): measure(data, generator, number, rounds, Path(folder)) for number in workers
            }
            results["sizes"][str(size)]["memory"] = memory(data, generator)
    write(output / "loader.json", json.dumps(results, indent=2) + "\n")
    write(output / "loader.md", as_markdown(results))
    print(f"wrote {output / 'loader.json'} and {output / 'loader.md'}")


def untrained(size: int) -> Generator:
    """Return a generator of images of this size that was trained for three steps, and whose samples all pass."""
    images = np.random.default_rng(0).integers(0, 256, (60, size, size), dtype=np.uint8)
    generator = fit(from_arrays(images, np.arange(60) % 10, list("0123456789")), max_steps=3, random_state=0)
    proto = onnx.load_model_from_string(generator.to_bytes())
    (claim,) = [prop for prop in proto.metadata_props if prop.key == "ganaug"]
    claim.value = json.dumps(json.loads(claim.value) | {"screen": {"thresholds": [0.0] * 10}})
    return Generator(proto.SerializeToString())


def written(folder: Path, generator: Generator, items: int) -> Pngs:
    """Write images of nine classes, and a few of a tenth class."""
    images, _ = generator.sample(items, seed=0)
    for index, image in enumerate(images):
        Image.fromarray(image[:, :, 0]).save(folder / f"{index}.png")
    labels = [9 if index < items // 20 else index % 9 for index in range(items)]
    return Pngs(folder, labels, [str(name) for name in generator.classes])


def new_loader(data: Pngs, generator: Generator, arm: str | None, workers: int, folder: Path) -> DataLoader[Any]:
    settings: Record = {"num_workers": workers, "persistent_workers": workers > 0}
    if arm is None:
        return DataLoader(data, BATCH, shuffle=True, **settings)
    own = ARMS[arm] | ({"cache": folder / f"cache-{workers}"} if "cache" in ARMS[arm] else {})
    sizes = {label: 2 * data.targets.count(label) for label in set(data.targets)}
    return balanced_loader(data, generator, BATCH, strategy=sizes, synthetic_share=0.5, **own, **settings)


def measure(data: Pngs, generator: Generator, workers: int, rounds: int, folder: Path) -> Record:
    """Return the items per second of all loaders, in the first epoch and by round, and the time to the first batch."""
    arms: list[str | None] = [None, *ARMS]
    loaders = {arm: new_loader(data, generator, arm, workers, folder) for arm in arms}
    first = {str(arm): speed(loader) for arm, loader in loaders.items()}
    speeds = [{str(arm): speed(loader) for arm, loader in loaders.items()} for _ in range(rounds)]
    del loaders
    waits = [{str(arm): wait(data, generator, arm, workers, folder) for arm in arms} for _ in range(rounds)]
    return {"first_epoch": first, "items_per_second": speeds, "first_batch_seconds": waits}


def speed(loader: DataLoader[Any]) -> float:
    began = time.perf_counter()
    items = sum(len(labels) for _, labels in loader)
    return items / (time.perf_counter() - began)


def wait(data: Pngs, generator: Generator, arm: str | None, workers: int, folder: Path) -> float:
    """Return the seconds to the first batch of a new loader, with a generator that has drawn nothing yet."""
    loader = new_loader(data, Generator(generator.to_bytes()), arm, workers, folder)
    began = time.perf_counter()
    next(iter(loader))
    return time.perf_counter() - began


def memory(data: Pngs, generator: Generator) -> Record | None:
    """Return the mean private memory of the workers, in MB, after an epoch; shared memory does not count."""
    if not Path("/proc/self/smaps_rollup").exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for arm in (None, *ARMS):
            loader = new_loader(data, Generator(generator.to_bytes()), arm, MEMORY_WORKERS, Path(folder))
            iterator = iter(loader)
            for _ in iterator:
                pass
            found[str(arm)] = statistics.mean(_private(worker.pid) for worker in iterator._workers)  # type: ignore[attr-defined]
            del iterator, loader
    return found


def _private(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(kb) for kb in re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+) kB", text, re.MULTILINE)) * 1024 / 1e6


def as_markdown(results: Record) -> str:
    """Return the results as tables."""
    machine = results["machine"]
    sections = [
        "# Loaders: what synthetic images cost\n\n"
        f"{machine['processor']}, {machine['cores']} cores (load {machine['load']:.1f} when it began), torch "
        f"{machine['torch']}. {results['items']:,} PNG files, batches of {results['batch']}, half of each synthetic; "
        f"median of {results['rounds']} rounds after the first epoch (smallest to largest). The ratio is taken within "
        "a round. Made by `python benchmarks/loader.py`.\n\n*default* draws a tenth of the synthetic images anew in "
        "every epoch, *all fresh* all of them (`fresh=True`), *cache* none (`cache=...`)."
    ]
    titles = ["workers", "plain, items/s", *(f"{arm}, ratio" for arm in ARMS), *(f"{arm}, first epoch" for arm in ARMS)]
    for size, found in results["sizes"].items():
        rows, waits = [], []
        for workers, record in found.items():
            if workers == "memory":
                continue
            speeds, first = record["items_per_second"], record["first_epoch"]
            ratios = [[one[arm] / one["None"] for one in speeds] for arm in ARMS]
            once = [f"{first[arm] / first['None']:.2f}" for arm in ARMS]
            rows.append([workers, _spread([one["None"] for one in speeds], 0), *(_spread(r, 2) for r in ratios), *once])
            times = record["first_batch_seconds"]
            extra = [[one[arm] - one["None"] for one in times] for arm in ARMS]
            waits.append([workers, _spread([one["None"] for one in times], 2), *(_spread(e, 2) for e in extra)])
        sections.append(f"## {size} px\n\n{markdown_table(titles, rows)}")
        extras = [f"{arm}, s more" for arm in ARMS]
        sections.append("Time to the first batch:\n\n" + markdown_table(["workers", "plain, s", *extras], waits))
        if memory := found["memory"]:
            more = ", ".join(f"{arm} {memory[arm] - memory['None']:+.0f} MB" for arm in ARMS)
            sections.append(
                f"Private memory of each of {MEMORY_WORKERS} forked workers: plain {memory['None']:.0f} MB; {more}."
            )
    return "\n\n".join(sections) + "\n"


def _spread(values: list[float], decimals: int) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:,.{decimals}f} ({low:,.{decimals}f} to {high:,.{decimals}f})"


if __name__ == "__main__":
    main()
