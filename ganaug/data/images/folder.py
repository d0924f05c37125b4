"""Image folders: which files are images."""

import os
from pathlib import Path

from ganaug.data import class_folder
from ganaug.data.class_folder import FileKind, FolderIndex

IMAGE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"})
"""Endings of the files that are read."""
UNREAD_ENDINGS = frozenset(
    {".arw", ".avif", ".cr2", ".dcm", ".dng", ".exr", ".gif", ".heic", ".heif", ".ico", ".jfif", ".jp2", ".jxl", ".nef"}
    | {".pbm", ".pgm", ".ppm", ".psd", ".raw", ".svg", ".tga"}
    | {".npy", ".wav"}
)
"""Endings of other image files, and of signals: a warning says that they are not read."""
KIND = FileKind("image", "an", IMAGE_ENDINGS, UNREAD_ENDINGS, "PNG")


def scan_folder(root: str | os.PathLike[str]) -> FolderIndex:
    """List the images of ``root/class_name/**/*`` with their labels, as `ganaug.data.class_folder.scan_folder` does."""
    return class_folder.scan_folder(root, KIND)


def list_images(root: str | os.PathLike[str]) -> tuple[Path, ...]:
    """List all images of a folder and of its subfolders, sorted, with or without labels, without opening them."""
    return class_folder.list_files(root, KIND)
