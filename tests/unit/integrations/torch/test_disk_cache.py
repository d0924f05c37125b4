"""The cache of synthetic images: paid for once, bounded, and never believed."""

import errno
import os
import pickle
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from ganaug import AugmentedDataset, Generator, balanced_loader
from ganaug.errors import DataError, GanaugWarning, OutputError
from ganaug.files import atomic_write
from tests.paths import MODELS


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
    return synthetic(augmented)


def synthetic(augmented: AugmentedDataset) -> list[Any]:
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
    (file,) = (tmp_path / "cache").iterdir()
    assert file.stat().st_size == 34 * 64 + 32


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_in_workers(method: str, data: TensorDataset, digits: Generator, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"synthetic_share": 1.0, "cache": tmp_path / "cache"}
    wanted = [x.tolist() for x, _ in balanced_loader(data, digits, 8, **settings)]
    loader = balanced_loader(data, digits, 8, num_workers=1, multiprocessing_context=method, **settings)
    assert [x.tolist() for x, _ in loader] == wanted


def test_is_bounded(data: TensorDataset, digits: Generator, tmp_path: Path) -> None:
    with pytest.warns(GanaugWarning, match=r"cache_bytes, 640, has room for 8 of 34 images, .*: give 2208 for all"):
        found = items_of(data, digits, tmp_path / "cache", cache_bytes=10 * 64)
    assert len(found) == 34
    assert len({str(item) for item in found}) == 8
    (file,) = (tmp_path / "cache").iterdir()
    assert file.stat().st_size <= 10 * 64
    with pytest.warns(GanaugWarning, match="has room for"):
        loader = balanced_loader(data, digits, 60, synthetic_share=1.0, cache=tmp_path / "cache", cache_bytes=640)
    assert synthetic(loader.dataset) == found  # type: ignore[arg-type]


@pytest.mark.parametrize("counts", [{1: 205, 2: 3}, {1: 5, 2: 3}])
def test_no_bound_is_exceeded(counts: dict[int, int], data: TensorDataset, digits: Generator, tmp_path: Path) -> None:
    for images in range(2, 8):
        folder = tmp_path / str(images)
        bound = images * 64 + 32
        if images >= sum(counts.values()) - 6:
            items_of(data, digits, folder, strategy=counts, cache_bytes=bound)
        else:
            with pytest.warns(GanaugWarning, match="has room for"):
                items_of(data, digits, folder, strategy=counts, cache_bytes=bound)
        assert sum(file.stat().st_size for file in folder.iterdir()) <= bound


@pytest.mark.parametrize("most", [0, 1, 2 * 64 + 31])
def test_a_bound_that_nothing_fits_is_refused(
    most: int, data: TensorDataset, digits: Generator, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=rf"of each class .* 2 of 64 bytes, but is {most}: give 160 or more"):
        items_of(data, digits, tmp_path / "cache", cache_bytes=most)
    assert list(tmp_path.iterdir()) == []


def test_another_seed_size_or_generator_has_its_own(
    data: TensorDataset, digits: Generator, tmp_path: Path, drawn: list[int]
) -> None:
    first = items_of(data, digits, tmp_path / "cache")
    assert items_of(data, digits, tmp_path / "cache", seed=1) != first
    assert items_of(data, digits, tmp_path / "cache") == first
    assert len(items_of(data, digits, tmp_path / "cache", strategy={1: 9})) == 5
    small = Generator(digits.to_bytes() + b"\x32\x00")  # the same model, but not the same file
    items_of(data, small, tmp_path / "cache", strategy={1: 9})
    assert drawn == [34, 34, 5, 5]
    assert len(list((tmp_path / "cache").iterdir())) == 4


def test_the_oldest_of_several_make_room(
    data: TensorDataset, digits: Generator, tmp_path: Path, drawn: list[int]
) -> None:
    for name in (".ganaug-4567.part", ".DS_Store"):
        (tmp_path / name).write_bytes(b"half of it")
    now = time.time()
    with atomic_write(tmp_path / "other.pixels") as living:
        for seed in range(3):
            before = set(tmp_path.iterdir())
            items_of(data, digits, tmp_path, seed=seed, cache_bytes=2 * 2208)
            (file,) = set(tmp_path.iterdir()) - before
            os.utime(file, (now + seed, now + seed))
        assert Path(living.name).exists()
    hidden = {path.name for path in tmp_path.iterdir() if path.name.startswith(".")}
    (tmp_path / "other.pixels").unlink()
    assert len(list(tmp_path.glob("*.pixels"))) == 2
    assert hidden == {".DS_Store"}
    assert drawn == [34] * 3
    items_of(data, digits, tmp_path, seed=2, cache_bytes=2 * 2208)
    items_of(data, digits, tmp_path, seed=1, cache_bytes=2208)
    assert drawn == [34] * 3
    (_,) = tmp_path.glob("*.pixels")
    items_of(data, digits, tmp_path, seed=1)
    assert drawn == [34] * 3


@pytest.mark.parametrize("how", ["bytes", "cut", "long", "empty", "other"])
def test_a_damaged_one_is_drawn_anew(
    how: str, data: TensorDataset, digits: Generator, tmp_path: Path, drawn: list[int]
) -> None:
    first = items_of(data, digits, tmp_path / "cache")
    (file,) = (tmp_path / "cache").iterdir()
    whole = file.read_bytes()
    if how == "other":  # a whole one, but of other settings
        items_of(data, digits, tmp_path / "other", seed=1)
        (other,) = (tmp_path / "other").iterdir()
        other.replace(file)
    else:
        file.write_bytes({"bytes": b"\x01" + whole[1:], "cut": whole[:500], "long": whole + b"0", "empty": b""}[how])
    drawn.clear()
    with pytest.warns(GanaugWarning, match="damaged"):
        assert items_of(data, digits, tmp_path / "cache") == first
    assert drawn == [34]
    assert file.read_bytes() == whole


def test_a_pickled_dataset_keeps_its_own(
    data: TensorDataset, digits: Generator, tmp_path: Path, drawn: list[int]
) -> None:
    augmented = AugmentedDataset(data, digits, synthetic_share=1.0, cache=tmp_path / "cache")
    pickled, first = pickle.dumps(augmented), synthetic(augmented)
    items_of(data, digits, tmp_path / "cache", seed=1)
    assert synthetic(pickle.loads(pickled)) == first  # noqa: S301
    items_of(data, digits, tmp_path / "cache", seed=2, cache_bytes=2208)  # has room for no other
    assert drawn == [34] * 3
    assert synthetic(augmented) == first
    again = pickle.loads(pickled)  # noqa: S301
    with pytest.warns(GanaugWarning, match="has changed while it was in use"):
        assert again[len(data)][0].tolist() == first[0]
    assert synthetic(again) == first


@pytest.mark.parametrize("what", ["file", "photos", "more", "folder"])
def test_what_is_no_cache_is_left_alone(what: str, data: TensorDataset, digits: Generator, tmp_path: Path) -> None:
    place = tmp_path / "cache"
    if what == "file":
        place.write_text("mine")
    else:
        place.mkdir()
        if what == "more":
            items_of(data, digits, place)
        if what == "folder":
            (place / "ganaug-0123456789abcdef.pixels").mkdir()
        else:
            (place / "cat.png").write_text("mine")
    before = sorted(place.iterdir()) if place.is_dir() else place.read_text()
    with pytest.raises(DataError, match="cache must name a folder that a cache wrote"):
        items_of(data, digits, place)
    assert (sorted(place.iterdir()) if place.is_dir() else place.read_text()) == before


def test_an_empty_folder_will_do(data: TensorDataset, digits: Generator, tmp_path: Path) -> None:
    assert len(items_of(data, digits, tmp_path)) == 34


@pytest.mark.parametrize("cache", [5, b"cache", ["cache"], True])
def test_what_is_no_path_is_refused(cache: Any, data: TensorDataset, digits: Generator) -> None:
    with pytest.raises(DataError, match="cache must be the path of a folder, as text or a Path, but is"):
        balanced_loader(data, digits, 8, cache=cache)


@pytest.mark.parametrize("what", ["new", "empty", "other"])
def test_a_place_that_can_only_be_read(
    what: str, data: TensorDataset, digits: Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = items_of(data, digits, tmp_path, seed=1) if what == "other" else []

    opened = Path.open

    def refuse(self: Path, *how: Any, **__: Any) -> Any:
        if how == ("rb",):
            return opened(self, "rb")
        raise OSError(errno.EROFS, "Read-only file system", str(self))

    for name in ("open", "mkdir", "unlink", "replace", "touch"):
        monkeypatch.setattr(Path, name, refuse)
    place = tmp_path / "cache" if what == "new" else tmp_path
    with pytest.raises(OutputError, match=r"Cannot write .*: read-only file system; choose a place that you may write"):
        items_of(data, digits, place)
    if what == "other":  # which is there, and will do
        assert items_of(data, digits, place, seed=1) == wanted


@pytest.mark.parametrize("most", [2**20, 2208])
@pytest.mark.parametrize("seed", [0, 1])
def test_another_process_that_was_quicker(
    seed: int, most: int, data: TensorDataset, digits: Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [items_of(data, digits, tmp_path / str(s), seed=s) for s in (0, seed)]
    whole, theirs = Generator.sample_each, []

    def late(self: Generator, *rest: Any, **more: Any) -> Any:
        monkeypatch.setattr(Generator, "sample_each", whole)
        theirs.append(items_of(data, digits, tmp_path / "cache", seed=seed, cache_bytes=most))
        return whole(self, *rest, **more)

    monkeypatch.setattr(Generator, "sample_each", late)
    assert items_of(data, digits, tmp_path / "cache", cache_bytes=most) == wanted[0]
    assert theirs == [wanted[1]]
    assert len(list((tmp_path / "cache").iterdir())) == (2 if seed == 1 and most > 2208 else 1)


def test_one_that_is_taken_while_it_is_written_is_drawn(
    data: TensorDataset, digits: Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, whole = items_of(data, digits, tmp_path / "other"), Path.replace

    def replaced(self: Path, target: Path) -> Any:
        whole(self, target)
        if target.suffix == ".pixels":
            target.unlink()

    monkeypatch.setattr(Path, "replace", replaced)
    assert items_of(data, digits, tmp_path / "cache") == first


def test_an_interrupted_filling_leaves_nothing(
    data: TensorDataset, digits: Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(Generator, "sample_each", interrupted)
    with pytest.raises(KeyboardInterrupt):
        items_of(data, digits, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
