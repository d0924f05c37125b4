"""``python -m tests.fuzz --inputs 10000``: hostile inputs of every kind; the bad ones stay in the folder `--kept`."""

import sys
import tempfile
import time
from pathlib import Path

import click

from tests.fuzz.harness import GOOD, run
from tests.fuzz.kinds import KINDS


@click.command()
@click.option("--inputs", default=1000, show_default=True, help="Inputs of each kind.")
@click.option("--seed", default=0, show_default=True, help="The first seed; an input's seed makes it again.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(list(KINDS)), help="Only this kind; may be repeated.")
@click.option("--kept", type=Path, default=Path("fuzz-findings"), show_default=True)
def main(inputs: int, seed: int, kinds: tuple[str, ...], kept: Path) -> None:
    """Try hostile inputs, and print how many of each kind ended in which way."""
    bad = 0
    for name in kinds or KINDS:
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory() as place:
            findings = run(name, KINDS[name], range(seed, seed + inputs), Path(place), kept)
        counts = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(findings.counts.items()))
        took = time.perf_counter() - begun
        print(f"{name}: {counts}; {took:.0f} s, the slowest input {findings.slowest:.1f} s", flush=True)
        bad += sum(count for outcome, count in findings.counts.items() if outcome not in GOOD)
    sys.exit(bool(bad))


main()
