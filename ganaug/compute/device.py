"""The device that a run learns on."""

import torch

from ganaug.errors import DeviceError

__all__ = ["choose_device"]


def choose_device(name: str) -> torch.device:
    """Return the device for "auto" (CUDA, else MPS, else the CPU) or a name; `DeviceError` if it is not there."""
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, here in available.items() if here))
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):  # no device, wherever one looks
        device = None
    count = torch.cuda.device_count() if device and device.type == "cuda" else 1
    if device is None or not available.get(device.type) or (device.index or 0) >= count:
        here = ", ".join(kind for kind, here in available.items() if here)
        raise DeviceError(f"the device must be auto or one that this machine has ({here}), but is {name}")
    return device
