"""DataLoaders: workers of both kinds, epochs, samplers, sharing, strategies, and what an interrupted one leaves."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from imblearn.utils import check_sampling_strategy
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    DistributedSampler,
    RandomSampler,
    Subset,
    TensorDataset,
    WeightedRandomSampler,
)

from ganaug import AugmentedDataset, Generator, SyntheticDataset, balanced_loader
from ganaug.errors import DataError
from ganaug.integrations.torch import EvenSampler, progress
from ganaug.integrations.torch.sample_source import GeneratorSource
from ganaug.runtime import session as runtime
from tests.conftest import name_of
from tests.paths import MODELS

COUNTS = {0: 12, 3: 8, 7: 3}
SLOW = "spawn", "stream"  # whose epochs are shared as those of a plain loader are
STARTS = [method for method in ("fork", "spawn") if method in multiprocessing.get_all_start_methods()]


@pytest.fixture(scope="module")
def digits() -> Generator:
    return Generator.load(MODELS / "digits.onnx")


@pytest.fixture
def data() -> TensorDataset:
    """Twenty-three noisy images of 8 pixels, whose labels are numbers."""
    labels = torch.tensor([label for label, count in COUNTS.items() for _ in range(count)])
    return TensorDataset(torch.rand(len(labels), 1, 8, 8, generator=torch.Generator().manual_seed(0)), labels)


class Pairs(Dataset[tuple[Any, Any]]):
    """A dataset without `targets` or `classes`, with labels of any kind."""

    def __init__(self, labels: list[Any]) -> None:
        self.labels = labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return np.full((8, 8), 10 * (index % 25), np.uint8), self.labels[index]


def epoch_of(loader: Any) -> list[Any]:
    return [
        tuple(part.tolist() if isinstance(part, torch.Tensor) else list(part) for part in batch) for batch in loader
    ]


def synthetic_of(epoch: list[Any]) -> list[str]:
    """Return the synthetic images of an epoch with `return_source`, as texts that can be compared."""
    return [str(image) for images, _, source in epoch for image, made in zip(images, source, strict=True) if made]


# One seed gives one epoch, whatever the workers.


@pytest.mark.slow
def test_one_seed_gives_the_same_epochs_whatever_the_number_of_workers(data: TensorDataset, digits: Generator) -> None:
    runs = []
    for workers in (0, 1, 2, 3):
        for persistent in {False, workers == 2}:
            settings = {"num_workers": workers, "persistent_workers": persistent}
            loader = balanced_loader(
                data, digits, 8, synthetic_share=0.5, fresh=True, return_source=True, seed=4, **settings
            )
            runs.append([epoch_of(loader), epoch_of(loader)])
    assert all(run == runs[0] for run in runs)
    one, two = (synthetic_of(epoch) for epoch in runs[0])
    assert len(one) == len(two) == 13
    assert len({*one, *two}) == 26  # no duplicates between workers, and none between epochs
    assert (
        runs[0]
        != [epoch_of(balanced_loader(data, digits, 8, synthetic_share=0.5, fresh=True, return_source=True, seed=5))] * 2
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "kind"),
    [(method, kind) for method in STARTS for kind in ("plain", "balanced", "stream") if (method, kind) != SLOW],
)
def test_both_start_methods_and_persistent_workers(
    method: str, kind: str, data: TensorDataset, digits: Generator
) -> None:
    def two_epochs(**settings: Any) -> list[Any]:
        if kind == "plain":
            augmented = AugmentedDataset(data, digits, synthetic_share=1.0, return_source=True)
            loader: Any = DataLoader(augmented, 8, **settings)
        elif kind == "balanced":
            loader = balanced_loader(data, digits, 8, synthetic_share=1.0, return_source=True, **settings)
        else:
            loader = DataLoader(SyntheticDataset(digits, seed=1, size=40, batch_size=8), 8, **settings)
        return [epoch_of(loader), epoch_of(loader)]

    workers = {"num_workers": 2, "persistent_workers": True, "multiprocessing_context": method}
    found = two_epochs(**workers)
    assert found == two_epochs()
    assert found[0] != found[1]


def test_no_session_is_pickled(data: TensorDataset, digits: Generator) -> None:
    augmented = AugmentedDataset(data, digits, synthetic_share=1.0)
    _ = augmented[30]
    assert augmented.generator._runtime._sessions
    again = pickle.loads(pickle.dumps(augmented))  # noqa: S301
    assert not again.generator._runtime._sessions


class Threads(Dataset[int]):
    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> int:
        return runtime._threads()


def test_a_worker_has_one_thread() -> None:
    assert epoch_of(DataLoader(Threads(), None, num_workers=2, collate_fn=lambda one: (torch.tensor([one]),))) == [
        ([1],),
        ([1],),
    ]


def test_epochs_of_a_plain_loader_with_workers_of_its_own(data: TensorDataset, digits: Generator) -> None:
    augmented = AugmentedDataset(data, digits, synthetic_share=1.0, return_source=True)
    loader = DataLoader(augmented, 8, num_workers=2, persistent_workers=True)
    one, two = (synthetic_of(epoch_of(loader)) for _ in range(2))
    assert len({*one, *two}) == 26
    for epoch in (1, 0):  # is told to workers that are at work already
        augmented.set_epoch(epoch)
        assert synthetic_of(epoch_of(loader)) == (one, two)[epoch]
        assert synthetic_of(epoch_of(loader)) == (one, two)[epoch]


@pytest.mark.slow
def test_part_of_the_items_is_drawn_anew(data: TensorDataset, digits: Generator) -> None:
    expected = None
    for workers in (0, 2):
        loader = balanced_loader(
            data, digits, 6, synthetic_share=1.0, fresh=0.25, return_source=True, shuffle=False, num_workers=workers
        )
        epochs = [synthetic_of(epoch_of(loader)) for _ in range(6)]
        assert expected is None or epochs == expected
        expected = epochs
    assert len(set(epochs[0])) == len(epochs[0]) == 13
    anew = [sum(a != b for a, b in zip(before, after, strict=True)) for before, after in zip(epochs, epochs[1:])]  # noqa: B905, RUF007
    assert sum(anew[:4]) == 13
    assert all(2 <= count <= 4 for count in anew)


@pytest.mark.slow
@pytest.mark.parametrize("fresh", [0.03, 0.1, 0.3, 0.4, 0.66, 0.7, 0.75, 0.9, 1 / 3])
@pytest.mark.parametrize("counts", [{0: 100, 1: 7, 2: 60}, {0: 12, **dict.fromkeys(range(1, 9), 9)}], ids=str)
def test_the_share_drawn_anew_is_the_promised_one(fresh: float, counts: dict[int, int], digits: Generator) -> None:
    labels = torch.tensor([label for label, count in counts.items() for _ in range(count)])
    data = TensorDataset(torch.rand(len(labels), 1, 8, 8), labels)
    augmented = AugmentedDataset(data, digits, synthetic_share=1.0, fresh=fresh)
    places = augmented.synthetic_indices
    ids = [[augmented._sample_id(place, epoch) for place in places] for epoch in range(60)]
    assert {one.epoch for one in ids[0]} == {0}
    for epoch in range(1, 60):
        anew = [one for one, before in zip(ids[epoch], ids[epoch - 1], strict=True) if one != before]
        assert all(one.epoch == epoch for one in anew)
        assert abs(len(anew) - fresh * len(places)) < 1 + 1e-6
        for label in counts:  # of every class alike
            count = sum(augmented.targets[place] == label for place in places)
            assert abs(sum(one.class_name == str(label) for one in anew) - fresh * count) < 1 + 1e-6
    assert min(one.epoch for one in ids[-1]) > 59 - 1 / fresh - 1  # everyone's turn comes


@pytest.mark.parametrize("fresh", [0.1, 0.4])
def test_what_is_drawn_ahead_is_what_is_due(
    fresh: float, data: TensorDataset, digits: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    whole = GeneratorSource.get_batch

    def counted(self: GeneratorSource, ids: Any) -> Any:
        asked.extend(ids)
        return whole(self, ids)

    monkeypatch.setattr(GeneratorSource, "get_batch", counted)
    augmented = AugmentedDataset(data, digits, synthetic_share=1.0, strategy={3: 60, 7: 60}, fresh=fresh)
    sampler = EvenSampler(augmented)
    for epoch in range(6):
        asked.clear()
        for _ in DataLoader(augmented, 16, sampler=sampler):
            pass
        ids = [augmented._sample_id(index, epoch) for index in augmented.synthetic_indices]
        due = {one for one in ids if one.epoch == epoch}
        assert len(asked) == len(due)
        assert set(asked) == due


def test_drawn_once_where_nothing_is_fresh(
    data: TensorDataset, digits: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = balanced_loader(data, digits, 6, synthetic_share=1.0, fresh=False, return_source=True)
    one = set(synthetic_of(epoch_of(loader)))
    monkeypatch.setattr(Generator, "sample_each", None)
    assert set(synthetic_of(epoch_of(loader))) == one


def test_what_has_no_room_in_shared_memory_is_drawn_every_time(
    data: TensorDataset, digits: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = epoch_of(balanced_loader(data, digits, 6, synthetic_share=1.0, fresh=False))
    monkeypatch.setattr("ganaug.integrations.torch.sample_source._free_shared_memory", lambda: 2 * 5 * 64)
    loader = balanced_loader(data, digits, 6, synthetic_share=1.0, fresh=False)
    assert len(loader.dataset._source._samples) == 5  # type: ignore[attr-defined]
    assert epoch_of(loader) == wanted
    assert [x.tolist() for x, _ in loader.dataset] == [x.tolist() for x, _ in loader.dataset]


# A batch is drawn together, and a sample is the same in whatever company.


def test_a_batch_is_drawn_together(data: TensorDataset, digits: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    whole = Generator.sample_each

    def counted(self: Generator, labels: Any, *rest: Any, **more: Any) -> Any:
        asked.append(len(labels))
        return whole(self, labels, *rest, **more)

    monkeypatch.setattr(Generator, "sample_each", counted)
    augmented = AugmentedDataset(data, digits, synthetic_share=1.0)
    batches = [x for x, _ in DataLoader(augmented, 36)]
    assert asked == [13]
    augmented.set_epoch(0)
    assert torch.equal(torch.stack([x for x, _ in augmented]), batches[0])  # type: ignore[attr-defined]
    assert asked == [13, 4, 8, 1]  # one by one: eight ahead, within a class


def test_samples_of_their_own_seeds(digits: Generator) -> None:
    labels, seeds = ["3", "7", "3", "0"] * 5, [(1, number) for number in range(20)]
    together, y = digits.sample_each(labels, seeds, screened=True)
    assert y.tolist() == labels
    alone = [
        digits.sample_each([label], [seed], screened=True)[0][0] for label, seed in zip(labels, seeds, strict=True)
    ]
    assert np.array_equal(together, alone)
    assert len(np.unique(together.reshape(20, -1), axis=0)) == 20
    unscreened, _ = digits.sample_each(labels, seeds)
    assert unscreened.shape == (20, 8, 8, 1)
    assert digits.sample_each([], [])[0].shape == (0, 8, 8, 1)
    for wrong in ([["3"], [1, 2]], [["x"], [1]], [["3"], [-1]]):
        with pytest.raises(DataError):
            digits.sample_each(*wrong)


def test_the_transform_of_a_stream_must_be_a_function(digits: Generator) -> None:
    with pytest.raises(DataError, match="transform must be a function of a sample, but is 3"):
        SyntheticDataset(digits, transform=3)  # type: ignore[arg-type]


def test_what_fails_the_screen_is_drawn_again(digits: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    labels, seeds = [str(number % 10) for number in range(64)], list(range(64))
    monkeypatch.setattr(digits, "_thresholds", np.full(10, 0.999))
    strict, _ = digits.sample_each(labels, seeds, screened=True)
    raw, _ = digits.sample_each(labels, seeds)
    redrawn = (strict != raw).any(axis=(1, 2, 3))
    assert 5 < redrawn.sum() < 64
    index = np.array([int(label) for label in labels])

    def agreement(images: Any) -> Any:  # of those very samples: they are found by their pixels among all four draws
        sources = [np.random.Generator(np.random.PCG64(seed)) for seed in seeds]
        best = np.zeros(64)
        for _ in range(4):
            noise = np.stack([source.standard_normal(64, np.float32) for source in sources])
            made, score = digits._runtime.run(("image", "agreement"), noise, index, 64)
            same = (np.abs(made.astype(int) - images) <= 1).all(axis=(1, 2, 3))
            best = np.maximum(best, np.where(same, score, 0))
        return best

    assert (agreement(strict) >= agreement(raw)).all()
    assert (agreement(strict)[redrawn] > agreement(raw)[redrawn]).all()


# Samplers.


def test_no_batch_has_more_than_its_share(digits: Generator) -> None:
    data = TensorDataset(torch.rand(103, 1, 8, 8), torch.tensor([0] * 90 + [1] * 13))
    for share in (0.1, 0.3, 1.0):
        loader = balanced_loader(data, digits, 16, synthetic_share=share, return_source=True)
        for _ in range(3):
            batches = [(len(source), int(source.sum())) for _, _, source in loader]
            part = len(loader.dataset.synthetic_indices) / len(loader.dataset)  # type: ignore[attr-defined, arg-type]
            assert part <= share
            assert all(abs(count - part * size) < 1 for size, count in batches)


def test_each_epoch_has_every_item_once_in_another_order(data: TensorDataset, digits: Generator) -> None:
    augmented = AugmentedDataset(data, digits)
    sampler = EvenSampler(augmented, seed=3)
    first, second = list(sampler), list(sampler)
    assert sorted(one.position for one in first) == sorted(one.position for one in second) == list(range(36))
    assert [one.position for one in first] != [one.position for one in second]
    sampler.set_epoch(0)
    assert list(sampler) == first


def test_processes_share_an_epoch(data: TensorDataset, digits: Generator) -> None:
    augmented = AugmentedDataset(data, digits)
    parts = [list(EvenSampler(augmented, num_replicas=5, rank=rank)) for rank in range(5)]
    assert {len(part) for part in parts} == {8}
    seen = Counter(one.position for part in parts for one in part)
    assert set(seen) == set(range(36))
    assert max(seen.values()) == 2
    assert seen.total() == 40
    assert isinstance(EvenSampler(augmented), DistributedSampler)  # or Lightning would share it out once more
    with pytest.raises(DataError, match="rank must be below num_replicas, 2"):
        EvenSampler(augmented, num_replicas=2, rank=2)


def test_distributed_sampler(data: TensorDataset, digits: Generator) -> None:
    images: list[str] = []
    for rank in range(2):  # two processes
        augmented = AugmentedDataset(data, digits, synthetic_share=1.0, return_source=True)
        sampler: Any = DistributedSampler(augmented, num_replicas=2, rank=rank)
        loader = DataLoader(augmented, 6, sampler=sampler, num_workers=rank)
        for epoch in range(2):
            sampler.set_epoch(epoch)
            augmented.set_epoch(epoch)
            images += synthetic_of(epoch_of(loader))
    assert len(images) == len(set(images)) == 26


@pytest.mark.slow
def test_samplers_of_the_users_own(data: TensorDataset, digits: Generator) -> None:
    augmented = AugmentedDataset(data, digits, synthetic_share=1.0, return_source=True)
    weights = [1.0 if augmented.is_synthetic(index) else 0.0 for index in range(36)]
    weighted = WeightedRandomSampler(weights, 40, generator=torch.Generator().manual_seed(0))
    for settings in ({"batch_size": 10, "sampler": weighted}, {"batch_sampler": BatchSampler(weighted, 10, False)}):
        for workers in (0, 2):
            epoch = epoch_of(DataLoader(augmented, num_workers=workers, **settings))  # type: ignore[arg-type]
            assert len(synthetic_of(epoch)) == 40
    loader = balanced_loader(data, digits, 5, sampler=RandomSampler(range(36), num_samples=7))  # type: ignore[arg-type]
    assert [len(y) for _, y in loader] == [5, 2]
    loader = balanced_loader(data, digits, 1, batch_sampler=[[0, 1], [35]])
    assert [len(y) for _, y in loader] == [2, 1]
    subset: Any = Subset(augmented, [30, 31])
    assert all(made for _, _, made in subset)


# What items and labels may be.


def test_source(data: TensorDataset, digits: Generator) -> None:
    augmented = AugmentedDataset(data, digits, return_source=True)
    _, _, source = next(iter(DataLoader(augmented, 36)))
    assert source.dtype == torch.bool
    assert source.tolist() == [augmented.is_synthetic(index) for index in range(36)]


def test_labels_of_text_and_without_targets(digits: Generator) -> None:
    loader = balanced_loader(Pairs(["3"] * 9 + ["7"] * 4), digits, 6, num_workers=2, return_source=True)
    labels, sources = zip(*((y, source) for _, y, source in loader), strict=True)
    assert Counter(label for batch in labels for label in batch) == {"3": 9, "7": 9}
    assert torch.cat(sources).sum() == int(0.3 * 18)


def test_empty_and_foreign_datasets_are_refused(digits: Generator) -> None:
    with pytest.raises(DataError, match="at least one item"):
        balanced_loader(Pairs([]), digits, 4)
    with pytest.raises(DataError, match=r"\['cat', 'dog'\].*\['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'\]"):
        balanced_loader(Pairs(["cat", "dog"]), digits, 4)


def test_slow_reading_of_labels_is_shown(
    digits: Generator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    AugmentedDataset(Pairs(["3"] * 20), digits)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setenv("FORCE_COLOR", "1")
    AugmentedDataset(Pairs(["3"] * 20), digits)
    assert "Reading labels" in capsys.readouterr().err


def test_nothing_to_add(digits: Generator, tmp_path: Path) -> None:
    for settings in ({"cache": tmp_path / "cache"}, {"fresh": False}, {}):
        loader = balanced_loader(Pairs(["3", "7"] * 4), digits, 4, return_source=True, **settings)
        assert [source.tolist() for _, _, source in loader] == [[False] * 4] * 2
    assert list(tmp_path.iterdir()) == []


def test_two_labels_of_one_class(digits: Generator) -> None:
    data = Pairs([0, "zero", 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    data.classes = ["0", "zero"]  # type: ignore[attr-defined]
    with pytest.raises(DataError, match="must know the class of every label, but does not know 'zero' of `classes`"):
        balanced_loader(data, digits, 4)
    mixed = Pairs([0, 0, 0, "3"] + [1] * 9)
    mixed.classes = ["3", "1"]  # type: ignore[attr-defined]
    loader: Any = balanced_loader(mixed, digits, 4, synthetic_share=1.0, fresh=False, collate_fn=list)
    assert Counter(label for batch in loader for _, label in batch) == {0: 9, "3": 9, 1: 9}


# Strategies.


@pytest.mark.parametrize(
    "strategy",
    ["auto", "minority", "not minority", "not majority", "all", {7: 5, 3: 9}, lambda y: {7: 6}, [7], np.array([3, 7])],
    ids=name_of,
)
def test_strategies_are_those_of_imbalanced_learn(strategy: Any, data: TensorDataset, digits: Generator) -> None:
    augmented = AugmentedDataset(data, digits, strategy=strategy, synthetic_share=1.0)
    y = data.tensors[1].numpy()
    known = dict.fromkeys(np.asarray(strategy).tolist(), 12) if isinstance(strategy, list | np.ndarray) else strategy
    wanted = check_sampling_strategy(known, y, "over-sampling")
    made = Counter(augmented.targets[index] for index in augmented.synthetic_indices)
    assert made == Counter({label: int(count) for label, count in wanted.items() if count})


def test_a_ratio_of_two_classes(digits: Generator) -> None:
    data = TensorDataset(torch.rand(24, 1, 8, 8), torch.tensor([0] * 20 + [1] * 4))
    augmented = AugmentedDataset(data, digits, strategy=0.5, synthetic_share=1.0)
    assert Counter(augmented.targets) == {0: 20, 1: 10}


@pytest.mark.parametrize(
    "strategy",
    [
        *(0.5, None, 0, 2, 1.5, float("nan"), np.float32("nan"), "some", "majority", ["x"], {"x": 5}, {7: 1}),
        *(lambda y: {7: 1}, lambda y: None, lambda y: [7], lambda y: {7: "x"}),
    ],
    ids=name_of,
)
def test_strategies_that_do_not_suit_are_refused(strategy: Any, data: TensorDataset, digits: Generator) -> None:
    with pytest.raises(DataError, match="strategy must") as caught:
        AugmentedDataset(data, digits, strategy=strategy)
    assert "<function" not in str(caught.value)


@pytest.mark.parametrize("fresh", [-0.1, 1.1, None, "x"])
def test_fresh_is_a_share(fresh: Any, data: TensorDataset, digits: Generator) -> None:
    with pytest.raises(DataError, match="fresh must be a number from 0 to 1"):
        AugmentedDataset(data, digits, fresh=fresh)


# Interruption.

LOOP = """
import sys, torch
from torch.utils.data import TensorDataset
from ganaug import Generator, balanced_loader

if __name__ == "__main__":
    data = TensorDataset(torch.rand(300, 1, 8, 8), torch.arange(300) % 10 % 7)
    loader = balanced_loader(data, Generator.load(sys.argv[1]), 4, num_workers=2, persistent_workers=True)
    while True:
        for number, _ in enumerate(loader):
            if number == 3:
                print(*(worker.pid for worker in loader._iterator._workers), flush=True)
                if sys.argv[2] == "break":
                    sys.exit()
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are others there")
@pytest.mark.parametrize("how", ["break", "interrupt", "kill"])
def test_an_interrupted_loader_leaves_no_process_behind(how: str, tmp_path: Path) -> None:
    (tmp_path / "loop.py").write_text(LOOP)
    command = [sys.executable, str(tmp_path / "loop.py"), str(MODELS / "digits.onnx"), how]
    environment = os.environ | {"PYTHONPATH": str(MODELS.parent)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603
    assert process.stdout is not None
    workers = [int(pid) for pid in process.stdout.readline().split()]
    assert len(workers) == 2
    if how != "break":
        process.send_signal(signal.SIGINT if how == "interrupt" else signal.SIGKILL)
    process.communicate(timeout=60)
    for _ in range(200):
        if not any(_is_alive(pid) for pid in workers):
            break
        time.sleep(0.1)
    assert not any(_is_alive(pid) for pid in workers)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text() if Path("/proc").exists() else True
    except (ProcessLookupError, FileNotFoundError):
        return False


# CUDA, where ONNX Runtime has it: here it only says so.


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The providers that sessions are opened with, on a machine that seems to have CUDA."""
    import onnxruntime

    seen: list[list[str]] = []
    whole = onnxruntime.InferenceSession

    def session(model: bytes, options: Any, *, providers: list[Any], **more: Any) -> Any:
        seen.append([one if isinstance(one, str) else one[0] for one in providers])
        if len(providers) > 1:
            raise RuntimeError("no device")
        return whole(model, options, providers=providers, **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    return seen


def test_cuda_is_tried_first_and_the_processor_takes_over(opened: list[list[str]]) -> None:
    digits = Generator.load(MODELS / "digits.onnx")
    assert digits.sample(2, seed=0)[0].shape == (2, 8, 8, 1)
    assert opened == [
        ["CPUExecutionProvider"],
        ["CUDAExecutionProvider", "CPUExecutionProvider"],
        ["CPUExecutionProvider"],
    ]


class Providers(Dataset[int]):
    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> int:
        return len(runtime._providers())


@pytest.mark.usefixtures("opened")
def test_a_forked_worker_leaves_cuda_alone() -> None:
    assert len(runtime._providers()) == 2
    loader: Any = DataLoader(Providers(), None, num_workers=1, multiprocessing_context="fork", collate_fn=int)
    assert list(loader) == [1]


@pytest.mark.parametrize("processes", [2, 3, 4])
def test_processes_have_the_same_share_of_synthetic_items(digits: Generator, processes: int) -> None:
    labels = torch.tensor([0] * 60 + [1] * 12)
    augmented = AugmentedDataset(TensorDataset(torch.rand(72, 1, 8, 8), labels), digits, synthetic_share=0.25)
    synthetic = set(augmented.synthetic_indices)
    assert len(synthetic) == 30
    shares = []
    for rank in range(processes):
        places = [one.position for one in EvenSampler(augmented, num_replicas=processes, rank=rank)]
        shares.append(sum(place in synthetic for place in places) / len(places))
    assert min(shares) > 0.2
    assert max(shares) < 0.3
