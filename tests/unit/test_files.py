"""Outputs are complete or absent after any failure; class names never lead out of their folder."""

import errno
import os
import signal
import stat
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ganaug.errors import DataError, OutputError
from ganaug.files import (
    atomic_folder,
    atomic_write,
    check_writable,
    delete_abandoned,
    safe_name,
    safe_names,
    sole_use,
    temporary_folder,
)
from tests.paths import ROOT


def fail_with(number: int) -> Callable[..., Any]:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return fail


def write_then_raise(path: Path, error: BaseException) -> None:
    with atomic_write(path) as file:
        file.write(b"half")
        raise error


def fill_then_raise(path: Path, error: BaseException) -> None:
    with atomic_folder(path) as folder:
        (folder / "half").write_bytes(b"half")
        raise error


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_written_file_is_there_whole_and_alone(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "new.bin") as file:
        file.write(b"abc")
        assert names_in(tmp_path) != ["new.bin"]  # the name appears when the file is complete
        assert Path(file.name).parent == tmp_path
    assert (tmp_path / "new.bin").read_bytes() == b"abc"
    assert names_in(tmp_path) == ["new.bin"]


def test_the_mode_follows_the_umask_and_then_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    before = os.umask(0o027)
    try:
        with atomic_write(path) as file:
            file.write(b"1")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o600)
    with atomic_write(path) as file:
        file.write(b"2")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    with atomic_write(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EIO])
def test_a_full_or_broken_disk_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, call, fail_with(number))
    with pytest.raises(OutputError, match="unchanged") as caught, atomic_write(path) as file:
        file.write(b"new")
    assert caught.value.errno == number
    assert isinstance(caught.value, OSError)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["model.onnx"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_write_that_does_not_fit_is_an_output_error(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="no space left on device; free some space"),
        atomic_write(tmp_path / "x"),
        Path("/dev/full").open("wb", buffering=0) as full,
    ):
        full.write(b"too much")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), ZeroDivisionError(), DataError("mine"), FileNotFoundError("in")]
)
def test_other_errors_pass_through_and_leave_nothing(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(type(error)) as caught:
        write_then_raise(path, error)
    assert caught.value is error
    with pytest.raises(type(error)) as caught:
        fill_then_raise(tmp_path / "folder", error)
    assert caught.value is error
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["file"]


def test_a_missing_input_inside_the_block_is_not_blamed_on_the_output(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught, atomic_folder(tmp_path / "out"):
        (tmp_path / "input.png").read_bytes()
    assert not isinstance(caught.value, OutputError)
    assert caught.value.filename == str(tmp_path / "input.png")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_process_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    code = (
        "import os, signal, sys; from ganaug.files import atomic_write\n"
        "with atomic_write(sys.argv[1]) as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [sys.executable, "-c", code, str(path)]
    result = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603
    assert result.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("exists", [False, True])
def test_a_folder_appears_when_it_is_whole(tmp_path: Path, exists: bool) -> None:
    target = tmp_path / "samples"
    if exists:
        target.mkdir()
    with atomic_folder(target) as folder:
        (folder / "3").mkdir()
        (folder / "3" / "0.png").write_bytes(b"png")
        assert not target.exists() or not names_in(target)
    assert (target / "3" / "0.png").read_bytes() == b"png"
    assert names_in(tmp_path) == ["samples"]


def test_an_existing_output_folder_is_never_merged_into(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="not empty"), atomic_folder(target):
        pytest.fail("the block must not run")
    assert (target / "mine.txt").read_text() == "mine"


def test_a_folder_that_fills_up_meanwhile_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "out"

    def fill_while_another_does() -> None:
        with atomic_folder(target) as folder:
            (folder / "ours").write_text("ours")
            target.mkdir()
            (target / "theirs").write_text("theirs")

    with pytest.raises(OutputError, match="not taken"):
        fill_while_another_does()
    assert names_in(target) == ["theirs"]
    assert names_in(tmp_path) == ["out"]


def test_a_disk_that_fills_up_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no space") as caught:
        fill_then_raise(tmp_path / "out", OSError(errno.ENOSPC, "No space left on device"))
    assert caught.value.errno == errno.ENOSPC
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("no/such/out", "does not exist; create it first"),
        ("a_file/out", "a_file is not a folder; choose another place"),
        ("x" * 300, "': file name too long; choose a shorter name"),
        ("nul\0inside", "null"),
        ("loop/out", "does not exist|loop|symbolic"),
    ],
)
def test_impossible_places_are_refused_early(tmp_path: Path, folder: bool, name: str, match: str) -> None:
    (tmp_path / "a_file").write_bytes(b"")
    (tmp_path / "loop").symlink_to("loop")
    before = names_in(tmp_path)
    with pytest.raises(OutputError, match=match):
        check_writable(tmp_path / name, folder=folder)
    with pytest.raises(OutputError, match=match), (atomic_folder if folder else atomic_write)(tmp_path / name):
        pytest.fail("the block must not run")
    assert names_in(tmp_path) == before


def test_the_wrong_kind_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_bytes(b"")
    with pytest.raises(OutputError, match="a file is in the way"):
        check_writable(tmp_path / "file", folder=True)
    with pytest.raises(OutputError, match="not empty"):
        check_writable(tmp_path / "full", folder=True)
    with pytest.raises(OutputError, match="that is a folder; add a file name"):
        check_writable(tmp_path / "full", folder=False)
    with pytest.raises(OutputError, match="device or a pipe"):
        check_writable(os.devnull, folder=False)
    with pytest.raises(OutputError, match="device or a pipe"), atomic_write(os.devnull):
        pytest.fail("the block must not run: it would replace the device")


def test_a_good_place_is_accepted_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "empty").mkdir()
    check_writable(tmp_path / "file", folder=False)
    check_writable(tmp_path / "new", folder=False)
    check_writable(tmp_path / "new", folder=True)
    check_writable(tmp_path / "empty", folder=True)
    assert names_in(tmp_path) == ["empty", "file"]


def test_a_folder_that_refuses_new_files_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "open", fail_with(errno.EROFS))  # not by chmod, because root may write anywhere
    monkeypatch.setattr(Path, "touch", fail_with(errno.EROFS))
    with pytest.raises(OutputError, match="read-only file system; choose a place that you may write to"):
        check_writable(tmp_path / "out", folder=False)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs Linux's /proc")
def test_a_folder_that_takes_no_files_is_not_called_gone() -> None:
    with pytest.raises(OutputError, match="the folder /proc takes no new files; choose another place"):
        check_writable("/proc/x.onnx", folder=False)


HOSTILE = [
    "",
    ".",
    "..",
    "...",
    "/",
    "//",
    "\\",
    "/etc/passwd",
    "../../etc/passwd",
    "..\\..\\windows",
    "C:\\autoexec.bat",
    "a/../../b",
    "a\0b",
    "\n",
    "line\nbreak",
    "\x1b[31mred",
    "\x7f",
    "\x85",
    "\u2028",
    "\u202egpj.exe",
    ".git",
    " .git",
    ".\u200cgit",
    "\u200c.git",
    "~",
    "~root",
    "-rf",
    "con",
    "CON.txt",
    "nul ",
    "COM1",
    "lpt9.x.y",
    "COM¹",
    "aux.",
    "name.",
    "name ",
    "  ",
    "file:stream",
    'a<b>c|d?e*f"g',
    "$HOME",
    "`id`",
    "%2e%2e%2f",
    "x" * 5000,
    "é" * 5000,
    "👩‍🚀" * 400,
    "\ud800",
    "x" * 119 + "é",
    "x" * 119 + ".y",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_class_name_escapes(tmp_path: Path, name: str) -> None:
    safe = safe_name(name)
    assert safe == safe_name(name)
    assert 1 <= len(safe.encode()) <= 120
    assert safe not in {".", ".."}
    assert not safe.startswith(".")
    assert not safe.endswith((".", " "))
    assert not set(safe) & set('/\\:*?"<>|')
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in safe)
    inside = tmp_path / safe
    assert Path(os.path.normpath(inside)).parent == tmp_path
    assert Path(safe).name == safe
    inside.mkdir()
    assert names_in(tmp_path) == [unicodedata.normalize("NFC", safe)]
    assert safe.split(".")[0].strip().lower() not in {"con", "nul", "aux", "prn", "com1", "lpt9", "com¹"}


@pytest.mark.parametrize(
    "name", ["cat", "Straße 7", "数字", "ÄÖÜ", "7", "-1", "3.14", "a.b", "кошка", "T-shirt_top", "👍"]
)
def test_harmless_names_of_every_script_stay(name: str) -> None:
    assert safe_name(name) == name


def test_unsafe_names_are_changed_in_a_known_way() -> None:
    names = ["../../etc/passwd", "Straße 7", "con.txt", ".."]
    assert list(map(safe_name, names)) == ["_.._etc_passwd", "Straße 7", "_con.txt", "unnamed"]
    assert safe_names(["a/b", "a_b", "A_B"]) == ["a_b~e7e91a9b", "a_b", "A_B~ac44e066"]


def test_every_class_gets_its_own_name() -> None:
    names = [
        *HOSTILE,
        "a/b",
        "a_b",
        "A_B",
        "a:b",
        "Ⅷ",
        "VIII",
        "viii",
        "ﬁ",
        "fi",
        "ß",
        "ss",
        "SS",
        "é",
        "e\u0301",
        "\u0131",
        "i",
        "I",
    ]
    chosen = safe_names(names)
    keys = {unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()) for name in chosen}
    assert len(keys) == len(names)
    assert chosen == safe_names(names)
    assert all(safe_name(name) == name or len(name.encode()) > 120 for name in chosen)
    assert all(len(name.encode()) <= 255 for name in chosen)


@pytest.mark.parametrize("name", ["manifest.csv", "Manifest.CSV", "manifest.csv. ", ".manifest.csv"])
def test_no_class_takes_the_name_of_the_manifest(name: str) -> None:
    assert safe_name(name).rstrip(". ").lower() == "_manifest.csv"
    assert len(set(safe_names([name, "_manifest.csv"]))) == 2
    assert safe_name("manifest.csv.d") == "manifest.csv.d"


def test_names_that_are_safe_already_choose_first() -> None:
    assert safe_names(["a/b", "a_b"])[1] == "a_b"
    taken = safe_names(["a/b", "a_b"])[0]
    again = safe_names(["a/b", "a_b", taken])  # a class whose name is the one that another class would get
    assert again[2] == taken
    assert len(set(again)) == 3
    assert len(set(safe_names(["x", "x", "x"]))) == 3


@pytest.mark.slow
def test_many_alike_names_are_told_apart_quickly() -> None:
    assert len({name.casefold() for name in safe_names(["/" * (i + 1) for i in range(3000)])}) == 3000


@pytest.mark.parametrize("folder", [False, True])
def test_what_a_killed_run_was_writing_is_deleted_by_the_next_one(tmp_path: Path, folder: bool) -> None:
    name = "atomic_folder" if folder else "atomic_write"
    code = (
        f"import os, signal, sys; from ganaug.files import {name}\n"
        f"with {name}(sys.argv[1]): os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "out")], cwd=ROOT, check=False)  # noqa: S603
    assert len(names_in(tmp_path)) == 1
    with atomic_write(tmp_path / "alive") as living:
        check_writable(tmp_path / "out", folder=folder)
        assert names_in(tmp_path) == [Path(living.name).name]  # a living run keeps what it is writing
    assert names_in(tmp_path) == ["alive"]


def test_a_folder_that_a_living_run_is_writing_is_kept(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "out") as living:
        (living / "a").touch()
        check_writable(tmp_path / "other", folder=False)
    assert names_in(tmp_path / "out") == ["a"]


def test_a_temporary_folder_is_private_and_goes(tmp_path: Path) -> None:
    for error in (None, KeyboardInterrupt()):
        with suppress(KeyboardInterrupt), temporary_folder(tmp_path) as folder:
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            (folder / "a").touch()
            if error:
                raise error
        assert names_in(tmp_path) == []


def test_a_temporary_folder_of_a_killed_run_is_deleted_by_the_next_one(tmp_path: Path) -> None:
    code = (
        "import os, signal; from ganaug.files import temporary_folder\n"
        "with temporary_folder() as folder: (folder / 'a').touch(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=False)  # noqa: S603
    assert len(names_in(tmp_path)) == 1
    (tmp_path / "ganaug-of-the-user").mkdir()
    with temporary_folder(tmp_path) as living, temporary_folder(tmp_path) as other:
        assert names_in(tmp_path) == sorted([living.name, other.name, "ganaug-of-the-user"])
    assert names_in(tmp_path) == ["ganaug-of-the-user"]


@pytest.mark.parametrize("folder", [False, True])
def test_without_locks_outputs_are_written_and_nothing_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: bool
) -> None:
    monkeypatch.setattr("ganaug.files.fcntl", None)
    (tmp_path / ".ganaug-00.part").touch()
    check_writable(tmp_path / "out", folder=folder)
    with (atomic_folder if folder else atomic_write)(tmp_path / "out"), sole_use(tmp_path / "used", "never"):
        pass
    assert names_in(tmp_path) == [".ganaug-00.part", "out", "used"]


def test_a_link_is_never_taken_for_an_abandoned_output(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / ".ganaug-00.part").symlink_to("mine")
    delete_abandoned(tmp_path)
    assert names_in(tmp_path) == [".ganaug-00.part", "mine"]


def test_one_process_at_a_time_uses_a_folder(tmp_path: Path) -> None:
    used = tmp_path / "used"
    with sole_use(used, "never"), pytest.raises(OutputError, match="in use"), sole_use(used, "in use"):
        pytest.fail("the block must not run")
    with sole_use(used, "never"):
        pass
