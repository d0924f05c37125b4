"""The number format that a device computes in."""

from contextlib import AbstractContextManager

import torch

Autocast = AbstractContextManager[object]
"""A context of automatic mixed precision, entered anew by each forward pass."""


def gains_from_bfloat16(device: torch.device) -> bool:
    """Tell whether a device computes faster in bfloat16, and safely."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        features = torch.cpu.get_capabilities()
        return bool(features.get("amx_bf16") or features.get("avx512_bf16"))
    return False
