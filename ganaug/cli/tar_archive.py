"""A tar archive of samples, as loaders of large data sets read it."""

import io
import tarfile
from typing import Any, BinaryIO

ENDING = ".tar"


class TarArchive:
    """Samples in a tar archive, each in a folder of its class. Without dates, its bytes depend on the samples alone."""

    def __init__(self, file: BinaryIO) -> None:
        self._archive = tarfile.open(fileobj=file, mode="w")  # noqa: SIM115 - `save` closes it

    def write(self, name: str, content: bytes, label: Any) -> None:  # noqa: ARG002 - the folder tells it
        """Write a sample."""
        member = tarfile.TarInfo(name)
        member.size = len(content)
        self._archive.addfile(member, io.BytesIO(content))

    def save(self) -> None:
        """Write the end of the archive."""
        self._archive.close()
