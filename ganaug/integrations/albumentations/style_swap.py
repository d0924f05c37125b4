"""`StyleSwap`: an albumentations transform that gives an image the style of another one."""

import base64
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from albumentations import ImageOnlyTransform
from numpy.typing import NDArray
from PIL import Image

from ganaug.data.images.codec import MODES
from ganaug.data.images.folder import list_images
from ganaug.data.images.image_file import image_size
from ganaug.errors import DataError, FormatError, warn
from ganaug.integrations.albumentations.calls import check_image, worker_seed
from ganaug.networks.restyle import checked_image, checked_strength, restyled
from ganaug.networks.styles import Styles

FULL_NAME = "ganaug.StyleSwap"
"""The name of the class in saved pipelines. It does not depend on the module, which may move."""
FORMS = "an array of uint8 (N, H, W) or (N, H, W, C), a folder of images, or a list of arrays and image files"


class StyleSwap(ImageOnlyTransform):  # type: ignore[misc]
    """Give the image, with probability p, the colours and the texture of another one. Its content and label stay.

    Parameters
    ----------
    styles : array, path-like or sequence
        The images that styles are taken from, such as the training images: an array of uint8 (N, H, W) or
        (N, H, W, C); an image file; a folder, with or without subfolders; or a list of arrays and of image files.
    strength : float or pair of floats, default=(0.0, 0.5)
        How far the style is moved to, from 0 to 1. Of a pair, a number between its two is drawn for each image.
    p : float, default=0.5
        The probability.

    Raises
    ------
    DataError
        If `styles` or `strength` is not of this form. In a call, if the image is not valid or the file of a style can
        no longer be read.

    Notes
    -----
    An image keeps its shape and dtype: uint8, or float32 from 0 to 1; grey, RGB or RGBA. The pipeline's random
    generator, that of `A.Compose(..., seed=...)`, decides style and strength. Each worker of a DataLoader draws others.
    Masks, boxes and keypoints stay as they are. The styles of up to 512 images are kept in memory.

    Do not use it where colour or texture is what tells the classes apart.

    `A.to_dict` keeps the paths of folders and files, and whole arrays as PNG. Import ganaug's `StyleSwap` before a call
    of `A.from_dict`.

    Examples
    --------
    >>> import albumentations as A
    >>> images = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    >>> pipeline = A.Compose([StyleSwap(images, p=1.0), A.HorizontalFlip()], seed=0)
    >>> pipeline(image=images[0], label="cat")["image"].shape
    (16, 16, 3)
    """

    def __init__(self, styles: Any, strength: Any = (0.0, 0.5), p: float = 0.5) -> None:
        super().__init__(p=p)
        self._origin, sources = _read(styles)
        self.styles = Styles(sources)
        self.strength = _range(strength)

    @classmethod
    def get_class_fullname(cls) -> str:
        """Return the name of the class in saved pipelines."""
        is_subclass = cls.__module__ != __name__  # of a user, with a name of its own
        return str(super().get_class_fullname()) if is_subclass else FULL_NAME

    def __call__(self, *args: Any, force_apply: bool = False, **data: Any) -> Any:
        """Return the data, with or without another style."""
        if "image" in data:  # checked whether or not this image is changed, so that errors do not depend on chance
            check_image(data["image"], "StyleSwap")
        return super().__call__(*args, force_apply=force_apply, **data)

    def get_params(self) -> dict[str, Any]:
        """Draw the number of a style and a strength."""
        # A forked worker has the random state of its parent, and must not draw the same.
        random = np.random.default_rng([int(self.random_generator.integers(2**63)), worker_seed()])
        number, strength = random.integers(len(self.styles)), random.uniform(*self.strength)
        return {"number": int(number), "strength": float(strength)}

    def apply(self, img: NDArray[Any], *, number: int, strength: float, **params: Any) -> NDArray[Any]:  # noqa: ARG002
        """Return the image in the style."""
        content = img[..., None] if img.ndim == 2 else img
        if img.dtype != np.uint8:
            content = np.round(content.clip(0, 1) * 255).astype(np.uint8)
        (result,) = restyled(content[None], [self.styles.of(number, content.shape)], [strength])
        pixels: NDArray[Any] = result.reshape(img.shape)
        return pixels if img.dtype == np.uint8 else pixels.astype(np.float32) / 255

    def get_transform_init_args(self) -> dict[str, Any]:
        """Return the arguments that `A.to_dict` keeps besides `p`."""
        if self._origin is not None:
            return {"styles": self._origin, "strength": self.strength}
        return {"styles": [_saved(source) for source in self.styles.sources], "strength": self.strength}

    def __repr__(self) -> str:
        return f"StyleSwap({len(self.styles)} images, strength={self.strength}, p={self.p})"


def _read(styles: Any) -> tuple[str | None, list[Path | NDArray[np.uint8]]]:
    """Return the path of the folder, if it is one, and the files or images (H, W, C)."""
    if isinstance(styles, str | os.PathLike) and Path(styles).is_file():
        styles = [styles]
    if isinstance(styles, str | os.PathLike):
        return str(Path(styles).absolute()), _readable(styles)
    if isinstance(styles, np.ndarray) and (
        styles.ndim not in (3, 4) or (styles.ndim == 3 and styles.shape[2] in MODES)
    ):
        raise DataError(f"styles must be {FORMS}, but is an array {styles.shape}: give a list of one image")
    if not isinstance(styles, np.ndarray | Sequence):
        raise DataError(f"styles must be {FORMS}, but is {styles!r:.80}: give one of these")
    sources = [_source(style, number) for number, style in enumerate(styles)]
    if not sources:
        raise DataError("styles must hold an image at least, but is empty: give the training images, for example")
    return None, sources


def _readable(folder: str | os.PathLike[str]) -> list[Path | NDArray[np.uint8]]:
    """Return the images of a folder whose headers can be read."""
    kept: list[Path | NDArray[np.uint8]] = []
    problems = []
    for file in list_images(folder):
        try:
            image_size(file)
        except DataError as error:
            problems.append(str(error))
        else:
            kept.append(file.absolute())
    if not kept:
        raise DataError(f"No image of {os.fspath(folder)!r} can be read. The first: {problems[0]}")
    if problems:
        warn(f"Left out {len(problems)} image(s) that cannot be read. The first: {problems[0]}")
    return kept


def _source(style: Any, number: int) -> Path | NDArray[np.uint8]:
    if isinstance(style, str | os.PathLike):
        image_size(style)  # refuses a file that is no image
        return Path(style).absolute()
    if isinstance(style, Mapping):
        return _loaded(style)
    return checked_image(style, f"styles[{number}]")


def _saved(source: Path | NDArray[np.uint8]) -> str | dict[str, str]:
    if isinstance(source, Path):
        return str(source)
    file = io.BytesIO()
    Image.fromarray(source[..., 0] if source.shape[2] == 1 else source).save(file, "PNG")
    return {"png": base64.b64encode(file.getvalue()).decode()}


def _loaded(style: Mapping[str, Any]) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(base64.b64decode(style["png"], validate=True)), formats=["PNG"]) as image:
            pixels = np.array(image)
        return checked_image(pixels, "a style")
    except Exception as error:  # a hostile file can make a decoder raise any exception
        raise FormatError(
            f"A style of a saved pipeline must be a PNG file as base64 text, but is not ({type(error).__name__}): save "
            "the pipeline again."
        ) from error


def _range(strength: Any) -> tuple[float, float]:
    pair = strength if isinstance(strength, Sequence) and not isinstance(strength, str) else (strength, strength)
    if len(pair) != 2 or checked_strength(pair[0]) > checked_strength(pair[1]):
        raise DataError(
            f"strength must be a number from 0 to 1 or a pair of such numbers, the smaller first, but is "
            f"{strength!r:.80}: give (0.0, 0.5), for example"
        )
    return float(pair[0]), float(pair[1])
