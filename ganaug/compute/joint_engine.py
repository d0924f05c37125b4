"""The engine of a run in which several processes learn together: each has a part of every batch."""

from typing import Any

import torch
from torch import Tensor, nn

from ganaug.compute.draws import Random, SplitGenerator
from ganaug.compute.engine import Engine
from ganaug.compute.processes import Processes


class JointEngine(Engine):
    """An engine that shares the batches of a run among processes, and averages what they learn (see `Engine`).

    The processes hold the same weights. Each computes the gradients of the loss of its own rows. `step` averages the
    gradients: the result is that of the whole batch if the loss is a mean over rows. Any other loss is computed from
    rows that were `gathered`. Gradients are averaged once for each step rather than during the backward pass, because a
    step has several backward passes, one of them through a gradient (see `Adversary.penalise`).

    Parameters
    ----------
    processes : Processes
        The processes of the run.
    mixed : bool
        As `Engine` takes it.
    """

    def __init__(self, processes: Processes, *, mixed: bool = True) -> None:
        super().__init__(processes.device, mixed=mixed)
        self.processes = processes
        self.size, self.leads = processes.size, processes.leads

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """Average the gradients over the processes, and let an optimiser move the parameters by them."""
        learned = (parameter for group in optimizer.param_groups for parameter in group["params"])
        self._average([parameter.grad for parameter in learned if parameter.grad is not None])
        super().step(optimizer)

    def part(self, count: int) -> int:
        """Return how many of `count` rows this process has; rounded up, so that it has some."""
        return -(-count // self.size)

    def split(self, random: torch.Generator) -> Random:
        """Return the source of the random numbers of this process's rows."""
        return SplitGenerator(random, self.processes.rank, self.size)

    def gathered(self, rows: Tensor, dim: int = 0) -> Tensor:
        """Return the rows of all processes along an axis; gradients reach the process that a row came from."""
        every: Tensor = _Gathered.apply(rows, dim, self.processes)  # type: ignore[no-untyped-call]
        return every

    def averaged(self, losses: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the means of scalars over the processes."""
        means = torch.stack([loss.detach().float() for loss in losses.values()])
        self._average([means])
        return dict(zip(losses, means.unbind(), strict=True))

    def decided(self, number: float) -> float:
        """Return the number of the process that leads."""
        return self.processes.decided(number)

    @torch.no_grad()
    def synchronise(self, module: nn.Module) -> None:
        """Give a network the weights and buffers of the process that leads."""
        for value in module.state_dict().values():
            own = value.contiguous()
            self.processes.send(own)
            value.copy_(own)

    @torch.no_grad()
    def _average(self, values: list[Tensor]) -> None:
        """Replace tensors of one dtype by their means over the processes, in one message."""
        flat = torch.cat([value.flatten() for value in values])
        self.processes.add(flat)
        parts = torch.split(flat.div_(self.size), [value.numel() for value in values])
        torch._foreach_copy_(values, [part.view_as(value) for part, value in zip(parts, values, strict=True)])


class _Gathered(torch.autograd.Function):
    """The rows of all processes. The gradient of a row is the sum of the gradients that it has in each process."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, dim: int, processes: Processes) -> Tensor:
        ctx.dim, ctx.processes = dim, processes
        sent = rows.float() if rows.dtype in (torch.bfloat16, torch.float16) else rows
        return torch.cat(processes.gather(sent.detach().contiguous()), dim=dim).to(rows.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        total = gradient.float().contiguous().clone()
        ctx.processes.add(total)
        own = total.chunk(ctx.processes.size, dim=ctx.dim)[ctx.processes.rank]
        return own.to(gradient.dtype), None, None
