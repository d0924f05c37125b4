"""Which kind of data a folder holds."""

from pathlib import Path

from ganaug.data.clips.folder import holds_clips
from ganaug.data.signals.folder import holds_signals
from ganaug.data.tables.parquet_file import is_parquet_folder


def folder_modality(root: Path) -> str:
    """Return "table", "clip", "signal" or "image" for a folder, by its files; "image" also where there are none."""
    if is_parquet_folder(root):
        return "table"
    if holds_clips(root):
        return "clip"
    return "signal" if holds_signals(root) else "image"
