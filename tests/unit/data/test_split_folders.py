"""Parts of a data set, such as train/ and val/, are not taken for classes."""

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from ganaug.data.clips.folder import scan_folder as scan_clips
from ganaug.data.images.folder import scan_folder as scan_images
from ganaug.data.signals.folder import scan_folder as scan_signals
from ganaug.errors import DataError, GanaugWarning

EACH = ("1", "2")


def put(root: Path, *folders: str, ending: str = ".png") -> Path:
    """Write two empty files into each folder: a scan opens none."""
    for folder in folders:
        (root / folder).mkdir(parents=True)
        for name in EACH:
            (root / folder / (name + ending)).touch()
    return root


@pytest.mark.parametrize(
    "folders",
    [
        ["train/cat", "train/dog", "val/cat", "val/dog"],
        ["Train/cat", "Train/dog", "TEST/cat", "TEST/dog", "valid/cat", "valid/dog"],
        ["training", "testing"],  # no class folders at all
        ["train/cat", "train/dog", "test"],  # the test images have no labels
        ["train2017/cat", "val2017/cat"],
        ["training_set/cat", "Test set/cat", "hold-out/cat"],
        ["train_images/a", "dev_images/a"],
        ["train/cat", "train/dog", "test/cat", "test/dog", "balanced/cat", "balanced/dog"],  # what `ganaug demo` writes
        ["train/cat", "train/dog", "train/rare", "test/cat", "test/dog", "extra/cat", "extra/dog"],
    ],
)
def test_parts_of_a_data_set_are_refused(folders: list[str], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"named as the parts of a data set: give one of these folders, such as") as got:
        scan_images(put(tmp_path, *folders))
    assert f"such as '{tmp_path / folders[0].partition('/')[0]}'" in str(got.value)
    assert str(got.value).count(". ") == 0


@pytest.mark.parametrize(("scan", "ending"), [(scan_images, ".JPG"), (scan_signals, ".wav"), (scan_clips, ".npy")])
def test_every_kind_of_folder_refuses_them(scan: Callable[[Path], object], ending: str, tmp_path: Path) -> None:
    put(tmp_path, "train/cat", "train/dog", "test/cat", "test/dog", ending=ending)
    with pytest.raises(DataError, match="'test', 'train' are named as the parts"):
        scan(tmp_path)


@pytest.mark.parametrize(
    "folders",
    [
        ["test", "apple"],
        ["test/2023", "test/2024", "apple/2023"],
        ["Test 1", "Test 2", "Test 3"],
        ["valid", "invalid"],
        ["dev_kit", "devices"],
        ["train", "bus", "tram"],
        ["cat/2024/may", "cat/2023", "dog"],
        ["cat/images", "dog/images"],
        ["cat/2021", "cat/2022", "dog/2021", "dog/2023"],
    ],
)
def test_true_classes_and_their_subfolders_are_read_without_a_word(folders: list[str], tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        index = scan_images(put(tmp_path, *folders))
    assert set(index.classes) == {folder.partition("/")[0] for folder in folders}
    assert len(index.files) == len(EACH) * len(folders)


@pytest.mark.parametrize(
    ("folders", "saying"),
    [
        (["train/good", "test/good", "test/broken", "ground_truth"], "'test', 'train' are read as classes"),
        (["2023/cat", "2023/dog", "2024/cat", "2024/dog"], r"share \('cat', 'dog'\) are read .* such as '.*2023'"),
        (["cat/train", "cat/test", "dog/train", "dog/test"], "if some are for tests, move them out"),
        (["train/2023", "train/2024", "bus/2023", "bus/2024"], "The classes are 'bus', 'train'"),
    ],
)
def test_folders_that_may_be_parts_are_read_with_a_warning(folders: list[str], saying: str, tmp_path: Path) -> None:
    with pytest.warns(GanaugWarning, match=saying) as caught:
        index = scan_images(put(tmp_path, *folders))
    assert len(caught) == 1
    assert len(index.files) == len(EACH) * len(folders)
