"""Data <-> model arrays, with a JSON state: the part of every model that knows what the user's data looks like."""

from ganaug.codecs.folder import FolderIndex, read_image, scan_folder
from ganaug.codecs.image import ImageCodec, LabelledImages, from_arrays, load_folder

__all__ = ["FolderIndex", "ImageCodec", "LabelledImages", "from_arrays", "load_folder", "read_image", "scan_folder"]
