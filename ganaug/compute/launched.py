"""What the environment of a process says of who started it; torch is not needed for this."""

import os


def devices_and_nodes(devices: int | None, num_nodes: int | None) -> tuple[int, int]:
    """Return the processes on each machine, and the machines; by default those that torchrun has started."""
    local = number("LOCAL_WORLD_SIZE") if "TORCHELASTIC_RUN_ID" in os.environ else 0
    if not local:
        return devices or 1, num_nodes or 1
    return devices or local, num_nodes or number("WORLD_SIZE") // local


def leads_here() -> tuple[bool, bool]:
    """Tell whether this process is the first of its run, and whether it is the first on its machine, without torch."""
    local = number("LOCAL_RANK", "SLURM_LOCALID", "OMPI_COMM_WORLD_LOCAL_RANK")
    rank = number("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK") or number("NODE_RANK")
    return not (rank or local), not local


def started_by_another(total: int) -> bool:
    """Tell whether torchrun, SLURM, MPI or the user starts all `total` processes, and not this one."""
    return "LOCAL_RANK" in os.environ or number("SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE") == total


def number(*names: str) -> int:
    """Return the first of some environment variables that is a whole number, or 0."""
    return next((int(os.environ[name]) for name in names if os.environ.get(name, "").isdecimal()), 0)
