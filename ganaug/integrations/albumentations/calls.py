"""What the transforms ask of a call: which image it brings, and in which worker it is made."""

import sys
from typing import Any

import numpy as np

from ganaug.data.images.codec import MODES
from ganaug.errors import DataError

MAX_OVERSHOOT = 0.05
"""How far resizing or noise may take the values of an image from 0 to 1 beyond this range."""


def worker_seed() -> int:
    """Return the seed of this DataLoader worker, 0 outside: albumentations gives all workers the same random state."""
    torch = sys.modules.get("torch")
    info = torch.utils.data.get_worker_info() if torch is not None else None
    return 0 if info is None else info.seed % 2**63


def check_image(image: Any, transform: str) -> None:
    """Raise `DataError` if the image of a call is not valid."""
    array = np.asarray(image)
    channels: int = array.shape[2] if array.ndim == 3 else 1
    suits = array.ndim in (2, 3) and channels in MODES and array.size and array.dtype in (np.uint8, np.float32)
    found, low, high = f"{array.dtype} {array.shape}", 0.0, 1.0
    if suits and array.dtype == np.float32:
        low, high = float(array.min()), float(array.max())
        found += f" from {low:.4g} to {high:.4g}"
    if not (suits and low >= -MAX_OVERSHOOT and high <= 1 + MAX_OVERSHOOT):
        raise DataError(
            f"{transform} must be given an image (H, W) or with 1, 3 or 4 channels last, of uint8 or of float32 from "
            f"0 to 1, but this one is {found}: put the transforms that make such images after it"
        )
