"""What the benchmarks share: records on disk, the machine they were made on, and tables in Markdown."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

__all__ = ["Record", "describe_machine", "markdown_table", "write"]

Record = dict[str, Any]


def write(path: Path, text: str) -> None:
    """Write a file so that it is either the old one or the new one, never half of one."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    unfinished.write_text(text)
    unfinished.replace(path)


def describe_machine() -> Record:
    """Return the processor, its cores and the versions that speed depends on."""
    import torch

    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def markdown_table(titles: list[str], rows: list[list[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
