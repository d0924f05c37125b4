"""What the benchmarks share: options, result files, the description of the machine, Markdown tables."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
from pathlib import Path
from typing import Any

__all__ = [
    "Record",
    "describe_machine",
    "markdown_table",
    "new_parser",
    "output_folder",
    "peak_memory",
    "write",
    "write_results",
]

RESULTS = Path(__file__).parent / "results"
Record = dict[str, Any]


def new_parser(doc: str | None, quick: str) -> argparse.ArgumentParser:
    """Return a parser with the options that every benchmark has: ``--output`` and ``--quick``.

    Parameters
    ----------
    doc : str or None
        The program's docstring, for ``--help``.
    quick : str
        What ``--quick`` measures, for ``--help``.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{quick}; results go to OUTPUT/quick")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the results; default: %(default)s")
    return parser


def output_folder(options: argparse.Namespace) -> Path:
    """Return the folder of the results, which is made if it is missing: ``OUTPUT``, or ``OUTPUT/quick``."""
    folder: Path = options.output / "quick" if options.quick else options.output
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_results(folder: Path, name: str, results: Record, markdown: str) -> None:
    """Write ``name.json`` and ``name.md``, and print where they are."""
    write(folder / f"{name}.json", json.dumps(results, indent=1) + "\n")
    write(folder / f"{name}.md", markdown)
    print(f"wrote {folder / name}.json and {folder / name}.md")


def write(path: Path, text: str) -> None:
    """Write a text file atomically: a killed run leaves either the old file or the new one."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    unfinished.write_text(text)
    unfinished.replace(path)


def describe_machine() -> Record:
    """Return the processor, the number of cores and threads, and the versions of Python and torch."""
    import torch

    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def peak_memory() -> float:
    """Return this process's peak memory in MB."""
    # VmHWM is this program's own peak; ru_maxrss includes the memory of the parent when it started this one.
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) * 1024 / 1e6  # type: ignore[index]
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def markdown_table(titles: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown; every row has as many cells as there are titles."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
