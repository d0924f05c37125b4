"""torch's modes, which are the whole process's: what a training needs, whatever its caller has set."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch

__all__ = ["training_modes"]


@contextmanager
def training_modes() -> Iterator[None]:
    """Let gradients flow, and new tensors be float32 on the CPU, inside the context.

    Examples
    --------
    >>> with torch.no_grad(), training_modes():
    ...     torch.is_grad_enabled()
    True
    """
    dtype, elsewhere = torch.get_default_dtype(), torch.get_default_device().type != "cpu"
    torch.set_default_dtype(torch.float32)
    try:
        # As a context a device looks at every call of torch: only where another one would be in its place.
        with torch.inference_mode(mode=False), torch.enable_grad(), torch.device("cpu") if elsewhere else nullcontext():
            yield
    finally:
        torch.set_default_dtype(dtype)
