"""Which kind of data a folder holds."""

from pathlib import Path

from ganaug.data.clips.folder import holds_clips
from ganaug.data.signals.folder import holds_signals


def folder_modality(root: Path) -> str:
    """Return "clip", "signal" or "image" for a folder, by the files in it; "image" also where there are none."""
    if holds_clips(root):
        return "clip"
    return "signal" if holds_signals(root) else "image"
