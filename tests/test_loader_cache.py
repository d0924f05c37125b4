"""The cache of synthetic images: paid for once, bounded, and never believed."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from ganaug import AugmentedDataset, Generator, balanced_loader
from ganaug.errors import DataError, GanaugWarning

MODELS = Path(__file__).parents[1] / "onnx_models"


@pytest.fixture(scope="module")
def digits() -> Generator:
    return Generator.load(MODELS / "digits.onnx")


@pytest.fixture
def data() -> TensorDataset:
    return TensorDataset(torch.rand(26, 1, 8, 8), torch.tensor([0] * 20 + [1] * 4 + [2] * 2))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many samples each call draws."""
    counts: list[int] = []
    whole = Generator.sample_each

    def counted(self: Generator, labels: Any, *rest: Any, **more: Any) -> Any:
        counts.append(len(labels))
        return whole(self, labels, *rest, **more)

    monkeypatch.setattr(Generator, "sample_each", counted)
    return counts


def items_of(data: Any, digits: Generator, path: Path, **settings: Any) -> list[Any]:
    augmented = AugmentedDataset(data, digits, synthetic_share=1.0, cache=path, **settings)
    return [augmented[index][0].tolist() for index in augmented.synthetic_indices]


def test_is_paid_for_once(data: TensorDataset, digits: Generator, tmp_path: Path, drawn: list[int]) -> None:
    first = items_of(data, digits, tmp_path / "cache")
    assert drawn == [34]
    assert len({str(item) for item in first}) == 34
    assert items_of(data, digits, tmp_path / "cache") == first
    augmented = AugmentedDataset(data, digits, synthetic_share=1.0, cache=tmp_path / "cache")
    for _ in range(2):  # every epoch
        (whole,) = [x for x, _ in DataLoader(augmented, 60)]
        assert whole[26:].tolist() == first
    assert drawn == [34]
    assert first == [x.tolist() for x, _ in list(AugmentedDataset(data, digits, synthetic_share=1.0, fresh=False))[26:]]
    assert sorted(os.listdir(tmp_path / "cache")) == ["cache.json", "samples.npy"]  # noqa: PTH208
    assert np.load(tmp_path / "cache" / "samples.npy").shape == (34, 8, 8, 1)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_in_workers(method: str, data: TensorDataset, digits: Generator, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"synthetic_share": 1.0, "cache": tmp_path / "cache"}
    wanted = [x.tolist() for x, _ in balanced_loader(data, digits, 8, **settings)]
    loader = balanced_loader(data, digits, 8, num_workers=1, multiprocessing_context=method, **settings)
    assert [x.tolist() for x, _ in loader] == wanted


def test_is_bounded(data: TensorDataset, digits: Generator, tmp_path: Path) -> None:
    found = items_of(data, digits, tmp_path / "cache", cache_bytes=10 * 64)
    assert len(found) == 34
    assert len({str(item) for item in found}) <= 10
    assert (tmp_path / "cache" / "samples.npy").stat().st_size <= 10 * 64 + 128


def test_of_another_seed_size_or_generator_is_drawn_anew(
    data: TensorDataset, digits: Generator, tmp_path: Path, drawn: list[int]
) -> None:
    first = items_of(data, digits, tmp_path / "cache")
    assert items_of(data, digits, tmp_path / "cache", seed=1) != first
    assert items_of(data, digits, tmp_path / "cache") == first
    assert len(items_of(data, digits, tmp_path / "cache", strategy={1: 9})) == 5
    small = Generator(digits.to_bytes() + b"\x32\x00")  # the same model, but not the same file
    items_of(data, small, tmp_path / "cache", strategy={1: 9})
    assert drawn == [34, 34, 34, 5, 5]


@pytest.mark.parametrize("how", ["bytes", "cut", "gone", "pickle", "shape"])
def test_a_damaged_one_is_drawn_anew(
    how: str, data: TensorDataset, digits: Generator, tmp_path: Path, drawn: list[int]
) -> None:
    first, samples = items_of(data, digits, tmp_path / "cache"), tmp_path / "cache" / "samples.npy"
    about = tmp_path / "cache" / "cache.json"
    if how == "bytes":
        samples.write_bytes(samples.read_bytes()[:-1] + b"\x01")
    elif how == "cut":
        samples.write_bytes(samples.read_bytes()[:500])
    elif how == "gone":
        samples.unlink()
    else:  # even if the digest were right
        bad = np.array([{"evil": 1}], dtype=object) if how == "pickle" else np.zeros((3, 8, 8, 1), np.uint8)
        np.save(samples, bad, allow_pickle=True)
        import hashlib

        digest = hashlib.sha256(samples.read_bytes()).hexdigest()
        about.write_text(json.dumps(json.loads(about.read_text()) | {"sha256": digest}))
    with pytest.warns(GanaugWarning, match="damaged"):
        assert items_of(data, digits, tmp_path / "cache") == first
    assert drawn == [34, 34]


@pytest.mark.parametrize("what", ["file", "photos", "json", "list", "more"])
def test_what_is_no_cache_is_left_alone(what: str, data: TensorDataset, digits: Generator, tmp_path: Path) -> None:
    place = tmp_path / "cache"
    if what == "file":
        place.write_text("mine")
    else:
        place.mkdir()
        text = {"json": "{", "list": "[]", "more": '{"ganaug_cache": 1}'}.get(what)
        if text:
            (place / "cache.json").write_text(text)
        if what in ("photos", "more"):
            (place / "cat.png").write_text("mine")
    before = sorted(place.iterdir()) if place.is_dir() else place.read_text()
    with pytest.raises(DataError, match="cache must name a folder that a cache wrote"):
        items_of(data, digits, place)
    assert (sorted(place.iterdir()) if place.is_dir() else place.read_text()) == before


def test_an_empty_folder_will_do(data: TensorDataset, digits: Generator, tmp_path: Path) -> None:
    assert len(items_of(data, digits, tmp_path)) == 34


def test_another_process_that_was_quicker(
    data: TensorDataset, digits: Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = items_of(data, digits, tmp_path / "theirs")
    whole = Generator.sample_each

    def late(self: Generator, *rest: Any, **more: Any) -> Any:
        (tmp_path / "theirs").rename(tmp_path / "cache")
        return whole(self, *rest, **more)

    monkeypatch.setattr(Generator, "sample_each", late)
    assert items_of(data, digits, tmp_path / "cache") == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache"]


def test_an_interrupted_filling_leaves_nothing(
    data: TensorDataset, digits: Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(Generator, "sample_each", interrupted)
    with pytest.raises(KeyboardInterrupt):
        items_of(data, digits, tmp_path / "cache")
    assert list(tmp_path.iterdir()) == []
