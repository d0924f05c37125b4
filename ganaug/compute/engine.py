"""The engine: the one place that knows on which device, and in which precision, networks learn."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TypeVar

import torch
from torch import Tensor, nn

from ganaug.compute.draws import Random
from ganaug.compute.modes import load_compiler
from ganaug.compute.parallel import side_by_side
from ganaug.compute.precision import Autocast, gains_from_bfloat16

Result = TypeVar("Result")
Module = TypeVar("Module", bound=nn.Module)


class Engine:
    """Places networks, runs backward passes, and moves optimisers.

    A family and the training loop reach the device through an engine alone, so that a `JointEngine` can spread the same
    loop over several devices. Here, one process has the whole batch.

    Parameters
    ----------
    device : torch.device
        Where networks and samples are.
    mixed : bool
        Whether the networks are large enough to gain from bfloat16, on devices that have it.

    Attributes
    ----------
    size : int
        The number of processes that learn together.
    leads : bool
        Whether this is the process that decides, validates and exports.
    """

    size = 1
    leads = True

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

    def part(self, count: int) -> int:
        """Return how many of `count` rows of a batch this process has."""
        return count

    def split(self, random: torch.Generator) -> Random:
        """Return the source of the random numbers of this process's rows; the generator has one state everywhere."""
        return random

    def gathered(self, rows: Tensor, dim: int = 0) -> Tensor:  # noqa: ARG002
        """Return the rows of all processes along an axis, through which gradients pass, for losses of whole batches."""
        return rows

    def averaged(self, losses: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the means of scalars over the processes."""
        return losses

    def decided(self, number: float) -> float:
        """Return the number of the process that leads."""
        return number

    def synchronise(self, module: nn.Module) -> None:
        """Give a network the weights and buffers of the process that leads."""
