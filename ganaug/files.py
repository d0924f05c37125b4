"""Atomic outputs, which are written under a temporary name and then moved into place; safe names for files.

Untrusted class names become file names only here.
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

StrPath = str | os.PathLike[str]

_REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "free some space there or choose another place"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "choose a place that you may write to"),
    **dict.fromkeys((errno.ENOTEMPTY, errno.EEXIST), "choose a name that is not taken yet"),
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOENT: "its folder was removed meanwhile; create it again",
}

_MAX_NAME_BYTES = 120
"""Bytes of UTF-8; a file system allows 255, and a suffix or a number may follow."""
_UNSAFE_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories of control and invisible characters."""
_RESERVED = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)? | manifest\.csv[.\ ]*",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)


@contextmanager
def atomic_write(path: StrPath) -> Iterator[BinaryIO]:
    """Write a file atomically.

    Parameters
    ----------
    path : str or path-like
        The file. An existing file is replaced if the block succeeds, and kept otherwise. A symbolic link is followed.

    Yields
    ------
    BinaryIO
        A temporary file in the same folder; its ``name`` is the temporary path.

    Raises
    ------
    OutputError
        If the file cannot be written. The old content is kept, and the temporary file is removed.

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
        # Not a file of tempfile, whose files are private to the user whatever the umask is.
        with temporary.open("xb") as file:
            yield file
        _sync(temporary, os.O_RDWR)
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
        with suppress(OSError):  # some file systems cannot sync a folder, and the file is safe already
            _sync(target.parent, os.O_RDONLY)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if failure := _output_error(error, target, temporary):
            raise failure from error
        raise


@contextmanager
def atomic_folder(path: StrPath) -> Iterator[Path]:
    """Write a folder atomically.

    Parameters
    ----------
    path : str or path-like
        The folder, which must be new or empty.

    Yields
    ------
    Path
        A temporary folder beside it, which is renamed if the block succeeds. Its files are not synced, so that the
        folder is safe from a killed run but not from a power failure.

    Raises
    ------
    OutputError
        If the name is taken, or the folder cannot be written. The temporary folder is removed.

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
        if os.name == "nt" and target.exists():  # only POSIX can replace an empty folder
            target.rmdir()
        temporary.replace(target)
    except BaseException as error:
        shutil.rmtree(temporary, ignore_errors=True)
        if failure := _output_error(error, target, temporary):
            raise failure from error
        raise


def check_writable(path: StrPath, *, folder: bool) -> None:
    """Check, before minutes of work, that an output can be written.

    Parameters
    ----------
    path : str or path-like
        The output.
    folder : bool
        Whether the output is a folder, which must be new or empty, or a file, which may exist.

    Raises
    ------
    OutputError
        If the parent folder does not exist or refuses new files, or something else has the name.

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
    try:  # permission bits say nothing about root, network mounts and read-only media
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise _output_error(error, target, probe) or error from error


def safe_name(name: str) -> str:
    """Turn an untrusted class name into a file name that is valid on any system and has no folder in it.

    Parameters
    ----------
    name : str
        Any text.

    Returns
    -------
    str
        At most 120 bytes of UTF-8, without separators, control and invisible characters, and without dots or spaces at
        either end. Neither a name that Windows reserves nor ``manifest.csv``, which lies beside the class folders.
        Letters of every script are kept. The same input gives the same name.

    Examples
    --------
    >>> safe_name("../../etc/passwd"), safe_name("Straße 7"), safe_name("con.txt"), safe_name("..")
    ('_.._etc_passwd', 'Straße 7', '_con.txt', 'unnamed')
    """
    # Format characters (Cf) are unsafe too: some file systems ignore them and read ".g\u200bit" as ".git".
    composed = unicodedata.normalize("NFC", name)
    visible = "".join("_" if unicodedata.category(char) in _UNSAFE_CATEGORIES else char for char in composed)
    clean = re.sub(r'[/\\:*?"<>|]', "_", visible).lstrip(". ")
    if _RESERVED.fullmatch(clean):
        clean = "_" + clean
    return clean.encode()[:_MAX_NAME_BYTES].decode(errors="ignore").rstrip(". ") or "unnamed"


def safe_names(names: Sequence[str]) -> list[str]:
    """Return a different safe file name for each class name.

    The names differ even where case or Unicode form is ignored. A name that is already safe is kept. A name that would
    collide gets a short hash of the class name.

    Examples
    --------
    >>> safe_names(["a/b", "a_b", "A_B"])
    ['a_b~e7e91a9b', 'a_b', 'A_B~ac44e066']
    """
    chosen, taken = [""] * len(names), set[str]()
    safe = [safe_name(name) for name in names]
    # Names that are already safe come first, so that a hostile name cannot take the folder of another class.
    for i in sorted(range(len(names)), key=lambda i: safe[i] != names[i]):
        candidate, tries = safe[i], 0
        while _same_file(candidate) in taken:
            digest = hashlib.sha256(f"{names[i]}\0{tries}".encode(errors="surrogatepass")).hexdigest()
            candidate, tries = f"{safe[i]}~{digest[:8]}", tries + 1
        taken.add(_same_file(candidate))
        chosen[i] = candidate
    return chosen


def _same_file(name: str) -> str:
    """Return a key that is equal for names which some file system does not distinguish."""
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
    """Raise if a file or folder of this name would replace anything that must be kept."""
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
    """Return the error to raise if the output failed; None for other failures, such as a missing input."""
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
