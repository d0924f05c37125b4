"""The device on which a run learns."""

import torch

from ganaug.errors import DeviceError


def choose_device(name: str) -> torch.device:
    """Return the device of a name, or for "auto" CUDA, else MPS, else the CPU; `DeviceError` if it does not exist."""
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, here in available.items() if here))
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):  # not the name of a device
        device = None
    count = torch.cuda.device_count() if device and device.type == "cuda" else 1
    if device is None or not available.get(device.type) or (device.index or 0) >= count:
        here = ", ".join(kind for kind, here in available.items() if here)
        raise DeviceError(f"the device must be auto or one that this machine has ({here}), but is {name}")
    return device
