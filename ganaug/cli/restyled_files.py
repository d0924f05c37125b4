"""What `ganaug restyle` reads and writes. The files are untrusted: they are read as those of a fit are."""

import io
from os.path import realpath
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganaug.cli.text import counted
from ganaug.data.class_folder import MAX_UNREADABLE
from ganaug.data.images.codec import with_channels
from ganaug.data.images.folder import IMAGE_ENDINGS, list_images
from ganaug.data.images.image_file import is_deep, read_image
from ganaug.errors import DataError, MissingFileError, OutputError, warn
from ganaug.files import atomic_folder, atomic_write, check_writable, quoted
from ganaug.networks.restyle import restyled
from ganaug.networks.styles import Styles
from ganaug.techniques.style import Style

OPAQUE_ENDINGS = frozenset({".jpg", ".jpeg", ".bmp"})
"""Endings of formats without alpha: transparent pixels are laid on white."""
QUALITY = 95
"""Of JPEG and WebP, from 1 to 100: a classifier must not learn the marks of compression."""


def check_places(content: Path, style: Path, output: Path) -> None:
    """Refuse inputs that do not exist, and an output that is or lies among the inputs."""
    for name, place in (("CONTENT", content), ("STYLE", style)):
        if not place.exists():
            raise MissingFileError(
                f"{name} must be an image file or a folder of images, but {quoted(place)} does not exist: correct the "
                "path"
            )
    if not content.is_dir() and output.suffix.lower() not in IMAGE_ENDINGS:
        raise click.UsageError(
            f"--output must be the name of an image file, for CONTENT is one, but it is {quoted(output)}: end it in "
            f"one of {', '.join(sorted(IMAGE_ENDINGS))}."
        )
    target = Path(realpath(output))
    for name, place in (("CONTENT", content), ("STYLE", style)):
        if target == Path(realpath(place)) or (place.is_dir() and target.is_relative_to(realpath(place))):
            raise click.UsageError(f"--output must lie outside of {name}, whose files must stay: choose another.")
    check_writable(output, folder=content.is_dir())


def restyle_file(content: Path, style: Path, output: Path, strength: float, seed: int) -> None:
    """Write one image in the style of an image of `style`."""
    image = read_image(content)
    pixels = _Pool(style).restyled(content, image, strength, np.random.default_rng([seed, 0]))
    encoded = encode(pixels, output)
    with atomic_write(output) as file:
        file.write(encoded)
    _note_deep(int(is_deep(content)))


def restyle_folder(content: Path, style: Path, output: Path, strength: float, seed: int) -> int:
    """Write all images of a folder, each in the style of an image of `style`; return how many there are."""
    files, pool = list_images(content), _Pool(style)
    problems, deep = [], 0
    with atomic_folder(output) as temporary:
        for number, file in enumerate(files):
            try:
                image = read_image(file)
            except DataError as error:
                problems.append(str(error))
                continue
            deep += is_deep(file)
            pixels = pool.restyled(file, image, strength, np.random.default_rng([seed, number]))
            target = temporary / file.relative_to(content)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(encode(pixels, target))
        if len(problems) > MAX_UNREADABLE * len(files):
            raise DataError(
                f"At least nine in ten images must be readable, but {len(problems)} of {len(files)} are not. "
                f"The first: {problems[0]}"
            )
        for problem in problems:
            warn(f"Skipped a file. {problem}")
    _note_deep(deep)
    return len(files) - len(problems)


class _Pool:
    """The images that styles are drawn from."""

    def __init__(self, place: Path) -> None:
        self.files = list_images(place) if place.is_dir() else (place,)
        self._real = [realpath(file) for file in self.files]
        self._styles = Styles(self.files)
        self._unreadable: set[int] = set()

    def restyled(
        self, file: Path, image: NDArray[np.uint8], strength: float, random: np.random.Generator
    ) -> NDArray[np.uint8]:
        """Return an image (H, W, C) of a file in a style that is drawn; its own, only if there is no other."""
        style = self._drawn(realpath(file), image.shape, random)
        (result,) = restyled(image[None], [style], [strength])
        pixels: NDArray[np.uint8] = result
        return pixels

    def _drawn(self, own: str, shape: tuple[int, ...], random: np.random.Generator) -> Style:
        while True:
            number = int(random.integers(len(self.files)))
            others = len(self.files) - len(self._unreadable) > 1
            if number in self._unreadable or (others and self._real[number] == own):
                continue
            try:
                return self._styles.of(number, shape)
            except DataError as error:
                self._unreadable.add(number)
                if len(self._unreadable) == len(self.files):
                    raise
                warn(f"Skipped a style. {error}")


def encode(pixels: NDArray[np.uint8], file: Path) -> bytes:
    """Return an image (H, W, C) as the content of a file of this name; `OutputError` if the format cannot hold it.

    Examples
    --------
    >>> encode(np.zeros((2, 2, 4), np.uint8), Path("one.jpg"))[:3].hex()
    'ffd8ff'
    """
    ending = file.suffix.lower()
    if pixels.shape[2] == 4 and ending in OPAQUE_ENDINGS:
        pixels = with_channels(pixels, 3)
    buffer = io.BytesIO()
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    try:
        image.save(buffer, Image.registered_extensions()[ending], quality=QUALITY)
    except (OSError, ValueError) as error:  # such as more pixels a side than WebP allows
        raise OutputError(f"Cannot write {file.name!r} in its format ({error}): choose an output in .png.") from error
    return buffer.getvalue()


def _note_deep(number: int) -> None:
    if number:
        click.echo(
            f"Note: {counted(number, 'image')} of CONTENT with more than 8 bits a channel: written with 8.", err=True
        )
