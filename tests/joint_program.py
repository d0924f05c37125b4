"""A program of two processes: prints the losses of short runs that they learn together, and of the same runs alone."""

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from ganaug.compute import engine
from ganaug.compute.joining import joined
from ganaug.compute.processes import Processes
from ganaug.errors import DataError
from ganaug.training import Run, run
from tests.joint_cases import CASES, DATA, ROWS, STEPS


def curves(case: str, **settings: Any) -> list[dict[str, float]]:
    data, own = CASES[case]
    trial = Run(DATA[data](), max_steps=STEPS, random_state=0, device="cpu", **own, **settings)
    return [{name: float(loss) for name, loss in step.losses.items()} for step in trial.steps()]


def begun(folder: Path, processes: Processes | None) -> None:
    """Take the first steps of a run, and save it."""
    part = Run(DATA["table"](), max_steps=STEPS, random_state=0, device="cpu", checkpoint=folder, processes=processes)
    with closing(part.steps()) as steps:
        for step in steps:
            if step.number == STEPS // 2:
                part.save_checkpoint()
                break


def refused(processes: Processes) -> dict[str, str]:
    """Return what is said of processes whose data differ."""
    counts = {"lying": 24, "upright": 12 + processes.rank}
    try:
        Run(DATA["table"](counts), max_steps=STEPS, random_state=0, device="cpu", processes=processes)
    except DataError as error:
        return {"refused": str(error)}
    return {}


def main(folder: Path) -> None:
    run.MIN_SCREEN_STEPS = 2
    engine.gains_from_bfloat16 = lambda device: False  # type: ignore[attr-defined]  # its rounding depends on the batch
    with joined(2, device="cpu") as processes:
        found: dict[str, Any] = {"together": {case: curves(case, processes=processes) for case in CASES}}
        begun(folder / "together", processes)
        if processes.leads:
            found["alone"] = {case: curves(case) for case in CASES}
            found["two, then one"] = curves(ROWS, checkpoint=folder / "together", resume=True)
            begun(folder / "alone", None)
        found["one, then two"] = curves(ROWS, processes=processes, checkpoint=folder / "alone", resume=True)
        found |= refused(processes)
        if processes.leads:
            print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
