"""The engine: the one place that knows on which device, and in which precision, networks learn."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TypeVar

import torch
from torch import Tensor, nn

from ganaug.compute.modes import load_compiler
from ganaug.compute.parallel import side_by_side
from ganaug.compute.precision import Autocast, gains_from_bfloat16

Result = TypeVar("Result")
Module = TypeVar("Module", bound=nn.Module)


class Engine:
    """Places networks, runs backward passes, and moves optimisers.

    A family and the training loop reach the device through an engine alone, so that another engine can spread the same
    loop over several devices.

    Parameters
    ----------
    device : torch.device
        Where networks and samples are.
    mixed : bool
        Whether the networks are large enough to gain from bfloat16, on devices that have it.
    """

    def __init__(self, device: torch.device, *, mixed: bool = True) -> None:
        load_compiler()
        self.device = device
        self.is_mixed = mixed and gains_from_bfloat16(device)

    def autocast(self) -> Autocast:
        """Return the precision of a forward pass, as a context."""
        return torch.autocast(self.device.type, torch.bfloat16) if self.is_mixed else nullcontext()

    def place(self, module: Module) -> Module:
        """Move a network to the device."""
        module.to(self.device)
        return module

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a loss to those of the networks."""
        loss.backward()  # type: ignore[no-untyped-call]

    def side_by_side(self, tasks: Sequence[Callable[[], Result]]) -> list[Result]:
        """Run tasks as `ganaug.compute.parallel.side_by_side` does; on a GPU, one after the other."""
        return side_by_side(tasks, workers=None if self.device.type == "cpu" else 1)

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """Let an optimiser move the parameters by their gradients."""
        optimizer.step()
