"""What a process does in ``ganaug fit`` that does not lead its run: it learns, and neither prints nor writes."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import TYPE_CHECKING, Any

import click

from ganaug.cli.data_files import Reading, files_of_source
from ganaug.cli.interrupts import exit_code
from ganaug.errors import GanaugError

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = 2  # the exit code


def follow(
    source: "Path",
    output: "Path",
    reading: Reading,
    *,
    join: Callable[[], AbstractContextManager[Any]],
    speaks: bool,
    seed: int,
    time_budget: float | None,
    max_steps: int | None,
    **settings: Any,
) -> None:
    """Take part in the run of another process, with the parameters of `ganaug.cli.lead.train`.

    Errors are printed if this process `speaks`: the first one of its machine. The others would repeat them.
    """
    with _silent(speaks=speaks):
        data = files_of_source(source).read(source, reading)

        from ganaug.evaluation.dose import divided
        from ganaug.networks.modality import Bounds
        from ganaug.training import Run
        from ganaug.training.checkpoints import checkpoint_folder

        bounds, _ = divided(data, Bounds(time_budget, max_steps))
        settings |= {"time_budget": bounds.seconds, "max_steps": bounds.steps}
        settings |= {"checkpoint": checkpoint_folder(output), "random_state": seed}
        with join() as processes:
            run = Run(data, processes=processes, **settings)
            with closing(run.steps()) as steps:
                for _ in steps:
                    pass


@contextmanager
def _silent(*, speaks: bool) -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except GanaugError:
            if speaks:
                raise
            raise click.exceptions.Exit(REFUSED) from None
        except KeyboardInterrupt as error:
            raise click.exceptions.Exit(exit_code(error)) from None
