"""The folder of a demonstration, which is replaced only if it holds nothing but the files of an earlier one."""

import re
import shutil
from pathlib import Path

from ganaug.errors import OutputError
from ganaug.files import check_writable

MARKER = "made-by-ganaug-demo.txt"
_OURS = re.compile(
    r"""(
    made-by-ganaug-demo\.txt
    | (train|test|balanced)/[0-9]/([0-9]{4}|synthetic-[0-9]{5})\.png
    | balanced/manifest\.csv
    | (train|test|balanced)\.csv
    | (digits|breast-cancer)\.(onnx|preview\.png)
    | report\.html
    | (digits|breast-cancer)\.onnx\.checkpoint/(checkpoint\.json|step-[0-9]+\.safetensors)
    | ([^/]+/)?\.ganaug-[0-9a-f]+\.part(/.*)?
    )""",
    re.VERBOSE,
)


def prepare_folder(folder: Path) -> None:
    """Make the folder of the demonstration. A folder that an earlier demonstration wrote is emptied first.

    Raises `OutputError` if the folder holds anything else.
    """
    if (folder / MARKER).is_file() and not folder.is_symlink():
        found = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
        if foreign := [path for path in found if path.is_symlink() or not _OURS.fullmatch(_relative(path, folder))]:
            raise OutputError(
                f"Cannot replace {folder}: the demo did not make {foreign[0]}; move it, or choose another --output."
            )
        shutil.rmtree(folder)
    check_writable(folder, folder=True)
    folder.mkdir(exist_ok=True)
    (folder / MARKER).write_text("`ganaug demo` wrote this folder, and replaces it when it is run again.\n")


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
