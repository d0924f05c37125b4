"""Programs and commands that run in this process: one of their own would import torch again, which takes seconds."""

import gc
import runpy
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
import torch


class Ended(NamedTuple):
    """What a program left: its exit code, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


@contextmanager
def _as_alone(arguments: list[str], folder: Path) -> Iterator[None]:
    """Give a program its arguments, import path and folder, also for temporary files, and tidy up after it."""
    modules = set(sys.modules)
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(), chdir(folder), mpl.rc_context():
        warnings.simplefilter("ignore")
        patch.setattr(sys, "argv", arguments)
        patch.setattr(sys, "path", [str(Path(arguments[0]).parent), *sys.path])
        patch.setattr(tempfile, "tempdir", str(folder))
        plt.switch_backend("Agg")
        try:
            yield
        finally:
            plt.close("all")
            torch.set_num_threads(threads)
            torch.set_rng_state(state)
    for name in set(sys.modules) - modules:
        if Path(getattr(sys.modules[name], "__file__", None) or "").parent == Path(arguments[0]).parent:
            del sys.modules[name]  # a module beside the program
    gc.collect()


def run_program(path: Path, *arguments: str, folder: Path) -> Ended:
    """Run a Python file as a program; an exception other than `SystemExit` is raised."""
    code: object = 0
    stdout, stderr = StringIO(), StringIO()
    with redirect_stdout(stdout), redirect_stderr(stderr), _as_alone([str(path), *arguments], folder):
        try:
            runpy.run_path(str(path), run_name="__main__")
        except SystemExit as ended:
            code = ended.code
    return Ended(code if isinstance(code, int) else int(code is not None), stdout.getvalue(), stderr.getvalue())
