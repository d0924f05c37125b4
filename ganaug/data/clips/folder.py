"""Clip folders: which files are clips, and what all of them have in common."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ganaug.data import class_folder
from ganaug.data.class_folder import FileKind, FolderIndex, some_files
from ganaug.data.clips.clip_file import MIN_FRAMES, ReadClip, frames_in, read_clip
from ganaug.data.clips.clip_form import PILLOW_FORMATS, ClipForm
from ganaug.data.images.folder import KIND as IMAGES
from ganaug.errors import DataError

ENDINGS = frozenset({".npy", *PILLOW_FORMATS})
"""Endings of the files that are read."""
UNREAD_ENDINGS = frozenset({".avi", ".dcm", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".nii", ".npz", ".webm", ".wmv"})
"""Endings of other files of clips and volumes: a warning says that they are not read."""
KIND = FileKind("clip", "a", ENDINGS, UNREAD_ENDINGS, "NPY or animated WebP")


def scan_folder(root: str | os.PathLike[str]) -> FolderIndex:
    """List the clips of ``root/class_name/**/*`` and their labels, as `ganaug.data.class_folder.scan_folder` does."""
    return class_folder.scan_folder(root, KIND)


def holds_clips(root: Path) -> bool:
    """Tell whether most files of a folder hold several frames, by the heads of some files.

    Endings do not tell: a .png, .webp or .tiff file may hold one frame or many, and a .npy file a signal or a clip.
    """
    files = some_files(root, lambda name: KIND.names(name) or IMAGES.names(name))
    clips = sum(KIND.names(file.name) and frames_in(file) >= MIN_FRAMES for file in files)
    return 2 * clips > len(files)


def read_all(index: FolderIndex) -> tuple[list[ReadClip], list[int]]:
    """Read the files of a folder; return the clips, and the positions of the readable files in `index`.

    `DataError` if more than one file in ten cannot be read.
    """
    clips, kept, problems = [], [], []
    for position, file in enumerate(index.files):
        try:
            clips.append(read_clip(file))
        except DataError as error:
            problems.append(str(error))
            continue
        kept.append(position)
    index.report_unreadable(problems)
    return clips, kept


def common_form(clips: Sequence[ReadClip]) -> ClipForm:
    """Return the most common form of the files: samples are written in this form."""
    return Counter(clip.form for clip in clips).most_common(1)[0][0]
