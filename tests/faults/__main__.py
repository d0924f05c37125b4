"""``python -m tests.faults N``: signals at N random moments, and how often what happened."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.moments import QUICK, Harness
from tests.faults.processes import load


def main() -> None:
    """Strike, print the counts and the faults, and fail if there are any."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("count", type=int, nargs="?", default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after this time")
    parser.add_argument(
        "--quick", action="store_true", help="leave out what takes seconds: evaluations, fresh processes"
    )
    options = parser.parse_args()
    load()
    began, done = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder:
        harness = Harness(Path(folder), options.seed, *([QUICK] if options.quick else []))
        print("seconds of an unbroken run:", {name: round(value, 2) for name, value in harness.seconds.items()})
        for number in range(options.count):
            if time.monotonic() - began > options.seconds:
                break
            known = len(harness.faults)
            harness.strike(number, may_be_fresh=not options.quick)
            done += 1
            for fault in harness.faults[known:]:
                print(fault, flush=True)
    for what, count in sorted(harness.counts.items()):
        print(f"{count:5}  {what}")
    print(f"{done} moments, {len(harness.faults)} faults")
    sys.exit(bool(harness.faults))


if __name__ == "__main__":
    main()
