"""Atomic outputs, which are written under a temporary name and then moved into place; temporary folders; safe names.

Untrusted class names become file names only here. A run locks what it is writing, so that another run can tell the
unfinished output of a living run from that of a killed one.
"""

import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from ganaug.errors import GanaugError, OutputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

StrPath = str | os.PathLike[str]

_REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "free some space there or choose another place"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "choose a place that you may write to"),
    **dict.fromkeys((errno.ENOTEMPTY, errno.EEXIST), "choose a name that is not taken yet"),
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOENT: "its folder was removed meanwhile; create it again",
}

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_UNFINISHED = ".ganaug-{}.part"
_held = set[Path]()
"""What this process has locked: unfinished outputs, and folders of which it has sole use."""
_MAX_NAME_BYTES = 120
"""Bytes of UTF-8; a file system allows 255, and a suffix or a number may follow."""
_UNSAFE_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories of control and invisible characters."""
_RESERVED = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)? | manifest\.csv[.\ ]*",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)

_UNDECODED = re.compile(r"[\udc80-\udcff]|\\udc[89a-f][0-9a-f]")


def file_mode(path: Path) -> int:
    """Return the mode of a file, as `os.stat` does; 0 if the file does not exist or cannot be seen."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


def is_regular(path: Path) -> bool:
    """Tell whether a path is a file or a link to one. To read from a pipe or a device could take for ever."""
    return stat.S_ISREG(file_mode(path))


def open_regular(path: StrPath) -> BufferedReader:
    """Open a file for reading; `OSError` at once if it is a folder, a named pipe, a socket or a device."""
    mode = Path(path).stat().st_mode
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "something else")
        raise OSError(errno.EINVAL, f"it must be a file, but is {kind}: name the file itself", os.fspath(path))
    return Path(path).open("rb")


def quoted(path: Path) -> str:
    """Return a file name for a message. Names are untrusted: `repr` escapes control characters."""
    return repr(str(path))


def encoding_remedy(text: str) -> str:
    """Return the remedy if a text has characters that the system's encoding lacks, also as `repr` shows them.

    Python reads file names and arguments in the encoding of the system, and escapes other bytes as surrogates. The
    remedy is empty where there are none, or where the encoding is UTF-8, which has every character.
    """
    if sys.getfilesystemencoding() == "utf-8" or not _UNDECODED.search(text):
        return ""
    return (
        f"The encoding of the system is {sys.getfilesystemencoding()}, which lacks characters of these names: set "
        "PYTHONUTF8=1, or choose a UTF-8 locale."
    )


@contextmanager
def atomic_write(path: StrPath) -> Iterator[BinaryIO]:
    """Yield a temporary file in the same folder, and move it into place if the block succeeds; its `name` is its path.

    If the block fails, an existing file is kept, and the temporary one is removed. A symbolic link is followed.
    `OutputError` if the file cannot be written.
    """
    target, temporary = _places(path, folder=False)
    with _undone_on_failure(target, temporary), _begun(temporary, folder=False):
        with temporary.open("wb") as file:
            yield file
        _sync(temporary, os.O_RDWR)
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
        with suppress(OSError):  # some file systems cannot sync a folder, and the file is safe already
            _sync(target.parent, os.O_RDONLY)


@contextmanager
def atomic_folder(path: StrPath) -> Iterator[Path]:
    """Yield a temporary folder beside a new or empty one, and rename it if the block succeeds; otherwise remove it.

    Its files are not synced, so that the folder is safe from a killed run but not from a power failure. `OutputError`
    if the name is taken or the folder cannot be written.
    """
    target, temporary = _places(path, folder=True)
    with _undone_on_failure(target, temporary), _begun(temporary, folder=True):
        yield temporary
        if os.name == "nt" and target.exists():  # only POSIX can replace an empty folder
            target.rmdir()
        temporary.replace(target)


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """Yield a private folder in that of the system or another one, and delete it when the context is left.

    Those of killed runs are deleted first.
    """
    parent = Path(tempfile.gettempdir()) if parent is None else parent
    delete_abandoned(parent)
    folder = parent / _UNFINISHED.format(secrets.token_hex(8))
    with _begun(folder, folder=True, mode=0o700):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def check_writable(path: StrPath, *, folder: bool) -> None:
    """Check, before minutes of work, that a file, which may exist, or a new or empty folder can be written.

    Unfinished outputs of killed runs in the same folder are deleted. `OutputError` if the parent folder does not exist
    or refuses new files, or something else has the name.
    """
    target, probe = _places(path, folder=folder)
    with _undone_on_failure(target, probe):  # permission bits say nothing about root, network mounts, read-only media
        probe.touch(exist_ok=False)
        probe.unlink(missing_ok=True)
    delete_abandoned(target.parent)


def delete_abandoned(folder: Path) -> None:
    """Delete the unfinished outputs in a folder that no living process has locked: their runs were killed."""
    for path in sorted(folder.glob(_UNFINISHED.format("*"))):
        # The lock is held by a living run, cannot be had on this file system, or another run deletes the same output.
        with suppress(OSError), _locked(path):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def discard_unfinished() -> None:
    """Delete what this process is writing, and the empty folders that it uses, before it ends in the middle of it."""
    for path in list(_held):
        with suppress(OSError):
            if not path.is_dir():
                path.unlink()
            elif path.match(_UNFINISHED.format("*")):
                shutil.rmtree(path)
            else:
                path.rmdir()


@contextmanager
def sole_use(folder: Path, refusal: str) -> Iterator[None]:
    """Lock a folder, which is made if it is missing; `OutputError` with `refusal` if another process has locked it."""
    folder.mkdir(exist_ok=True)
    with ExitStack() as lock:
        try:
            lock.enter_context(_locked(folder))
        except BlockingIOError:
            raise OutputError(refusal) from None
        except OSError:  # a file system without locks
            pass
        yield


def safe_name(name: str) -> str:
    """Turn an untrusted class name into a file name that is valid on any system and has no folder in it.

    The result has at most 120 bytes of UTF-8, no separators, control or invisible characters, and no dots or spaces at
    either end. It is neither a name that Windows reserves nor ``manifest.csv``, which lies beside the class folders.
    Letters of every script are kept. The same input gives the same name.
    """
    # Format characters (Cf) are unsafe too: some file systems ignore them and read ".g\u200bit" as ".git".
    composed = unicodedata.normalize("NFC", name)
    visible = "".join("_" if unicodedata.category(char) in _UNSAFE_CATEGORIES else char for char in composed)
    clean = re.sub(r'[/\\:*?"<>|]', "_", visible).lstrip(". ")
    if _RESERVED.fullmatch(clean):
        clean = "_" + clean
    return clean.encode()[:_MAX_NAME_BYTES].decode(errors="ignore").rstrip(". ") or "unnamed"


def safe_names(names: Sequence[str]) -> list[str]:
    """Return a safe file name for each class name; they differ even where case or Unicode form is ignored.

    A name that is already safe is kept. A name that would collide gets a short hash of the class name.
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


def _places(path: StrPath, *, folder: bool) -> tuple[Path, Path]:
    """Return where an output goes, and a temporary name beside it; refuse to replace anything that must be kept."""
    try:
        target = Path(os.path.realpath(path))
        with suppress(FileNotFoundError, NotADirectoryError):
            target.lstat()
    except (OSError, ValueError) as error:  # too long, a loop of links, or a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        remedy = _REMEDIES.get(getattr(error, "errno", None) or 0, "choose another place")
        raise OutputError(f"Cannot write {os.fspath(path)!r}: {reason.lower()}; {remedy}.") from error
    _check_kind(target, folder=folder)
    return target, target.with_name(_UNFINISHED.format(secrets.token_hex(8)))


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


@contextmanager
def _begun(unfinished: Path, *, folder: bool, mode: int = 0o777) -> Iterator[None]:
    """Create an empty file or folder, and lock it inside the context."""
    with ExitStack() as lock:
        while not unfinished.exists():  # another run may delete it before it is locked
            # Not a file of tempfile, whose files are private to the user whatever the umask is.
            unfinished.mkdir(mode) if folder else unfinished.touch(exist_ok=False)
            with suppress(OSError):  # a file system without locks, or it is being deleted
                lock.enter_context(_locked(unfinished, wait=True))
        yield


@contextmanager
def _locked(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold a lock on a file or folder, which ends with the process; `BlockingIOError` if another process holds it.

    Any other `OSError` if the system has no such locks.
    """
    if fcntl is None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
    access = os.O_RDONLY if path.is_dir() else os.O_RDWR
    descriptor = os.open(path, access | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        _held.add(path)
        yield
    finally:
        _held.discard(path)
        os.close(descriptor)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _undone_on_failure(target: Path, temporary: Path) -> Iterator[None]:
    """Remove the temporary file or folder if the block fails; raise `OutputError` if it was the output that failed."""
    try:
        yield
    except BaseException as error:
        shutil.rmtree(temporary, ignore_errors=True)
        with suppress(OSError):
            temporary.unlink()
        if failure := _output_error(error, target, temporary):
            raise failure from error
        raise


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
