"""Outputs that are there whole or not at all: written under a temporary name, then moved into place.

Also the one place where an untrusted class name becomes a file name.
"""

import errno
import hashlib
import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ganaug.errors import GanaugError, OutputError

__all__ = ["atomic_folder", "atomic_write", "check_writable", "safe_name", "safe_names"]

StrPath = str | os.PathLike[str]

_REMEDIES = {
    errno.ENOSPC: "free some space there or choose another place",
    errno.EDQUOT: "free some space there or choose another place",
    errno.EACCES: "choose a place that you may write to",
    errno.EPERM: "choose a place that you may write to",
    errno.EROFS: "choose a place that you may write to",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOENT: "the folder it was to go to is gone",
    errno.ENOTEMPTY: "choose a name that is not taken yet",
    errno.EEXIST: "choose a name that is not taken yet",
}

_MAX_NAME_BYTES = 120  # leaves room, in the 255 bytes a file system allows, for a suffix or a number
_UNSAFE_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_RESERVED = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)? | manifest\.csv[.\ ]*",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)


@contextmanager
def atomic_write(path: StrPath) -> Iterator[BinaryIO]:
    """Write a file so that its name never shows half of it.

    Parameters
    ----------
    path : str or path-like
        Where the file is to be. A file that is there already is replaced when, and only when, the block succeeds; a
        symbolic link is followed.

    Yields
    ------
    BinaryIO
        A handle on a temporary file in the same folder; its ``name`` is the temporary path.

    Raises
    ------
    OutputError
        If the file cannot be written: the old content is still there and the temporary file is gone.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> with atomic_write(folder / "model.onnx") as file:
    ...     _ = file.write(b"all of it")
    >>> (folder / "model.onnx").read_bytes()
    b'all of it'
    """
    target = _resolve(path)
    _check_kind(target, folder=False)
    temporary = _temporary(target)
    try:
        # Opened by hand, because tempfile's files are private to the user whatever the umask says.
        with temporary.open("xb") as file:
            yield file
        _sync(temporary, os.O_RDWR)
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
        with suppress(OSError):  # not every file system can sync a folder, and the file is already safe
            _sync(target.parent, os.O_RDONLY)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if failure := _output_error(error, target, temporary):
            raise failure from error
        raise


@contextmanager
def atomic_folder(path: StrPath) -> Iterator[Path]:
    """Fill a folder so that its name shows either nothing or all of it.

    Parameters
    ----------
    path : str or path-like
        Where the folder is to be: nothing may be there yet, or an empty folder.

    Yields
    ------
    Path
        A temporary folder beside it, which takes its name when the block succeeds. Files are not synced one by one:
        this guards against a killed run, not against a power cut.

    Raises
    ------
    OutputError
        If something is there already, or the folder cannot be written. The temporary folder is gone then.

    Examples
    --------
    >>> output = getfixture("tmp_path") / "samples"
    >>> with atomic_folder(output) as folder:
    ...     _ = (folder / "0.txt").write_text("zero")
    >>> [file.name for file in output.iterdir()]
    ['0.txt']
    """
    target = _resolve(path)
    _check_kind(target, folder=True)
    temporary = _temporary(target)
    try:
        temporary.mkdir()
        yield temporary
        if os.name == "nt" and target.exists():  # only POSIX can move a folder over an empty one
            target.rmdir()
        temporary.replace(target)
    except BaseException as error:
        shutil.rmtree(temporary, ignore_errors=True)
        if failure := _output_error(error, target, temporary):
            raise failure from error
        raise


def check_writable(path: StrPath, *, folder: bool) -> None:
    """Say now, before minutes of work, that an output could not be written.

    Parameters
    ----------
    path : str or path-like
        The output to come.
    folder : bool
        Whether it will be a folder (which must be new or empty) or a file (which may exist).

    Raises
    ------
    OutputError
        If the parent folder does not exist or refuses new files, or something of the wrong kind is in the way.

    Examples
    --------
    >>> check_writable("/no/such/folder/model.onnx", folder=False)
    Traceback (most recent call last):
        ...
    ganaug.errors.OutputError: Cannot write /no/such/folder/model.onnx: the folder /no/such/folder does not exist; ...
    """
    target = _resolve(path)
    _check_kind(target, folder=folder)
    probe = _temporary(target)
    try:  # Permission bits do not tell for root, network mounts or read-only media: try it.
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise _output_error(error, target, probe) or error from error


def safe_name(name: str) -> str:
    """Turn an untrusted class name into one file name that stays where it is put, on any system.

    Parameters
    ----------
    name : str
        Any text at all.

    Returns
    -------
    str
        At most 120 bytes of UTF-8, with no separator, control or invisible character, no leading or trailing dot or
        space, and neither a name that Windows reserves nor ``manifest.csv``, which lies beside the class folders.
        Letters of every script stay. The same input gives the same name.

    Examples
    --------
    >>> safe_name("../../etc/passwd"), safe_name("Straße 7"), safe_name("con.txt"), safe_name("..")
    ('_.._etc_passwd', 'Straße 7', '_con.txt', 'unnamed')
    """
    # Format characters (Cf) go as well: some file systems ignore them, so that ".g\u200bit" would mean ".git".
    composed = unicodedata.normalize("NFC", name)
    visible = "".join("_" if unicodedata.category(char) in _UNSAFE_CATEGORIES else char for char in composed)
    clean = re.sub(r'[/\\:*?"<>|]', "_", visible).lstrip(". ")
    if _RESERVED.fullmatch(clean):
        clean = "_" + clean
    return clean.encode()[:_MAX_NAME_BYTES].decode(errors="ignore").rstrip(". ") or "unnamed"


def safe_names(names: Sequence[str]) -> list[str]:
    """Give every class its own safe file name.

    Parameters
    ----------
    names : sequence of str
        The class names.

    Returns
    -------
    list of str
        One name for each, no two alike even where case or Unicode form is ignored. A name that is safe as it stands
        keeps it; one that collides gets a short hash of the original.

    Examples
    --------
    >>> safe_names(["a/b", "a_b", "A_B"])
    ['a_b~e7e91a9b', 'a_b', 'A_B~ac44e066']
    """
    chosen, taken = [""] * len(names), set[str]()
    safe = [safe_name(name) for name in names]
    # Names that are already safe choose first, so that a hostile one cannot take a real one's folder.
    for i in sorted(range(len(names)), key=lambda i: safe[i] != names[i]):
        candidate, tries = safe[i], 0
        while _same_file(candidate) in taken:
            digest = hashlib.sha256(f"{names[i]}\0{tries}".encode(errors="surrogatepass")).hexdigest()
            candidate, tries = f"{safe[i]}~{digest[:8]}", tries + 1
        taken.add(_same_file(candidate))
        chosen[i] = candidate
    return chosen


def _same_file(name: str) -> str:
    """Key that is equal for names which some file system takes for the same."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).upper().casefold())


def _resolve(path: StrPath) -> Path:
    try:
        target = Path(os.path.realpath(path))
        with suppress(FileNotFoundError, NotADirectoryError):
            target.lstat()
    except (OSError, ValueError) as error:  # too long, a loop of links, or a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        remedy = _REMEDIES.get(getattr(error, "errno", None) or 0, "choose another place")
        raise OutputError(f"Cannot write {os.fspath(path)!r}: {reason.lower()}; {remedy}.") from error
    return target


def _temporary(target: Path) -> Path:
    return target.with_name(f".ganaug-{secrets.token_hex(8)}.part")


def _check_kind(target: Path, *, folder: bool) -> None:
    """Raise unless a file or folder could take this name without anything being lost."""
    problem = None
    if target.parent.exists() and not target.parent.is_dir():
        problem = f"{target.parent} is not a folder; choose another place"
    elif not target.parent.is_dir():
        problem = f"the folder {target.parent} does not exist; create it first"
    elif folder and target.is_dir():
        if any(target.iterdir()):
            problem = "that folder exists and is not empty, and outputs are never merged; choose a new one"
    elif folder and target.exists():
        problem = "a file is in the way; choose another place for the folder"
    elif target.is_dir():
        problem = "that is a folder; add a file name"
    elif target.exists() and not target.is_file():
        problem = "that is a device or a pipe, not a file; choose another place"
    if problem:
        raise OutputError(f"Cannot write {target}: {problem}.")


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _output_error(error: BaseException, target: Path, temporary: Path) -> OutputError | None:
    """Say what to raise for a failure of the output itself; None for any other, such as an input that is missing."""
    if not isinstance(error, OSError) or isinstance(error, GanaugError) or error.errno is None:
        return None
    if error.filename is not None and not str(error.filename).startswith(str(temporary)):
        return None
    reason, remedy = os.strerror(error.errno).lower(), _REMEDIES.get(error.errno, "choose another place")
    if error.errno == errno.ENOENT and target.parent.is_dir():  # such as /proc
        reason, remedy = f"the folder {target.parent} takes no new files", "choose another place"
    failure = OutputError(f"Cannot write {target}: {reason}; {remedy}. What was there before is unchanged.")
    failure.errno = error.errno
    return failure
