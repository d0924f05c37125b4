"""Scans of labelled image folders: classes, links, what is left out."""

import inspect
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganaug.data.images.folder import scan_folder
from ganaug.errors import DataError, GanaugWarning


def put(path: Path, picture: Image.Image | None = None, **options: Any) -> Path:
    """Write an image file together with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    (picture or Image.new("RGB", (4, 4), "red")).save(path, **options)
    return path


def put_all(root: Path, *names: str) -> Path:
    for name in names:
        put(root / name)
    return root


def names_of(root: Path) -> dict[str, list[str]]:
    """Scan and return the files, relative to the root, by class."""
    index = scan_folder(root)
    by_class: dict[str, list[str]] = {name: [] for name in index.classes}
    for file, label in zip(index.files, index.labels, strict=True):
        by_class[index.classes[label]].append(file.relative_to(root).as_posix())
    return by_class


def counts_of(root: str | Path) -> dict[str, int]:
    """Scan and return the number of files of each class."""
    index = scan_folder(root)
    return dict(zip(index.classes, np.bincount(index.labels).tolist(), strict=True))


def test_classes_files_and_labels_are_sorted_and_aligned(tmp_path: Path) -> None:
    index = scan_folder(put_all(tmp_path, "dog/b.png", "dog/a.png", "cat/z.png", "cat/y.png", "cat/x.png"))
    assert index.root == tmp_path
    assert index.classes == ("cat", "dog")
    assert [file.name for file in index.files] == ["x.png", "y.png", "z.png", "a.png", "b.png"]
    assert index.labels.dtype == np.int64
    assert index.labels.tolist() == [0, 0, 0, 1, 1]


def test_all_endings_count_in_any_case_and_nothing_else(tmp_path: Path) -> None:
    images = ["a/1.png", "a/2.JPG", "a/3.jpeg", "a/4.Bmp", "a/5.webp", "a/6.tif", "a/7.TIFF"]
    put_all(tmp_path, *images, "b/1.png", "b/2.png")
    for name in ("notes.txt", "clip.mp4", "Thumbs.db", "png", "labels.csv"):
        (tmp_path / "a" / name).write_bytes(b"")
    assert names_of(tmp_path) == {"a": images, "b": ["b/1.png", "b/2.png"]}


def test_pictures_that_are_not_read_are_counted_in_one_warning(tmp_path: Path) -> None:
    put_all(tmp_path, "a/1.png", "a/2.png", "b/1.png", "b/2.png")
    for name in ("a/1.gif", "a/deep/2.GIF", "b/3.heic", "b/4.svg", "b/.5.gif", "b/6.txt", "7.gif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.warns(GanaugWarning) as caught:
        assert counts_of(tmp_path) == {"a": 2, "b": 2}
    (warning,) = caught
    assert "Left out 4 file(s)" in str(warning.message)
    assert ": 2 .gif, 1 .heic, 1 .svg; convert them" in str(warning.message)


def test_a_folder_of_nothing_but_such_pictures_says_so(tmp_path: Path) -> None:
    for name in ("a/1.gif", "a/2.gif", "b/1.gif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.warns(GanaugWarning), pytest.raises(DataError, match=r"has 0 \(no images\).* Left out 3 file.*3 \.gif"):
        scan_folder(tmp_path)


@pytest.mark.parametrize("root", [None, "", 5])
def test_a_root_that_is_no_path_is_refused(root: Any) -> None:
    with pytest.raises(DataError, match=r"must come as a folder, but .* names none"):
        scan_folder(root)


def test_nested_files_belong_to_the_folder_at_the_top(tmp_path: Path) -> None:
    put_all(tmp_path, "a/z.png", "a/b/2.png", "a/b/c/3.png", "b/1.png", "b/2.png")
    assert names_of(tmp_path) == {"a": ["a/b/2.png", "a/b/c/3.png", "a/z.png"], "b": ["b/1.png", "b/2.png"]}


def test_hidden_files_and_folders_are_ignored_without_a_word(tmp_path: Path) -> None:
    put_all(tmp_path, "a/1.png", "a/2.png", "b/1.png", "b/2.png")
    put_all(tmp_path, "a/._1.png", "a/.cache/3.png", "a/__MACOSX/4.png", "__MACOSX/5.png", ".git/6.png", ".7.png")
    for folder in (tmp_path, tmp_path / "a"):
        (folder / ".DS_Store").write_bytes(b"\0")
        (folder / "Thumbs.db").write_bytes(b"\0")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert names_of(tmp_path) == {"a": ["a/1.png", "a/2.png"], "b": ["b/1.png", "b/2.png"]}


def test_unicode_names_stay_as_they_are_on_disk(tmp_path: Path) -> None:
    composed, decomposed, spaced = "caf\u00e9", "cafe\u0301", "ねこ 猫"
    put_all(tmp_path, *(f"{name}/{file}.png" for name in (composed, decomposed, spaced) for file in ("ü", "🐈")))
    assert scan_folder(tmp_path).classes == tuple(sorted([composed, decomposed, spaced]))
    assert counts_of(tmp_path)[composed] == 2


def test_a_name_that_is_no_valid_unicode_does_not_stop_the_scan(tmp_path: Path) -> None:
    put_all(tmp_path, "a/1.png", "b/1.png", "b/2.png")
    try:
        (tmp_path / "a" / "1.png").rename(tmp_path / "a" / os.fsdecode(b"\xff.png"))
    except OSError:
        pytest.skip("this file system takes only valid names")
    with pytest.warns(GanaugWarning, match="one image"):
        assert counts_of(tmp_path) == {"a": 1, "b": 2}


def test_the_root_may_be_a_string_or_a_link(tmp_path: Path) -> None:
    put_all(tmp_path / "real", "a/1.png", "a/2.png", "b/1.png", "b/2.png")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert counts_of(str(tmp_path / "link")) == {"a": 2, "b": 2}


def test_pipes_and_folders_with_image_names_are_no_images(tmp_path: Path) -> None:
    put_all(tmp_path, "a/1.png", "a/2.png", "b/1.png", "b/2.png", "b/folder.png/3.png")
    os.mkfifo(tmp_path / "a" / "pipe.png")
    assert names_of(tmp_path) == {"a": ["a/1.png", "a/2.png"], "b": ["b/1.png", "b/2.png", "b/folder.png/3.png"]}


def test_folders_deeper_than_the_recursion_limit_are_listed(tmp_path: Path) -> None:
    put_all(tmp_path, "a/1.png", "a/2.png", "b/1.png", "b/2.png", "a/" + "d/" * 150 + "3.png")
    limit, depth = sys.getrecursionlimit(), len(inspect.stack())
    sys.setrecursionlimit(depth + 75)
    try:
        counts = counts_of(tmp_path)
    finally:
        sys.setrecursionlimit(limit)
    assert counts == {"a": 3, "b": 2}


def test_links_out_of_the_folder_are_skipped_with_one_warning(tmp_path: Path) -> None:
    root = put_all(tmp_path / "root", "a/1.png", "a/2.png", "b/1.png", "b/2.png")
    put_all(tmp_path, "root-outside/secret.png")  # Shares a prefix with the root, and is not inside it.
    (root / "a" / "file.png").symlink_to(tmp_path / "root-outside" / "secret.png")
    (root / "b" / "folder").symlink_to(tmp_path / "root-outside")
    (root / "c").symlink_to(tmp_path / "root-outside")
    (root / "b" / "nowhere.png").symlink_to(root / "b" / "missing.png")
    (root / "a" / "notes.txt").symlink_to("/etc/hostname")  # No image, so not worth a word.
    with pytest.warns(GanaugWarning) as caught:
        found = names_of(root)
    assert found == {"a": ["a/1.png", "a/2.png"], "b": ["b/1.png", "b/2.png"]}
    (warning,) = caught
    assert "Skipped 4 symbolic link(s)" in str(warning.message)
    assert repr(str(root / "c")) in str(warning.message)


def test_a_link_to_a_counted_file_does_not_count_again(tmp_path: Path) -> None:
    put_all(tmp_path, "a/1.png", "a/2.png", "b/1.png", "b/2.png")
    (tmp_path / "a" / "0.png").symlink_to(tmp_path / "b" / "1.png")  # Sorted before the file it points to.
    (tmp_path / "a" / "3.png").symlink_to("1.png")
    (tmp_path / "a" / "folder").symlink_to(tmp_path / "b")
    assert names_of(tmp_path) == {"a": ["a/1.png", "a/2.png"], "b": ["b/1.png", "b/2.png"]}


def test_links_to_a_hidden_store_inside_are_followed_and_count_once(tmp_path: Path) -> None:
    put_all(tmp_path, "a/1.png", "b/1.png", "b/2.png", ".store/x.png", ".store/more/y.png", ".store/more/z.png")
    (tmp_path / "a" / "2.png").symlink_to(tmp_path / ".store" / "x.png")
    (tmp_path / "a" / "3.png").symlink_to(tmp_path / ".store" / "x.png")
    (tmp_path / "c").symlink_to(".store/more", target_is_directory=True)
    assert names_of(tmp_path) == {
        "a": ["a/1.png", "a/2.png"],
        "b": ["b/1.png", "b/2.png"],
        "c": ["c/y.png", "c/z.png"],
    }


def test_a_link_to_a_file_directly_in_the_root_is_no_class(tmp_path: Path) -> None:
    put_all(tmp_path, "a/1.png", "a/2.png", "b/1.png", "b/2.png", ".store/x.png")
    (tmp_path / "x.png").symlink_to(tmp_path / ".store" / "x.png")
    assert counts_of(tmp_path) == {"a": 2, "b": 2}


def test_loops_of_links_end(tmp_path: Path) -> None:
    put_all(tmp_path, "a/1.png", "a/2.png", "b/1.png", "b/2.png")
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "b" / "ping.png").symlink_to(tmp_path / "b" / "pong.png")
    (tmp_path / "b" / "pong.png").symlink_to(tmp_path / "b" / "ping.png")
    (tmp_path / "c").symlink_to("c")
    with pytest.warns(GanaugWarning, match="Skipped 3 symbolic link"):
        assert names_of(tmp_path) == {"a": ["a/1.png", "a/2.png"], "b": ["b/1.png", "b/2.png"]}


def test_a_second_name_for_a_class_is_left_out_as_empty(tmp_path: Path) -> None:
    put_all(tmp_path, "dog/1.png", "dog/2.png", "cat/1.png", "cat/2.png")
    (tmp_path / "alias").symlink_to("dog")
    with pytest.warns(GanaugWarning, match="without images of their own: 'alias'"):
        assert counts_of(tmp_path) == {"cat": 2, "dog": 2}


def test_a_missing_root_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"folder, but '.*nowhere' does not exist: give a folder"):
        scan_folder(tmp_path / "nowhere")


def test_a_file_as_root_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"folder, but '.*a\.png' is a file: give a folder"):
        scan_folder(put(tmp_path / "a.png"))


def test_no_class_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("nothing here")
    with pytest.raises(DataError, match=r"one subfolder per class, but in .* there are none"):
        scan_folder(tmp_path)


def test_images_directly_in_the_root_are_named_as_the_reason(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"2 image\(s\) lie directly in it: move the images of each class"):
        scan_folder(put_all(tmp_path, "1.png", "2.png"))


def test_images_beside_the_class_folders_are_left_out_with_a_warning(tmp_path: Path) -> None:
    put_all(tmp_path, "a/1.png", "a/2.png", "b/1.png", "b/2.png", "stray.png")
    with pytest.warns(GanaugWarning, match=r"Left out 1 image\(s\) that lie directly in .*stray\.png"):
        assert counts_of(tmp_path) == {"a": 2, "b": 2}


def test_an_empty_class_folder_is_left_out_with_a_warning(tmp_path: Path) -> None:
    put_all(tmp_path, "a/1.png", "a/2.png", "c/1.png", "c/2.png")
    (tmp_path / "b" / "nested").mkdir(parents=True)
    (tmp_path / "b" / "notes.txt").write_text("no image")
    with pytest.warns(GanaugWarning, match=r"Left out 1 class folder\(s\) without images of their own: 'b'"):
        index = scan_folder(tmp_path)
    assert index.classes == ("a", "c")
    assert index.labels.tolist() == [0, 0, 1, 1]


def test_one_class_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"at least two classes, but .* has 1 \('only'\): add others"):
        scan_folder(put_all(tmp_path, "only/1.png", "only/2.png"))


def test_class_folders_without_any_image_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with pytest.warns(GanaugWarning, match="'a', 'b'"), pytest.raises(DataError, match=r"has 0 \(no images\)"):
        scan_folder(tmp_path)


def test_a_class_of_one_image_is_kept_with_a_warning(tmp_path: Path) -> None:
    with pytest.warns(GanaugWarning, match="only one image in 1 class.*: 'rare'"):
        counts = counts_of(put_all(tmp_path, "common/1.png", "common/2.png", "rare/1.png"))
    assert counts == {"common": 2, "rare": 1}


def test_a_folder_that_cannot_be_listed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_all(tmp_path, "a/1.png", "b/1.png")
    scandir = os.scandir

    def guarded(path: Path) -> Any:
        if Path(path).name == "b":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    with pytest.raises(DataError, match=r"b' cannot be listed \(Permission denied\)"):
        scan_folder(tmp_path)


def test_control_characters_in_names_do_not_reach_the_terminal(tmp_path: Path) -> None:
    put_all(tmp_path, "a/1.png", "a/2.png", "\x1b[31mred/1.png", "\x1b[31mred.png")
    with pytest.warns(GanaugWarning) as caught:
        scan_folder(tmp_path)
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == 2
    assert all("\x1b" not in message and r"\x1b[31mred" in message for message in messages)
